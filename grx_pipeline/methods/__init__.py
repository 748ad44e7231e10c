"""The algorithms: features, SIWTL, statistics. Pure functions over arrays and frames; no file access."""
