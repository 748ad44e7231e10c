"""What a lap does in each corner: speeds, braking, throttle, hands.

A figure is NaN where the lap does not have it (no braking, no full throttle before the next corner) and where a gap
hides it. What is usual for a driver or a class does not belong here (corner_summary.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.methods.driving.counters import (
    SteadySteering,
    count_lifts,
    count_reapplications,
    count_reversals,
    steady_steering,
)
from grx_pipeline.methods.driving.passages import (
    inside,
    lasting,
    rise_around,
    time_shares,
    value_at,
    without_gear_changes,
)
from grx_pipeline.methods.driving.tiles import CornerSpan
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import CornerSettings, FeatureSettings
from grx_pipeline.track.circuits import Corner
from grx_pipeline.track.corner_points import CornerPoints, corner_points
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Figures = Mapping[str, Array]

FIGURES = tuple(column.name for column in TABLES["corner_laps"].columns[3:])


@dataclass(frozen=True, kw_only=True)
class _Laps:
    """All laps with what every corner needs, made once. `field` has its throttle masked, flags and shares (n, k)."""

    field: FieldTraces
    is_gap: Mapping[str, Flags]
    share_ms: Array
    is_coasting: Flags
    is_trailing: Flags
    steering: SteadySteering
    settings: CornerSettings
    features: FeatureSettings

    def channel(self, name: str, columns: slice) -> Array:
        return self.field.channels[name][:, columns]

    def gaps(self, columns: slice, *names: str) -> Flags:
        """Whether one of the channels has a gap in the columns, (n,)."""
        outcome: Flags = np.any([self.is_gap[name][:, columns].any(axis=1) for name in names], axis=0)
        return outcome


def corner_figures(
    field: FieldTraces,
    spans: Sequence[CornerSpan],
    corners: Sequence[Corner],
    tile_times_ms: Array,
    is_blade: Flags,
    *,
    settings: CornerSettings,
    features: FeatureSettings,
) -> dict[str, Array]:
    """The columns FIGURES of `corner_laps`, each (n laps, m spans).

    `tile_times_ms` (n, tiles) are the times in all tiles; `is_blade` (n,) marks laps whose throttle is the blade's:
    it is not looked at around changes of gear.
    """
    laps = _prepare(field, is_blade, settings, features)
    points = corner_points(laps.field, corners, settings)
    columns = [_of_corner(laps, span, points, tile_times_ms) for span in spans]
    count = field.lap_numbers.size
    return {name: np.column_stack([np.empty((count, 0)), *(c[name] for c in columns)]) for name in FIGURES}


def corner_lap_rows(field: FieldTraces, spans: Sequence[CornerSpan], figures: Figures) -> pd.DataFrame:
    """Rows of the table `corner_laps`."""
    keys = {
        "vehicle_id": np.repeat(field.vehicle_ids, len(spans)),
        "lap_number": np.repeat(field.lap_numbers, len(spans)),
        "corner_index": np.tile(
            np.array([span.corner_index for span in spans], dtype=np.int64), len(field.lap_numbers)
        ),
    }
    return pd.DataFrame(keys | {name: values.ravel() for name, values in figures.items()})


def _prepare(field: FieldTraces, is_blade: Flags, settings: CornerSettings, features: FeatureSettings) -> _Laps:
    channels = field.channels
    time, brake = channels["time_ms"], channels["brake_bar"]
    masked = without_gear_changes(channels["throttle_pct"], channels["gear"], time, settings.gear_change_s)
    throttle = np.where(is_blade[:, np.newaxis], masked, channels["throttle_pct"])
    is_off = (throttle < settings.coasting_throttle_pct) & (brake < settings.coasting_bar)
    is_cornering = np.abs(channels["accel_y_g"]) > settings.trail_braking_g
    return _Laps(
        field=replace(field, channels={**channels, "throttle_pct": throttle}),
        is_gap={name: ~np.isfinite(values) for name, values in channels.items()},
        share_ms=time_shares(time, field.lap_time_ms),
        is_coasting=lasting(is_off, time, settings.coasting_s * 1000),
        is_trailing=(brake > settings.braking_bar) & is_cornering,
        steering=steady_steering(field, features),
        settings=settings,
        features=features,
    )


def _of_corner(laps: _Laps, span: CornerSpan, points: CornerPoints, tile_times_ms: Array) -> dict[str, Array]:
    number, length = span.corner_index - 1, laps.field.length_m
    apex, onset, release = (
        _in_lap(places[:, number], length) for places in (points.apex_m, points.onset_m, points.release_m)
    )
    turning = apex if np.isfinite(apex).any() else np.full(apex.shape, span.apex_m)
    onset, release = _of_known_braking(laps, onset, release)
    return {
        "time_ms": tile_times_ms[:, span.rows].sum(axis=1),
        **_speeds(laps, span, onset),
        "apex_m": apex,
        "brake_onset_m": onset,
        "brake_release_m": release,
        **_braking(laps, span, turning, onset),
        **_throttle(laps, span, turning),
        **_steering(laps, span),
    }


def _in_lap(places_m: Array, length_m: float) -> Array:
    """Places of this lap; those on the other side of start/finish are the lap before's or the next one's."""
    return np.where((places_m >= 0) & (places_m <= length_m), places_m, np.nan)


def _of_known_braking(laps: _Laps, onset_m: Array, release_m: Array) -> tuple[Array, Array]:
    """Onsets and releases, without those that a gap ends at or begins with."""
    grid = laps.field.distance_m
    lap = np.arange(onset_m.size)
    outcome = []
    for places, step in ((onset_m, -1), (release_m, 1)):
        known = np.isfinite(places)
        column = np.searchsorted(grid, np.where(known, places, 0.0))
        next_to = np.clip(column + step, 0, grid.size - 1)
        is_cut = laps.is_gap["brake_bar"][lap, next_to] | ((column == 0) & (step < 0))
        outcome.append(np.where(known & ~is_cut, places, np.nan))
    return outcome[0], outcome[1]


def _speeds(laps: _Laps, span: CornerSpan, onset_m: Array) -> dict[str, Array]:
    grid, speed = laps.field.distance_m, laps.field.channels["speed_kmh"]
    start = np.where(np.isfinite(onset_m), onset_m, span.start_m)
    # NaN in a gap, and so is then the least.
    lowest = laps.channel("speed_kmh", _columns(laps, span.start_m, span.end_m)).min(axis=1)
    return {
        "entry_speed_kmh": value_at(grid, speed, start),
        "min_speed_kmh": lowest,
        "exit_speed_kmh": value_at(grid, speed, np.full(onset_m.shape, span.end_m)),
    }


def _braking(laps: _Laps, span: CornerSpan, turning_m: Array, onset_m: Array) -> dict[str, Array]:
    start = np.where(np.isfinite(onset_m), onset_m, span.start_m)
    # Braking for the second of two linked corners may begin in the first.
    columns = _columns(laps, float(np.min(start, initial=span.start_m)), span.end_m)
    where = inside(laps.field.distance_m[columns], start, turning_m)
    brake = laps.channel("brake_bar", columns)
    is_known = np.isfinite(turning_m) & ~(laps.is_gap["brake_bar"][:, columns] & where).any(axis=1)
    peak = np.where(where & np.isfinite(brake), brake, -np.inf).max(axis=1, initial=-np.inf)
    peak = np.where(is_known & np.isfinite(peak), peak, np.nan)
    again = count_reapplications(brake, where, peak, laps.settings.reapplication_share)
    approach = _columns(laps, span.approach_m, span.end_m)
    return {
        "brake_peak_bar": peak,
        "trail_braking_s": _seconds(laps, laps.is_trailing, approach, laps.gaps(approach, "brake_bar", "accel_y_g")),
        "brake_reapplications": np.where(np.isfinite(onset_m) & is_known, again, np.where(is_known, 0, np.nan)),
    }


def _throttle(laps: _Laps, span: CornerSpan, turning_m: Array) -> dict[str, Array]:
    approach = _columns(laps, span.approach_m, span.end_m)
    is_gap = laps.gaps(approach, "throttle_pct", "brake_bar")
    exit_columns = _columns(laps, span.start_m, span.following_m)
    grid = laps.field.distance_m[exit_columns]
    after_apex = inside(grid, turning_m, np.full(turning_m.shape, np.inf))
    lifts = count_lifts(
        laps.channel("throttle_pct", exit_columns),
        laps.channel("brake_bar", exit_columns),
        after_apex,
        from_pct=laps.settings.lift_from_pct,
        lift_pct=laps.settings.lift_pct,
        braking_bar=laps.settings.braking_bar,
    )
    has_exit = ~(laps.is_gap["throttle_pct"][:, exit_columns] & after_apex).any(axis=1) & np.isfinite(turning_m)
    on = _application(laps, span, turning_m, laps.settings.throttle_on_pct)
    return {
        "throttle_on_m": on,
        "full_throttle_m": _application(laps, span, turning_m, laps.settings.full_throttle_pct),
        "coasting_s": _seconds(laps, laps.is_coasting, approach, is_gap),
        "throttle_lifts": np.where(has_exit, lifts, np.nan),
        "exit_steering_deg": np.abs(value_at(laps.field.distance_m, laps.field.channels["steering_deg"], on)),
    }


def _application(laps: _Laps, span: CornerSpan, turning_m: Array, level_pct: float) -> Array:
    """Where the application that leads out of the corner reaches the level; NaN where a gap may hide it.

    Most are begun before the car is slowest. NaN too where the throttle was never under the level on the way in.
    """
    columns = _columns(laps, span.approach_m, span.following_m)
    grid = laps.field.distance_m[columns]
    place = rise_around(grid, laps.channel("throttle_pct", columns), level_pct, turning_m)
    between = inside(grid, np.fmin(turning_m, place), np.fmax(turning_m, place))
    is_hidden = (laps.is_gap["throttle_pct"][:, columns] & between).any(axis=1)
    return np.where(is_hidden, np.nan, place)


def _steering(laps: _Laps, span: CornerSpan) -> dict[str, Array]:
    columns = _columns(laps, span.start_m, span.end_m)
    angle = np.abs(laps.channel("steering_deg", columns))
    is_gap = laps.gaps(columns, "steering_deg")
    times = laps.field.times_at(np.array([span.start_m, span.end_m]))
    reversals = count_reversals(laps.steering, times[:, 0], times[:, 1], laps.features.reversal_gap_deg)
    peak = np.where(np.isfinite(angle), angle, 0.0).max(axis=1, initial=0.0)
    return {
        "steering_reversals": np.where(is_gap, np.nan, reversals),
        "steering_peak_deg": np.where(is_gap, np.nan, peak),
    }


def _seconds(laps: _Laps, flags: Flags, columns: slice, is_gap: Flags) -> Array:
    """How long (s) the flags are set in the columns; NaN where a gap makes it unknown."""
    share = np.where(flags[:, columns], laps.share_ms[:, columns], 0.0)
    return np.where(is_gap, np.nan, share.sum(axis=1) / 1000)


def _columns(laps: _Laps, start_m: float, end_m: float) -> slice:
    first, last = np.searchsorted(laps.field.distance_m, [start_m, end_m])
    return slice(int(first), int(last) + 1)
