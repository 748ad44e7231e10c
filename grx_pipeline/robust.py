"""The constant of robust spread, in one place for all packages."""

# Turns the median absolute deviation of normal data into its standard deviation.
MAD_TO_SD = 1.4826
