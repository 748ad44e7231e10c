"""A vehicle's channels with the sensor corrections applied, and their values at any time.

Values between samples are interpolated; longer gaps are masked (NaN), never bridged. The corrections themselves are
measured in laps/sensors.py and stand in the table `sensors`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.schemas import CHANNELS
from grx_pipeline.storage.parquet import read_frame

Array = npt.NDArray[np.float64]

_COLUMNS = {raw: column for raw, column, *_ in CHANNELS}
_READ = (
    *("sample_ms", "ecu_ms", "speed_kmh", "brake_front_bar", "steering_deg"),
    *("accel_x_g", "accel_y_g", "gear", "engine_rpm"),
)


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One channel: `time_ms` (n,) ascends (ECU time), `values` (n,) have no NaN. n may be 0."""

    time_ms: Array
    values: Array

    def at(self, time_ms: Array, *, gap_ms: float) -> Array:
        """Linear between samples; NaN inside gaps over `gap_ms` and further than that from the ends."""
        if not self.values.size:
            return np.full(time_ms.shape, np.nan)
        values = np.interp(time_ms, self.time_ms, self.values)
        return np.where(self.is_gap(time_ms, gap_ms=gap_ms), np.nan, values)

    def last_at(self, time_ms: Array, *, gap_ms: float) -> Array:
        """The last value before or at each time; NaN before the first and where `at` is."""
        if not self.values.size:
            return np.full(time_ms.shape, np.nan)
        before = np.searchsorted(self.time_ms, time_ms, side="right") - 1
        is_unknown = (before < 0) | self.is_gap(time_ms, gap_ms=gap_ms)
        return np.where(is_unknown, np.nan, self.values[before])

    def is_gap(self, time_ms: Array, *, gap_ms: float) -> npt.NDArray[np.bool_]:
        """Whether each time lies in a gap over `gap_ms`, or further than that before the first or after the last."""
        if not self.time_ms.size:
            return np.ones(time_ms.shape, dtype=bool)
        before = np.flatnonzero(np.diff(self.time_ms) > gap_ms)
        begins = np.concatenate([[-np.inf], self.time_ms[before], [self.time_ms[-1] + gap_ms]])
        ends = np.concatenate([[self.time_ms[0] - gap_ms], self.time_ms[before + 1], [np.inf]])
        outcome: npt.NDArray[np.bool_] = time_ms < ends[np.searchsorted(begins, time_ms) - 1]
        return outcome


@dataclass(frozen=True, kw_only=True)
class VehicleChannels:
    """The channels that traces and features need, corrected. A channel that the car does not have is empty."""

    sample_ms: Array
    speed_kmh: Channel
    throttle_pct: Channel
    brake_bar: Channel
    steering_deg: Channel
    accel_x_g: Channel
    accel_y_g: Channel
    gear: Channel
    engine_rpm: Channel


@dataclass(frozen=True, kw_only=True)
class SpeedCurve:
    """Speed over time and its exact integral, for one vehicle. Outside the samples the nearest speed is held."""

    origin_ms: float
    speed: "scipy.interpolate.PchipInterpolator"
    distance: "scipy.interpolate.PchipInterpolator"

    def speed_kmh(self, time_ms: Array) -> Array:
        """Speed (km/h) at ECU times (ms)."""
        return np.asarray(self.speed((time_ms - self.origin_ms) / 1000)) * 3.6

    def distance_m(self, time_ms: Array) -> Array:
        """Integral of speed (m) from an arbitrary origin to ECU times (ms); never decreases."""
        return np.asarray(self.distance((time_ms - self.origin_ms) / 1000))


def read_channels(path: Path, corrections: Mapping[str, object]) -> VehicleChannels:
    """The channels in one part of `telemetry`, corrected by the vehicle's row of `sensors`."""
    throttle = _COLUMNS.get(str(corrections["throttle_channel"]))
    columns = [*_READ, *([throttle] if throttle else [])]
    samples = read_frame(path, columns=columns)
    fast, stamp = samples["sample_ms"].to_numpy(float), samples["ecu_ms"].to_numpy(float)

    def channel(column: str, time_ms: Array = fast, *, sign: str | None = None, zero: str | None = None) -> Channel:
        values = samples[column].to_numpy(float)
        known = np.isfinite(values)
        factor = _number(corrections[sign]) if sign else 1.0
        return Channel(
            time_ms=time_ms[known], values=factor * (values[known] - (_number(corrections[zero]) if zero else 0.0))
        )

    return VehicleChannels(
        sample_ms=fast,
        speed_kmh=channel("speed_kmh", stamp - 1000 * _number(corrections["speed_lag_s"])),
        throttle_pct=channel(throttle) if throttle else Channel(time_ms=np.empty(0), values=np.empty(0)),
        brake_bar=channel("brake_front_bar"),
        steering_deg=channel("steering_deg", zero="steering_zero_deg"),
        accel_x_g=channel("accel_x_g", sign="accel_x_sign", zero="accel_x_zero_g"),
        accel_y_g=channel("accel_y_g", sign="accel_y_sign", zero="accel_y_zero_g"),
        gear=channel("gear"),
        engine_rpm=channel("engine_rpm", stamp),
    )


def read_speed(path: Path, corrections: Mapping[str, object]) -> Channel:
    """The lag-corrected speed alone, as read_channels gives it."""
    samples = read_frame(path, columns=["ecu_ms", "speed_kmh"]).dropna()
    stamp = samples["ecu_ms"].to_numpy(float) - 1000 * _number(corrections["speed_lag_s"])
    return Channel(time_ms=stamp, values=samples["speed_kmh"].to_numpy(float))


def fit_speed(speed: Channel) -> SpeedCurve | None:
    """PCHIP through the speed samples, held beyond both ends; None under two samples.

    Data that ends at the line has no speed for its last .1 to .6 s, which are the lag and one step of the channel.

    PCHIP (Fritsch and Carlson 1980) does not overshoot: a braking car never gets slower than its slowest sample.
    """
    if speed.values.size < 2:
        return None
    origin = float(speed.time_ms[0])
    inner = (speed.time_ms - origin) / 1000
    # The added intervals are constant, and PCHIP goes on with its last interval beyond the ends.
    seconds = np.concatenate([[inner[0] - 1.0], inner, [inner[-1] + 1.0]])
    curve = scipy.interpolate.PchipInterpolator(seconds, np.pad(speed.values, 1, mode="edge") / 3.6)
    return SpeedCurve(origin_ms=origin, speed=curve, distance=curve.antiderivative())


def _number(value: object) -> float:
    """A correction as a number; one that could not be measured corrects nothing."""
    return float(value) if isinstance(value, (int, float)) and np.isfinite(value) else 0.0
