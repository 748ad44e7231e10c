"""How surely the medians of two small samples are apart: plain Python, for texts and for answers to questions alike."""

import math
from collections.abc import Sequence
from statistics import median

# Turns the median absolute deviation of normal data into its standard deviation.
MAD_TO_SD = 1.4826
_MEDIAN_TO_MEAN = math.pi / 2  # variance of a median over that of a mean, normal data


def robust_spread(values: Sequence[float]) -> float:
    """1.4826 x the median absolute deviation."""
    middle = median(values)
    return MAD_TO_SD * median(abs(value - middle) for value in values)


def surely_apart(a: Sequence[float], b: Sequence[float], *, least: float, errors: float) -> float:
    """From which difference on the medians of two samples are surely apart: `least`, or as many standard errors."""
    # Both samples as one: the spread of either alone is too rough where they are few.
    variance = sum(robust_spread(part) ** 2 for part in (a, b)) / 2
    error = math.sqrt(_MEDIAN_TO_MEAN * variance * (1 / len(a) + 1 / len(b)))
    return max(least, errors * error)
