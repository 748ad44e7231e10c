"""Laps made of laps: a median, a target stitched of donor laps, a lap stretched to official sector times.

Pure functions of arrays over the session's grid. Which laps go in is decided in choice.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.robust import column_medians, half_up
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]

CHANNELS = ("speed_kmh", "throttle_pct", "brake_bar", "steering_deg")


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A lap over the grid: `time_ms` and the channels (CHANNELS) are (k,), NaN where unknown.

    The lap ends after `lap_time_ms`, at the session's length. `edges_ms` are its times at the ends of the sectors,
    from 0 to the end, where they are known better than from the grid.
    """

    lap_time_ms: int
    time_ms: Array
    channels: Mapping[str, Array]
    edges_ms: Array | None = None


@dataclass(frozen=True, kw_only=True)
class TargetSector:
    """A sector of a target: official time of the donor lap and of the best lap in it, and what is asked for (ms)."""

    donor_ms: int
    best_lap_ms: int
    gain_ms: int

    @property
    def weight(self) -> float:
        """How much of the gap is asked for; of no gap nothing."""
        gap = self.best_lap_ms - self.donor_ms
        return self.gain_ms / gap if gap > 0 else 0.0


def trace_of(field: FieldTraces, row: int, edges_m: Array) -> Trace:
    """The lap in `row`, with its times at the sectors' ends (K + 1,)."""
    is_row = np.arange(field.lap_numbers.size) == row
    return Trace(
        lap_time_ms=int(field.lap_time_ms[row]),
        time_ms=field.channels["time_ms"][row],
        channels={name: field.channels[name][row] for name in CHANNELS},
        edges_ms=field.of(is_row).times_at(edges_m)[0],
    )


def median_trace(field: FieldTraces, *, min_laps: int) -> Trace:
    """The median of the laps, place by place, NaN where fewer than `min_laps` laps are known. n >= 1.

    For the median of time, a lap's gap is filled as the other laps pass it, between the lap's own times on either
    side: times then keep ascending, and at the line it is the median of the lap times.
    """
    channels = {name: column_medians(field.channels[name], min_laps) for name in CHANNELS}
    times = field.channels["time_ms"]
    is_known = np.isfinite(times).sum(axis=0) >= min_laps
    return Trace(
        lap_time_ms=int(half_up(float(np.median(field.lap_time_ms)))),
        time_ms=np.where(is_known, np.median(_without_gaps(field), axis=0), np.nan),
        channels=channels,
    )


def _without_gaps(field: FieldTraces) -> Array:
    """Times (n, k) of the laps; in a gap they advance as the other laps do there."""
    times = field.channels["time_ms"]
    is_gap = ~np.isfinite(times)
    if not is_gap.any():
        return times
    whole = np.column_stack([times, field.lap_time_ms])
    steps = np.diff(whole, axis=1)
    usual = column_medians(steps)
    usual[np.isnan(usual)] = np.nanmean(steps)
    clock = np.concatenate([[0.0], np.cumsum(usual)])
    filled = times.copy()
    for row in np.flatnonzero(is_gap.any(axis=1)):
        known = np.isfinite(whole[row])
        filled[row] = np.where(is_gap[row], np.interp(clock, clock[known], whole[row][known])[:-1], times[row])
    return filled


def stitch_target(
    best: Trace, donors: Sequence[Trace], sectors: Sequence[TargetSector], *, distance_m: Array, edges_m: Array
) -> Trace:
    """The target lap: in each sector, weight x donor + (1 - weight) x best lap, as SIWTL weighs their times.

    `edges_m` (K + 1,) are the sectors' ends from 0 to the length. Each lap's share of its sector time is laid over
    its official sector time, so the target's sectors are those of SIWTL and best lap - target at the line is the
    potential gain, to the millisecond. Channels are the donor's, stitched at the sector lines.
    """
    time = np.full(distance_m.shape, np.nan)
    channels = {name: np.full(distance_m.shape, np.nan) for name in CHANNELS}
    start = 0
    for number, (donor, sector) in enumerate(zip(donors, sectors, strict=True)):
        inside = in_sector(distance_m, edges_m, number)
        time[inside] = (
            start
            + sector.weight * sector.donor_ms * _sector_share(donor, distance_m, edges_m, number)
            + (1 - sector.weight) * sector.best_lap_ms * _sector_share(best, distance_m, edges_m, number)
        )
        for name, values in channels.items():
            values[inside] = donor.channels[name][inside]
        start += sector.best_lap_ms - sector.gain_ms
    return Trace(lap_time_ms=start, time_ms=time, channels=channels)


def _sector_share(trace: Trace, distance_m: Array, edges_m: Array, number: int) -> Array:
    """How much of the trace's time in sector `number` (from 0) has gone at the places inside, 0 to 1."""
    begin, end = edge_times(trace, distance_m, edges_m)[number : number + 2]
    inside = in_sector(distance_m, edges_m, number)
    return np.asarray((trace.time_ms[inside] - begin) / (end - begin))


def in_sector(distance_m: Array, edges_m: Array, number: int) -> npt.NDArray[np.bool_]:
    """The places in sector `number` (from 0), its end left out."""
    return np.asarray((distance_m >= edges_m[number]) & (distance_m < edges_m[number + 1]))


def edge_times(trace: Trace, distance_m: Array, edges_m: Array) -> Array:
    """Time (ms) at the sectors' ends (K + 1,), the last of which is the end of the lap; NaN next to a gap."""
    if trace.edges_ms is not None:
        return trace.edges_ms
    grid, times = np.append(distance_m, edges_m[-1]), np.append(trace.time_ms, trace.lap_time_ms)
    # Without a map the length is not known to this caller; the last edge is the lap's end all the same.
    return np.append(np.interp(edges_m[:-1], grid, times), float(trace.lap_time_ms))


def stretch(trace: Trace, sector_ms: Sequence[int], *, distance_m: Array, edges_m: Array) -> Trace:
    """The trace as a lap of these official sector times: time runs slower or faster in each sector as a whole.

    Speed is divided by the same factor, so distance still is its integral; pedals and steering stay as they are.
    """
    time = np.full(distance_m.shape, np.nan)
    speed = np.full(distance_m.shape, np.nan)
    start = 0
    for number, duration in enumerate(sector_ms):
        inside = in_sector(distance_m, edges_m, number)
        begin, end = edge_times(trace, distance_m, edges_m)[number : number + 2]
        time[inside] = start + duration * _sector_share(trace, distance_m, edges_m, number)
        speed[inside] = trace.channels["speed_kmh"][inside] * (end - begin) / duration
        start += duration
    return Trace(lap_time_ms=start, time_ms=time, channels={**trace.channels, "speed_kmh": speed})
