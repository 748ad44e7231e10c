"""Tables -> records -> JSON files. The session's summary is made in fleet.py, the sentences in notes.py."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from grx_pipeline.laps.validity import REASONS
from grx_pipeline.reports.fleet import fleet_summary, unmatched_loggers
from grx_pipeline.reports.notes import CarTables, car_notes, telemetry_note
from grx_pipeline.reports.precision import known_rounded, rounded, rounded_series, whole_series
from grx_pipeline.reports.records import (
    SCHEMA_VERSION,
    Driver,
    Drivers,
    Envelope,
    Figure,
    FleetSummary,
    Lap,
    LapReason,
    Laps,
    Siwtl,
    SiwtlSection,
    SiwtlSector,
    SpecReference,
    Telemetry,
    content_build,
    to_json,
)
from grx_pipeline.reports.tables import LapTrace, Row, SessionTables
from grx_pipeline.schemas import TABLES
from grx_pipeline.schemas.columns import SECTIONS
from grx_pipeline.settings import FeatureSettings

_SPEC_NOTE = "The specification's literal formula, sum of best sector x weight. It is not a lap time."
_FEATURES = tuple(c for c in TABLES["telemetry_features"].columns if c.name not in TABLES["telemetry_features"].key)


@dataclass(frozen=True, kw_only=True)
class CarRecords:
    """Every record of one car. `telemetry` is in lap order."""

    driver: Driver
    laps: Laps
    siwtl: Siwtl
    telemetry: tuple[Telemetry, ...]


@dataclass(frozen=True, kw_only=True)
class SessionRecords:
    """Every record of a session; `cars` in the order of the classification."""

    summary: FleetSummary
    drivers: Drivers
    cars: tuple[CarRecords, ...]


def session_records(tables: SessionTables, missing_kinds: tuple[str, ...], settings: FeatureSettings) -> SessionRecords:
    """Every record of a session from its tables."""
    traces: dict[str, list[LapTrace]] = {}
    for trace in tables.traces():
        traces.setdefault(trace.vehicle_id, []).append(trace)
    groups = _CarGroups.of(tables)
    drivers = sorted(tables.rows["drivers"], key=_classification_order)
    cars = tuple(_car_records(groups, row, traces.get(row["vehicle_id"], []), settings) for row in drivers)
    return SessionRecords(
        summary=fleet_summary(tables, missing_kinds, ((car.driver, car.siwtl) for car in cars)),
        drivers=Drivers(drivers=tuple(car.driver for car in cars), unmatched_loggers=unmatched_loggers(tables)),
        cars=cars,
    )


def json_files(
    records: SessionRecords, *, session: str, earlier: Callable[[str], bytes | None], now: str
) -> dict[str, bytes]:
    """Every file of the static API by its path in the site.

    `earlier` gives the first bytes of the published file of a path; where its build is the same its `generated_at`
    is kept, so that an unchanged file keeps every byte. `now` is ISO 8601.
    """
    contents: dict[str, Any] = {"api/drivers.json": records.drivers, "api/fleet/summary.json": records.summary}
    for car in records.cars:
        contents[f"api/laps/{car.driver.path}.json"] = car.laps
        contents[f"api/ml/siwtl/calculate/{car.driver.path}.json"] = car.siwtl
        for lap in car.telemetry:
            contents[f"api/telemetry/{car.driver.path}/{lap.lap_number}.json"] = lap
    return {
        path: _envelope(content, session=session, earlier=earlier(path), now=now) for path, content in contents.items()
    }


def _envelope(content: Any, *, session: str, earlier: bytes | None, now: str) -> bytes:
    data_text = to_json(content)
    build = content_build(data_text)
    envelope = Envelope(
        schema_version=SCHEMA_VERSION,
        session=session,
        build=build,
        generated_at=_generated_at(earlier, build) or now,
        data_text=data_text,
    )
    return envelope.to_bytes()


def _generated_at(earlier: bytes | None, build: str) -> str | None:
    """`generated_at` of an earlier file of that build, from its head; None of another one or of none."""
    head, found, _ = (earlier or b"").partition(b',"data":')
    try:
        fields = json.loads(head + b"}") if found else {}
    except ValueError:
        return None
    return str(fields["generated_at"]) if fields.get("build") == build else None


@dataclass(frozen=True, kw_only=True)
class _CarGroups:
    """The tables' rows by vehicle, each table walked once."""

    one: Mapping[str, Mapping[str, Row]]
    many: Mapping[str, Mapping[str, list[Row]]]
    matches: Mapping[str, Row]

    @classmethod
    def of(cls, tables: SessionTables) -> "_CarGroups":
        one = ("siwtl", "lap_statistics", "sensors", "telemetry_vehicles")
        many = ("laps", "siwtl_sectors", "telemetry_laps", "telemetry_features", "lap_distances")
        return cls(
            one={name: tables.per_vehicle(name) for name in one},
            many={name: tables.by_vehicle(name) for name in many},
            matches={row["vehicle_id"]: row for row in tables.rows["logger_matches"] if row["vehicle_id"] is not None},
        )

    def rows(self, table: str, vehicle: str) -> list[Row]:
        return self.many[table].get(vehicle, [])


def _classification_order(driver: Row) -> tuple[bool, int, str, str]:
    return driver["position"] is None, driver["position"] or 0, driver["car_number"], driver["vehicle_id"]


def _car_records(groups: _CarGroups, row: Row, traces: list[LapTrace], settings: FeatureSettings) -> CarRecords:
    vehicle = row["vehicle_id"]
    statistics = groups.one["lap_statistics"][vehicle]
    sensors = groups.one["sensors"].get(vehicle)
    car = CarTables(
        driver=row,
        laps=groups.rows("laps", vehicle),
        match=groups.matches.get(vehicle),
        logger=groups.one["telemetry_vehicles"].get(vehicle),
        sensors=sensors,
        telemetry_laps=groups.rows("telemetry_laps", vehicle),
        distances=groups.rows("lap_distances", vehicle),
        trace_laps=tuple(trace.lap_number for trace in traces),
    )
    features = {feature["lap_number"]: feature for feature in groups.rows("telemetry_features", vehicle)}
    sectors = groups.rows("siwtl_sectors", vehicle)
    channel = sensors["throttle_channel"] if sensors else None
    return CarRecords(
        driver=_driver(car, statistics, settings),
        laps=_laps(car, statistics, groups.one["siwtl"][vehicle], sectors),
        siwtl=_siwtl(groups.one["siwtl"][vehicle], sectors),
        telemetry=tuple(_telemetry(trace, channel, features.get(trace.lap_number)) for trace in traces),
    )


def _driver(car: CarTables, statistics: Row, settings: FeatureSettings) -> Driver:
    row = car.driver
    return Driver(
        vehicle_id=row["vehicle_id"],
        path=row["path"],
        driver_id=row["driver_id"],
        car_number=row["car_number"],
        vehicle_number=row["vehicle_number"],
        driver_number=row["driver_number"],
        driver_name=row["driver_name"],
        team=row["team"],
        vehicle_class=row["vehicle_class"],
        vehicle_group=row["vehicle_group"],
        position=row["position"],
        status=row["status"],
        laps=row["laps"],
        valid_laps=statistics["valid_laps"],
        clean_laps=statistics["clean_laps"],
        best_lap_ms=statistics["best_lap_ms"],
        total_time_ms=row["total_time_ms"],
        gap_first=row["gap_first"],
        has_logger=row["has_logger"],
        has_telemetry=row["has_telemetry"],
        telemetry_laps=car.trace_laps,
        telemetry_note=telemetry_note(car),
        notes=car_notes(car, settings),
    )


def _laps(car: CarTables, statistics: Row, siwtl: Row, sectors: list[Row]) -> Laps:
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
            )
            for row in car.laps
        ),
    )


def _lap(
    row: Row, *, best_ms: int | None, own_best: tuple[int, ...], has_telemetry: bool, telemetry_reason: str | None
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
        reasons=tuple(
            LapReason(code=code, text=REASONS[code].text, excludes=REASONS[code].excludes) for code in row["reasons"]
        ),
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


def _siwtl(row: Row, sectors: list[Row]) -> Siwtl:
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


def _telemetry(trace: LapTrace, throttle_channel: str | None, features: Row | None) -> Telemetry:
    columns = {name: trace.columns[name].combine_chunks() for name in trace.columns.column_names}
    return Telemetry(
        vehicle_id=trace.vehicle_id,
        lap_number=trace.lap_number,
        source="logger",
        synthetic=False,
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
