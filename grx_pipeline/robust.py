"""Medians among gaps, robust spread and rounding of times, in one place for all packages."""

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from grx_pipeline.medians import MAD_TO_SD

if TYPE_CHECKING:
    import pandas as pd


__all__ = ("MAD_TO_SD", "column_medians", "finite", "half_up")
Array = npt.NDArray[np.float64]
_Times = TypeVar("_Times", float, Array, "pd.Series[float]")


def column_medians(values: Array, least: int = 1) -> Array:
    """Medians over the first axis of what is not NaN; NaN where fewer than `least` (1 or more) values are known."""
    count = np.isfinite(values).sum(axis=0)
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    # NaN sorts last.
    ordered, last = np.sort(values, axis=0), np.maximum(count - 1, 0)
    rows = last // 2, np.minimum(count // 2, last)
    below, above = (np.take_along_axis(ordered, row[None], axis=0)[0] for row in rows)
    return np.where(count >= least, (below + above) / 2, np.nan)


def half_up(times: _Times) -> _Times:
    """Whole numbers, a half upwards; NaN stays NaN."""
    return (times + 0.5) // 1


def finite(value: float) -> float | None:
    """The number as a table's cell: None where it is NaN or infinite."""
    return float(value) if np.isfinite(value) else None
