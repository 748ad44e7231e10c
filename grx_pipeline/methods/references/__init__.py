"""Laps that a driver is compared with: own best, class best, target, median; and estimates where there is no trace."""
