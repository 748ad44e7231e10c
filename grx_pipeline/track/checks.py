"""The distance against what else knows it: held-out timing lines, the logger's lap distance, GPS."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.settings import TraceSettings
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.track.channels import Channel, SpeedCurve
from grx_pipeline.track.field import interpolate_times, known_median
from grx_pipeline.track.gps import GPS_COLUMNS, along_line, positions_at, to_plane
from grx_pipeline.track.placing import PlacedLaps
from grx_pipeline.track.timing_lines import ANCHORS, IS_ANCHOR, LINES

Array = npt.NDArray[np.float64]

# The places where lap distance and GPS are compared, and their columns among the stops.
_PLACES = ("start/finish", *ANCHORS)
_STOPS = np.array([6, *(1 + np.flatnonzero(IS_ANCHOR))])


@dataclass(frozen=True, kw_only=True)
class CheckedLaps:
    """What other sources say of n laps on the grid (k,): filled vehicle by vehicle, NaN where nothing is known.

    `times_ms` (n, k) of the traces, GPS `positions_deg` (2, n, k) at them, the logger's `lap_distance_m` at the end,
    at S1 and at S2 (n, 3), and how far anchoring moved the lap, `stretched_m` (n, k).
    """

    grid_m: Array
    times_ms: Array
    positions_deg: Array
    lap_distance_m: Array
    stretched_m: Array

    @classmethod
    def empty(cls, *, laps: int, grid_m: Array) -> "CheckedLaps":
        """Of `laps` laps, nothing known yet."""
        shape = (laps, grid_m.size)
        return cls(
            grid_m=grid_m,
            times_ms=np.full(shape, np.nan),
            positions_deg=np.full((2, *shape), np.nan),
            lap_distance_m=np.full((laps, len(_PLACES)), np.nan),
            stretched_m=np.full(shape, np.nan),
        )

    def add(
        self,
        rows: npt.NDArray[np.intp],
        times_ms: Array,
        telemetry: Path,
        curve: SpeedCurve,
        placed: PlacedLaps,
        *,
        gap_s: float,
    ) -> None:
        """The laps `rows` of one vehicle, with their traces' times (m, k) and its part of `telemetry`."""
        stops = placed.stops_ms[rows]
        ecu_ms = stops[:, :1] + times_ms
        self.times_ms[rows] = times_ms
        samples = read_frame(telemetry, columns=[*GPS_COLUMNS, "ecu_ms", "lap_distance_m"])
        self.lap_distance_m[rows] = lap_distances_at(samples, curve, stops[:, _STOPS], gap_ms=1000 * gap_s)
        self.positions_deg[:, rows] = positions_at(samples, ecu_ms, gap_ms=1000 * gap_s)
        for row in rows:
            anchors = placed.anchors_of(int(row))
            integral = curve.distance_m(anchors.time_ms)
            as_measured = np.interp(integral, integral[[0, -1]], anchors.distance_m[[0, -1]])
            self.stretched_m[row] = self.grid_m - np.interp(self.grid_m, anchors.distance_m, as_measured)


@dataclass(frozen=True, kw_only=True)
class TimeErrors:
    """|time of the trace - official time| at each of LINES (ms), NaN where nothing is known."""

    median_ms: Array
    p95_ms: Array


def time_errors(grid_m: Array, times_ms: Array, place_m: Array, official_ms: Array) -> TimeErrors:
    """Of traces `times_ms` (n, k) on `grid_m` at the lines' places (5,), against official times (n, 5)."""
    median, p95 = np.full(len(LINES), np.nan), np.full(len(LINES), np.nan)
    is_placed = np.isfinite(place_m)
    error = np.abs(interpolate_times(grid_m, times_ms, place_m[is_placed]) - official_ms[:, is_placed])
    for number, values in zip(np.flatnonzero(is_placed), error.T, strict=True):
        if np.isfinite(values).any():
            median[number], p95[number] = np.nanquantile(values, [0.5, 0.95])
    return TimeErrors(median_ms=median, p95_ms=p95)


def lap_distances_at(samples: pd.DataFrame, curve: SpeedCurve, stops_ms: Array, *, gap_ms: float) -> Array:
    """The logger's lap distance (m) at ECU times (n, m), from a part of `telemetry`; NaN without the channel.

    It starts again somewhere near the line, so its value of a second before is carried on by the integral of speed.
    """
    values = samples["lap_distance_m"].to_numpy(float)
    is_known = np.isfinite(values)
    channel = Channel(time_ms=samples["ecu_ms"].to_numpy(float)[is_known], values=values[is_known])
    earlier = stops_ms - 1000
    return channel.at(earlier, gap_ms=gap_ms) + curve.distance_m(stops_ms) - curve.distance_m(earlier)


def distance_rows(checked: CheckedLaps, placed: PlacedLaps, settings: TraceSettings) -> list[dict[str, object]]:
    """The rows of `distance_checks`, over the laps that make the field."""
    used = placed.before.is_of_field
    if not used.any():
        return []
    compared = {
        f"integral of speed at {name}, before anchoring": placed.before.residual_m[used, column - 1]
        for name, column in zip(_PLACES[1:], _STOPS[1:], strict=True)
    }
    lap_distance = checked.lap_distance_m[used]
    for name, values in zip(_PLACES, (lap_distance - known_median(lap_distance)).T, strict=True):
        compared[f"lap distance at {name}"] = values
    if np.isfinite(checked.positions_deg[:, used]).any():
        compared |= _gps(checked, placed)
    rows: list[dict[str, object]] = []
    for text, values in compared.items():
        size = np.abs(values[np.isfinite(values)])
        laps = int(np.isfinite(values.reshape(len(values), -1)).any(axis=1).sum())
        if laps >= settings.min_line_laps:
            median, p95 = np.quantile(size, [0.5, 0.95])
            rows.append({"compared": text, "laps": laps, "median_m": float(median), "p95_m": float(p95)})
    return rows


def _gps(checked: CheckedLaps, placed: PlacedLaps) -> dict[str, Array]:
    """Along the line, off the field's median: at the places, all along the lap, and as it was before anchoring."""
    used, field = placed.before.is_of_field, placed.field
    degrees = checked.positions_deg[:, used]
    ahead = along_line(to_plane(degrees, np.nanmedian(degrees, axis=(1, 2))), checked.grid_m, field.length_m)
    compared = {}
    for name, place in zip(_PLACES, np.concatenate([[0.0], field.place_m[IS_ANCHOR]]), strict=True):
        if np.isfinite(place):
            nearest = np.abs(checked.grid_m - place).argmin()
            compared[f"GPS at {name}"] = ahead[:, nearest]
    before = ahead + checked.stretched_m[used]
    compared["GPS along the lap, anchored"] = ahead
    compared["GPS along the lap, before anchoring"] = before - known_median(before)
    return compared
