"""What each driver does at each place of the lap, and where the time to the target lies."""
