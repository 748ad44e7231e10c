"""A small race in the raw formats: a few cars, short laps, telemetry of some of them.

Every number follows from the car, the lap and the time, so that tests can say what has to come out.
"""

import gzip
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

RACE_START = datetime(2025, 9, 6, 18, 0, 0, tzinfo=UTC)
EVENT = "I_R06_2025-09-07"
LOCAL_OFFSET_S = 5 * 3600  # CDT
LOGGER_BIAS_S = 0.2
ECU_BEHIND_S = 150_000.0
STEP_S = 0.043
ANALYSIS_HEADER = (
    "NUMBER; DRIVER_NUMBER; LAP_NUMBER; LAP_TIME; LAP_IMPROVEMENT; CROSSING_FINISH_LINE_IN_PIT; S1; S1_IMPROVEMENT;"
    " S2; S2_IMPROVEMENT; S3; S3_IMPROVEMENT; KPH; ELAPSED; HOUR;S1_LARGE;S2_LARGE;S3_LARGE;TOP_SPEED;PIT_TIME;CLASS;"
    "GROUP;MANUFACTURER;FLAG_AT_FL;S1_SECONDS;S2_SECONDS;S3_SECONDS;IM1a_time;IM1a_elapsed;IM1_time;IM1_elapsed;"
    "IM2a_time;IM2a_elapsed;IM2_time;IM2_elapsed;IM3a_time;IM3a_elapsed;FL_time;FL_elapsed"
)
TELEMETRY_HEADER = (
    "expire_at,lap,meta_event,meta_session,meta_source,meta_time,original_vehicle_id,outing,telemetry_name,"
    "telemetry_value,timestamp,vehicle_id,vehicle_number"
)
LAP_HEADER = (
    "expire_at,lap,meta_event,meta_session,meta_source,meta_time,original_vehicle_id,outing,timestamp,vehicle_id,"
    "vehicle_number"
)


@dataclass(frozen=True, kw_only=True)
class Car:
    """One car: NUMBER, its logger (or none), its lap times, and the laps its telemetry covers."""

    number: str
    logger: str | None
    lap_times_ms: tuple[int, ...]
    telemetry_laps: tuple[int, ...] = ()
    flags: dict[int, str] = field(default_factory=dict)


def default_cars() -> tuple[Car, ...]:
    """Three cars of six laps: two with loggers, one of those named after another number, one without."""
    times = (44_000, 40_000, 40_250, 39_900, 40_125, 40_400)
    return (
        Car(number="7", logger="GR86-006-7", lap_times_ms=times, telemetry_laps=(2, 3, 4)),
        Car(number="111", logger="GR86-060-2", lap_times_ms=tuple(t + 510 for t in times), telemetry_laps=(3,)),
        Car(number="51", logger=None, lap_times_ms=tuple(t + 1_370 for t in times)),
    )


def write_session(folder: Path, cars: tuple[Car, ...] | None = None, *, track: str = "barber") -> Path:
    """Write every file of the session as TRD names them; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    cars = default_cars() if cars is None else cars
    write_text(folder / "23_AnalysisEnduranceWithSections_Race 1_Anonymized.CSV", analysis_lines(cars))
    write_text(folder / "03_Provisional Results_Race 1_Anonymized.CSV", result_lines(cars))
    write_text(folder / "05_Results by Class GR Cup Race 1 Official_Anonymized.CSV", class_lines(cars))
    write_text(folder / "26_Weather_Race 1_Anonymized.CSV", weather_lines())
    write_text(folder / "99_Best 10 Laps By Driver_Race 1_Anonymized.CSV", best_lines(cars))
    for kind in ("lap_start", "lap_end", "lap_time"):
        write_text(folder / f"R1_{track}_{kind}.csv", crossing_lines(cars, kind), end="\r\n")
    write_text(folder / f"R1_{track}_telemetry_data.csv", telemetry_lines(cars), end="\r\n")
    return folder


def write_text(path: Path, lines: list[str], *, end: str = "\n") -> None:
    """Lines with their line end; gzipped where the name ends in .gz."""
    content = (end.join(lines) + end).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def sectors_ms(lap_time_ms: int) -> tuple[int, int, int]:
    """A lap of 40 % , 35 % and the rest."""
    first, second = lap_time_ms * 2 // 5, lap_time_ms * 7 // 20
    return first, second, lap_time_ms - first - second


def finish_s(car: Car, lap: int) -> float:
    """Seconds from the race's start to the end of `lap`."""
    return sum(car.lap_times_ms[:lap]) / 1000


def minutes(ms: int) -> str:
    return f"{ms // 60_000}:{ms % 60_000 / 1000:06.3f}"


def analysis_lines(cars: tuple[Car, ...]) -> list[str]:
    rows = [analysis_row(car, lap) for car in cars for lap in range(1, len(car.lap_times_ms) + 1)]
    return [ANALYSIS_HEADER, *rows]


def analysis_row(car: Car, lap: int) -> str:
    time_ms = car.lap_times_ms[lap - 1]
    one, two, three = sectors_ms(time_ms)
    halves = [half for sector in (one, two, three) for half in (sector // 2, sector - sector // 2)]
    elapsed = np.cumsum(halves)
    intermediates = ";".join(f"{half / 1000};{minutes(int(end))}" for half, end in zip(halves, elapsed, strict=True))
    local = RACE_START.timestamp() - LOCAL_OFFSET_S + finish_s(car, lap)
    hour = datetime.fromtimestamp(round(local, 3), UTC).strftime("%H:%M:%S.%f")[:-3]
    flag = car.flags.get(lap, "FF" if lap == len(car.lap_times_ms) else "GF")
    seconds = ";".join(f"{sector / 1000}" for sector in (one, two, three))
    large = ";".join(minutes(sector) for sector in (one, two, three))
    return (
        f"{car.number};1;{lap};{minutes(time_ms)};0;;{one / 1000};0;{two / 1000};0;{three / 1000};0;100.0;"
        f"{minutes(sum(car.lap_times_ms[:lap]))};{hour};{large};180.5;;Am;;Toyota Gazoo Racing;{flag};{seconds};"
        f"{intermediates}"
    )


def result_lines(cars: tuple[Car, ...]) -> list[str]:
    header = (
        "POSITION;NUMBER;STATUS;LAPS;TOTAL_TIME;GAP_FIRST;GAP_PREVIOUS;FL_LAPNUM;FL_TIME;FL_KPH;CLASS;GROUP;DIVISION;"
        "VEHICLE;TIRES;ECM Participant Id;ECM Team Id;ECM Category Id;ECM Car Id;ECM Brand Id;ECM Country Id;*Extra 7;"
        "*Extra 8;*Extra 9;Sort Key;DRIVER_*Extra 3;DRIVER_*Extra 4;DRIVER_*Extra 5"
    )
    ranked = sorted(cars, key=lambda car: sum(car.lap_times_ms))
    rows = [
        f"{place};{car.number};Classified;{len(car.lap_times_ms)};{minutes(sum(car.lap_times_ms))};"
        f"{'-' if place == 1 else f'+{(sum(car.lap_times_ms) - sum(ranked[0].lap_times_ms)) / 1000:.3f}'};-;"
        f"{int(np.argmin(car.lap_times_ms)) + 1};{minutes(min(car.lap_times_ms))};130.0;Am;;GR Cup;Toyota GR86"
        + ";"
        * 14
        for place, car in enumerate(ranked, 1)
    ]
    return [header, *rows]


def class_lines(cars: tuple[Car, ...]) -> list[str]:
    header = (
        "CLASS_TYPE;POS;PIC;NUMBER;VEHICLE;LAPS;ELAPSED;GAP_FIRST;GAP_PREVIOUS;BEST_LAP_NUM;BEST_LAP_TIME;BEST_LAP_KPH"
    )
    rows = [
        f"Am;{place};{place};{car.number};Toyota GR86;{len(car.lap_times_ms)};{minutes(sum(car.lap_times_ms))};;;"
        f"{int(np.argmin(car.lap_times_ms)) + 1};{minutes(min(car.lap_times_ms))};130.0"
        for place, car in enumerate(sorted(cars, key=lambda car: sum(car.lap_times_ms)), 1)
    ]
    return [header, *rows]


def best_lines(cars: tuple[Car, ...]) -> list[str]:
    columns = ";".join(f"BESTLAP_{rank};BESTLAP_{rank}_LAPNUM" for rank in range(1, 11))
    rows = []
    for car in cars:
        best = sorted((time, lap) for lap, time in enumerate(car.lap_times_ms, 1))[:10]
        cells = [f"{minutes(time)};{lap}" for time, lap in best] + [";0"] * (10 - len(best))
        rows.append(f"{car.number};Toyota GR86;Am;{len(car.lap_times_ms)};{';'.join(cells)};{minutes(best[0][0])}")
    return [f"NUMBER;VEHICLE;CLASS;TOTAL_DRIVER_LAPS;{columns};AVERAGE", *rows]


def weather_lines() -> list[str]:
    header = "TIME_UTC_SECONDS;TIME_UTC_STR;AIR_TEMP;TRACK_TEMP;HUMIDITY;PRESSURE;WIND_SPEED;WIND_DIRECTION;RAIN"
    rows = []
    for number in range(5):
        at = datetime.fromtimestamp(RACE_START.timestamp() + 63 * number, UTC)
        clock = f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'PM' if at.hour >= 12 else 'AM'}"
        rows.append(f"{int(at.timestamp())};{clock};29.{number};38.{number};56.75;992.9;2.88;342;0")
    return [header, *rows]


def crossing_lines(cars: tuple[Car, ...], kind: str) -> list[str]:
    rows = []
    for car in cars:
        for lap in range(1, len(car.lap_times_ms) + 1) if car.logger else ():
            at = stamp(finish_s(car, lap) + LOGGER_BIAS_S + (0.001 if kind == "lap_start" else 0.0))
            logger_lap = lap + 2 + (kind == "lap_start")
            received = stamp(finish_s(car, lap) + 1.2)
            suffix = int(str(car.logger).rpartition("-")[2])
            rows.append(f",{logger_lap},{EVENT},R1,kafka:gr-raw,{received},{car.logger},0,{at},{car.logger},{suffix}")
    return [LAP_HEADER, *rows]


def stamp(seconds: float) -> str:
    """Seconds from the race's start as the loggers write UTC."""
    at = datetime.fromtimestamp(round(RACE_START.timestamp() + seconds, 3), UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def telemetry_lines(cars: tuple[Car, ...]) -> list[str]:
    return [TELEMETRY_HEADER, *(row for car in cars for lap in car.telemetry_laps for row in telemetry_rows(car, lap))]


def telemetry_rows(car: Car, lap: int, *, ecu_pause_s: float = 0.0) -> list[str]:
    """A lap at the native rates: two brake applications, two corners, and a speed that covers Barber's length.

    `ecu_pause_s` is for how long the ECU clock stood still before this lap.
    """
    begin, duration = finish_s(car, lap - 1), car.lap_times_ms[lap - 1] / 1000
    rows = []
    for tick in range(round(duration / STEP_S)):
        at = tick * STEP_S
        part = at / duration
        is_braking = part % 0.5 > 0.42
        values: dict[str, float] = {
            "accx_can": -1.0 if is_braking else 0.2,
            "accy_can": round(1.2 * np.sin(2 * np.pi * part * 2), 3),
            "pbrake_f": 50.0 if is_braking else 0.0,
            "pbrake_r": 40.0 if is_braking else 0.0,
            "gear": 3.0,
            "Steering_Angle": round(60 * np.sin(2 * np.pi * part * 2), 3),
            "aps": 0.0 if is_braking else 100.0,
            "VBOX_Lat_Min": 33.5326722 + 0.001 * np.cos(2 * np.pi * part),
            "VBOX_Long_Minutes": -86.6196083 + 0.001 * np.sin(2 * np.pi * part),
        }
        if tick % 5 == 0:
            values |= {"nmot": 6000.0, "Laptrigger_lapdist_dls": round(3700 * part)}
        if tick % 5 == 2:
            values["speed"] = round(330 + 40 * np.cos(2 * np.pi * part * 2), 2)
        ecu = stamp(begin + at + LOGGER_BIAS_S - ECU_BEHIND_S - ecu_pause_s)
        received = stamp(begin + at + LOGGER_BIAS_S + 0.3 + 0.5 * (tick % 20) / 20)
        rows += [
            f",{lap + 2},{EVENT},R1,kafka:gr-raw,{received},{car.logger},0,{name},{float(value)!r},{ecu},{car.logger},"
            f"{int(str(car.logger).rpartition('-')[2])}"
            for name, value in values.items()
        ]
    return rows
