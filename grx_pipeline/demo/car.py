"""The point-mass car: what engine, brakes, tyres and air give, as functions over arrays of cars.

Power, gearing, brakes and grip are set so that the traces hold what was measured on a GR86 of the series (rpm per
km/h by gear, deceleration by brake pressure, peak lateral acceleration); mass, drag and power at the wheels are
assumed. Drivers and circuits do not belong here.
"""

import numpy as np
import numpy.typing as npt

from grx_pipeline.demo.race import Array

Index = npt.NDArray[np.int64]

GRAVITY = 9.80665
MASS_KG = 1350.0
FUEL_KG = 35.0  # on top of the mass at the start
RPM_PER_KMH = np.array([76.9, 58.6, 47.1, 39.4, 34.0, 29.6])
RPM_LIMIT = 7300.0
LATERAL_G = 1.46
BRAKING_G = 1.38
STEERING_DEG_M, STEERING_DEG_PER_G = 1674.0, 25.4
SHIFT_S = 0.13

_POWER_W = 120_000.0
_DRAG_AREA_M2, _AIR_KG_PER_M3, _ROLLING = 0.55, 1.2, 0.013
_SCRUB_G = 0.085
_ENGINE_BRAKING_G = 0.05
_BRAKE_LIMIT_G, _BRAKE_SCALE_BAR = 1.57, 59.0
_PULL_AWAY_MPS, _CLUTCH_RPM = 8.0, 2500.0
_POWER_STEP_RPM = 10.0
_POWER_TABLE = _POWER_W * np.interp(
    np.arange(0.0, 8000.0, _POWER_STEP_RPM),
    [0, 1000, 2500, 4000, 5000, 6000, 6800, 7300, 7400, 8000],
    [0, 0.12, 0.36, 0.64, 0.81, 0.94, 1.0, 0.97, 0.2, 0.0],
)


def drag_mps2(speed_mps: Array) -> Array:
    """Deceleration by air and rolling resistance, m/s2."""
    air = 0.5 * _AIR_KG_PER_M3 * _DRAG_AREA_M2 / MASS_KG
    return np.asarray(_ROLLING * GRAVITY + air * speed_mps * speed_mps)


def resistance_mps2(speed_mps: Array, lateral_use: Array, throttle: Array, rpm: Array) -> Array:
    """Deceleration without brakes, m/s2: air, rolling, the tyres' side slip and the engine off the throttle.

    `lateral_use` is |a_y| as a share of the grip, `throttle` 0..1.
    """
    scrub = _SCRUB_G * GRAVITY * lateral_use * lateral_use
    engine = _ENGINE_BRAKING_G * GRAVITY / RPM_LIMIT * (1.0 - throttle) * rpm
    return drag_mps2(speed_mps) + scrub + engine


def full_throttle_mps2(speed_mps: Array, rpm: Array, mass_kg: Array | float = MASS_KG) -> Array:
    """Acceleration of the engine alone at full throttle, m/s2; nothing over the limit of revs."""
    power = _POWER_TABLE[
        np.minimum(np.maximum(rpm, _CLUTCH_RPM) * (1.0 / _POWER_STEP_RPM), _POWER_TABLE.size - 1).astype(np.int64)
    ]
    return np.asarray(power / (mass_kg * np.maximum(speed_mps, _PULL_AWAY_MPS)))


def best_throttle_mps2(speed_mps: Array) -> Array:
    """Acceleration of the engine at full throttle in the gear that pulls best, m/s2."""
    rpm = RPM_PER_KMH[:, None] * np.ravel(speed_mps) * 3.6
    return np.asarray(full_throttle_mps2(np.ravel(speed_mps), rpm).max(axis=0).reshape(np.shape(speed_mps)))


def braking_mps2(pressure_bar: Array) -> Array:
    """Deceleration of the brakes alone, m/s2: with the car's resistance .61 g at 25 bar, 1.0 at 55, 1.38 at 102."""
    return np.asarray(_BRAKE_LIMIT_G * GRAVITY * (1.0 - np.exp(pressure_bar * (-1.0 / _BRAKE_SCALE_BAR))))


def pressure_for_bar(deceleration_mps2: Array) -> Array:
    """The pressure (bar) that gives a deceleration (m/s2, >= 0) of the brakes alone; inverse of `braking_mps2`."""
    share = np.minimum(deceleration_mps2 * (1.0 / (_BRAKE_LIMIT_G * GRAVITY)), 0.88)
    return np.asarray(-_BRAKE_SCALE_BAR * np.log1p(-share))


def engine_rpm(speed_mps: Array, gear: Index) -> Array:
    """Revolutions (1/min) at a speed in a gear, 1..6."""
    return np.asarray(RPM_PER_KMH[gear - 1] * speed_mps * 3.6)


def steering_angle_deg(curvature_per_m: Array, accel_y_g: Array) -> Array:
    """Angle of the wheel, + to the right: 1674 deg m x curvature + 25.4 deg/g x a_y."""
    return np.asarray(STEERING_DEG_M * curvature_per_m + STEERING_DEG_PER_G * accel_y_g)
