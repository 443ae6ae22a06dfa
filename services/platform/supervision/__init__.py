"""Processes of one machine: started, watched, restarted and ended together."""
