"""Why members have the points that they have, and what would have given more."""
