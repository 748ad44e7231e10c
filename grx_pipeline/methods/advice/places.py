"""The places that are compared (a phase of a corner), and the laps that count there.

Arrays are (n laps, p places) and (n laps, c corners, f figures). A lap that does not count at a place has NaN as its
time there: the trace has a gap, or a car was close ahead in that sector.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.methods.advice.traffic import sectors_in_traffic
from grx_pipeline.schemas.columns import PHASES

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FIGURES = (
    *("entry_speed_kmh", "min_speed_kmh", "exit_speed_kmh", "brake_onset_m", "brake_peak_bar", "brake_release_m"),
    *("throttle_on_m", "full_throttle_m", "coasting_s", "steering_peak_deg", "exit_steering_deg"),
    *("brake_reapplications", "throttle_lifts", "steering_reversals"),
)
COUNTS = ("brake_reapplications", "throttle_lifts", "steering_reversals")


@dataclass(frozen=True, kw_only=True)
class Place:
    """A phase of a corner: `corner` is its number as T5, `row` its row in the table corners."""

    corner_index: int
    corner: str
    row: int
    phase: str

    @property
    def name(self) -> str:
        return f"{self.corner} {self.phase}"


@dataclass(frozen=True, kw_only=True)
class PlaceLaps:
    """Clean laps with a trusted trace, in the order of vehicle and lap, at the places of the circuit.

    `times_ms` (n, p) is NaN where a lap does not count, `is_blocked` (n, p) says that this is for a car ahead;
    `corner_ms` (n, p) is the time in all phases of the place's corner, NaN alike.
    `figures` (n, c, f) are those of FIGURES; places in m are unrolled, so that a corner over the line has no jump.
    """

    places: tuple[Place, ...]
    vehicle_ids: npt.NDArray[np.object_]
    times_ms: Array
    corner_ms: Array
    is_blocked: Flags
    figures: Array

    def rows_of(self, vehicle_id: str) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.vehicle_ids == vehicle_id)


def collect_places(
    *,
    corners: pd.DataFrame,
    segments: pd.DataFrame,
    segment_laps: pd.DataFrame,
    corner_laps: pd.DataFrame,
    laps: pd.DataFrame,
    length_m: float,
    gap_s: float,
) -> PlaceLaps:
    """All places of the circuit and the laps there, from the tables of the same names."""
    used = _used_laps(segment_laps, laps)
    tiles = segments[segments["phase"].isin(PHASES)]
    places = _places(corners, tiles)
    times = _segment_times(segment_laps, used, segments["segment"].to_numpy())
    blocked = sectors_in_traffic(laps, gap_s=gap_s)[_rows_in(laps, used)]
    summed, in_way = np.zeros((len(used), len(places))), np.zeros((len(used), len(places)), dtype=bool)
    order = {(place.corner_index, place.phase): column for column, place in enumerate(places)}
    for number, phase, corner, sector in zip(
        *(tiles[name] for name in ("segment", "phase", "corner_index", "sector")), strict=True
    ):
        column = order[int(corner), phase]
        summed[:, column] += times[:, int(np.flatnonzero(segments["segment"] == number)[0])]
        in_way[:, column] |= blocked.any(axis=1) if pd.isna(sector) else blocked[:, int(sector) - 1]
    rows = np.array([place.row for place in places], dtype=np.int64)
    same_corner = (rows[:, None] == rows).astype(float)
    free = np.where(in_way, np.nan, summed)
    is_known = np.isfinite(free)
    return PlaceLaps(
        places=places,
        vehicle_ids=used.get_level_values(0).to_numpy(object),
        times_ms=free,
        corner_ms=np.where(
            (~is_known).astype(float) @ same_corner > 0, np.nan, np.where(is_known, free, 0.0) @ same_corner
        ),
        is_blocked=in_way,
        figures=_figures(corner_laps, used, corners, length_m=length_m),
    )


def _used_laps(segment_laps: pd.DataFrame, laps: pd.DataFrame) -> pd.MultiIndex:
    keys = ["vehicle_id", "lap_number"]
    traced = segment_laps[keys].drop_duplicates()
    clean = traced.merge(laps.loc[laps["is_clean"], keys], on=keys).sort_values(keys)
    return pd.MultiIndex.from_frame(clean)


def _rows_in(laps: pd.DataFrame, used: pd.MultiIndex) -> npt.NDArray[np.intp]:
    return pd.MultiIndex.from_frame(laps[["vehicle_id", "lap_number"]]).get_indexer(used)


def _places(corners: pd.DataFrame, tiles: pd.DataFrame) -> tuple[Place, ...]:
    have = set(zip(tiles["corner_index"].astype(int), tiles["phase"], strict=True))
    return tuple(
        Place(corner_index=int(index), corner=str(corner), row=row, phase=phase)
        for row, (index, corner) in enumerate(zip(corners["corner_index"], corners["corner"], strict=True))
        for phase in PHASES
        if (int(index), phase) in have
    )


def _segment_times(segment_laps: pd.DataFrame, used: pd.MultiIndex, numbers: Sequence[int] | Array) -> Array:
    """Time (ms) of every segment of the laps in `used`, (n, segments)."""
    return by_lap(segment_laps, used, column="segment", labels=numbers, value="time_ms")


def by_lap(rows: pd.DataFrame, used: pd.MultiIndex, *, column: str, labels: Sequence[int] | Array, value: str) -> Array:
    """`value` laid out by the laps of `used` (n,) and the `labels` (m,) of `column`; NaN where there is no row."""
    lap = used.get_indexer(pd.MultiIndex.from_frame(rows[["vehicle_id", "lap_number"]]))
    label = pd.Index(labels).get_indexer(pd.Index(rows[column]))
    known = (lap >= 0) & (label >= 0)
    laid = np.full((len(used), len(labels)), np.nan)
    laid[lap[known], label[known]] = rows[value].to_numpy(float, na_value=np.nan)[known]
    return laid


def _figures(corner_laps: pd.DataFrame, used: pd.MultiIndex, corners: pd.DataFrame, *, length_m: float) -> Array:
    labels, apex = corners["corner_index"].to_numpy(), corners["apex_m"].to_numpy(float)
    laid = [by_lap(corner_laps, used, column="corner_index", labels=labels, value=name) for name in FIGURES]
    for number, name in enumerate(FIGURES):
        if name.endswith("_m") and length_m > 0:
            laid[number] = apex + (laid[number] - apex + length_m / 2) % length_m - length_m / 2
    return np.stack(laid, axis=-1) if laid else np.empty((len(used), len(labels), 0))
