"""The race from the formation lap to the in laps, step by step, and the record of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from grx_pipeline.demo import car as model
from grx_pipeline.demo.control import Control, RaceScript
from grx_pipeline.demo.drive import Cars, Tables, drive_step
from grx_pipeline.demo.driver import Field
from grx_pipeline.demo.faults import Overrides, PlannedFault
from grx_pipeline.demo.plan import Plans, Reference
from grx_pipeline.demo.race import FAST_STEP_S, Array, DemoCircuit
from grx_pipeline.demo.traffic import Moment, Traffic, look

Bools = npt.NDArray[np.bool_]

_TICK_STEPS = 5
_TICK_S = _TICK_STEPS * FAST_STEP_S
_GRID_STEP_M = 7.5
_AFTER_FINISH_S = 40.0
_BRANCH_BEFORE_M = 25.0
_CLEAR_S = 3.0
_SPEED_NOISE, _SPEED_NOISE_S = 0.0026, 1.6
_BRAKE_NOISE, _BRAKE_NOISE_S = 0.06, 0.25


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A time in which car and twin went apart: by the fault planned for the lap, or by traffic (fault None).

    Steps from `begin` to `end`; for traffic `last_slowed` is the last step at which the car was held up.
    """

    car: int
    lap: int
    fault: PlannedFault | None
    begin: int
    end: int
    last_slowed: int


@dataclass(frozen=True, kw_only=True)
class Drives:
    """The record, arrays (steps, cars). Distances count from the line before the formation lap; time from its start."""

    distance_m: Array
    speed_mps: Array
    accel_mps2: Array
    throttle: Array
    brake_bar: Array
    gear: npt.NDArray[np.int64]
    shift_s: Array
    twin_distance_m: Array
    branches: tuple[Branch, ...]
    green_step: int
    yellow_s: tuple[float, float]  # since the formation lap's start
    finished_s: Array
    late_started_s: float
    stopped_s: float  # when the retiring car stood


class Running:
    """The race under way. `run` drives it to its end."""

    def __init__(
        self,
        *,
        circuit: DemoCircuit,
        field: Field,
        plans: Plans,
        overrides: Overrides,
        tables: Tables,
        faults: tuple[PlannedFault, ...],
        reference: Reference,
        pace_s: Array,
        grid: npt.NDArray[np.int64],
        script: RaceScript,
        rng: np.random.Generator,
    ) -> None:
        count = pace_s.size
        self.length_m, self.count = circuit.length_m, count
        self.plans, self.overrides, self.tables = plans, overrides, tables
        self.reference, self.pace_s, self.script, self.rng = reference, pace_s, script, rng
        self.control = Control(script, circuit, cars=count, rng=rng)
        self.traffic = Traffic.of(count)
        self.faults = {(fault.car, fault.lap): fault for fault in faults}
        row = np.empty(count)
        row[grid] = np.arange(count)
        place = circuit.pit_exit_m - _GRID_STEP_M * row
        place[script.late_car] = self.control.late_start_m - self.length_m
        self.cars = Cars.on_grid(field, place_m=place)
        self.cars.lap[[script.late_car, count + script.late_car]] = 1
        for index in range(2 * count):
            self._choose_plan(index)
        self.branches: list[Branch] = []
        self.current: list[tuple[PlannedFault | None, int] | None] = [None] * count
        self.is_apart = np.zeros(count, dtype=bool)
        self.last_slowed = np.zeros(count, dtype=np.int64)
        self.late_started_s, self.stopped_s = np.inf, np.inf

    def run(self, spread: Array) -> Drives:
        """Drives until the last car is 40 s past the flag. `spread` (cars,) scales each driver's noise."""
        steps = self._most_steps()
        speed_noise = 1.0 + _noise(self.rng, steps, spread * _SPEED_NOISE, _SPEED_NOISE_S)
        brake_noise = 1.0 + _noise(self.rng, steps, spread * _BRAKE_NOISE, _BRAKE_NOISE_S)
        twin = np.arange(2 * self.count)
        record = {name: np.empty((steps, self.count)) for name in _RECORDED}
        twins = np.empty((steps, self.count))
        step = 0
        while True:
            if step % _TICK_STEPS == 0:
                if self._is_over(step * FAST_STEP_S):
                    break
                self._tick(step)
            drive_step(self.cars, self.tables, speed_noise=speed_noise[step], brake_noise=brake_noise[step], twin=twin)
            if (self.cars.place_m >= self.length_m).any():
                self._cross(step)
            distance = self.cars.lap * self.length_m + self.cars.place_m
            record["distance_m"][step], twins[step] = distance[: self.count], distance[self.count :]
            for name in _RECORDED[1:]:
                record[name][step] = getattr(self.cars, name)[: self.count]
            step += 1
        control = self.control
        return Drives(
            **{name: values[:step] for name, values in record.items() if name != "gear"},
            gear=record["gear"][:step].astype(np.int64),
            twin_distance_m=twins[:step],
            branches=tuple(self.branches),
            green_step=round(control.green_s / FAST_STEP_S),
            yellow_s=(control.yellow_s, control.yellow_until_s),
            finished_s=control.finished_s,
            late_started_s=self.late_started_s,
            stopped_s=self.stopped_s,
        )

    def _most_steps(self) -> int:
        return round((self.script.laps * 1.12 * self.reference.lap_s + 700.0) / FAST_STEP_S)

    def _is_over(self, now_s: float) -> bool:
        others = np.arange(self.count) != self.script.retiring_car
        return bool(now_s > self.control.finished_s[others].max() + _AFTER_FINISH_S)

    def _tick(self, step: int) -> None:
        now, cars, control, count = step * FAST_STEP_S, self.cars, self.control, self.count
        cars.reset_twins(~self.is_apart)
        distance = cars.lap[:count] * self.length_m + cars.place_m[:count]
        control.update(now, distance)
        moment = Moment(
            now_s=now,
            step_s=_TICK_S,
            distance_m=distance,
            place_m=cars.place_m[:count],
            speed_mps=cars.speed_mps[:count],
            is_on_track=control.is_on_track,
            is_racing=control.is_racing,
            pace_s=self.pace_s,
            draws=self.rng.random(count),
        )
        look(self.traffic, moment, self.reference)
        is_held = control.held_until_s > now
        if not is_held[self.script.late_car]:
            self.late_started_s = min(self.late_started_s, now)
        if is_held[self.script.retiring_car]:
            self.stopped_s = min(self.stopped_s, now)
        cars.pace[:count], cars.pace[count:] = control.pace * self.traffic.pace, control.pace
        cars.accel_cap_mps2[:count] = self.traffic.accel_mps2
        cars.throttle_cap[:count] = self.traffic.throttle
        cars.speed_cap_mps[:] = np.tile(control.speed_cap_mps, 2)
        cars.is_held[:] = np.tile(is_held, 2)
        self._branch(step)

    def _branch(self, step: int) -> None:
        """Lets twins go where a fault or traffic begins, and ends those whose lap is as it would have been."""
        slowed = self.traffic.is_slowed() & self.control.is_racing
        self.last_slowed[slowed] = step
        place, lap = self.cars.place_m, self.cars.lap
        for car in range(self.count):
            fault = self.faults.get((car, int(lap[car])))
            starts = (
                fault is not None and self.cars.override[car] > 0 and fault.start_m - _BRANCH_BEFORE_M <= place[car]
            )
            now = self.current[car]
            if now is not None and self._is_settled(car, now[0], step):
                self._end_branch(car, step)
                now = None
            if fault is not None and starts and (now is None or now[0] is None) and place[car] < fault.end_m:
                self._end_branch(car, step)
                self.cars.reset_twins(np.arange(self.count) == car)
                self._begin_branch(car, fault, step)
            elif now is None and slowed[car]:
                self._begin_branch(car, None, step)

    def _is_settled(self, car: int, fault: PlannedFault | None, step: int) -> bool:
        if fault is None:
            return bool((step - self.last_slowed[car]) * FAST_STEP_S > _CLEAR_S)
        behind = (self.cars.lap[car] - fault.lap) * self.length_m + self.cars.place_m[car]
        return bool(behind >= fault.settle_m)

    def _begin_branch(self, car: int, fault: PlannedFault | None, step: int) -> None:
        self.current[car], self.is_apart[car] = (fault, step), True

    def _end_branch(self, car: int, step: int) -> None:
        now = self.current[car]
        if now is not None:
            fault, begin = now
            lap = fault.lap if fault is not None else int(self.cars.lap[car])
            last = int(self.last_slowed[car])
            self.branches.append(Branch(car=car, lap=lap, fault=fault, begin=begin, end=step, last_slowed=last))
            self.current[car], self.is_apart[car] = None, False

    def _cross(self, step: int) -> None:
        cars, control, now = self.cars, self.control, (step + 1) * FAST_STEP_S
        for index in np.flatnonzero(cars.place_m >= self.length_m).tolist():
            if index < self.count:
                current = self.current[index]
                if current is not None and current[0] is None:
                    self._end_branch(index, step)
            cars.place_m[index] -= self.length_m
            cars.lap[index] += 1
            if index < self.count:
                has_won = cars.lap[index] > self.script.laps
                control.leader_finished |= bool(has_won)
                if control.leader_finished and control.finished_s[index] == np.inf:
                    control.finished_s[index] = now
            self._choose_plan(index)
            share = min(cars.lap[index] / self.script.laps, 1.0)
            cars.mass_kg[index] = model.MASS_KG + model.FUEL_KG * (1.0 - share)

    def _choose_plan(self, index: int) -> None:
        cars, car = self.cars, index % self.count
        lap = int(cars.lap[index])
        cars.base_row[index] = cars.plan_row[index] = self.plans.row(car, lap)
        cars.override[index] = 0
        if index < self.count and (car, lap) in self.overrides.row_of and self.control.finished_s[car] == np.inf:
            cars.override[index] = self.overrides.row_of[car, lap]
            cars.plan_row[index] = self.tables.base_columns + cars.override[index]


_RECORDED = ("distance_m", "speed_mps", "accel_mps2", "throttle", "brake_bar", "gear", "shift_s")


def _noise(rng: np.random.Generator, steps: int, sd: Array, correlation_s: float) -> Array:
    """First-order noise (steps, 2 x cars) of standard deviation `sd` (cars,), the same for car and twin."""
    keep = np.exp(-FAST_STEP_S / correlation_s)
    white = rng.standard_normal((steps, sd.size)) * np.sqrt(1.0 - keep * keep) * sd
    noise = lfilter([1.0], [1.0, -keep], white, axis=0)
    return np.tile(noise, (1, 2))
