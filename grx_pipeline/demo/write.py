"""A simulated race as raw files: every file of a session, with the dirt of real ones and the truth beside them."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from grx_pipeline.demo.dirt import LoggerDirt, clock_faults, draw_dirt, exported, record
from grx_pipeline.demo.logger_files import (
    ChannelSet,
    LoggedCrossings,
    file_slug,
    lap_files,
    log_crossings,
    log_unraced,
    lose_triggers,
)
from grx_pipeline.demo.race import DemoCar, DemoRace, IntArray, TrueChannels
from grx_pipeline.demo.telemetry_file import HEADER, UNREADABLE, count_rows, make_rows, plain_rows, write_rows
from grx_pipeline.demo.timing_files import timing_files
from grx_pipeline.demo.truth import (
    VehicleTruth,
    faults_csv,
    session_toml,
    truth_document,
    truth_json,
)
from grx_pipeline.ingest.recognition import SESSION_FILE

LOGGER_BIAS_MS = 200
LAP_OFFSET = 2  # logger lap - LAP_NUMBER
ODD_OFFSET_SHARE = 0.2
WRITE_BUFFER_BYTES = 1 << 20
_UNRACED_CHASSIS = 99
# Random streams of one race: each file is drawn apart, so that a change to one leaves the others as they are.
_SESSION, _TIMING, _UNRACED, _CROSSINGS, _TELEMETRY, _TRIGGERS = range(6)


def write_race(
    race: DemoRace,
    folder: Path,
    *,
    seed: int,
    channel_set: ChannelSet,
    progress: Callable[[str], None],
    stamp: Mapping[str, str | int] | None = None,
) -> Path:
    """Write the session's raw files into `folder` and return it.

    The same race, seed and channel set give the same bytes. session.toml is written last and holds `stamp` too: a
    folder without it is not complete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SESSION_FILE).unlink(missing_ok=True)
    ids = {car.number: car.logger_id for car in race.cars if car.logger_id is not None}
    raced = {car.number: car for car in race.cars if car.number in ids and car.laps.lap_number.size}
    lost = lose_triggers(list(raced.values()), _random(race, seed, _TRIGGERS))
    crossings = {
        number: _crossings_of(race, car, ids[number], lost[number], _random(race, seed, _CROSSINGS, car))
        for number, car in raced.items()
    }
    unraced = log_unraced(race, logger_id=_unraced_id(race.cars), rng=_random(race, seed, _UNRACED))
    timing = timing_files(race, channel_set=channel_set, rng=_random(race, seed, _TIMING))
    small = {**timing.files, **lap_files(race, [*crossings.values(), unraced], channel_set=channel_set)}
    for name, content in small.items():
        (folder / name).write_bytes(content)
    loggers = _loggers(list(raced.values()), crossings, channel_set, _random(race, seed, _SESSION))
    vehicles = _write_telemetry(folder, race, loggers, seed=seed, channel_set=channel_set, progress=progress)
    document = truth_document(
        race,
        vehicles=vehicles,
        crossings=[*crossings.values(), unraced],
        logger_ids=ids,
        logger_bias_ms=LOGGER_BIAS_MS,
        penalised=timing.penalised,
        shared_numbers=timing.shared_numbers,
        track_temp_sentinels=timing.track_temp_sentinels,
    )
    (folder / "truth.json").write_bytes(truth_json(document))
    (folder / "faults.csv").write_bytes(faults_csv(race.faults))
    (folder / SESSION_FILE).write_bytes(session_toml({"seed": seed, "channel_set": channel_set, **(stamp or {})}))
    return folder


@dataclass(frozen=True, kw_only=True)
class _Logger:
    """A car with laps and a logger, what that logger saw of the line, and what is wrong with it."""

    car: DemoCar
    channels: TrueChannels
    crossings: LoggedCrossings
    dirt: LoggerDirt
    unreadable: tuple[str, ...]


def _random(race: DemoRace, seed: int, purpose: int, car: DemoCar | None = None) -> np.random.Generator:
    """The random numbers of one race for one purpose, and for one car."""
    place = () if car is None else ([other.number for other in race.cars].index(car.number),)
    return np.random.default_rng((seed, race.start_ms, race.race, purpose, *place))


def _unraced_id(cars: Sequence[DemoCar]) -> str:
    numbers = {int(car.number) for car in cars}
    spare = next(number for number in range(86, 1000) if number not in numbers)
    return f"GR86-{_UNRACED_CHASSIS:03d}-{spare}"


def _crossings_of(
    race: DemoRace, car: DemoCar, logger_id: str, lost_laps: IntArray, rng: np.random.Generator
) -> LoggedCrossings:
    offset = LAP_OFFSET - int(rng.random() < ODD_OFFSET_SHARE)
    return log_crossings(
        race, car, logger_id=logger_id, lap_offset=offset, bias_ms=LOGGER_BIAS_MS, lost_laps=lost_laps, rng=rng
    )


def _loggers(
    cars: Sequence[DemoCar],
    crossings: Mapping[str, LoggedCrossings],
    channel_set: ChannelSet,
    rng: np.random.Generator,
) -> list[_Logger]:
    """The loggers in the order of their ids, with what is wrong with each.

    One clock is frozen, one pauses, and an accelerometer of a third car is reversed. The unreadable lines are spread
    over the cars whose clock runs.
    """
    ordered = sorted(cars, key=lambda car: crossings[car.number].logger_id)
    faults = clock_faults([car.number for car in ordered], rng)
    running = [car.number for car in ordered if faults[car.number] != "frozen"]
    broken: dict[str, list[str]] = {number: [] for number in faults}
    for number, fault in zip(itertools.cycle(running), UNREADABLE, strict=False):
        broken[number].append(fault)
    is_reversed = rng.choice([number for number in running if faults[number] == "none"])
    return [
        _Logger(
            car=car,
            channels=exported(car.channels, channel_set),
            crossings=crossings[car.number],
            dirt=draw_dirt(clock_fault=faults[car.number], is_reversed=car.number == is_reversed, rng=rng),
            unreadable=tuple(broken[car.number]),
        )
        for car in ordered
        if car.channels is not None
    ]


def _write_telemetry(
    folder: Path,
    race: DemoRace,
    loggers: Sequence[_Logger],
    *,
    seed: int,
    channel_set: ChannelSet,
    progress: Callable[[str], None],
) -> list[VehicleTruth]:
    """The telemetry file, one logger after the other."""
    vehicles = []
    path = folder / f"R{race.race}_{file_slug(race)}_telemetry_data.csv"
    with path.open("wb", buffering=WRITE_BUFFER_BYTES) as file:
        file.write(HEADER)
        for number, logger in enumerate(loggers, 1):
            rng = _random(race, seed, _TELEMETRY, logger.car)
            vehicle = _write_vehicle(file, race, logger, channel_set=channel_set, rng=rng)
            vehicles.append(vehicle)
            progress(f"telemetry of car {number} of {len(loggers)}: {vehicle.counts.rows:,} rows")
    return vehicles


def _write_vehicle(
    file: IO[bytes], race: DemoRace, logger: _Logger, *, channel_set: ChannelSet, rng: np.random.Generator
) -> VehicleTruth:
    """Append one logger's rows to the telemetry file."""
    ticks = record(
        logger.channels,
        logger.crossings,
        logger.dirt,
        start_ms=race.start_ms,
        lap_length_m=race.circuit.length_m,
        channel_set=channel_set,
        rng=rng,
    )
    rows = make_rows(ticks, copied_share=logger.dirt.copied_share, rng=rng)
    places = rng.choice(plain_rows(ticks, rows), len(logger.unreadable), replace=False)
    rows = replace(rows, unreadable=dict(zip(places.tolist(), logger.unreadable, strict=True)))
    write_rows(file, ticks, rows, logger_id=logger.crossings.logger_id, event=race.event, session=f"R{race.race}")
    return VehicleTruth(
        car=logger.car,
        logger_id=logger.crossings.logger_id,
        dirt=logger.dirt,
        counts=count_rows(ticks, rows),
        unreadable=logger.unreadable,
        ticks=ticks.stamp_ms.size,
        stamps=np.unique(ticks.stamp_ms).size,
        lost_ticks=ticks.lost,
        gaps=ticks.gaps,
        collapsed_ticks=ticks.collapsed,
    )
