"""What a written race really holds: truth.json, faults.csv and session.toml. Discovery passes the first two over."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from grx_pipeline.demo.dirt import LoggerDirt
from grx_pipeline.demo.logger_files import NO_LAP, LoggedCrossings
from grx_pipeline.demo.race import DemoCar, DemoRace, Fault
from grx_pipeline.demo.telemetry_file import RowCounts

_FAULT_COLUMNS = tuple(Fault.__dataclass_fields__)


@dataclass(frozen=True, kw_only=True)
class VehicleTruth:
    """One logger with telemetry."""

    car: DemoCar
    logger_id: str
    dirt: LoggerDirt
    counts: RowCounts
    unreadable: tuple[str, ...]
    ticks: int
    stamps: int
    lost_ticks: int
    gaps: int
    collapsed_ticks: int


def truth_document(
    race: DemoRace,
    *,
    vehicles: Sequence[VehicleTruth],
    crossings: Sequence[LoggedCrossings],
    logger_ids: Mapping[str, str],
    logger_bias_ms: int,
    penalised: str | None,
    shared_numbers: Mapping[str, Sequence[str]],
    track_temp_sentinels: int,
) -> dict[str, Any]:
    """The truth about every car, logger and kind of dirt. `logger_ids` maps car numbers to the ids in the files."""
    counts = [vehicle_counts(vehicle) for vehicle in vehicles]
    unreadable = sorted(fault for vehicle in vehicles for fault in vehicle.unreadable)
    raced = set(logger_ids.values())
    return {
        "length_m": race.circuit.length_m,
        "start_ms": race.start_ms,
        "utc_offset_ms": race.utc_offset_ms,
        "logger_bias_ms": logger_bias_ms,
        "yellow_phases_s": race.yellow_phases_s,
        "telemetry": {
            "lines": sum(count["rows"] for count in counts) + len(unreadable),
            "unreadable_lines": {fault: unreadable.count(fault) for fault in dict.fromkeys(unreadable)},
            **{name: sum(count[name] for count in counts) for name in (counts[0] if counts else ())},
        },
        "vehicles": {
            vehicle.logger_id: {"car_number": vehicle.car.number, **count, "dirt": asdict(vehicle.dirt)}
            for vehicle, count in zip(vehicles, counts, strict=True)
        },
        "crossings": {logged.logger_id: _crossings(logged) for logged in crossings},
        "wrong_numbers": [logger for number, logger in logger_ids.items() if logger.rpartition("-")[2] != number],
        "cars_without_logger": [car.number for car in race.cars if car.number not in logger_ids],
        "loggers_without_car": [logged.logger_id for logged in crossings if logged.logger_id not in raced],
        "penalised_in_provisional": penalised,
        "shared_numbers": shared_numbers,
        "track_temp_sentinels": track_temp_sentinels,
        "cars": {car.number: _car(car, logger_ids.get(car.number), crossings) for car in race.cars},
    }


def vehicle_counts(vehicle: VehicleTruth) -> dict[str, int]:
    """The rows of one vehicle by what has to become of them. A frozen clock leaves no sample."""
    counts, is_frozen = vehicle.counts, vehicle.dirt.clock_fault == "frozen"
    return {
        "rows": counts.rows,
        "rows_copied": counts.copied,
        "exact_duplicates": counts.rows - counts.distinct,
        "rows_kept": 0 if is_frozen else counts.samples,
        "rows_merged": 0 if is_frozen else counts.distinct - counts.samples,
        "rows_frozen": counts.distinct if is_frozen else 0,
        "conflict_rows": 0 if is_frozen else counts.in_conflict,
        "rows_no_lap": counts.no_lap,
        "ticks": vehicle.ticks,
        "stamps": vehicle.stamps,
        "lost_ticks": vehicle.lost_ticks,
        "gaps": vehicle.gaps,
        "collapsed_ticks": vehicle.collapsed_ticks,
    }


def _crossings(logged: LoggedCrossings) -> dict[str, int]:
    return {
        "rows": logged.at_ms.size,
        "ghosts": logged.ghosts,
        "slips": logged.slips,
        "lost_triggers": logged.lost_laps.size,
        "no_lap": int((logged.ended == NO_LAP).sum()),
    }


def _car(car: DemoCar, logger_id: str | None, crossings: Sequence[LoggedCrossings]) -> dict[str, Any]:
    laps = car.laps
    logged = next((logged for logged in crossings if logged.logger_id == logger_id), None)
    ended = dict(zip(logged.official_lap.tolist(), logged.ended.tolist(), strict=True)) if logged else {}
    return {
        "logger_id": logger_id,
        "driver": car.driver,
        "team": car.team,
        "status": car.status,
        "laps": [
            {
                "lap_number": number,
                "lap_time_ms": time_ms,
                "sections_ms": sections,
                "finished_at_ms": finished,
                "flag": flag,
                "is_pit_in": is_pit_in,
                "pit_time_ms": pit_time_ms,
                "logger_lap": ended.get(number),
            }
            for number, time_ms, sections, finished, flag, is_pit_in, pit_time_ms in zip(
                laps.lap_number.tolist(),
                laps.lap_time_ms.tolist(),
                laps.sections_ms.tolist(),
                laps.finished_at_ms.tolist(),
                laps.flag,
                laps.is_pit_in.tolist(),
                laps.pit_time_ms.tolist(),
                strict=True,
            )
        ],
    }


def faults_csv(faults: Sequence[Fault]) -> bytes:
    """A row a driving fault."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_FAULT_COLUMNS)
    writer.writerows([[getattr(fault, name) for name in _FAULT_COLUMNS] for fault in faults])
    return text.getvalue().encode()


def session_toml(stamp: Mapping[str, str | int]) -> bytes:
    """The session's own description: that it is simulated, and from what it was made."""
    lines = [f"{name} = {json.dumps(value)}" for name, value in stamp.items()]
    return "".join(f"{line}\n" for line in ["simulated = true", "", "[demo]", *lines]).encode()


def truth_json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"
