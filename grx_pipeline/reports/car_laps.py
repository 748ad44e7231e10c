"""Tables -> records of one car's laps: official laps with their reasons, the target, and traces."""

from collections.abc import Mapping
from typing import Any

from grx_pipeline.laps.validity import EXCLUDED, REASONS
from grx_pipeline.reports.notes import CarTables
from grx_pipeline.reports.precision import known_rounded, rounded, rounded_series, whole_series
from grx_pipeline.reports.records import (
    Figure,
    Lap,
    LapReason,
    Laps,
    Siwtl,
    SiwtlSection,
    SiwtlSector,
    SpecReference,
    Telemetry,
)
from grx_pipeline.reports.tables import LapTrace, Row
from grx_pipeline.schemas import TABLES
from grx_pipeline.schemas.columns import SECTIONS

_SPEC_NOTE = "The specification's literal formula, sum of best sector x weight. It is not a lap time."
_FEATURES = tuple(c for c in TABLES["telemetry_features"].columns if c.name not in TABLES["telemetry_features"].key)


def lap_records(
    car: CarTables, statistics: Row, siwtl: Row, sectors: list[Row], exclusions: Mapping[int | None, str]
) -> Laps:
    """The official laps of a car. `exclusions` are the team's reasons by lap number, of the whole car under None."""
    best = statistics["best_lap_ms"]
    donors: dict[int, list[int]] = {}
    for sector in sectors:
        if sector["sector_count"] == 3:
            donors.setdefault(sector["donor_lap"], []).append(sector["sector"])
    windows = {window["lap_number"]: window["reason"] for window in car.telemetry_laps}
    return Laps(
        vehicle_id=car.driver["vehicle_id"],
        best_lap_ms=best,
        best_lap_number=statistics["best_lap_number"],
        mean_lap_ms=statistics["mean_lap_ms"],
        median_lap_ms=statistics["median_lap_ms"],
        best_clean_lap_number=siwtl["best_lap_number"],
        gap_to_class_best_ms=statistics["gap_to_class_best_ms"],
        valid_laps=statistics["valid_laps"],
        clean_laps=statistics["clean_laps"],
        laps=tuple(
            _lap(
                row,
                best_ms=best,
                own_best=tuple(sorted(donors.get(row["lap_number"], ()))),
                has_telemetry=row["lap_number"] in car.trace_laps,
                telemetry_reason=windows.get(row["lap_number"]),
                exclusion=exclusions.get(row["lap_number"], exclusions.get(None)),
            )
            for row in car.laps
        ),
    )


def _lap(
    row: Row,
    *,
    best_ms: int | None,
    own_best: tuple[int, ...],
    has_telemetry: bool,
    telemetry_reason: str | None,
    exclusion: str | None,
) -> Lap:
    time = row["lap_time_ms"]
    return Lap(
        lap_number=row["lap_number"],
        lap_time_ms=time,
        gap_to_best_ms=None if time is None or best_ms is None else time - best_ms,
        sectors_ms=tuple(row[f"sector_{n}_ms"] for n in (1, 2, 3)),
        sections_ms=tuple(row[f"{name}_ms"] for name in SECTIONS),
        own_best_sectors=own_best,
        is_valid=row["is_valid"],
        is_clean=row["is_clean"],
        reasons=tuple(_reason(code, exclusion) for code in row["reasons"]),
        flag=row["flag"],
        is_pit_in=row["is_pit_in"],
        pit_time_ms=row["pit_time_ms"],
        elapsed_ms=row["elapsed_ms"],
        finished_at_ms=row["finished_at_ms"],
        top_speed_kmh=rounded(row["top_speed_kmh"], "km/h"),
        logger_lap=row["logger_lap"],
        logger_residual_ms=row["logger_residual_ms"],
        has_telemetry=has_telemetry,
        telemetry_note=None if has_telemetry else telemetry_reason,
    )


def _reason(code: str, exclusion: str | None) -> LapReason:
    """A reason in words; that of the team's exclusion is the team's."""
    text = f"{REASONS[code].text}: {exclusion}" if code == EXCLUDED else REASONS[code].text
    return LapReason(code=code, text=text, excludes=REASONS[code].excludes)


def siwtl_record(row: Row, sectors: list[Row]) -> Siwtl:
    """A car's target, from its row of siwtl and its rows of siwtl_sectors: of three sectors and of six sections."""
    sections = tuple(SiwtlSection(**_sector(s), name=s["name"]) for s in sectors if s["sector_count"] == 6)
    times = ("best_lap_ms", "ideal_lap_ms", "siwtl_lap_ms", "potential_gain_ms")
    low, high = row["jackknife_low_ms"], row["jackknife_high_ms"]
    return Siwtl(
        vehicle_id=row["vehicle_id"],
        **{name: row[name] for name in times},
        achievability=rounded(row["achievability"], ""),
        consistency_score=rounded(row["consistency_score"], "score"),
        consistency_percentile=rounded(row["consistency_percentile"], "%"),
        clean_laps=row["clean_laps"],
        confidence=row["confidence"],
        jackknife_range_ms=None if low is None else (low, high),
        rolling_best_ms=row["rolling_best_ms"],
        sectors=tuple(SiwtlSector(**_sector(s)) for s in sectors if s["sector_count"] == 3),
        sections6=sections or None,
        spec_reference=SpecReference(siwtl_literal_s=rounded(row["siwtl_literal_s"], "s"), note=_SPEC_NOTE),
    )


def _sector(row: Row) -> dict[str, Any]:
    names = ("sector", "best_ms", "in_best_lap_ms", "gap_ms", "gain_ms", "donor_lap", "done_on_laps")
    return {**{name: row[name] for name in names}, "weight": known_rounded(row["weight"], "")}


def telemetry_record(
    trace: LapTrace, throttle_channel: str | None, features: Row | None, *, note: str | None
) -> Telemetry:
    """A lap's trace with its features; NaN becomes null. `note` says why the trace is not trusted."""
    columns = {name: trace.columns[name].combine_chunks() for name in trace.columns.column_names}
    return Telemetry(
        vehicle_id=trace.vehicle_id,
        lap_number=trace.lap_number,
        source="logger",
        synthetic=False,
        note=note,
        throttle_channel=throttle_channel,
        distance_m=rounded_series(columns["distance_m"], "m"),
        time_ms=whole_series(columns["time_ms"]),
        speed_kmh=rounded_series(columns["speed_kmh"], "km/h"),
        throttle_pct=rounded_series(columns["throttle_pct"], "%"),
        brake_bar=rounded_series(columns["brake_bar"], "bar"),
        steering_deg=rounded_series(columns["steering_deg"], "deg"),
        features={} if features is None else {c.name: _feature(features[c.name], c.unit) for c in _FEATURES},
    )


def _feature(value: Figure, unit: str) -> Figure:
    return value if isinstance(value, int) else rounded(value, unit)
