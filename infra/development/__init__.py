"""What ``./dev`` does, before any package is installed: standard library only."""
