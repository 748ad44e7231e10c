"""Answers that stand in the published files as they are: results, laps, sectors, corners, weather."""
