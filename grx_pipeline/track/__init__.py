"""Circuits, distance and the grid. Knows no driver."""
