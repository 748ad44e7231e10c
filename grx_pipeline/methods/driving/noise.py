"""How far the delta between two laps of one car can be trusted inside a sector."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class DeltaError:
    """Median and 95 % of |delta by the traces - delta by the timing| over `pairs` of laps and lines."""

    median_ms: float
    p95_ms: float
    pairs: int


def measure_delta_error(field: FieldTraces, lines_m: Array, official_ms: Array) -> DeltaError | None:
    """The error at timing lines that no lap is pinned at, between all pairs of clean laps of one car.

    `lines_m` (p,) are their places, NaN where unknown, and `official_ms` (n, p) the official times. None without a
    pair. The laps are ordered by vehicle.
    """
    known = np.isfinite(lines_m) & ~np.isclose(lines_m[:, np.newaxis], field.anchors_m, rtol=0, atol=1e-6).any(axis=1)
    clean = np.flatnonzero(field.is_clean)
    if not known.any() or not clean.size:
        return None
    errors = (field.times_at(lines_m[known]) - official_ms[:, known])[clean]
    changes = np.flatnonzero(field.vehicle_ids[clean][1:] != field.vehicle_ids[clean][:-1]) + 1
    pooled = []
    for first, last in pairwise([0, *changes.tolist(), clean.size]):
        one, other = np.triu_indices(last - first, 1)
        pooled.append(np.abs(errors[first + one] - errors[first + other]).ravel())
    every = np.concatenate(pooled)
    every = every[np.isfinite(every)]
    if not every.size:
        return None
    return DeltaError(median_ms=float(np.median(every)), p95_ms=float(np.quantile(every, 0.95)), pairs=int(every.size))
