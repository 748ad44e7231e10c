"""The laps of a session placed on its distance: windows and official times in; anchors of every lap out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.settings import TraceSettings
from grx_pipeline.track.channels import SpeedCurve
from grx_pipeline.track.distance import Anchors, anchored_distance
from grx_pipeline.track.timing_lines import (
    IS_ANCHOR,
    FieldDistances,
    LapStops,
    compare_with_field,
    line_times,
    places_of,
    time_shifts,
)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PlacedLaps:
    """n >= 1 laps that have a distance: rows of `laps`, in ECU time (ms) their stops (n, 7) and their shift (n,).

    `before` compares their integrals as they are, `field` after the shift; the places of its held-out lines are where
    the anchored distance puts them.
    """

    laps: pd.DataFrame
    stops_ms: Array
    shift_ms: Array
    before: FieldDistances
    field: FieldDistances

    def anchors_of(self, row: int) -> Anchors:
        """Start, the sector lines that pin the lap (none where it is not anchored), end."""
        is_pinned = IS_ANCHOR & self.field.is_anchored[row] & np.isfinite(self.field.residual_m[row])
        is_used = np.concatenate([[True], is_pinned, [True]])
        places = np.concatenate([[0.0], self.field.place_m, [self.field.length_m]])
        return Anchors(time_ms=self.stops_ms[row, is_used], distance_m=places[is_used])


def place_laps(
    laps: pd.DataFrame, curves: Mapping[str, SpeedCurve], *, map_length_m: float | None, settings: TraceSettings
) -> PlacedLaps | None:
    """The `laps` in which the car moved, placed; None where there is none.

    `laps` has vehicle_id, lap_number, start_ms, end_ms and the official times of `laps`; `curves` the speed of each
    of its vehicles.
    """
    stops = stop_times(laps)
    measured = _measure(laps, stops, curves)
    has_moved = measured.integral_m[:, -1] >= settings.grid_m
    if not has_moved.any():
        return None
    laps, stops = laps[has_moved].reset_index(drop=True), stops[has_moved]
    is_clean = laps["is_clean"].to_numpy(bool)

    def compare(integral_m: Array) -> FieldDistances:
        return compare_with_field(integral_m, is_clean, map_length_m=map_length_m, settings=settings)

    before = compare(measured.integral_m[has_moved])
    shift = time_shifts(before, measured.speed_ms[has_moved], settings)
    stops = stops + shift[:, np.newaxis]
    field = compare(_measure(laps, stops, curves).integral_m)
    placed = PlacedLaps(laps=laps, stops_ms=stops, shift_ms=shift, before=before, field=field)
    return replace(placed, field=_with_held_out_lines(placed, curves, settings))


def stop_times(laps: pd.DataFrame) -> Array:
    """ECU times (ms) of each lap's start, LINES and end, (n, 7); NaN where an official time is missing."""
    start = laps["start_ms"].to_numpy(float)[:, np.newaxis]
    return np.column_stack([start, start + line_times(laps), laps["end_ms"].to_numpy(float)])


def _measure(laps: pd.DataFrame, stops_ms: Array, curves: Mapping[str, SpeedCurve]) -> LapStops:
    integral, speed = np.full(stops_ms.shape, np.nan), np.full(stops_ms.shape, np.nan)
    for vehicle_id, rows in laps.groupby("vehicle_id").indices.items():
        curve = curves[str(vehicle_id)]
        travelled = curve.distance_m(stops_ms[rows])
        integral[rows] = travelled - travelled[:, :1]
        speed[rows] = curve.speed_kmh(stops_ms[rows]) / 3.6
    return LapStops(integral_m=integral, speed_ms=speed)


def _with_held_out_lines(
    placed: PlacedLaps, curves: Mapping[str, SpeedCurve], settings: TraceSettings
) -> FieldDistances:
    field = placed.field
    lines = placed.stops_ms[:, 1:-1]
    distance = np.full(lines.shape, np.nan)
    for row in np.flatnonzero(field.is_of_field):
        curve = curves[str(placed.laps["vehicle_id"].iloc[row])]
        distance[row] = anchored_distance(curve, lines[row], placed.anchors_of(int(row)))
    place, _, _, _ = places_of(distance, settings)
    return replace(field, place_m=np.where(IS_ANCHOR, field.place_m, place))
