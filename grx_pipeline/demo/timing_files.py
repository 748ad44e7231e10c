"""The timing's files as the anonymised circuits have them: analysis, classifications, best laps, weather.

Everything in them is the truth but what the real files lose: zeros at the end of decimals, in the blade family those
before a car's number, and a weather reading.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from grx_pipeline.demo.logger_files import ChannelSet
from grx_pipeline.demo.race import DemoCar, DemoRace, IntArray

VEHICLE = "Toyota GR86"
NO_TEMPERATURE = -999.0
PENALTY_MS = 5000
BEST_LAPS = 10
WEATHER_STEP_S = 63
_DAY_MS = 86_400_000
_ANALYSIS_HEADER = (
    "NUMBER; DRIVER_NUMBER; LAP_NUMBER; LAP_TIME; LAP_IMPROVEMENT; CROSSING_FINISH_LINE_IN_PIT; S1; S1_IMPROVEMENT;"
    " S2; S2_IMPROVEMENT; S3; S3_IMPROVEMENT; KPH; ELAPSED; HOUR;S1_LARGE;S2_LARGE;S3_LARGE;TOP_SPEED;PIT_TIME;CLASS;"
    "GROUP;MANUFACTURER;FLAG_AT_FL;S1_SECONDS;S2_SECONDS;S3_SECONDS;IM1a_time;IM1a_elapsed;IM1_time;IM1_elapsed;"
    "IM2a_time;IM2a_elapsed;IM2_time;IM2_elapsed;IM3a_time;IM3a_elapsed;FL_time;FL_elapsed"
)
_RESULTS_START = (
    "POSITION;NUMBER;STATUS;LAPS;TOTAL_TIME;GAP_FIRST;GAP_PREVIOUS;FL_LAPNUM;FL_TIME;FL_KPH;CLASS;GROUP;DIVISION;"
    "VEHICLE;TIRES;ECM Participant Id;ECM Team Id;ECM Category Id;ECM Car Id;ECM Brand Id;ECM Country Id;*Extra 7;"
    "*Extra 8;*Extra 9;Sort Key;"
)
_DRIVER_COLUMNS = (
    "DRIVER_FIRSTNAME;DRIVER_SECONDNAME;DRIVER_LICENSE;DRIVER_HOMETOWN;DRIVER_COUNTRY;DRIVER_SHORTNAME;"
    "DRIVER_ECM Driver Id;DRIVER_ECM Country Id;"
)
_RESULTS_END = "DRIVER_*Extra 3;DRIVER_*Extra 4;DRIVER_*Extra 5"
_CLASS_HEADER = (
    "CLASS_TYPE;POS;PIC;NUMBER;VEHICLE;LAPS;ELAPSED;GAP_FIRST;GAP_PREVIOUS;BEST_LAP_NUM;BEST_LAP_TIME;BEST_LAP_KPH"
)
_WEATHER_HEADER = "TIME_UTC_SECONDS;TIME_UTC_STR;AIR_TEMP;TRACK_TEMP;HUMIDITY;PRESSURE;WIND_SPEED;WIND_DIRECTION;RAIN"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One row of a classification. `best` is the index of the fastest lap after the first, None without one."""

    car: DemoCar
    total_ms: int
    best: int | None

    @property
    def laps(self) -> int:
        return self.car.laps.lap_number.size


@dataclass(frozen=True, kw_only=True)
class TimingFiles:
    """The files by name, the car whose provisional time carries a penalty (None in a field too small for one), the
    cars that share a NUMBER, and how many track temperatures are sentinels."""

    files: Mapping[str, bytes]
    penalised: str | None
    shared_numbers: Mapping[str, Sequence[str]]
    track_temp_sentinels: int


def timing_files(race: DemoRace, *, channel_set: ChannelSet, rng: np.random.Generator) -> TimingFiles:
    """All timing files of the race, named as the circuits of the channel set name them."""
    numbers = [car.number for car in race.cars]
    if channel_set == "blade":
        race = replace(race, cars=tuple(replace(car, number=car.number.lstrip("0")) for car in race.cars))
    final = [_standing(car) for car in race.cars]
    penalised = _penalised(final)
    provisional = _rank(
        [replace(row, total_ms=row.total_ms + PENALTY_MS * (place == penalised)) for place, row in enumerate(final)]
    )
    end = f"Race {race.race}_Anonymized.CSV"
    official = f"Results GR Cup Race {race.race} Official_Anonymized.CSV"
    texts = {
        f"23_AnalysisEnduranceWithSections_{end}": analysis_lines(race),
        f"03_Provisional Results_{end}": _result_lines(race, provisional, has_drivers=True),
        f"{'03' if channel_set == 'pedal' else '00'}_{official}": _result_lines(race, final, has_drivers=False),
        f"05_Provisional Results by Class_{end}": _class_lines(race, provisional),
        f"05_Results by Class GR Cup Race {race.race} Official_Anonymized.CSV": _class_lines(race, final),
        f"99_Best 10 Laps By Driver_{end}": _best_lines(race),
        f"26_Weather_{end}": _weather_lines(race, rng),
    }
    files = {name: "".join(f"{line}\n" for line in lines).encode() for name, lines in texts.items()}
    cars = [(car.number, number) for car, number in zip(race.cars, numbers, strict=True)]
    shared = {printed: [number for other, number in cars if other == printed] for printed, _ in cars}
    return TimingFiles(
        files=files,
        penalised=None if penalised is None else numbers[penalised],
        shared_numbers={printed: own for printed, own in shared.items() if len(own) > 1},
        track_temp_sentinels=1,
    )


def analysis_lines(race: DemoRace) -> list[str]:
    """23_AnalysisEnduranceWithSections: cars by number, laps ascending."""
    cars = [car for car in sorted(race.cars, key=lambda car: (int(car.number), car.number)) if car.laps.lap_number.size]
    counts = [car.laps.lap_number.size for car in cars]
    lap_ms, sections, finished = (
        np.concatenate([getattr(car.laps, name) for car in cars])
        for name in ("lap_time_ms", "sections_ms", "finished_at_ms")
    )
    sectors = sections.reshape(-1, 3, 2).sum(axis=2)
    passed = np.cumsum(sections, axis=1)
    numbers = np.repeat([car.number for car in cars], counts).tolist()
    car_index = np.repeat(np.arange(len(cars)), counts)
    pit_ms = np.concatenate([car.laps.pit_time_ms for car in cars])
    is_pit = np.concatenate([car.laps.is_pit_in for car in cars])
    hours = (finished - race.utc_offset_ms) % _DAY_MS
    parts = [column for n in range(6) for column in (_short(sections[:, n]), _short(passed[:, n]))]
    columns: list[list[str]] = [
        numbers,
        ["1"] * len(numbers),
        [str(lap) for car in cars for lap in car.laps.lap_number.tolist()],
        [minutes(ms) for ms in lap_ms.tolist()],
        _improvements(lap_ms, car_index),
        np.where(is_pit, "B", "").tolist(),
        *(column for n in range(3) for column in (_short(sectors[:, n]), _improvements(sectors[:, n], car_index))),
        [_kph(race, ms) for ms in lap_ms.tolist()],
        [minutes(ms) for ms in (finished - race.start_ms).tolist()],
        [_clock(ms) for ms in hours.tolist()],
        *([minutes(ms) for ms in sectors[:, n].tolist()] for n in range(3)),
        [f"{speed:.1f}" for car in cars for speed in car.laps.top_speed_kmh.tolist()],
        [f"{ms // 3_600_000}:{ms % 3_600_000 // 60_000:02d}:{_seconds(ms)}" if ms else "" for ms in pit_ms.tolist()],
        *([text] * len(numbers) for text in ("Am", "", "Toyota Gazoo Racing")),
        [flag for car in cars for flag in car.laps.flag],
        *([repr(ms / 1000) for ms in sectors[:, n].tolist()] for n in range(3)),
        *parts,
    ]
    return [_ANALYSIS_HEADER, *(";".join(row) for row in zip(*columns, strict=True))]


def minutes(ms: int) -> str:
    """`M:SS.mmm`."""
    return f"{ms // 60_000}:{_seconds(ms)}"


def _seconds(ms: int) -> str:
    return f"{ms % 60_000 // 1000:02d}.{ms % 1000:03d}"


def _short(times_ms: IntArray) -> list[str]:
    """A column of times as the anonymiser left it: numbers without zeros at the end, texts where one has minutes."""
    times = times_ms.tolist()
    if max(times) < 60_000:
        return [repr(ms / 1000) for ms in times]
    return [minutes(ms) if ms >= 60_000 else f"{ms // 1000}.{ms % 1000:03d}" for ms in times]


def _clock(ms: int) -> str:
    return f"{ms // 3_600_000:02d}:{ms % 3_600_000 // 60_000:02d}:{_seconds(ms)}"


def _improvements(times_ms: IntArray, car_index: IntArray) -> list[str]:
    """3 for the session's best (the first of equals), 2 for each other car's own best, else 0."""
    order = np.lexsort((np.arange(times_ms.size), times_ms))
    own_best = order[np.unique(car_index[order], return_index=True)[1]]
    marks = np.zeros(times_ms.size, dtype=np.int64)
    marks[own_best] = 2
    marks[order[0]] = 3
    return [str(mark) for mark in marks.tolist()]


def _kph(race: DemoRace, lap_ms: int) -> str:
    return f"{race.circuit.length_m * 3600 / lap_ms:.1f}"


def _standing(car: DemoCar) -> Standing:
    times = car.laps.lap_time_ms
    total = int(car.laps.finished_at_ms[-1]) if times.size else 0
    best = 1 + int(np.argmin(times[1:])) if times.size > 1 else None
    return Standing(car=car, total_ms=total, best=best)


def _rank(standings: Sequence[Standing]) -> list[Standing]:
    return sorted(standings, key=lambda row: (row.car.status != "Classified", -row.laps, row.total_ms))


def _penalised(final: Sequence[Standing]) -> int | None:
    """The place in `final` of a car that a penalty would cost a place: it was provisional, and was taken back."""
    pairs = enumerate(itertools.pairwise(final))
    close = [place for place, (a, b) in pairs if a.laps == b.laps and 0 < b.total_ms - a.total_ms < PENALTY_MS]
    return close[-1] if close else None


def _gap(row: Standing, ahead: Standing, *, apostrophe: bool) -> str:
    """The gap as the classifications print it: `+2.740`, `+2:15.141` (`+2'15.141` by class), `14 Laps`."""
    behind = ahead.laps - row.laps
    if behind:
        return f"{behind} Laps" if apostrophe or behind > 1 else "1 Lap"
    ms = row.total_ms - ahead.total_ms
    if ms < 60_000:
        return f"+{ms // 1000}.{ms % 1000:03d}"
    return f"+{ms // 60_000}{chr(39) if apostrophe else ':'}{_seconds(ms)}"


def _gaps(rows: Sequence[Standing], *, first: str, apostrophe: bool) -> list[tuple[str, str]]:
    pairs = zip(rows[1:], rows, strict=False)
    gaps = [
        (_gap(row, rows[0], apostrophe=apostrophe), _gap(row, previous, apostrophe=apostrophe))
        for row, previous in pairs
    ]
    return [(first, first), *gaps]


def _fastest(race: DemoRace, row: Standing) -> str:
    if row.best is None:
        return "0;;"
    time = int(row.car.laps.lap_time_ms[row.best])
    return f"{row.car.laps.lap_number[row.best]};{minutes(time)};{_kph(race, time)}"


def _result_lines(race: DemoRace, rows: Sequence[Standing], *, has_drivers: bool) -> list[str]:
    classified = [row for row in rows if row.laps]
    gaps = _gaps(classified, first="-", apostrophe=False)
    starts = [
        f"{place};{row.car.number};{row.car.status};{row.laps};{minutes(row.total_ms - race.start_ms)};{gap};"
        f"{previous};{_fastest(race, row)}"
        for place, (row, (gap, previous)) in enumerate(zip(classified, gaps, strict=True), 1)
    ]
    starts += [f";{row.car.number};{row.car.status};0;;;;;;" for row in rows if not row.laps]
    names = [row.car.driver.partition(" ") for row in (*classified, *(row for row in rows if not row.laps))]
    drivers = [f"{first};{second};;;USA;;;;" if has_drivers else "" for first, _, second in names]
    lines = [
        f"{start};Am;;GR Cup;{VEHICLE};{';' * 11}{driver};;" for start, driver in zip(starts, drivers, strict=True)
    ]
    return [_RESULTS_START + (_DRIVER_COLUMNS if has_drivers else "") + _RESULTS_END, *lines]


def _class_lines(race: DemoRace, rows: Sequence[Standing]) -> list[str]:
    classified = [row for row in rows if row.laps]
    gaps = _gaps(classified, first="", apostrophe=True)
    lines = [
        f"Am;{place};{place};{row.car.number};{VEHICLE};{row.laps};{minutes(row.total_ms - race.start_ms)};{gap};"
        f"{previous};{_fastest(race, row)}"
        for place, (row, (gap, previous)) in enumerate(zip(classified, gaps, strict=True), 1)
    ]
    return [_CLASS_HEADER, *lines]


def _best_lines(race: DemoRace) -> list[str]:
    columns = ";".join(f"BESTLAP_{rank};BESTLAP_{rank}_LAPNUM" for rank in range(1, BEST_LAPS + 1))
    cars = sorted(race.cars, key=lambda car: car.number)
    return [f"NUMBER;VEHICLE;CLASS;TOTAL_DRIVER_LAPS;{columns};AVERAGE", *(_best_line(car) for car in cars)]


def _best_line(car: DemoCar) -> str:
    """The best ten laps; the first lap of the race does not count."""
    times, numbers = car.laps.lap_time_ms[1:], car.laps.lap_number[1:]
    order = np.argsort(times, kind="stable")[:BEST_LAPS]
    cells = [f"{minutes(int(times[i]))};{numbers[i]}" for i in order] + [";0"] * (BEST_LAPS - order.size)
    average = minutes(round(float(times[order].mean()))) if order.size else ""
    return f"{car.number};{VEHICLE};Am;{car.laps.lap_number.size};{';'.join(cells)};{average}"


def _weather_lines(race: DemoRace, rng: np.random.Generator) -> list[str]:
    """A reading every 63 s from before the start to after the finish; one track temperature was not read."""
    last_ms = max(int(car.laps.finished_at_ms[-1]) for car in race.cars if car.laps.lap_number.size)
    first_s = race.start_ms // 1000 + 120
    seconds = np.arange(first_s - 420, last_ms // 1000 + 300, WEATHER_STEP_S)
    drift = np.cumsum(rng.normal(0.0, 1.0, (seconds.size, 4)), axis=0)
    track = np.round(race.track_temp_c + 0.15 * drift[:, 0], 1)
    track[rng.integers(2, seconds.size - 2)] = NO_TEMPERATURE
    columns = (
        np.round(race.air_temp_c + 0.08 * drift[:, 1], 2),
        track,
        np.round(56.0 + 0.4 * drift[:, 2], 2),
        np.round(992.9 + 0.05 * drift[:, 3], 1),
        np.round(0.36 * rng.integers(1, 32, seconds.size), 2),
        rng.integers(0, 360, seconds.size),
    )
    rows = zip(seconds.tolist(), *(column.tolist() for column in columns), strict=True)
    lines = [f"{at};{_date_text(at)};{';'.join(map(repr, values))};0" for at, *values in rows]
    return [_WEATHER_HEADER, *lines]


def _date_text(at_s: int) -> str:
    at = datetime.fromtimestamp(at_s, UTC)
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'PM' if at.hour >= 12 else 'AM'}"
