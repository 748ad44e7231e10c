"""What a driver means to do: a quasi-steady speed plan of every lap, along the circuit.

Corner speeds come from curvature and grip, braking zones from a backward pass within the friction ellipse (Heilmeier
et al. 2019, 10.1080/00423114.2019.1631455). A plan says how fast the car may be, not how fast it will get: straights
are limited by the engine when the lap is driven (drive.py).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.demo.car import BRAKING_G, GRAVITY, LATERAL_G, best_throttle_mps2, drag_mps2
from grx_pipeline.demo.circuit import TURNS, turn_of_metre
from grx_pipeline.demo.race import Array, DemoCircuit

Float32 = npt.NDArray[np.float32]

AHEAD_M = 100  # a plan goes on into the next lap by this much, for the driver looks ahead
_WRAP_M = 400
_UNLIMITED_MPS = 90.0
_STEEPEST_MPS2 = 14.0
_AT_LINE_MPS = 50.0


@dataclass(frozen=True, kw_only=True)
class Plans:
    """Speed (m/s) and its slope (m/s2) by metre and row, arrays (length + AHEAD_M, rows); grip (m/s2) alike.

    Rows are laps, row car x laps_per_car + lap; lap 0 is the formation lap, the last the in lap.
    """

    speed_mps: Float32
    slope_mps2: Float32
    grip_mps2: Float32
    laps_per_car: int

    def row(self, car: int, lap: int) -> int:
        return car * self.laps_per_car + min(lap, self.laps_per_car - 1)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The lap of the middle of the field at racing speed, arrays by metre: speed (m/s), time since the line (s)."""

    speed_mps: Array
    time_s: Array
    lap_s: float


@dataclass(frozen=True, kw_only=True)
class SpeedCaps:
    """Speed limits that are no matter of grip: from start to end (m) of a row, m/s; ends may lie past the line."""

    rows: tuple[int, ...]
    starts_m: tuple[float, ...]
    ends_m: tuple[float, ...]
    speeds_mps: tuple[float, ...]


def plan_laps(circuit: DemoCircuit, *, grip_use: Array, brake_use: Array, caps: SpeedCaps, laps_per_car: int) -> Plans:
    """Plans of all rows. `grip_use` and `brake_use` (rows, turns) are shares of the car's grip and braking."""
    length = circuit.curvature_per_m.size
    metres = np.arange(length + _WRAP_M) % length
    turns = turn_of_metre(circuit)[metres]
    curvature = np.abs(circuit.curvature_per_m[metres])
    grip = np.ascontiguousarray((grip_use * np.array([t.grip for t in TURNS])).T)[turns] * (LATERAL_G * GRAVITY)
    braking = np.ascontiguousarray((brake_use * np.array([t.braking for t in TURNS])).T)[turns] * (BRAKING_G * GRAVITY)
    limit = np.minimum(grip / np.maximum(curvature, 1e-9)[:, None], _UNLIMITED_MPS**2)
    for row, start, end, speed in zip(caps.rows, caps.starts_m, caps.ends_m, caps.speeds_mps, strict=True):
        limit[round(start) : round(end), row] = np.minimum(limit[round(start) : round(end), row], speed**2)
    squared = _brake_in_time(limit, curvature, grip, braking)[: length + AHEAD_M]
    follows = np.minimum(np.arange(squared.shape[1]) + 1, squared.shape[1] - 1)
    squared[length:] = squared[:AHEAD_M, follows]
    return Plans(
        speed_mps=np.sqrt(squared).astype(np.float32),
        slope_mps2=slope_of(squared),
        grip_mps2=grip[: length + AHEAD_M].astype(np.float32),
        laps_per_car=laps_per_car,
    )


def slope_of(squared: Array | Float32) -> Float32:
    """Acceleration (m/s2) along a squared speed (m2/s2) by metre on axis 0, within what a driver can follow."""
    slope = np.asarray(np.gradient(squared, axis=0), dtype=np.float32) / 2
    return np.clip(slope, -_STEEPEST_MPS2, _STEEPEST_MPS2)


def driven_speeds_mps(circuit: DemoCircuit, plans: Plans, rows: npt.NDArray[np.int64]) -> Array:
    """Speed (m/s) by metre at the limit of plan and engine, (length, k) for `rows` (k,): a forward pass."""
    length = circuit.curvature_per_m.size
    allowed = plans.speed_mps[:length, rows].astype(float)
    speed = allowed.copy()
    speed[-1] = np.minimum(speed[-1], _AT_LINE_MPS)
    for metre in range(-1, length - 1):
        now = speed[metre]
        gained = 2.0 * (best_throttle_mps2(now) - drag_mps2(now))
        speed[metre + 1] = np.minimum(allowed[metre + 1], np.sqrt(now * now + gained))
    return speed


def reference_lap(speed_mps: Array) -> Reference:
    """The reference that a speed by metre makes."""
    time = np.concatenate([[0.0], np.cumsum(1.0 / speed_mps)])
    return Reference(speed_mps=speed_mps, time_s=time[:-1], lap_s=float(time[-1]))


def _brake_in_time(limit: Array, curvature: Array, grip: Array, braking: Array) -> Array:
    """Squared speeds (m2/s2) from which every limit ahead is reached, by braking within the friction ellipse."""
    squared = limit.copy()
    for metre in range(squared.shape[0] - 2, -1, -1):
        following = squared[metre + 1]
        lateral = following * curvature[metre + 1] / grip[metre + 1]
        brakes = braking[metre + 1] * np.sqrt(np.maximum(1.0 - lateral * lateral, 0.0))
        squared[metre] = np.minimum(squared[metre], following + 2.0 * (brakes + drag_mps2(np.sqrt(following))))
    return squared
