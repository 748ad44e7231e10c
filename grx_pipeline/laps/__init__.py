"""Clocks, crossings, which logger is which car, and which laps count. No performance judgement."""
