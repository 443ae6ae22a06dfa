"""The servers around a process, looked at once at its start: what would lose or mix up work is refused there."""
