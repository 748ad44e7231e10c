"""The course of the race: the start, the yellow, the stops, the retirement, the late starter and the flag.

The script says what is going to happen, drawn before the start; control says a few times a second what holds for
each car now.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.demo.driver import Field
from grx_pipeline.demo.plan import SpeedCaps
from grx_pipeline.demo.race import Array, DemoCircuit

Bools = npt.NDArray[np.bool_]

YELLOW_LAPS = 3
PIT_SPEED_MPS = 16.4
_BOX_M, _BOX_SPEED_MPS = 60.0, 1.2
_STOP_AT_M, _LIMP_M, _LIMP_MPS = 1195.0, 260.0, 19.0
_GREEN_BEFORE_LINE_M = 12.0
_FORMATION_PACE, _FORMATION_MPS, _CATCH_UP_MPS = 0.72, 22.0, 24.0
_YELLOW_PACE, _YELLOW_LEADER_MPS, _YELLOW_MPS = 0.75, 27.5, 33.0
_IN_LAP_PACE, _IN_LAP_MPS = 0.7, 32.0
_YELLOW_AFTER_STOP_S, _GREEN_AT_SHARE = 8.0, 0.7
_LATE_RELEASE_SHARE = 0.3


@dataclass(frozen=True, kw_only=True)
class PitStop:
    """A stop of a car (index) at the end of a lap; it stands for `standing_s`."""

    car: int
    lap: int
    standing_s: float


@dataclass(frozen=True, kw_only=True)
class RaceScript:
    """What will happen. Laps are counted from 1; the yellow begins in `retire_lap`, when the car has stopped."""

    laps: int
    retiring_car: int
    retire_lap: int
    late_car: int
    late_after_laps: int
    stops: tuple[PitStop, ...]

    def disturbed_laps(self, car: int) -> frozenset[int]:
        """Laps of a car that are no clean laps by the script: start, yellow and restart, pit stops."""
        begin = self.retire_lap - (self.late_after_laps + 1 if car == self.late_car else 0)
        laps = {1, *range(begin, self.retire_lap + YELLOW_LAPS + 1)}
        for stop in self.stops:
            if stop.car == car:
                laps |= {stop.lap, stop.lap + 1}
        return frozenset(laps)


def write_script(field: Field, *, laps: int, rng: np.random.Generator) -> RaceScript:
    """One retirement, one late starter, one or two stops: none of them the quickest, all with a logger."""
    cars = len(field.numbers)
    eligible = [car for car in range(1, cars) if field.logger_ids[car] is not None]
    retiring, late, *others = rng.permutation(eligible).tolist()
    retire_lap = max(3, round(laps * 0.3))
    first_stop, last_stop = retire_lap + YELLOW_LAPS + 2, laps - 2
    count = 1 if cars < 12 else 2
    stops = tuple(
        PitStop(car=car, lap=int(rng.integers(first_stop, last_stop, endpoint=True)), standing_s=rng.uniform(18, 55))
        for car in others[:count]
    )
    return RaceScript(
        laps=laps,
        retiring_car=retiring,
        retire_lap=retire_lap,
        late_car=late,
        late_after_laps=max(1, round(laps * 0.1)),
        stops=stops,
    )


def script_caps(script: RaceScript, circuit: DemoCircuit, *, laps_per_car: int) -> SpeedCaps:
    """The pit lane, the boxes and the retiring car's last metres as limits on plan rows."""
    length = circuit.length_m
    caps: list[tuple[int, float, float, float]] = []
    outs = [(stop.car, stop.lap + 1) for stop in script.stops] + [(script.late_car, 1)]
    for car, lap in outs:
        row = car * laps_per_car + lap
        caps += [(row, 0.0, circuit.pit_exit_m, PIT_SPEED_MPS), (row, _BOX_M, _BOX_M + 2, _BOX_SPEED_MPS)]
    for stop in script.stops:
        caps.append((stop.car * laps_per_car + stop.lap, circuit.pit_entry_m, length, PIT_SPEED_MPS))
    row = script.retiring_car * laps_per_car + script.retire_lap
    caps.append((row, _STOP_AT_M, _STOP_AT_M + _LIMP_M, _LIMP_MPS))
    caps.append((row, _STOP_AT_M + _LIMP_M, length, _BOX_SPEED_MPS))
    rows, starts, ends, speeds = zip(*caps, strict=True)
    return SpeedCaps(rows=rows, starts_m=starts, ends_m=ends, speeds_mps=speeds)


class Control:
    """What holds for each car now; arrays (cars,). Times are s since the begin of the formation lap."""

    def __init__(self, script: RaceScript, circuit: DemoCircuit, *, cars: int, rng: np.random.Generator) -> None:
        self.script = script
        self.length_m = circuit.length_m
        self.green_s = np.inf
        self.yellow_s, self.yellow_until_s = np.inf, np.inf
        self.leader_finished = False
        self.finished_s = np.full(cars, np.inf)
        self.pace, self.speed_cap_mps = np.ones(cars), np.full(cars, np.inf)
        self.held_until_s = np.full(cars, -np.inf)
        self.held_until_s[script.late_car] = np.inf
        self.box_m, self.standing_s = np.full(cars, np.inf), np.zeros(cars)
        self.lane_from_m, self.lane_to_m = np.full(cars, np.inf), np.full(cars, -np.inf)
        self.reacts_s = rng.uniform(0.4, 3.0, cars)
        self.is_racing = np.zeros(cars, dtype=bool)
        self.is_on_track = np.ones(cars, dtype=bool)
        self._place_stops(circuit)

    @property
    def late_start_m(self) -> float:
        """Where the late starter waits, from the start of the formation lap."""
        return self.length_m + _BOX_M

    def _place_stops(self, circuit: DemoCircuit) -> None:
        for stop in self.script.stops:
            line = (stop.lap + 1) * self.length_m
            self.box_m[stop.car], self.standing_s[stop.car] = line + _BOX_M, stop.standing_s
            self.lane_from_m[stop.car] = line - self.length_m + circuit.pit_entry_m
            self.lane_to_m[stop.car] = line + circuit.pit_exit_m
        late, retiring = self.script.late_car, self.script.retiring_car
        self.lane_from_m[late], self.lane_to_m[late] = 0.0, self.length_m + circuit.pit_exit_m
        stop_m = self.script.retire_lap * self.length_m + _STOP_AT_M + _LIMP_M
        self.box_m[retiring], self.standing_s[retiring] = stop_m, np.inf

    def update(self, now_s: float, distance_m: Array) -> None:
        """`distance_m` (cars,) counts from the line before the formation lap."""
        is_going = self.held_until_s < now_s
        lead = float(distance_m[is_going].max())
        if now_s < self.green_s and lead >= self.length_m - _GREEN_BEFORE_LINE_M:
            self.green_s = now_s
        late = self.script.late_car
        if lead >= (self.script.late_after_laps + 1 + _LATE_RELEASE_SHARE) * self.length_m:
            self.held_until_s[late] = min(self.held_until_s[late], now_s)
        arrived = np.flatnonzero(distance_m >= self.box_m)
        self.held_until_s[arrived] = now_s + self.standing_s[arrived]
        self.box_m[arrived] = np.inf
        self._yellow(now_s, lead, has_stopped=self.script.retiring_car in arrived)
        self._ask(now_s, distance_m, is_going)

    def _yellow(self, now_s: float, lead_m: float, *, has_stopped: bool) -> None:
        if has_stopped:
            self.yellow_s = now_s + _YELLOW_AFTER_STOP_S
        ends_m = (self.script.retire_lap + YELLOW_LAPS + _GREEN_AT_SHARE) * self.length_m
        if self.yellow_until_s == np.inf and now_s >= self.yellow_s and lead_m >= ends_m:
            self.yellow_until_s = now_s

    def _ask(self, now_s: float, distance_m: Array, is_going: Bools) -> None:
        is_leader = np.zeros_like(is_going)
        is_leader[np.argmax(np.where(is_going, distance_m, -np.inf))] = True
        is_formation = now_s < self.green_s
        is_finished = self.finished_s <= now_s
        is_yellow = (now_s >= self.yellow_s + self.reacts_s) & (now_s < self.yellow_until_s) & ~is_finished
        self.pace[:] = np.where(is_yellow, _YELLOW_PACE, np.where(is_finished, _IN_LAP_PACE, 1.0))
        yellow_mps = np.where(is_leader, _YELLOW_LEADER_MPS, _YELLOW_MPS)
        self.speed_cap_mps[:] = np.where(is_yellow, yellow_mps, np.where(is_finished, _IN_LAP_MPS, np.inf))
        if is_formation:
            self.pace[:] = _FORMATION_PACE
            self.speed_cap_mps[:] = np.where(is_leader, _FORMATION_MPS, _CATCH_UP_MPS)
        in_lane = (distance_m >= self.lane_from_m) & (distance_m < self.lane_to_m)
        self.is_on_track[:] = ~in_lane & is_going
        self.is_racing[:] = self.is_on_track & ~is_yellow & ~is_finished & (not is_formation)
