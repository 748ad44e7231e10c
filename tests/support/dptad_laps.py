"""Laps with two corners, each lap a little different: what DPTAD calls usual, in numbers that a person can check."""

import numpy as np

from grx_pipeline.methods.dptad.evidence import LapMatrix

STEP_M = 2.0
POINTS = 1000
_CORNERS = ((300, 360), (750, 800))
_NAMES = ("time_ms", "speed_kmh", "throttle_pct", "brake_bar", "steering_deg", "accel_x_g", "accel_y_g")


def plain_laps(count: int, *, seed: int = 1) -> LapMatrix:
    """Laps of 2 km: 180 km/h on the straights, down to 90 in both corners; onsets move by some 3 m."""
    channels = lap_channels(count, seed=seed)
    return LapMatrix.of({name: channels[name] for name in _NAMES}, STEP_M)


def lap_channels(count: int, *, seed: int = 1) -> dict[str, np.ndarray]:
    """The same as channels (count, POINTS)."""
    rng = np.random.default_rng(seed)
    speed = np.full((count, POINTS), 180.0)
    throttle, brake = np.full((count, POINTS), 100.0), np.zeros((count, POINTS))
    steering, lateral = np.zeros((count, POINTS)), np.zeros((count, POINTS))
    for lap in range(count):
        for onset, apex in _CORNERS:
            start = onset + int(rng.integers(-1, 2))
            speed[lap, start:apex] = np.linspace(180, 90, apex - start)
            speed[lap, apex : apex + 120] = np.linspace(90, 180, 120)
            throttle[lap, start : apex + 5] = 0.0
            brake[lap, start:apex] = np.linspace(80, 5, apex - start)
            steering[lap, apex - 30 : apex + 30] = 60 * np.sin(np.linspace(0, np.pi, 60))
            lateral[lap, apex - 30 : apex + 30] = 1.2 * np.sin(np.linspace(0, np.pi, 60))
    speed += rng.normal(0, 0.3, (count, 1))
    time = np.cumsum(3600 * STEP_M / speed, axis=1)
    return {
        "time_ms": time - time[:, :1],
        "speed_kmh": speed,
        "throttle_pct": throttle,
        "brake_bar": brake,
        "steering_deg": steering,
        "accel_x_g": np.gradient((speed / 3.6) ** 2, axis=1) / (2 * STEP_M * 9.80665),
        "accel_y_g": lateral,
    }


def channels_of(laps: LapMatrix) -> dict[str, np.ndarray]:
    """Copies of the channels that the detector takes."""
    names = ("time_ms", "speed_kmh", "throttle_pct", "brake_bar", "steering_deg", "accel_y_g")
    return {name: getattr(laps, name).copy() for name in names}
