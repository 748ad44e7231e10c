"""Laps over distance: the integral of speed between two crossings, pinned at the timing lines, on the session's grid.

Where the timing lines are, and which laps are to be trusted, is found in timing_lines.py. Corners and segments do not
belong here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.settings import TraceSettings
from grx_pipeline.track.channels import Channel, SpeedCurve, VehicleChannels

Array = npt.NDArray[np.float64]

LINEAR_CHANNELS = ("throttle_pct", "brake_bar", "steering_deg", "accel_x_g", "accel_y_g", "engine_rpm")
CHANNEL_NAMES = ("time_ms", "speed_kmh", *LINEAR_CHANNELS[:-1], "gear", "engine_rpm")


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """Where one lap's distance is known, from its start to its end: ECU times (a,) and distances (a,), ascending."""

    time_ms: Array
    distance_m: Array


def grid_of(length_m: float, settings: TraceSettings) -> Array:
    """Distances (m) every `grid_m` from the line; the last lies before `length_m`."""
    return np.arange(0.0, length_m - settings.grid_m * 1e-9, settings.grid_m)


def anchored_distance(curve: SpeedCurve, time_ms: Array, anchors: Anchors) -> Array:
    """Distance (m) of ECU times (k,) inside the lap: the integral of speed, stretched between the anchors."""
    integral = curve.distance_m(np.concatenate([anchors.time_ms, time_ms]))
    stretched: Array = np.interp(integral[anchors.time_ms.size :], integral[: anchors.time_ms.size], anchors.distance_m)
    return stretched


def times_on_grid(curve: SpeedCurve, sample_ms: Array, grid_m: Array, anchors: Anchors) -> Array:
    """ECU times (ms) at distances `grid_m` (k,): the inverse of anchored_distance.

    Linear between fast samples `sample_ms` (n, ascending) and exact at the anchors.
    """
    low, high = np.searchsorted(sample_ms, anchors.time_ms[[0, -1]])
    knots = np.sort(np.concatenate([sample_ms[low:high], anchors.time_ms]))
    times: Array = np.interp(grid_m, anchored_distance(curve, knots, anchors), knots)
    return times


def trace_laps(
    channels: VehicleChannels, curve: SpeedCurve, laps: Sequence[Anchors], grid_m: Array, *, gap_s: float
) -> dict[str, Array]:
    """One vehicle's laps on the grid: (n, k) arrays by CHANNEL_NAMES, `time_ms` from the start of each lap.

    Pedals, steering, accelerations and engine speed are linear in time, speed is PCHIP, gear is the last value.
    Points in a gap over `gap_s` of speed are NaN in all channels, as their time is not known; points in a gap of one
    channel are NaN in that channel.
    """
    time = np.stack([times_on_grid(curve, channels.sample_ms, grid_m, anchors) for anchors in laps])
    gap_ms = gap_s * 1000
    starts = np.array([[anchors.time_ms[0]] for anchors in laps])
    values = {"time_ms": time - starts, "speed_kmh": curve.speed_kmh(time)}
    for name in LINEAR_CHANNELS:
        channel: Channel = getattr(channels, name)
        values[name] = channel.at(time, gap_ms=gap_ms)
    values["gear"] = channels.gear.last_at(time, gap_ms=gap_ms)
    is_unknown = channels.speed_kmh.is_gap(time, gap_ms=gap_ms)
    for name in CHANNEL_NAMES:
        values[name][is_unknown] = np.nan
    return {name: values[name] for name in CHANNEL_NAMES}
