"""A lap as a closed loop: places that run over start/finish, and the grid columns between two of them."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]


def after(place_m: float, start_m: float, length_m: float) -> float:
    """`place_m` as it comes up after `start_m`: the one of place + n * length in [start, start + length)."""
    return start_m + (place_m - start_m) % length_m


def stretch(distance_m: Array, start_m: float, end_m: float, length_m: float) -> tuple[Columns, Array]:
    """The grid's columns from `start_m` to `end_m` (start <= end <= start + length), and their places in that range.

    Places grow over start/finish: they are `distance_m` plus whole laps.
    """
    first, last = int(np.floor(start_m / length_m)), int(np.floor(end_m / length_m))
    places = np.concatenate([distance_m + lap * length_m for lap in range(first, last + 1)])
    columns = np.tile(np.arange(distance_m.size), last - first + 1)
    inside = (places >= start_m) & (places <= end_m)
    return columns[inside], places[inside]
