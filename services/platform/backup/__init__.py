"""One tenant in a file, and back: its schema and what the shared schema says of it, out of one snapshot."""
