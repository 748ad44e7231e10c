"""The steps of this package: lake tables in, cars, laps, clocks and windows out."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.manifest import Manifest, read_manifest
from grx_pipeline.laps.cars import split_cars
from grx_pipeline.laps.corrections import TeamWord, team_word
from grx_pipeline.laps.crossings import debounced_crossings
from grx_pipeline.laps.drivers import driver_rows, name_vehicles, number_drivers, place_results
from grx_pipeline.laps.matching import LoggerMatch, Matching, match_loggers
from grx_pipeline.laps.neutralisations import yellow_phases
from grx_pipeline.laps.race_clock import RaceClock, race_clock, unwrap_midnight
from grx_pipeline.laps.telemetry import (
    SAMPLE_COLUMNS,
    VehicleTelemetry,
    clock_rows,
    empty_sensor_row,
    examine_vehicle,
    field_bias,
    sensor_row,
)
from grx_pipeline.laps.validity import exclude_laps, judge_laps
from grx_pipeline.laps.windows import LapWindow, cut_laps
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome, combined_hash
from grx_pipeline.track.circuits import circuit_of


def build_laps(context: StepContext) -> StepOutcome:
    """Cars, laps, logger matches, yellow phases and the session's own row.

    Raises InputError where the session has no official laps.
    """
    manifest = read_manifest(context.paths.manifest(context.session))
    timing = _read(context, "timing_laps")
    if timing.empty:
        raise InputError(
            f"{context.session}: no official laps under {manifest.root}; every report rests on them, so add the file"
            " 23_AnalysisEnduranceWithSections of this race and run again"
        )
    crossings = debounced_crossings(_read(context, "logger_crossings"), context.settings.match)
    vehicles = _read(context, "telemetry_vehicles")
    clock = _race_clock(context, manifest, timing, crossings)
    timing = _with_cars(timing, clock)
    results, cars = place_results(_read(context, "results"), timing)
    cars = number_drivers(timing, cars)
    word = _team_word(context, cars, timing)
    matching = _match(context, timing, crossings, clock, word)
    loggers = {match.car: match.logger_id for match in matching.loggers if match.car is not None}
    vehicle_ids = name_vehicles(cars, loggers)
    laps = _lap_rows(context, timing, matching, vehicle_ids, word)
    drivers = driver_rows(
        timing, results, cars, vehicle_ids, names=word.names, with_logger=set(loggers), vehicles=vehicles
    )
    tables = {
        "laps": laps,
        "drivers": drivers,
        "sessions": _session_row(manifest, clock, matching),
        "logger_matches": _match_rows(matching, vehicle_ids, cars),
        "unmatched_loggers": _unmatched_rows(matching, vehicles),
        "neutralisations": yellow_phases(timing),
    }
    return StepOutcome(
        outputs=_write(context, tables),
        rows=len(laps),
        nameless={context.paths.table(context.session, "drivers"): _hash_without_names(drivers)},
        figures=_lap_figures(tables, word),
    )


def _lap_figures(tables: Mapping[str, pd.DataFrame], word: TeamWord) -> dict[str, int]:
    laps = tables["laps"]
    return {
        "cars": len(tables["drivers"]),
        "laps": len(laps),
        "clean_laps": int(laps["is_clean"].sum()),
        "laps_excluded": len(word.laps),
        "cars_excluded": len(word.cars),
        "loggers_matched": int(tables["logger_matches"]["car_number"].notna().sum()),
        "loggers_unmatched": len(tables["unmatched_loggers"]),
        "laps_with_crossing": int(laps["logger_residual_ms"].notna().sum()),
    }


def _read(context: StepContext, table: str) -> pd.DataFrame:
    return read_frame(context.paths.table(context.session, table))


def _write(context: StepContext, tables: Mapping[str, pa.Table | pd.DataFrame]) -> tuple[Path, ...]:
    places = {name: context.paths.table(context.session, name) for name in tables}
    for name, rows in tables.items():
        write_table(rows, places[name], TABLES[name])
    return tuple(places.values())


def _hash_without_names(drivers: pd.DataFrame) -> str:
    return combined_hash({"drivers": drivers.drop(columns="driver_name").to_json(orient="split")})


def _team_word(context: StepContext, cars: pd.DataFrame, timing: pd.DataFrame) -> TeamWord:
    loggers = {*_read(context, "logger_crossings")["vehicle_id"], *_read(context, "telemetry_vehicles")["vehicle_id"]}
    try:
        return team_word(_read(context, "corrections"), cars, timing, loggers)
    except InputError as error:
        raise InputError(f"{context.session}: {error}") from error


def _race_clock(context: StepContext, manifest: Manifest, timing: pd.DataFrame, crossings: pd.DataFrame) -> RaceClock:
    weather = _read(context, "weather")
    return race_clock(
        time_zone=circuit_of(manifest.circuit).time_zone,
        hours_ms=timing["hour_ms"].dropna().to_numpy(dtype=np.int64),
        crossings_ms=crossings["crossed_at_ms"].to_numpy(dtype=np.int64),
        weather_ms=weather["observed_at_ms"].to_numpy(dtype=np.int64),
        settings=context.settings.match,
    )


def _with_cars(timing: pd.DataFrame, clock: RaceClock) -> pd.DataFrame:
    """The timing's rows with car_index, car (counted from 0 in the session) and finished_at_ms (UTC)."""
    timing = timing.assign(car_index=split_cars(timing))
    car = timing.groupby(["car_number", "car_index"], sort=False).ngroup()
    finished = pd.Series(np.nan, index=timing.index)
    if clock.midnight_ms is not None:
        has_hour = timing["hour_ms"].notna()
        hours = unwrap_midnight(timing.loc[has_hour, "hour_ms"].to_numpy(dtype=np.int64))
        finished[has_hour] = clock.midnight_ms + hours
    return timing.assign(car=car, finished_at_ms=finished)


def _match(
    context: StepContext, timing: pd.DataFrame, crossings: pd.DataFrame, clock: RaceClock, word: TeamWord
) -> Matching:
    timed = timing.dropna(subset=["finished_at_ms"])
    return match_loggers(
        crossings,
        timed[["car", "car_number", "lap_number", "finished_at_ms"]],
        bias_ms=clock.logger_bias_ms,
        settings=context.settings.match,
        given=word.loggers,
    )


def _lap_rows(
    context: StepContext, timing: pd.DataFrame, matching: Matching, vehicle_ids: dict[int, str], word: TeamWord
) -> pd.DataFrame:
    laps = timing.merge(matching.lap_crossings, on=["car", "lap_number"], how="left")
    loggers = {match.car for match in matching.loggers}
    laps["has_logger"] = laps["car"].isin(loggers)
    of_excluded_car = laps["car"].isin(word.cars).to_numpy(bool)
    is_excluded = of_excluded_car | pd.MultiIndex.from_frame(laps[["car", "lap_number"]]).isin(list(word.laps))
    judged = judge_laps(
        laps,
        context.settings.laps,
        sector_sum_tolerance_ms=context.settings.quality.sector_sum_tolerance_ms,
        is_outside=of_excluded_car,
    )
    laps = laps.join(exclude_laps(judged, is_excluded))
    laps["vehicle_id"] = laps["car"].map(vehicle_ids)
    laps["logger_residual_ms"] = laps["residual_ms"].round()
    for number in (1, 2, 3):
        laps[f"sector_{number}_time"] = laps[f"sector_{number}_ms"] / 1000
    return laps[list(TABLES["laps"].column_names)]


def _session_row(manifest: Manifest, clock: RaceClock, matching: Matching) -> pd.DataFrame:
    circuit = circuit_of(manifest.circuit)
    matched = [match for match in matching.loggers if match.car is not None]
    row = {
        "session_id": manifest.session,
        "circuit": circuit.slug,
        "circuit_name": circuit.name,
        "year": manifest.year,
        "race": manifest.race,
        "race_date": clock.race_date,
        "utc_offset_ms": clock.utc_offset_ms,
        "is_simulated": manifest.is_simulated,
        "utc_offset_source": clock.source,
        "logger_bias_ms": clock.logger_bias_ms,
        "crossings": sum(match.crossings_in_race for match in matched),
        "crossings_matched": len(matching.lap_crossings),
        "length_m": circuit.length_m,
    }
    return pd.DataFrame([row])


def _match_rows(matching: Matching, vehicle_ids: dict[int, str], cars: pd.DataFrame) -> pd.DataFrame:
    numbers = cars.set_index("car")["car_number"].to_dict()
    rows = pd.DataFrame([asdict(match) for match in matching.loggers], columns=list(LoggerMatch.__dataclass_fields__))
    rows["vehicle_id"] = rows["car"].map(vehicle_ids)
    rows["car_number"] = rows["car"].map(numbers)
    return rows[list(TABLES["logger_matches"].column_names)]


def _unmatched_rows(matching: Matching, vehicles: pd.DataFrame) -> pd.DataFrame:
    """Loggers without a car: from the crossings, and those that have telemetry but no crossing at all."""
    known = {match.logger_id for match in matching.loggers}
    silent = [name for name in vehicles["vehicle_id"] if name not in known]
    unmatched = [match for match in matching.loggers if match.car is None]
    telemetry_rows = vehicles.set_index("vehicle_id")["rows_read"]
    rows = pd.DataFrame(
        {
            "logger_id": [match.logger_id for match in unmatched] + silent,
            "reason": [match.reason for match in unmatched] + ["no crossing in the logger's lap files"] * len(silent),
            "crossings": [match.crossings for match in unmatched] + [0] * len(silent),
        }
    )
    rows["telemetry_rows"] = telemetry_rows.reindex(rows["logger_id"]).fillna(0).to_numpy()
    return rows


def build_telemetry_laps(context: StepContext) -> StepOutcome:
    """ECU clocks, sensor corrections and the telemetry of each official lap of cars with a logger.

    A vehicle with a frozen clock or without a car gets no laps, and its row in `sensors` says so.
    """
    cars = set(_read(context, "drivers")["vehicle_id"])
    is_frozen = _read(context, "telemetry_vehicles").set_index("vehicle_id")["is_clock_frozen"]
    laps = _read(context, "laps").dropna(subset=["finished_at_ms", "lap_time_ms"])
    vehicles = _examine_vehicles(context, laps)
    bias = field_bias((v for v in vehicles.values() if v is not None), context.settings.clock)
    tables: dict[str, list[dict[str, object]]] = {"telemetry_laps": [], "clock_pieces": [], "sensors": []}
    for vehicle_id, vehicle in vehicles.items():
        if vehicle is None:
            tables["sensors"].append(empty_sensor_row(vehicle_id, note=_why_silent(is_frozen[vehicle_id])))
            continue
        row = sensor_row(
            vehicle_id, vehicle, field_bias_ms=bias, has_car=vehicle_id in cars, settings=context.settings.clock
        )
        tables["sensors"].append(row)
        tables["clock_pieces"] += clock_rows(vehicle_id, vehicle)
        windows = _cut_vehicle_laps(context, laps[laps["vehicle_id"] == vehicle_id], vehicle, row["crossing_bias_ms"])
        tables["telemetry_laps"] += [{"vehicle_id": vehicle_id, **asdict(window)} for window in windows]
    outputs = _write(
        context, {name: pa.Table.from_pylist(rows, schema=TABLES[name].arrow_schema()) for name, rows in tables.items()}
    )
    return StepOutcome(
        outputs=outputs,
        rows=len(tables["telemetry_laps"]),
        figures={
            "vehicles": len(vehicles),
            "complete_laps": sum(bool(row["is_complete"]) for row in tables["telemetry_laps"]),
            "clock_pauses": len(tables["clock_pieces"]) - sum(vehicle is not None for vehicle in vehicles.values()),
            "crossings": sum(vehicle.crossings.count for vehicle in vehicles.values() if vehicle is not None),
        },
    )


def _why_silent(is_frozen: bool) -> str:
    if is_frozen:
        return "The logger's clock stood still for the whole session, so its telemetry cannot be laid over the laps."
    return "No row of this car's telemetry could be used."


def _examine_vehicles(context: StepContext, laps: pd.DataFrame) -> dict[str, VehicleTelemetry | None]:
    """What each vehicle of the telemetry file shows; None where it has no sample, as with a frozen clock."""
    session = _read(context, "sessions").iloc[0]
    race_bias = session["logger_bias_ms"] if pd.notna(session["logger_bias_ms"]) else 0.0
    listed = _read(context, "telemetry_vehicles")
    vehicles: dict[str, VehicleTelemetry | None] = {}
    for number, (vehicle_id, part, samples) in enumerate(
        zip(listed["vehicle_id"], listed["part"], listed["samples"], strict=True), 1
    ):
        context.progress(f"clock and sensors of {vehicle_id} ({number} of {len(listed)})")
        if not samples:
            vehicles[vehicle_id] = None
            continue
        path = context.paths.table(context.session, "telemetry", part=part)
        vehicles[vehicle_id] = examine_vehicle(
            read_frame(path, columns=SAMPLE_COLUMNS),
            np.sort(laps.loc[laps["vehicle_id"] == vehicle_id, "finished_at_ms"].to_numpy(float)),
            race_bias_ms=float(race_bias),
            settings=context.settings,
        )
    return vehicles


def _cut_vehicle_laps(
    context: StepContext, laps: pd.DataFrame, vehicle: VehicleTelemetry, bias_ms: object
) -> list[LapWindow]:
    if not isinstance(bias_ms, float):
        return []
    return cut_laps(
        vehicle.sample_ms,
        vehicle.pieces,
        misdated_ms=vehicle.misdated_ms,
        lap_numbers=laps["lap_number"].to_numpy(np.int64),
        finished_at_ms=laps["finished_at_ms"].to_numpy(float),
        lap_time_ms=laps["lap_time_ms"].to_numpy(float),
        bias_ms=bias_ms,
        settings=context.settings.clock,
    )
