"""The loggers' own line crossings as lap_start, lap_end and lap_time files write them: ghosts, slips, lost triggers.

The same lap counter stands in the telemetry file. Which ECU stamp a crossing has there is dirt.py's work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from grx_pipeline.demo.race import DemoCar, DemoRace, IntArray

ChannelSet = Literal["pedal", "blade"]

NO_LAP = 32768
MORE_GHOSTS = 0.4  # a car, beyond the first
SLIP_SHARE = 0.5  # of the ghosts
LOST_TRIGGER_SHARE = 0.015  # of the laps
GHOST_DELAYS_MS = (2, 210)
JITTER_MS = 40.0
WIDE_JITTER_SHARE = 0.08
MAX_JITTER_MS = 280.0
POST_RACE_S = (120.0, 240.0)
UNRACED_CROSSINGS = 3
_KINDS = ("lap_start", "lap_end", "lap_time")


@dataclass(frozen=True, kw_only=True)
class LoggedCrossings:
    """One logger's crossings in order of time, arrays (k,).

    `ended` is the lap counter before, `began` after the crossing; `official_lap` the LAP_NUMBER that it ends, 0 for
    ghosts and for crossings outside the race. `received_ms` is UTC. `lost_laps` are the LAP_NUMBERs whose end the
    logger missed: they have no crossing, and its lap goes on.
    """

    logger_id: str
    at_ms: IntArray
    received_ms: IntArray
    ended: IntArray
    began: IntArray
    official_lap: IntArray
    lost_laps: IntArray
    ghosts: int
    slips: int


def lose_triggers(cars: Sequence[DemoCar], rng: np.random.Generator) -> Mapping[str, IntArray]:
    """The LAP_NUMBERs by car whose end its logger misses, at least one of the session; never a first or last lap."""
    laps = [(car.number, lap) for car in cars for lap in car.laps.lap_number[1:-1].tolist()]
    count = min(max(round(LOST_TRIGGER_SHARE * len(laps)), 1), len(laps))
    lost = [laps[place] for place in np.sort(rng.choice(len(laps), count, replace=False))]
    return {car.number: np.array([lap for number, lap in lost if number == car.number], dtype=np.int64) for car in cars}


def log_crossings(
    race: DemoRace,
    car: DemoCar,
    *,
    logger_id: str,
    lap_offset: int,
    bias_ms: int,
    lost_laps: IntArray,
    rng: np.random.Generator,
) -> LoggedCrossings:
    """The crossings of a car with laps: into the race, its laps, one on the way in, and ghosts.

    `lap_offset` is logger lap - LAP_NUMBER at first; a slip adds one for the rest of the race, a lost trigger takes
    one away.
    """
    is_seen = ~np.isin(car.laps.lap_number, lost_laps)
    finished, laps = car.laps.finished_at_ms[is_seen], car.laps.lap_number[is_seen]
    is_ghost = np.zeros(laps.size, dtype=np.bool_)
    ghosts = min(1 + int(rng.poisson(MORE_GHOSTS)), laps.size - 1)
    is_ghost[rng.choice(max(laps.size - 1, 1), ghosts, replace=False)] = True
    is_slip = is_ghost & (rng.random(laps.size) < SLIP_SHARE)
    at = finished + bias_ms + _jitter(laps.size, rng)
    ended = np.arange(1, laps.size + 1) + lap_offset + np.cumsum(is_slip) - is_slip
    began = np.append(ended[:-1] + 1, NO_LAP)
    start = _start_ms(race, car) + bias_ms
    after = finished[-1] + round(1000 * rng.uniform(*POST_RACE_S))
    second, third = (at[is_ghost] + delay + rng.integers(0, 3, is_ghost.sum()) for delay in GHOST_DELAYS_MS)
    ghost_ended, none = ended[is_ghost], np.zeros(is_ghost.sum(), dtype=np.int64)
    return _ordered(
        logger_id,
        at=np.concatenate([[start, after], at, second, third]),
        ended=np.concatenate([[NO_LAP, NO_LAP], ended, ghost_ended + 1, ghost_ended]),
        began=np.concatenate([[1 + lap_offset, NO_LAP], began, ghost_ended + 2, ghost_ended + 1 + is_slip[is_ghost]]),
        official=np.concatenate([[0, 0], laps, none, none]),
        lost_laps=lost_laps,
        slips=int(is_slip.sum()),
        rng=rng,
    )


def log_unraced(race: DemoRace, *, logger_id: str, rng: np.random.Generator) -> LoggedCrossings:
    """A few crossings of a logger that was tried long before the race and never raced."""
    laps = np.arange(1, UNRACED_CROSSINGS + 1)
    at = race.start_ms - 3_600_000 + laps * 150_000 + rng.integers(0, 20_000, laps.size)
    return _ordered(
        logger_id,
        at=at,
        ended=laps,
        began=laps + 1,
        official=np.zeros_like(laps),
        lost_laps=np.empty(0, dtype=np.int64),
        slips=0,
        rng=rng,
    )


def _ordered(
    logger_id: str,
    *,
    at: IntArray,
    ended: IntArray,
    began: IntArray,
    official: IntArray,
    lost_laps: IntArray,
    slips: int,
    rng: np.random.Generator,
) -> LoggedCrossings:
    order = np.argsort(at, kind="stable")
    late = 100 + np.round(rng.exponential(1500.0, at.size)).astype(np.int64)
    return LoggedCrossings(
        logger_id=logger_id,
        at_ms=at[order],
        received_ms=(at + late)[order],
        ended=ended[order],
        began=began[order],
        official_lap=official[order],
        lost_laps=lost_laps,
        ghosts=int((np.diff(at[order]) < 5000).sum()),
        slips=slips,
    )


def _start_ms(race: DemoRace, car: DemoCar) -> int:
    """When the car begins its first lap; the green flag where it has no channels."""
    if car.channels is None:
        return race.start_ms
    return race.start_ms + round(1000 * float(car.channels.at_s[np.argmax(car.channels.lap_count > 0)]))


def _jitter(count: int, rng: np.random.Generator) -> IntArray:
    """Single crossings are off by some hundredths of a second, a few by up to 0.3 s."""
    is_wide = rng.random(count) < WIDE_JITTER_SHARE
    jitter = np.where(is_wide, rng.uniform(-MAX_JITTER_MS, MAX_JITTER_MS, count), rng.normal(0.0, JITTER_MS, count))
    return np.round(np.clip(jitter, -MAX_JITTER_MS, MAX_JITTER_MS)).astype(np.int64)


def lap_files(race: DemoRace, crossings: Sequence[LoggedCrossings], *, channel_set: ChannelSet) -> Mapping[str, bytes]:
    """The three files by name, in the format of the channel set's family."""
    slug, session = file_slug(race), f"R{race.race}"
    ordered = sorted(crossings, key=lambda logged: logged.logger_id)
    if channel_set == "pedal":
        return {f"{session}_{slug}_{kind}.csv": _plain_file(race, ordered, kind) for kind in _KINDS}
    names = {"lap_start": "lap_start_time", "lap_end": "lap_end_time", "lap_time": "lap_time"}
    return {f"{slug}_{names[kind]}_{session}.csv": _quoted_file(race, ordered, kind) for kind in _KINDS}


def _plain_file(race: DemoRace, crossings: Sequence[LoggedCrossings], kind: str) -> bytes:
    """No quotes, no `value`, CRLF; by vehicle, ascending."""
    header = (
        "expire_at,lap,meta_event,meta_session,meta_source,meta_time,original_vehicle_id,outing,timestamp,vehicle_id,"
        "vehicle_number"
    )
    rows = [
        f",{lap},{race.event},R{race.race},kafka:gr-raw,{received},{logged.logger_id},0,{at},{logged.logger_id},"
        f"{vehicle_number(logged.logger_id)}"
        for logged in crossings
        for lap, at, received in _columns(logged, kind)
    ]
    return "".join(f"{line}\r\n" for line in [header, *rows]).encode()


def _quoted_file(race: DemoRace, crossings: Sequence[LoggedCrossings], kind: str) -> bytes:
    """Every text quoted, LF, no newline at the end; by vehicle, newest first. `value` is ms in lap_time only."""
    last = '"value","expire_at"' if kind == "lap_time" else '"expire_at","value"'
    header = f'"meta_source","meta_time","meta_event","meta_session","timestamp","vehicle_id","outing","lap",{last}'
    rows = []
    for logged in crossings:
        durations = np.diff(logged.at_ms, prepend=logged.at_ms[:1] - 1_334_530)
        lines = [
            f'"kafka:gr-raw","{received}","{race.event}","R{race.race}","{at}","{logged.logger_id}",0,{lap},'
            + (f"{duration}," if kind == "lap_time" else f',"{at}"')
            for (lap, at, received), duration in zip(_columns(logged, kind), durations.tolist(), strict=True)
        ]
        rows += lines[::-1]
    return "\n".join([header, *rows]).encode()


def _columns(logged: LoggedCrossings, kind: str) -> list[tuple[int, str, str]]:
    """Lap, time stamp and receipt of each row of a file of `kind`; a lap starts 1 ms after the last one ended."""
    is_start = kind == "lap_start"
    laps = logged.began if is_start else logged.ended
    stamps = iso_times(logged.at_ms + (1 if is_start else 0))
    return list(zip(laps.tolist(), stamps, iso_times(logged.received_ms), strict=True))


def file_slug(race: DemoRace) -> str:
    """The circuit as the loggers' file names write it."""
    return race.circuit.slug.replace("-", "_")


def iso_times(utc_ms: IntArray) -> list[str]:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` of UTC ms."""
    texts: list[str] = np.datetime_as_string(utc_ms.astype("datetime64[ms]"), unit="ms").tolist()
    return [f"{text}Z" for text in texts]


def vehicle_number(logger_id: str) -> int:
    """The number in the loggers' files: the id's suffix without leading zeros, which is not always the car's."""
    return int(logger_id.rpartition("-")[2])
