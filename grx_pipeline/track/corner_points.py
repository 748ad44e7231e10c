"""Where each lap brakes, is slowest and is back at full throttle, corner by corner."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.settings import CornerSettings
from grx_pipeline.track.circuits import Corner
from grx_pipeline.track.field import FieldTraces, known_median
from grx_pipeline.track.loop import after, stretch

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Brakings:
    """Brakings of all laps, arrays (b,) in the order of lap and place.

    `lap` is the row of the field. Places are metres on the lap laid twice end to end, [0, 2 * length): the second
    time round a braking that begins before start/finish is whole.
    """

    lap: Places
    onset_m: Array
    peak_m: Array
    release_m: Array
    peak_bar: Array


@dataclass(frozen=True, kw_only=True)
class CornerPoints:
    """Places (m) of n laps at m corners, arrays (n, m), NaN where a lap has none or is not known there.

    Each lies near the corner's apex: under 0 or over the length where it is on the other side of start/finish.
    """

    apex_m: Array
    onset_m: Array
    release_m: Array
    full_throttle_m: Array


def corner_points(field: FieldTraces, corners: Sequence[Corner], settings: CornerSettings) -> CornerPoints:
    """The points of every lap. `corners` are in lap order.

    Apex: least speed between the corner's ends, NaN for all laps where the field only gains or loses speed there.
    Braking: the hardest with its peak between the apex before and this one. Full throttle: the first after the lap's
    apex, or the corner's where there is none, and before the next corner's.
    """
    brakings = find_brakings(field, settings)
    apexes = np.array([corner.apex_m for corner in corners])
    points = []
    for number, corner in enumerate(corners):
        before = apexes[number - 1] if number else apexes[-1] - field.length_m
        behind = apexes[number + 1] if number + 1 < apexes.size else apexes[0] + field.length_m
        apex = slowest_places(field, corner, settings)
        turning = np.where(np.isfinite(apex), apex, corner.apex_m)
        onset, release = _braking_of(brakings, field, before, float(apexes[number]))
        points.append((apex, onset, release, _full_throttle(field, turning, behind, settings)))
    columns = [np.column_stack(values) for values in zip(*points, strict=True)] if points else []
    apex_m, onset_m, release_m, full_m = columns or [np.empty((field.lap_numbers.size, 0))] * 4
    return CornerPoints(apex_m=apex_m, onset_m=onset_m, release_m=release_m, full_throttle_m=full_m)


def slowest_places(field: FieldTraces, corner: Corner, settings: CornerSettings) -> Array:
    """The place of least speed of each lap in the corner (n,), beyond [0, length) where it lies across the line.

    NaN in laps with a gap there, and in all where the field's median speed does not rise by `dip_kmh` on both sides of
    its least within `dip_reach_m` around the corner.
    """
    length, reach = field.length_m, settings.dip_reach_m
    start = corner.apex_m - (corner.apex_m - corner.start_m) % length
    end = after(corner.end_m, corner.apex_m, length)
    columns, places = stretch(field.distance_m, start - reach, end + reach, length)
    speed = field.channels["speed_kmh"][:, columns]
    inside = (places >= start) & (places <= end)
    outcome = np.full(speed.shape[0], np.nan)
    is_known = np.isfinite(speed[:, inside]).all(axis=1) & inside.any()
    if is_known.any() and _has_dip(known_median(speed), inside, settings.dip_kmh):
        outcome[is_known] = places[inside][np.argmin(speed[is_known][:, inside], axis=1)]
    return outcome


def _has_dip(speed: Array, inside: npt.NDArray[np.bool_], dip_kmh: float) -> bool:
    least = int(np.argmin(np.where(inside, speed, np.inf)))
    return bool(min(speed[: least + 1].max(), speed[least:].max()) >= speed[least] + dip_kmh)


def find_brakings(field: FieldTraces, settings: CornerSettings) -> Brakings:
    """Pressure over `braking_bar` for at least `braking_s` with a peak over `braking_peak_bar`.

    The onset is the crossing, linear between grid points; the release is where the pressure has fallen to
    `released_share` of the peak, or where the braking ends.
    """
    n, k = field.channels["brake_bar"].shape
    blank = np.full((n, 1), np.nan)
    bar = np.hstack([field.channels["brake_bar"], field.channels["brake_bar"], blank]).ravel()
    time = field.channels["time_ms"]
    time = np.hstack([time, time + field.lap_time_ms[:, np.newaxis], blank]).ravel()
    place = np.concatenate([field.distance_m, field.distance_m + field.length_m, [np.nan]])
    above = np.concatenate([[False], bar > settings.braking_bar, [False]])
    first = np.flatnonzero(above[1:-1] & ~above[:-2])
    last = np.flatnonzero(above[1:-1] & ~above[2:])
    peak, peak_bar = _peaks(bar, first, last)
    is_braking = (time[last] - time[first] >= settings.braking_s * 1000) & (peak_bar > settings.braking_peak_bar)
    first, last, peak, peak_bar = first[is_braking], last[is_braking], peak[is_braking], peak_bar[is_braking]
    row_size = 2 * k + 1
    return Brakings(
        lap=first // row_size,
        onset_m=_onsets(bar, place, first, settings.braking_bar),
        peak_m=place[peak % row_size],
        release_m=place[_releases(bar, peak, last, settings.released_share * peak_bar) % row_size],
        peak_bar=peak_bar,
    )


def _peaks(bar: Array, first: Places, last: Places) -> tuple[Places, Array]:
    """Index and pressure of the first greatest value of each run [first, last]."""
    if not first.size:
        return first, np.empty(0)
    size = last - first + 1
    begins = np.cumsum(size) - size
    run = np.repeat(np.arange(first.size), size)
    index = np.arange(run.size) + np.repeat(first - begins, size)
    highest = np.maximum.reduceat(bar[index], begins)
    is_highest = bar[index] == highest[run]
    _, place = np.unique(run[is_highest], return_index=True)
    return index[is_highest][place], highest


def _onsets(bar: Array, place: Array, first: Places, limit: float) -> Array:
    """Where pressure crosses `limit` before each index; the index's own place where the value before is unknown."""
    row = place.size
    before = np.where(first % row, first - 1, first)
    low, high = bar[before], bar[first]
    is_known = np.isfinite(low) & (high > low)
    share = np.where(is_known, (limit - low) / np.where(is_known, high - low, 1.0), 1.0)
    outcome: Array = place[before % row] + share * (place[first % row] - place[before % row])
    return outcome


def _releases(bar: Array, peak: Places, last: Places, limit: Array) -> Places:
    """The first index after each peak at or under `limit`, or the end of the braking."""
    if not peak.size:
        return peak
    span = int((last - peak).max()) + 1
    index = np.minimum(peak[:, np.newaxis] + np.arange(span), last[:, np.newaxis])
    is_released = (bar[index] <= limit[:, np.newaxis]) | (index == last[:, np.newaxis])
    outcome: Places = index[np.arange(peak.size), np.argmax(is_released, axis=1)]
    return outcome


def _braking_of(brakings: Brakings, field: FieldTraces, before_m: float, apex_m: float) -> tuple[Array, Array]:
    """Onset and release (n,) of each lap's hardest braking with its peak in (before, apex]."""
    low, high = before_m + field.length_m, apex_m + field.length_m
    inside = np.flatnonzero((brakings.peak_m > low) & (brakings.peak_m <= high))
    hardest = inside[np.lexsort((-brakings.peak_bar[inside], brakings.lap[inside]))]
    lap, place = np.unique(brakings.lap[hardest], return_index=True)
    outcome = np.full((2, field.lap_numbers.size), np.nan)
    outcome[0, lap] = brakings.onset_m[hardest[place]] - field.length_m
    outcome[1, lap] = brakings.release_m[hardest[place]] - field.length_m
    return outcome[0], outcome[1]


def _full_throttle(field: FieldTraces, apex_m: Array, end_m: float, settings: CornerSettings) -> Array:
    """The first place (n,) of full throttle from each lap's apex to `end_m`."""
    outcome = np.full(apex_m.size, np.nan)
    if not apex_m.size:
        return outcome
    columns, places = stretch(field.distance_m, float(apex_m.min()), end_m, field.length_m)
    throttle = field.channels["throttle_pct"][:, columns]
    is_full = (throttle >= settings.full_throttle_pct) & (places >= apex_m[:, np.newaxis])
    reached = is_full.any(axis=1)
    outcome[reached] = places[np.argmax(is_full[reached], axis=1)]
    return outcome
