"""The timing's truth: crossings of the line and the splits as laps, and the faults with the time they cost."""

import numpy as np

from grx_pipeline.demo.control import RaceScript
from grx_pipeline.demo.driver import Field
from grx_pipeline.demo.race import FAST_STEP_S, Array, DemoCircuit, Fault, IntArray, OfficialLaps
from grx_pipeline.demo.running import Branch, Drives

LEAST_TRAFFIC_MS = 350


def official_laps(drives: Drives, car: int, *, circuit: DemoCircuit, script: RaceScript, start_ms: int) -> OfficialLaps:
    """The laps of a car up to its flag. Lap 1 runs from the green flag, for a late starter too."""
    at_s = (np.arange(drives.distance_m.shape[0]) - drives.green_step) * FAST_STEP_S
    distance = drives.distance_m[:, car]
    length = circuit.length_m
    finished = drives.finished_s[car] - drives.green_step * FAST_STEP_S
    count = int(np.searchsorted(at_s, finished))
    count = min(count, distance.size - 1)
    laps = int(distance[count] // length) - 1
    ends = np.arange(1, laps + 1)[:, None] * length + np.array(circuit.splits_m)
    crossed_ms = _whole_ms(np.interp(ends.ravel(), distance, at_s))
    sections = np.diff(crossed_ms, prepend=0).reshape(laps, len(circuit.splits_m))
    finished_ms = crossed_ms.reshape(sections.shape)[:, -1]
    is_pit_in, pit_time = np.zeros(laps, dtype=bool), np.zeros(laps, dtype=np.int64)
    for stop in script.stops:
        if stop.car == car and stop.lap < laps:
            line = (stop.lap + 1) * length
            lane = np.array([line - length + circuit.pit_entry_m, line + circuit.pit_exit_m])
            is_pit_in[stop.lap - 1] = True
            pit_time[stop.lap] = np.diff(_whole_ms(np.interp(lane, distance, at_s)))[0]
    yellow = (np.array(drives.yellow_s) / FAST_STEP_S - drives.green_step) * FAST_STEP_S * 1000
    return OfficialLaps(
        lap_number=np.arange(1, laps + 1),
        lap_time_ms=sections.sum(axis=1),
        sections_ms=sections,
        finished_at_ms=start_ms + finished_ms,
        flag=tuple(_flags(finished_ms, yellow, has_finished=bool(np.isfinite(finished)))),
        is_pit_in=is_pit_in,
        pit_time_ms=pit_time,
        top_speed_kmh=_top_speeds(drives, car, laps, length),
    )


def fault_truth(
    drives: Drives,
    *,
    circuit: DemoCircuit,
    field: Field,
    laps: dict[int, OfficialLaps],
    disturbed: dict[int, frozenset[int]],
) -> tuple[Fault, ...]:
    """Every fault that was driven, and traffic that cost time, in laps that are clean by the script."""
    truth = []
    for branch in drives.branches:
        if branch.lap in disturbed[branch.car] or not 1 <= branch.lap <= laps[branch.car].lap_number.size:
            continue
        is_traffic = branch.fault is None
        end = min(branch.last_slowed + 1, branch.end) if is_traffic else branch.end
        lost = round(_lead_s(drives, branch, end) * 1000)
        if is_traffic and lost < LEAST_TRAFFIC_MS:
            continue
        start_m, end_m = _extent(drives, branch, end, circuit.length_m)
        truth.append(
            Fault(
                car_number=field.numbers[branch.car],
                lap_number=branch.lap,
                kind="traffic" if branch.fault is None else branch.fault.kind,
                s_start_m=round(float(start_m), 1),
                s_end_m=round(float(end_m), 1),
                corner=_corner(circuit, branch, start_m),
                time_lost_ms=lost,
            )
        )
    return tuple(sorted(truth, key=lambda f: (f.car_number, f.lap_number, f.s_start_m)))


def _extent(drives: Drives, branch: Branch, end: int, length: float) -> tuple[float, float]:
    if branch.fault is not None:
        return branch.fault.start_m, min(branch.fault.end_m, length)
    base = branch.lap * length
    places = drives.distance_m[[branch.begin, end], branch.car] - base
    return float(places[0]), float(min(places[1], length))


def _corner(circuit: DemoCircuit, branch: Branch, start_m: float) -> str:
    """The turn of a fault; for traffic the first turn that ends after it begins."""
    if branch.fault is not None:
        return circuit.corner_names[branch.fault.turn]
    turn = int(np.searchsorted(circuit.corner_ends_m, start_m))
    return circuit.corner_names[turn % len(circuit.corner_names)]


def _lead_s(drives: Drives, branch: Branch, end: int) -> float:
    """How long the car is behind its twin at step `end`, s; below 0 where the twin has fallen behind."""
    span = slice(branch.begin, end + 1)
    steps = np.arange(branch.begin, end + 1)
    car, twin = drives.distance_m[span, branch.car], drives.twin_distance_m[span, branch.car]
    first, second, sign = (car, twin, 1.0) if twin[-1] >= car[-1] else (twin, car, -1.0)
    return float(sign * (end - np.interp(first[-1], second, steps)) * FAST_STEP_S)


def _whole_ms(seconds: Array) -> IntArray:
    return np.asarray(np.round(seconds * 1000), dtype=np.int64)


def _flags(finished_ms: IntArray, yellow_ms: Array, *, has_finished: bool) -> list[str]:
    flags = ["FCY" if yellow_ms[0] <= at < yellow_ms[1] else "GF" for at in finished_ms.tolist()]
    return [*flags[:-1], "FF"] if has_finished else flags


def _top_speeds(drives: Drives, car: int, laps: int, length: float) -> Array:
    edges = np.searchsorted(drives.distance_m[:, car], np.arange(1, laps + 2) * length)
    return np.round(np.maximum.reduceat(drives.speed_mps[:, car], edges)[:laps] * 3.6, 1)
