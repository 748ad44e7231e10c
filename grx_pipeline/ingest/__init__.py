"""Raw files to the lake: discovery, typed reading, row accounting. Interprets no lap."""
