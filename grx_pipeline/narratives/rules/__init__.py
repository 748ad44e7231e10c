"""The rule base: complete texts from facts alone, one module per kind."""
