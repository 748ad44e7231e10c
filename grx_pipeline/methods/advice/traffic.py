"""Which laps were driven behind another car, sector by sector, from the official times of all cars."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.methods.siwtl import SECTOR_COLUMNS

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def sectors_in_traffic(laps: pd.DataFrame, *, gap_s: float) -> Flags:
    """Whether a car crossed one of the two lines that bound the sector at most `gap_s` ahead: (laps, 3).

    `laps` are all rows of the table `laps`, of every car. A line whose time is unknown shows no traffic. A car that
    crosses the finish line in the pit lane is in nobody's way.
    """
    return np.asarray(sector_gaps_ahead(laps) <= gap_s * 1000)


def sector_gaps_ahead(laps: pd.DataFrame) -> Array:
    """The least time (ms) to the car ahead at the two lines that bound the sector, (laps, 3); NaN: none is known."""
    ahead = _gaps_ahead(_crossings(laps), laps["is_pit_in"].to_numpy(bool))
    gaps = np.column_stack([_gaps_at_start(laps, ahead[:, 2]), ahead])
    return np.asarray(np.fmin(gaps[:, :-1], gaps[:, 1:]))


def _crossings(laps: pd.DataFrame) -> Array:
    """Race time (ms) at the ends of the three sectors, (laps, 3)."""
    sectors = laps[list(SECTOR_COLUMNS)].to_numpy(float, na_value=np.nan)
    finish = laps["elapsed_ms"].to_numpy(float, na_value=np.nan)
    start = finish - laps["lap_time_ms"].to_numpy(float, na_value=np.nan)
    return np.column_stack([start + sectors[:, 0], start + sectors[:, 0] + sectors[:, 1], finish])


def _gaps_ahead(crossings: Array, is_pit_in: Flags) -> Array:
    """Time (ms) since the last car before crossed the same line, (laps, 3); NaN for the first and unknown ones."""
    gaps = np.full(crossings.shape, np.nan)
    for line in range(crossings.shape[1]):
        known = np.isfinite(crossings[:, line])
        if line == crossings.shape[1] - 1:
            known &= ~is_pit_in
        rows = np.flatnonzero(known)[np.argsort(crossings[known, line], kind="stable")]
        gaps[rows[1:], line] = np.diff(crossings[rows, line])
    return gaps


def _gaps_at_start(laps: pd.DataFrame, gap_at_finish: Array) -> Array:
    """The gap at the finish of the same car's lap before."""
    keys = pd.MultiIndex.from_frame(laps[["vehicle_id", "lap_number"]])
    before = pd.MultiIndex.from_arrays([laps["vehicle_id"], laps["lap_number"] - 1])
    return np.asarray(pd.Series(gap_at_finish, index=keys).reindex(before).to_numpy(float))
