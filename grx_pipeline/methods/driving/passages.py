"""Vectorised looks at stretches of laps: values at places, gaps, crossings, and how long something lasts.

Matrices are (n laps, k grid points) with NaN in gaps; places are metres, NaN where a lap has none.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def value_at(distance_m: Array, values: Array, places_m: Array) -> Array:
    """The channel (n, k) at one place of each lap (n,), linear between grid points; NaN next to a gap."""
    known = np.isfinite(places_m) & (places_m >= 0)
    after = np.clip(np.searchsorted(distance_m, np.where(known, places_m, 0.0)), 1, distance_m.size - 1)
    low, high = distance_m[after - 1], distance_m[after]
    share = np.clip((np.where(known, places_m, 0.0) - low) / (high - low), 0.0, 1.0)
    lap = np.arange(values.shape[0])
    before, behind = values[lap, after - 1], values[lap, after]
    between = (1 - share) * before + share * behind
    outcome: Array = np.where(share == 0, before, np.where(share == 1, behind, between))
    return np.where(known, outcome, np.nan)


def inside(distance_m: Array, start_m: Array, end_m: Array) -> Flags:
    """Which grid points (n, k) lie in [start, end] of each lap, both (n,); none where one is NaN."""
    outcome: Flags = (distance_m >= start_m[:, np.newaxis]) & (distance_m <= end_m[:, np.newaxis])
    return outcome


def rise_around(distance_m: Array, values: Array, level: float, around_m: Array) -> Array:
    """Where `values` (n, k) reach `level` for the stretch over it that holds `around_m` (n,), else the first after it.

    The place (n,) is linear between grid points. NaN where the stretch has no beginning among the points, where
    there is none, and without a place to look around. A point of NaN is neither over nor under.
    """
    n, k = values.shape
    outcome = np.full(n, np.nan)
    rows = np.flatnonzero(np.isfinite(around_m))
    if not rows.size or not k:
        return outcome
    values, columns = values[rows], np.arange(k)
    is_over, is_under = values >= level, values < level
    near = np.clip(np.searchsorted(distance_m, around_m[rows]), 0, k - 1)
    lap = np.arange(rows.size)
    last_under = np.maximum.accumulate(np.where(is_under, columns, -1), axis=1)[lap, near]
    begin = np.where(is_over[lap, near], last_under, near)
    is_after = is_over & (columns > begin[:, np.newaxis])
    found = is_after.any(axis=1) & (begin >= 0)
    column = np.argmax(is_after, axis=1)
    before = np.maximum(column - 1, 0)
    low, high = values[lap, before], values[lap, column]
    share = np.divide(level - low, high - low, out=np.ones_like(low), where=(low < level) & (high > low))
    place = distance_m[before] + share * (distance_m[column] - distance_m[before])
    outcome[rows] = np.where(found, place, np.nan)
    return outcome


def time_shares(time_ms: Array, lap_time_ms: Array) -> Array:
    """The time (ms) that each grid point (n, k) stands for: half the way to its neighbours. NaN next to a gap."""
    edges = np.column_stack([time_ms, lap_time_ms])
    step = np.diff(edges, axis=1)
    before = np.column_stack([np.zeros(step.shape[0]), step[:, :-1] / 2])
    behind = step / 2
    behind[:, -1:] *= 2
    outcome: Array = before + behind
    return outcome


def lasting(flags: Flags, time_ms: Array, least_ms: float) -> Flags:
    """The runs of `flags` (n, k) that last over `least_ms`, from their first point to the point after their last."""
    n, k = flags.shape
    padded = np.zeros((n, k + 2), dtype=np.int8)
    padded[:, 1:-1] = flags
    change = np.diff(padded, axis=1)
    lap, first = np.nonzero(change == 1)
    _, end = np.nonzero(change == -1)
    is_long = time_ms[lap, np.minimum(end, k - 1)] - time_ms[lap, first] > least_ms
    marks = np.zeros((n, k + 1), dtype=np.int8)
    marks[lap[is_long], first[is_long]] = 1
    marks[lap[is_long], end[is_long]] -= 1
    outcome: Flags = np.cumsum(marks[:, :-1], axis=1) > 0
    return outcome


def without_gear_changes(throttle_pct: Array, gear: Array, time_ms: Array, margin_s: float) -> Array:
    """The throttle (n, k) with NaN within `margin_s` of a change of gear, where a blade moves by itself."""
    is_change = np.zeros(gear.shape, dtype=bool)
    is_change[:, 1:] = np.isfinite(gear[:, 1:]) & np.isfinite(gear[:, :-1]) & (gear[:, 1:] != gear[:, :-1])
    changed = np.where(is_change, time_ms, np.nan)
    before = np.fmax.accumulate(changed, axis=1)
    behind = np.fmin.accumulate(changed[:, ::-1], axis=1)[:, ::-1]
    margin_ms = margin_s * 1000
    is_near = (time_ms - before <= margin_ms) | (behind - time_ms <= margin_ms)
    return np.where(is_near, np.nan, throttle_pct)
