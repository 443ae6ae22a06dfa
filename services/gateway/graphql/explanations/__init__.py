"""Why members have their points: entries explained, and rules that gave nothing."""
