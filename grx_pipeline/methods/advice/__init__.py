"""What a driver should change, where two drivers differ, and who leads in what."""
