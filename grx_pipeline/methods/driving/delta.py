"""The delta: how much later a lap is at each place than a reference."""

import numpy as np
import numpy.typing as npt

from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]


def grid_times(field: FieldTraces) -> Array:
    """Time (ms) of n laps at the k grid places and at the line, (n, k + 1). The last is the official lap time."""
    return np.column_stack([field.channels["time_ms"], field.lap_time_ms])


def median_times(field: FieldTraces) -> Array:
    """The median over the laps of their times, (k + 1,): the usual lap. NaN where no lap is known."""
    times = grid_times(field)
    known = np.isfinite(times).any(axis=0)
    outcome = np.full(times.shape[1], np.nan)
    outcome[known] = np.nanmedian(times[:, known], axis=0)
    return outcome


def delta_ms(field: FieldTraces, reference_ms: Array) -> Array:
    """D(s) = t(s) - t_ref(s) in ms, (n, k + 1), NaN in gaps; at the line it is the official gap.

    `reference_ms` (k + 1,) is a row of grid_times, of whichever lap, or median_times. The loss of a stretch is
    D at its end - D at its start, so that losses of stretches that tile the lap add up to the gap.
    """
    return grid_times(field) - reference_ms
