"""Laps over distance: the integral of speed between two crossings, and every channel on a grid along the lap.

The lap is scaled as a whole to the circuit's length. Where on the circuit a place is (corners, sector lines) does
not belong here.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.settings import TraceSettings
from grx_pipeline.track.channels import SpeedCurve, VehicleChannels

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LapDistance:
    """How far speed says the lap was (m), the factor to the circuit's length, and whether that is credible."""

    integral_m: float
    scale: float
    is_trusted: bool


@dataclass(frozen=True, kw_only=True)
class LapTrace:
    """A lap on the grid, all arrays (k,). NaN in gaps; a channel that the car does not have is NaN throughout."""

    distance_m: Array
    time_ms: Array
    speed_kmh: Array
    throttle_pct: Array
    brake_bar: Array
    steering_deg: Array


def measure_lap(
    curve: SpeedCurve, start_ms: float, end_ms: float, *, length_m: float | None, settings: TraceSettings
) -> LapDistance | None:
    """The lap's integral of speed against the circuit's length; without a length the scale is 1.

    None where the car moved less than one grid step: there is no distance to speak of.
    """
    begin, end = curve.distance_m(np.array([start_ms, end_ms]))
    integral = float(end - begin)
    if integral < settings.grid_m:
        return None
    scale = 1.0 if length_m is None else length_m / integral
    return LapDistance(integral_m=integral, scale=scale, is_trusted=bool(abs(scale - 1.0) <= settings.scale_tolerance))


def trace_lap(
    channels: VehicleChannels,
    curve: SpeedCurve,
    start_ms: float,
    end_ms: float,
    distance: LapDistance,
    *,
    gap_s: float,
    settings: TraceSettings,
) -> LapTrace:
    """The lap's channels every `grid_m` from the line; the last point lies less than one step before the line.

    Time at a distance is the inverse of the scaled integral, linear between fast samples. Pedals and steering are
    linear in time, speed is PCHIP. Points in a gap over `gap_s` of speed are NaN in all channels, as their time is
    not known; points in a gap of one channel are NaN in that channel.
    """
    inside = channels.sample_ms[(channels.sample_ms > start_ms) & (channels.sample_ms < end_ms)]
    knots = np.concatenate([[start_ms], inside, [end_ms]])
    travelled = (curve.distance_m(knots) - curve.distance_m(knots[:1])) * distance.scale
    grid = np.arange(0.0, travelled[-1] - settings.grid_m * 1e-9, settings.grid_m)
    time = np.interp(grid, travelled, knots)
    is_unknown = channels.speed_kmh.is_gap(time, gap_ms=gap_s * 1000)
    known_time = np.where(is_unknown, np.nan, time)
    masked = {
        name: np.where(is_unknown, np.nan, getattr(channels, name).at(time, gap_ms=gap_s * 1000))
        for name in ("throttle_pct", "brake_bar", "steering_deg")
    }
    return LapTrace(
        distance_m=grid,
        time_ms=known_time - start_ms,
        speed_kmh=np.where(is_unknown, np.nan, curve.speed_kmh(time)),
        **masked,
    )
