"""What the car's sensors see of a drive: lateral acceleration, steering, blade, revs and position.

All that is here is of the car and the driver's hands. Lags, zeros, clocks and gaps of a logger are no part of it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d
from scipy.signal import butter, sosfilt

from grx_pipeline.demo import car as model
from grx_pipeline.demo.faults import PlannedFault
from grx_pipeline.demo.race import FAST_STEP_S, Array, DemoCircuit, TrueChannels

Bools = npt.NDArray[np.bool_]

_RATE_HZ = 1.0 / FAST_STEP_S
_MOST_LATERAL_G = 1.62
_HANDS_HZ, _ROAD_HZ, _LINE_HZ = (0.6, 2.2), (3.0, 10.0), (0.02, 0.25)
_LINE_CURVATURE, _LINE_M, _ROAD_X_G, _ROAD_Y_G = 0.015, 0.35, 0.018, 0.028
_G_PER_CORRECTION_DEG = 0.003
_KICK_G = np.array([0.2, 0.31, 0.07, -0.1, 0.04])
_SNAP_S, _SNAP_LATERAL_G, _WIDE_M, _WIDE_S = 0.14, 0.3, 3.2, 0.8
_LANE_M, _LANE_BLEND_STEPS = 14.0, 40.0
_BLADE_LAG_STEPS, _BLADE_IDLE_PCT, _BLIP_PCT = 1.2, 2.4, 38.0
_IDLE_RPM, _STANDING_MPS, _REAR_SHARE = 870.0, 0.5, 1.012


@dataclass(frozen=True, kw_only=True)
class CarDrive:
    """A car's drive, arrays (n,) at the fast step; `at_s` since the green flag, `lap_count` as in TrueChannels."""

    at_s: Array
    place_m: Array
    lap_count: npt.NDArray[np.int64]
    speed_mps: Array
    accel_mps2: Array
    throttle: Array
    brake_bar: Array
    gear: npt.NDArray[np.int64]
    shift_s: Array
    is_in_lane: Bools
    corrections_deg: float
    line_m: float


def sense(
    drive: CarDrive, circuit: DemoCircuit, faults: tuple[tuple[PlannedFault, int], ...], rng: np.random.Generator
) -> TrueChannels:
    """The channels of a drive. `faults` come with the sample at which each begins.

    The model counts to the right, as curvature does; the loggers count lateral acceleration and steering to the left.
    """
    size = drive.at_s.size
    curvature = _at(circuit.curvature_per_m, drive.place_m)
    driven = curvature * (1.0 + _LINE_CURVATURE * _band(rng, size, _LINE_HZ))
    lateral = np.clip(drive.speed_mps**2 * driven / model.GRAVITY, -_MOST_LATERAL_G, _MOST_LATERAL_G)
    is_moving = np.minimum(drive.speed_mps / 10.0, 1.0)
    busy = 0.1 + 0.9 * np.minimum(np.abs(lateral) / 1.1, 1.0) ** 1.5
    hands = drive.corrections_deg * busy * is_moving * _band(rng, size, _HANDS_HZ)
    angle = model.steering_angle_deg(driven, lateral) + hands
    lateral = lateral + _G_PER_CORRECTION_DEG * hands + _ROAD_Y_G * is_moving * _band(rng, size, _ROAD_HZ)
    snap, wide = _pulses(faults, curvature, size)
    rpm = _revs(drive)
    latitude, longitude = _position(drive, circuit, wide + _LINE_M * is_moving * _band(rng, size, _LINE_HZ))
    return TrueChannels(
        at_s=drive.at_s,
        lap_distance_m=drive.place_m,
        lap_count=drive.lap_count,
        speed_kmh=drive.speed_mps * 3.6,
        accel_x_g=_longitudinal(drive) + _ROAD_X_G * is_moving * _band(rng, size, _ROAD_HZ),
        accel_y_g=-(lateral + snap * _SNAP_LATERAL_G / 60.0),
        brake_front_bar=drive.brake_bar,
        brake_rear_bar=drive.brake_bar * _REAR_SHARE,
        gear=np.where(drive.speed_mps < _STANDING_MPS, 0, drive.gear),
        steering_deg=-(angle + snap),
        accelerator_pct=np.clip(drive.throttle * 100.8 - 0.3, 0.0, 100.0),
        throttle_blade_pct=_blade(drive),
        engine_rpm=rpm,
        latitude_deg=latitude,
        longitude_deg=longitude,
    )


def _at(values: Array, place_m: Array) -> Array:
    """`values` by metre of the lap at places between metres."""
    low = place_m.astype(np.int64) % values.size
    part = place_m - np.floor(place_m)
    return np.asarray(values[low] * (1.0 - part) + values[(low + 1) % values.size] * part)


def _band(rng: np.random.Generator, size: int, band_hz: tuple[float, float]) -> Array:
    """Noise of standard deviation 1 between two frequencies."""
    noise = sosfilt(butter(2, band_hz, btype="band", fs=_RATE_HZ, output="sos"), rng.standard_normal(size))
    return np.asarray(noise / noise.std())


def _pulses(faults: tuple[tuple[PlannedFault, int], ...], curvature: Array, size: int) -> tuple[Array, Array]:
    """Counter-steer (deg) of snaps, and metres off the line to the right where a braking point was missed."""
    snap, wide = np.zeros(size), np.zeros(size)
    for fault, begin in faults:
        times = (np.arange(max(begin - 60, 0), min(begin + 160, size)) - begin) * FAST_STEP_S
        span = slice(max(begin - 60, 0), min(begin + 160, size))
        if fault.kind == "snap":
            side = np.sign(curvature[begin])
            snap[span] -= side * fault.amount * np.exp(-(((times - 0.25) / _SNAP_S) ** 2))
            snap[span] += side * fault.amount * 0.25 * np.exp(-(((times - 0.65) / _SNAP_S) ** 2))
        elif fault.kind == "missed_braking_point":
            turning = curvature[span][np.argmax(np.abs(curvature[span]))]
            wide[span] -= np.sign(turning) * _WIDE_M * np.exp(-(((times - 3.0) / _WIDE_S) ** 2))
    return snap, wide


def _longitudinal(drive: CarDrive) -> Array:
    """a_x (g) with the kick of the driveline when the next gear takes up."""
    accel = drive.accel_mps2 / model.GRAVITY
    is_in = (drive.shift_s[1:] <= 0) & (drive.shift_s[:-1] > 0) & (drive.throttle[1:] > 0.6)
    places = np.flatnonzero(is_in) + 1
    for offset, kick in enumerate(_KICK_G):
        inside = places[places + offset < accel.size]
        accel[inside + offset] += kick * drive.throttle[inside]
    return np.asarray(accel)


def _blade(drive: CarDrive) -> Array:
    """Throttle blade (%): follows the pedal a little late, closes for upshifts, opens by itself for downshifts."""
    is_shifting = drive.shift_s > 0
    asked = drive.throttle * 100.0
    asked = np.where(is_shifting & (drive.throttle > 0.3), 6.0, asked)
    is_blip = is_shifting & (drive.throttle <= 0.05) & (drive.shift_s > 0.12)
    asked = np.where(is_blip, _BLIP_PCT, asked)
    late = gaussian_filter1d(np.concatenate([asked[:1], asked[:-1]]), _BLADE_LAG_STEPS / 2, mode="nearest")
    return np.asarray(np.clip(_BLADE_IDLE_PCT + late * (1.0 - _BLADE_IDLE_PCT / 100.0), 0.9, 100.0))


def _revs(drive: CarDrive) -> Array:
    """Revolutions by speed and gear, eased over shifts, at idle where the car stands."""
    turning = gaussian_filter1d(model.engine_rpm(drive.speed_mps, drive.gear), 0.8, mode="nearest")
    return np.asarray(np.maximum(turning, _IDLE_RPM + 600.0 * drive.throttle))


def _position(drive: CarDrive, circuit: DemoCircuit, off_line_m: Array) -> tuple[Array, Array]:
    """Latitude and longitude (deg) of the car: the line, the driver's side of it, the pit lane."""
    step_x = np.roll(circuit.x_m, -1) - np.roll(circuit.x_m, 1)
    step_y = np.roll(circuit.y_m, -1) - np.roll(circuit.y_m, 1)
    size = np.hypot(step_x, step_y)
    lane = gaussian_filter1d(drive.is_in_lane.astype(float), _LANE_BLEND_STEPS, mode="nearest") * _LANE_M
    right = drive.line_m + off_line_m + lane
    x = _at(circuit.x_m, drive.place_m) + right * _at(step_y / size, drive.place_m)
    y = _at(circuit.y_m, drive.place_m) - right * _at(step_x / size, drive.place_m)
    return _degrees(circuit, circuit.y_m, circuit.latitude_deg, y), _degrees(
        circuit, circuit.x_m, circuit.longitude_deg, x
    )


def _degrees(circuit: DemoCircuit, metres: Array, degrees: Array, values: Array) -> Array:
    """Metres of the local plane as degrees, by the circuit's own relation of the two, which is a straight line."""
    low, high = int(np.argmin(metres)), int(np.argmax(metres))
    slope = (degrees[high] - degrees[low]) / (metres[high] - metres[low])
    return np.asarray(degrees[low] + (values - metres[low]) * slope)
