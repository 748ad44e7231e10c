"""A whole race from a seed: circuit, field and script are put together, driven, and seen by sensors and timing."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.demo.circuit import TURNS, build_circuit, turn_of_metre
from grx_pipeline.demo.control import RaceScript, script_caps, write_script
from grx_pipeline.demo.drive import Tables
from grx_pipeline.demo.driver import MAX_CARS, Field, make_field
from grx_pipeline.demo.faults import apply_faults, draw_faults, find_zones
from grx_pipeline.demo.motion import CarDrive, sense
from grx_pipeline.demo.official import fault_truth, official_laps
from grx_pipeline.demo.plan import AHEAD_M, Plans, driven_speeds_mps, plan_laps, reference_lap
from grx_pipeline.demo.race import FAST_STEP_S, Array, DemoCar, DemoCircuit, DemoRace, OfficialLaps, TrueChannels
from grx_pipeline.demo.running import Drives, Running

MIN_CARS, MIN_LAPS = 5, 10

_FIRST_SATURDAY = dt.date(2025, 5, 31)
_DAYS_BETWEEN_WEEKENDS = 21
_START_OF_RACE = {1: dt.time(14, 35, 12), 0: dt.time(10, 5, 41)}  # by race number, odd and even
_UTC_OFFSET = dt.timedelta(hours=4)
_AFTER_FLAG_S, _AFTER_STOP_S = 40.0, 60.0

_FIRST_LAPS_GRIP = (0.975, 0.992, 0.998)
_WEAR_PER_LAP, _RESTART_GRIP = 0.0007, 0.99
_TURN_SD, _BRAKE_SD, _LAP_SD = 0.027, 0.09, 0.009
_GRID_NOISE_S = 0.25


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The weather of a race: temperatures (degC) and the grip they leave."""

    air_temp_c: float
    track_temp_c: float
    grip: float


@dataclass(frozen=True, kw_only=True)
class Course:
    """Where, who, and what is going to happen."""

    circuit: DemoCircuit
    field: Field
    script: RaceScript


def simulate_race(*, cars: int, laps: int, seed: int, race: int = 1, weekend: int = 0) -> DemoRace:
    """A race of `cars` cars over `laps` laps; the same arguments give the same race to the byte.

    `weekend` (0, 1, ...) moves the date by three weeks and changes the weather; `race` is the number in the session
    id, odd on Saturday, even on Sunday. The drivers of a seed keep their skills and habits from race to race. Raises
    ValueError for fewer than 5 cars or 10 laps, too few for all that happens in a race, or more cars than drivers.
    """
    if not (MIN_CARS <= cars <= MAX_CARS and laps >= MIN_LAPS):
        raise ValueError(
            f"a race has {MIN_CARS} to {MAX_CARS} cars and at least {MIN_LAPS} laps, not {cars} and {laps}"
        )
    people, *others = np.random.SeedSequence(seed).spawn(4)
    events, driving, senses = (np.random.SeedSequence((*_words(s), race, weekend)) for s in others)
    circuit = build_circuit()
    field = make_field(cars=cars, turns=len(TURNS), rng=np.random.default_rng(people))
    event_rng = np.random.default_rng(events)
    conditions = _conditions(event_rng)
    script = write_script(field, laps=laps, rng=event_rng)
    course = Course(circuit=circuit, field=field, script=script)
    drives = _drive(course, conditions, np.random.default_rng(driving))
    start_ms = _start_ms(race, weekend)
    official = {
        car: official_laps(drives, car, circuit=circuit, script=script, start_ms=start_ms) for car in range(cars)
    }
    channels = _channels(course, drives, senses)
    disturbed = {car: script.disturbed_laps(car) for car in range(cars)}
    order = sorted(
        range(cars), key=lambda car: (-official[car].lap_number.size, official[car].finished_at_ms[-1:].sum())
    )
    return DemoRace(
        circuit=circuit,
        session=f"R{race}",
        event=f"I_R{weekend + 1:02d}_{_saturday(weekend) + dt.timedelta(days=1)}",
        race=race,
        start_ms=start_ms,
        utc_offset_ms=round(_UTC_OFFSET.total_seconds() * 1000),
        cars=tuple(_demo_car(field, car, official[car], channels[car]) for car in order),
        yellow_phases_s=(_since_green(drives),),
        faults=fault_truth(drives, circuit=circuit, field=field, laps=official, disturbed=disturbed),
        air_temp_c=conditions.air_temp_c,
        track_temp_c=conditions.track_temp_c,
    )


def _words(sequence: np.random.SeedSequence) -> tuple[int, ...]:
    return tuple(int(word) for word in sequence.generate_state(4))


def _conditions(rng: np.random.Generator) -> Conditions:
    air = rng.uniform(16.0, 31.0)
    track = air + rng.uniform(8.0, 19.0)
    return Conditions(air_temp_c=round(air, 1), track_temp_c=round(track, 1), grip=1.0 - 0.0006 * (track - 35.0))


def _saturday(weekend: int) -> dt.date:
    return _FIRST_SATURDAY + dt.timedelta(days=_DAYS_BETWEEN_WEEKENDS * weekend)


def _start_ms(race: int, weekend: int) -> int:
    day = _saturday(weekend) + dt.timedelta(days=1 - race % 2)
    local = dt.datetime.combine(day, _START_OF_RACE[race % 2], tzinfo=dt.UTC)
    return round((local + _UTC_OFFSET).timestamp() * 1000) + 137


def _drive(course: Course, conditions: Conditions, rng: np.random.Generator) -> Drives:
    circuit, field, script = course.circuit, course.field, course.script
    cars, per_car = len(field.numbers), script.laps + 2
    plans = _plans(course, conditions, rng)
    middles = np.array([plans.row(car, script.laps // 2) for car in range(cars)])
    driven = driven_speeds_mps(circuit, plans, middles)
    pace = (1.0 / driven).sum(axis=0)
    zones = {car: find_zones(circuit, plans, driven[:, car], middles[car]) for car in range(cars)}
    eligible = [
        (car, lap) for car in range(cars) for lap in range(1, per_car - 1) if lap not in script.disturbed_laps(car)
    ]
    faults = draw_faults(eligible, zones=zones, spread=field.spread, rng=rng)
    metres = np.arange(round(circuit.length_m) + AHEAD_M) % round(circuit.length_m)
    overrides = apply_faults(faults, zones, plans)
    patience = field.turn_patience.T[turn_of_metre(circuit)[metres]]
    tables = Tables.of(plans, overrides, curvature_per_m=circuit.curvature_per_m[metres], patience=patience)
    running = Running(
        circuit=circuit,
        field=field,
        plans=plans,
        overrides=overrides,
        tables=tables,
        faults=faults,
        reference=reference_lap(driven[:, np.argsort(pace, kind="stable")[cars // 2]]),
        pace_s=pace,
        grid=np.argsort(pace + rng.normal(0, _GRID_NOISE_S, cars), kind="stable"),
        script=script,
        rng=rng,
    )
    return running.run(field.spread)


def _plans(course: Course, conditions: Conditions, rng: np.random.Generator) -> Plans:
    """Plans of all laps: skill and habits, tyres and weather, and how much each lap differs from the last."""
    circuit, field, script = course.circuit, course.field, course.script
    per_car, turns = script.laps + 2, len(TURNS)
    tyres = np.array([_tyre_grip(lap, script) for lap in range(per_car)])
    spread = field.spread[:, None, None]
    shape = (field.spread.size, per_car, turns)
    lap_form = 1.0 + _LAP_SD * spread * rng.standard_normal((*shape[:2], 1))
    grip = (field.grip_use[:, None] * field.turn_grip)[:, None, :] * (tyres[:, None] * conditions.grip) * lap_form
    grip = grip * (1.0 + _TURN_SD * spread * rng.standard_normal(shape))
    brakes = (field.brake_use[:, None] * field.turn_braking)[:, None, :] * np.ones((1, per_car, 1))
    brakes = brakes * (1.0 + _BRAKE_SD * spread * rng.standard_normal(shape))
    caps = script_caps(script, circuit, laps_per_car=per_car)
    rows = (-1, turns)
    return plan_laps(
        circuit, grip_use=grip.reshape(rows), brake_use=brakes.reshape(rows), caps=caps, laps_per_car=per_car
    )


def _tyre_grip(lap: int, script: RaceScript) -> float:
    """Cold on the first laps and at the restart, then a little less with every lap."""
    warm = _FIRST_LAPS_GRIP[lap - 1] if 1 <= lap <= len(_FIRST_LAPS_GRIP) else 1.0
    restart = _RESTART_GRIP if lap == script.retire_lap + 4 else 1.0
    return warm * restart * (1.0 - _WEAR_PER_LAP * lap)


def _channels(course: Course, drives: Drives, seeds: np.random.SeedSequence) -> list[TrueChannels | None]:
    """Channels of every car with a logger, each with random numbers of its own."""
    cars = range(len(course.field.numbers))
    own = [np.random.default_rng(seed) for seed in seeds.spawn(len(cars))]
    has_logger = [logger_id is not None for logger_id in course.field.logger_ids]
    return [_car_channels(course, drives, car, own[car]) if has_logger[car] else None for car in cars]


def _car_channels(course: Course, drives: Drives, car: int, rng: np.random.Generator) -> TrueChannels:
    script, length = course.script, course.circuit.length_m
    since = np.arange(drives.distance_m.shape[0]) * FAST_STEP_S
    end_s = drives.stopped_s + _AFTER_STOP_S if car == script.retiring_car else drives.finished_s[car] + _AFTER_FLAG_S
    span = slice(0, int(np.searchsorted(since, end_s)))
    distance = drives.distance_m[span, car]
    lap = (distance // length).astype(np.int64)
    has_begun = since[span] >= (drives.late_started_s if car == script.late_car else 0.0)
    steps = np.arange(distance.size) - drives.green_step
    drive = CarDrive(
        at_s=np.asarray(steps * FAST_STEP_S, dtype=np.float64),
        place_m=distance - lap * length,
        lap_count=np.where(has_begun, lap, 0),
        speed_mps=drives.speed_mps[span, car],
        accel_mps2=drives.accel_mps2[span, car],
        throttle=drives.throttle[span, car],
        brake_bar=drives.brake_bar[span, car],
        gear=drives.gear[span, car],
        shift_s=drives.shift_s[span, car],
        is_in_lane=_is_in_lane(course, car, distance),
        corrections_deg=float(course.field.corrections_deg[car]),
        line_m=float(course.field.line_m[car]),
    )
    driven = [branch.fault for branch in drives.branches if branch.car == car and branch.fault is not None]
    begins = [int(np.searchsorted(distance, fault.lap * length + fault.start_m)) for fault in driven]
    return sense(drive, course.circuit, tuple(zip(driven, begins, strict=True)), rng)


def _is_in_lane(course: Course, car: int, distance: Array) -> npt.NDArray[np.bool_]:
    circuit, script = course.circuit, course.script
    lines = [(stop.lap + 1) * circuit.length_m for stop in script.stops if stop.car == car]
    inside = np.zeros(distance.size, dtype=bool)
    for line in lines + ([circuit.length_m] if car == script.late_car else []):
        entry, exit_ = line - circuit.length_m + circuit.pit_entry_m, line + circuit.pit_exit_m
        inside |= (distance >= entry) & (distance < exit_)
    return inside


def _demo_car(field: Field, car: int, laps: OfficialLaps, channels: TrueChannels | None) -> DemoCar:
    return DemoCar(
        number=field.numbers[car],
        logger_id=field.logger_ids[car],
        driver=field.drivers[car],
        team=field.teams[car],
        status="Classified",
        laps=laps,
        channels=channels,
    )


def _since_green(drives: Drives) -> tuple[float, float]:
    green = drives.green_step * FAST_STEP_S
    return drives.yellow_s[0] - green, drives.yellow_s[1] - green
