"""Studies that test what the methods claim, on sessions at hand."""
