"""What holds for every test."""

from hypothesis import settings

# Machines of the team are shared and noisy: a slow example is no failure.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
