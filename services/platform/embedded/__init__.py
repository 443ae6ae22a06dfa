"""PostgreSQL and Valkey from their wheels, for a laptop and for tests. Real servers take their place by settings."""
