"""Studies of the checks on texts."""
