"""GPS positions of laps, in a plane: the line where cars have GPS, and a check of the distance."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.track.channels import Channel
from grx_pipeline.track.field import known_median

Array = npt.NDArray[np.float64]

GPS_COLUMNS = ("sample_ms", "latitude_deg", "longitude_deg")

# WGS 84: equatorial radius (m) and first eccentricity squared.
_RADIUS_M = 6_378_137.0
_ECCENTRICITY_2 = 6.694_379_990_14e-3


def positions_at(samples: pd.DataFrame, time_ms: Array, *, gap_ms: float) -> Array:
    """Latitude and longitude (deg) at ECU times of any shape, (2, ...), from GPS_COLUMNS of `telemetry`.

    NaN in gaps over `gap_ms` and without GPS. A receiver without a fix logs 0, 0.
    """
    stamp, *axes = (samples[name].to_numpy(float) for name in GPS_COLUMNS)
    has_fix = np.isfinite(axes[0]) & np.isfinite(axes[1]) & (axes[0] != 0.0)
    channels = (Channel(time_ms=stamp[has_fix], values=axis[has_fix]) for axis in axes)
    return np.stack([channel.at(time_ms, gap_ms=gap_ms) for channel in channels])


def to_plane(positions_deg: Array, origin_deg: Array) -> Array:
    """Metres east and north (2, ...) of an origin (latitude, longitude), on the plane that touches the earth there."""
    latitude = np.radians(origin_deg[0])
    squared = 1 - _ECCENTRICITY_2 * np.sin(latitude) ** 2
    north_m = np.radians(1) * _RADIUS_M * (1 - _ECCENTRICITY_2) / squared**1.5
    east_m = np.radians(1) * _RADIUS_M * np.cos(latitude) / np.sqrt(squared)
    return np.stack([(positions_deg[1] - origin_deg[1]) * east_m, (positions_deg[0] - origin_deg[0]) * north_m])


def along_line(positions_m: Array, distance_m: Array, length_m: float) -> Array:
    """How far (m) each lap is ahead of the field's median along the line, (n, k), from positions (2, n, k)."""
    line = np.stack([known_median(axis) for axis in positions_m])
    ends = np.concatenate([[distance_m[-1] - length_m], distance_m, [length_m]])
    ahead = np.gradient(np.column_stack([line[:, -1], line, line[:, 0]]), ends, axis=1)[:, 1:-1]
    # Where no lap has GPS the line stands still, and nothing is ahead of it.
    size = np.hypot(*ahead)
    heading = np.divide(ahead, size, out=np.full_like(ahead, np.nan), where=size > 0)
    outcome: Array = np.einsum("cnk,ck->nk", positions_m - line[:, np.newaxis], heading)
    return outcome
