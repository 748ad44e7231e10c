"""The session as a whole: tables -> FleetSummary. Single cars belong to api.py."""

import math
from collections.abc import Iterable

from grx_pipeline.reports.comparisons import rankings
from grx_pipeline.reports.correction_records import Correction
from grx_pipeline.reports.encoding import from_row
from grx_pipeline.reports.narrative_records import CoachText
from grx_pipeline.reports.precision import known_rounded, rounded, whole
from grx_pipeline.reports.records import (
    Classified,
    DataQuality,
    Driver,
    Figure,
    FileRows,
    FleetSummary,
    LoggerMatch,
    Neutralisation,
    Range,
    Session,
    SetAside,
    Siwtl,
    Statistic,
    UnmatchedLogger,
    Weather,
)
from grx_pipeline.reports.tables import Row, SessionTables


def fleet_summary(
    tables: SessionTables,
    notes: tuple[str, ...],
    missing_kinds: tuple[str, ...],
    cars: Iterable[tuple[Driver, Siwtl]],
    *,
    corrections: tuple[Correction, ...],
    narrative: CoachText | None,
) -> FleetSummary:
    """The summary of a session; `cars` in the order of the classification, `missing_kinds` of RAW_KINDS."""
    return FleetSummary(
        session=_session(tables.session),
        classification=tuple(_classified(driver, siwtl) for driver, siwtl in cars),
        statistics=tuple(_statistic(row) for row in tables.rows["fleet_statistics"]),
        rankings=rankings(tables),
        weather=_weather(tables.rows["weather"]),
        neutralisations=tuple(from_row(Neutralisation, row) for row in tables.rows["neutralisations"]),
        data_quality=_data_quality(tables, notes, missing_kinds, corrections),
        narrative=narrative,
    )


def unmatched_loggers(tables: SessionTables) -> tuple[UnmatchedLogger, ...]:
    return tuple(from_row(UnmatchedLogger, row) for row in tables.rows["unmatched_loggers"])


def _session(row: Row) -> Session:
    return from_row(Session, {**row, "length_m": rounded(row["length_m"], "m")})


def _classified(driver: Driver, siwtl: Siwtl) -> Classified:
    return Classified(
        vehicle_id=driver.vehicle_id,
        path=driver.path,
        position=driver.position,
        car_number=driver.car_number,
        driver_name=driver.driver_name,
        team=driver.team,
        vehicle_class=driver.vehicle_class,
        status=driver.status,
        laps=driver.laps,
        total_time_ms=driver.total_time_ms,
        gap_first=driver.gap_first,
        best_lap_ms=driver.best_lap_ms,
        siwtl_lap_ms=siwtl.siwtl_lap_ms,
        potential_gain_ms=siwtl.potential_gain_ms,
        confidence=siwtl.confidence,
        consistency_score=siwtl.consistency_score,
        consistency_percentile=siwtl.consistency_percentile,
        clean_laps=siwtl.clean_laps,
        telemetry_laps=len(driver.telemetry_laps),
        exclusion=driver.exclusion,
    )


def _statistic(row: Row) -> Statistic:
    return from_row(Statistic, {**row, "value": _figure(row["figure"], row["value"])})


def _figure(name: str, value: float | None) -> Figure:
    if value is None or math.isnan(value) or name.endswith("_ms") or value.is_integer():
        return whole(value)
    return rounded(value, "km/h" if name.endswith("_kmh") else "")


def _weather(rows: list[Row]) -> Weather | None:
    if not rows:
        return None
    times = [row["observed_at_ms"] for row in rows]
    rain = [row["is_rain"] for row in rows if row["is_rain"] is not None]
    return Weather(
        readings=len(rows),
        first_at_ms=min(times),
        last_at_ms=max(times),
        air_temp_c=_range(rows, "air_temp_c", "degC"),
        track_temp_c=_range(rows, "track_temp_c", "degC"),
        humidity_pct=_range(rows, "humidity_pct", "%"),
        pressure_mbar=_range(rows, "pressure_mbar", "mbar"),
        wind_speed_kmh=_range(rows, "wind_speed_kmh", "km/h"),
        is_rain=any(rain) if rain else None,
    )


def _range(rows: list[Row], column: str, unit: str) -> Range | None:
    values = [row[column] for row in rows if row[column] is not None]
    if not values:
        return None
    return Range(
        low=known_rounded(min(values), unit),
        mean=known_rounded(math.fsum(values) / len(values), unit),
        high=known_rounded(max(values), unit),
    )


def _data_quality(
    tables: SessionTables, notes: tuple[str, ...], missing_kinds: tuple[str, ...], corrections: tuple[Correction, ...]
) -> DataQuality:
    session = tables.session
    crossings, matched = session["crossings"], session["crossings_matched"]
    frozen = (row["vehicle_id"] for row in tables.rows["telemetry_vehicles"] if row["is_clock_frozen"])
    return DataQuality(
        notes=notes,
        missing_files=missing_kinds,
        files=tuple(from_row(FileRows, row) for row in tables.file_rows),
        set_aside=tuple(from_row(SetAside, row) for row in tables.set_aside),
        crossings=crossings,
        crossings_matched=matched,
        matched_share=rounded(matched / crossings, "") if crossings else None,
        logger_bias_ms=session["logger_bias_ms"],
        loggers=tuple(_logger_match(row) for row in tables.rows["logger_matches"]),
        unmatched_loggers=unmatched_loggers(tables),
        frozen_clocks=tuple(frozen),
        corrections=corrections,
    )


def _logger_match(row: Row) -> LoggerMatch:
    return from_row(LoggerMatch, {**row, "residual_ms": rounded(row["residual_ms"], "ms")})
