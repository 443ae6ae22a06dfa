"""The command line: the product's processes, and what operators do by hand."""
