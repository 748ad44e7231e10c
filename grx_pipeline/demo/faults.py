"""Driving faults put into laps: which, where, and what they change in the driver's plan and pedals."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.demo.plan import Float32, Plans, slope_of
from grx_pipeline.demo.race import Array, DemoCircuit

_KINDS = ("early_braking", "missed_braking_point", "lock_up", "throttle_lift", "snap")
_WEIGHTS = (0.27, 0.23, 0.2, 0.18, 0.12)
_SHARE_OF_LAPS = 0.36
_BRAKES_MPS2 = -3.0
_SPEED_DROP_MPS = 9.0
_LEAST_EXIT_M = 110.0
_SNAP_THROTTLE, _SLIDING_THROTTLE = 0.15, 0.25


@dataclass(frozen=True, kw_only=True)
class PlannedFault:
    """A fault of a car (index) in a lap. Distances in m of that lap, `settle_m` may lie past the line.

    `settle_m` is the slowest point of the next turn: by then the lap goes on as if nothing had happened, and the
    time lost is counted there. `amount` is m of braking point, share of throttle, or deg of counter-steer.
    """

    car: int
    lap: int
    kind: str
    turn: int
    start_m: float
    end_m: float
    settle_m: float
    amount: float


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A turn as it is driven: where braking begins and the car is slowest (m), whether it brakes hard there, and its
    slowest speed as a share of 30 m/s."""

    turn: int
    onset_m: float
    apex_m: float
    next_onset_m: float
    next_apex_m: float
    is_hard: bool
    pace: float


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Laps with a fault: their own plan rows and pedals, arrays (length + AHEAD_M, k); the first changes nothing.

    `row_of` gives the column of a (car, lap).
    """

    speed_mps: Float32
    slope_mps2: Float32
    throttle_cap: Float32
    brake_gain: Float32
    row_of: dict[tuple[int, int], int]


def find_zones(circuit: DemoCircuit, plans: Plans, driven_mps: Array, row: int) -> tuple[Zone, ...]:
    """The turns of a plan row, in the order of the lap; `driven_mps` is the speed by metre that the car reaches."""
    length = circuit.curvature_per_m.size
    speed, slope = plans.speed_mps[:length, row], plans.slope_mps2[:length, row]
    spans = zip(circuit.corner_starts_m, circuit.corner_ends_m, strict=True)
    apexes = [int(a) + int(np.argmin(speed[int(a) : int(b)])) for a, b in spans]
    brakes_at = (slope < _BRAKES_MPS2) & (speed <= driven_mps * 1.005)
    onsets = []
    for before, apex in zip([0, *apexes[:-1]], apexes, strict=True):
        brakes = before + np.flatnonzero(brakes_at[before:apex])
        last = brakes[np.flatnonzero(np.diff(brakes, prepend=-np.inf) > 15)[-1]] if brakes.size else apex
        onsets.append(int(last))
    ahead = [*range(1, len(apexes)), 0]
    return tuple(
        Zone(
            turn=turn,
            onset_m=onsets[turn],
            apex_m=apexes[turn],
            next_onset_m=onsets[ahead[turn]] + length * (ahead[turn] == 0),
            next_apex_m=apexes[ahead[turn]] + length * (ahead[turn] == 0),
            is_hard=bool(driven_mps[onsets[turn]] - speed[apexes[turn]] > _SPEED_DROP_MPS),
            pace=float(speed[apexes[turn]] / 30.0),
        )
        for turn in range(len(apexes))
    )


def draw_faults(
    laps: Iterable[tuple[int, int]], *, zones: dict[int, tuple[Zone, ...]], spread: Array, rng: np.random.Generator
) -> tuple[PlannedFault, ...]:
    """Faults of some of the laps (car, lap), at most one a lap; drivers with a larger `spread` make more."""
    faults = []
    for car, lap in laps:
        chance, kind, place, size, along = rng.random(5)
        if chance >= _SHARE_OF_LAPS * spread[car]:
            continue
        name = _KINDS[int(np.searchsorted(np.cumsum(_WEIGHTS), kind, side="right"))]
        fitting = [zone for zone in zones[car] if _fits(zone, name)]
        zone = fitting[int(place * len(fitting))]
        start, end, amount = _extent(name, zone, size, along)
        faults.append(
            PlannedFault(
                car=car,
                lap=lap,
                kind=name,
                turn=zone.turn,
                start_m=start,
                end_m=end,
                settle_m=float(zone.next_apex_m),
                amount=amount,
            )
        )
    return tuple(faults)


def apply_faults(faults: tuple[PlannedFault, ...], zones: dict[int, tuple[Zone, ...]], plans: Plans) -> Overrides:
    """Plans and pedals of the laps with a fault."""
    size, count = plans.speed_mps.shape[0], len(faults) + 1
    speed = np.zeros((size, count), dtype=np.float32)
    cap, gain = np.ones((size, count), dtype=np.float32), np.ones((size, count), dtype=np.float32)
    for column, fault in enumerate(faults, start=1):
        apex = int(zones[fault.car][fault.turn].apex_m)
        speed[:, column] = plans.speed_mps[:, plans.row(fault.car, fault.lap)]
        start, end = int(fault.start_m), int(fault.end_m)
        if fault.kind == "early_braking":
            speed[start:apex, column] = _brake_early(speed[:, column], start, apex, round(fault.amount))
        elif fault.kind == "missed_braking_point":
            speed[start:end, column] = speed[start - round(fault.amount) : end - round(fault.amount), column]
            speed[apex + 8 : end + 25, column] *= np.float32(0.89)
            cap[apex : end + 20, column] = _SLIDING_THROTTLE
        elif fault.kind == "lock_up":
            gain[start : start + 9, column] = 1.6
            gain[start + 9 : end, column] = 0.12
            speed[apex - 5 : apex + 35, column] *= np.float32(0.94)
        else:
            cap[start:end, column] = fault.amount if fault.kind == "throttle_lift" else _SNAP_THROTTLE
    return Overrides(
        speed_mps=speed,
        slope_mps2=slope_of(speed * speed),
        throttle_cap=cap,
        brake_gain=gain,
        row_of={(fault.car, fault.lap): column for column, fault in enumerate(faults, start=1)},
    )


def _fits(zone: Zone, kind: str) -> bool:
    if kind in ("throttle_lift", "snap"):
        return zone.next_onset_m - zone.apex_m > _LEAST_EXIT_M
    return zone.is_hard


def _extent(kind: str, zone: Zone, size: float, along: float) -> tuple[float, float, float]:
    """Start and end (m) and amount of a fault; `size` and `along` are 0..1."""
    if kind == "early_braking":
        ahead = (12.0 + 16.0 * size) * zone.pace
        return zone.onset_m - ahead, float(zone.apex_m), ahead
    if kind == "missed_braking_point":
        return float(zone.onset_m), zone.apex_m + 30.0, 8.0 + 7.0 * size
    if kind == "lock_up":
        start = zone.onset_m + (0.15 + 0.25 * along) * (zone.apex_m - zone.onset_m)
        return start, start + 22.0 + 10.0 * size, 1.0
    if kind == "throttle_lift":
        room = zone.next_onset_m - zone.apex_m - 90.0
        start = zone.apex_m + 45.0 + along * min(room, 160.0)
        return start, start + 16.0 + 14.0 * size, 0.35 * size
    start = zone.apex_m + 14.0 + 14.0 * along
    return start, start + 16.0, 50.0 + 35.0 * size


def _brake_early(speed: Float32, start: int, apex: int, ahead: int) -> npt.NDArray[np.float32]:
    """The plan from `start` to `apex` moved `ahead` metres upstream; the slowest speed is held to the apex."""
    return np.minimum.accumulate(np.minimum(speed[start:apex], speed[start + ahead : apex + ahead]))
