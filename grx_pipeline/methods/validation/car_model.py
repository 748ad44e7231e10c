"""How a car answers to its pedals, fitted to its own laps: what an injected fault costs follows from it.

a = k0 + k1 v^2 + k2 a_y^2 + throttle (k3 + k4 / v) + k5 (1 - exp(-p / p0)): rolling and engine drag, air, side slip of
the tyres, power, and brakes that saturate. Only differences of the model are used: a lap without a change stays as it
was.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

GRAVITY = 9.80665
_BRAKE_SCALE_BAR = 59.0
_LEAST_SPEED = 8.0


@dataclass(frozen=True, kw_only=True)
class CarModel:
    """Longitudinal acceleration (m/s2) from speed (m/s), throttle (0..1), pressure (bar) and a_y (g)."""

    constant: float
    air: float
    slip: float
    throttle: float
    power: float
    brake: float

    def acceleration(self, speed: float, throttle: float, brake_bar: float, accel_y_g: float) -> float:
        """Of one moment."""
        engine = throttle * (self.throttle + self.power / max(speed, _LEAST_SPEED))
        braking = self.brake * (1.0 - math.exp(-max(brake_bar, 0.0) / _BRAKE_SCALE_BAR))
        return self.constant + self.air * speed * speed + self.slip * accel_y_g * accel_y_g + engine + braking

    def pedals_for(self, acceleration: float, speed: float, accel_y_g: float) -> tuple[float, float]:
        """Throttle (0..1) and pressure (bar) that give an acceleration, as far as the car can."""
        rolling = self.acceleration(speed, 0.0, 0.0, accel_y_g)
        if acceleration >= rolling:
            engine = max(self.throttle + self.power / max(speed, _LEAST_SPEED), 0.1)
            return min((acceleration - rolling) / engine, 1.0), 0.0
        share = min((acceleration - rolling) / self.brake, 0.9)
        return 0.0, -_BRAKE_SCALE_BAR * math.log(1.0 - share)


def fit_car(speed_kmh: Array, throttle_pct: Array, brake_bar: Array, accel_y_g: Array, *, step_m: float) -> CarModel:
    """Least squares over laps (n, k) on a grid of `step_m`; acceleration is v dv/ds."""
    speed = speed_kmh / 3.6
    acceleration = np.gradient(speed * speed, axis=1) / (2 * step_m)
    throttle = throttle_pct / 100
    features = np.stack(
        [
            np.ones(speed.shape),
            speed * speed,
            accel_y_g * accel_y_g,
            throttle,
            throttle / np.maximum(speed, _LEAST_SPEED),
            1.0 - np.exp(-np.maximum(brake_bar, 0.0) / _BRAKE_SCALE_BAR),
        ],
        axis=-1,
    )
    known = np.isfinite(acceleration) & np.isfinite(features).all(axis=-1)
    found = np.linalg.lstsq(features[known], acceleration[known], rcond=None)[0]
    return CarModel(
        **dict(zip(("constant", "air", "slip", "throttle", "power", "brake"), map(float, found), strict=True))
    )
