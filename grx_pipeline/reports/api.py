"""Tables -> records -> JSON files. The session's summary is made in fleet.py, the sentences in notes.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grx_pipeline.laps.validity import EXCLUDED, REASONS
from grx_pipeline.narratives.records import FLEET
from grx_pipeline.reports.circuit import corner_names, track_record
from grx_pipeline.reports.comparisons import comparisons
from grx_pipeline.reports.correction_records import Correction, correction_records, exclusions_of
from grx_pipeline.reports.driving import (
    DRIVING_TABLES,
    CornerNames,
    dptad,
    driver_corners,
    ledger,
    opportunities,
)
from grx_pipeline.reports.driving_records import Comparison, Dptad, DriverCorners, Ledger, Opportunities, Track
from grx_pipeline.reports.encoding import enveloped
from grx_pipeline.reports.fleet import fleet_summary, unmatched_loggers
from grx_pipeline.reports.narrative_records import ChatContext, Coaching
from grx_pipeline.reports.narratives import SessionTexts
from grx_pipeline.reports.notes import CarTables, car_notes, session_notes, telemetry_note
from grx_pipeline.reports.precision import known_rounded, rounded, rounded_series, whole_series
from grx_pipeline.reports.records import (
    Driver,
    Drivers,
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
)
from grx_pipeline.reports.reference_records import References
from grx_pipeline.reports.references import MadeLaps
from grx_pipeline.reports.tables import LapTrace, Row, SessionTables
from grx_pipeline.schemas import TABLES
from grx_pipeline.schemas.columns import SECTIONS
from grx_pipeline.settings import FeatureSettings, Settings

_SPEC_NOTE = "The specification's literal formula, sum of best sector x weight. It is not a lap time."
_FEATURES = tuple(c for c in TABLES["telemetry_features"].columns if c.name not in TABLES["telemetry_features"].key)


@dataclass(frozen=True, kw_only=True)
class CarRecords:
    """Every record of one car. `telemetry` (measured) and `estimates` (synthetic) are in lap order."""

    driver: Driver
    laps: Laps
    siwtl: Siwtl
    telemetry: tuple[Telemetry, ...]
    estimates: tuple[Telemetry, ...]
    references: References
    corners: DriverCorners
    ledger: Ledger
    dptad: Dptad
    opportunities: Opportunities
    coaching: Coaching | None = None


@dataclass(frozen=True, kw_only=True)
class SessionRecords:
    """Every record of a session; `cars` in the order of the classification."""

    summary: FleetSummary
    drivers: Drivers
    track: Track
    cars: tuple[CarRecords, ...]
    comparisons: tuple[Comparison, ...]
    contexts: Mapping[str, ChatContext] = field(default_factory=dict)


def session_records(tables: SessionTables, missing_kinds: tuple[str, ...], settings: Settings) -> SessionRecords:
    """Every record of a session from its tables."""
    traces: dict[str, list[LapTrace]] = {}
    for trace in tables.traces():
        traces.setdefault(trace.vehicle_id, []).append(trace)
    groups = _CarGroups.of(tables)
    drivers = sorted(tables.rows["drivers"], key=_classification_order)
    names = corner_names(tables)
    quartiles = _class_quartiles(tables)
    made = MadeLaps.of(tables, settings.report)
    texts = SessionTexts.of(tables, settings.narrative)
    corrections = correction_records(tables)
    cars = tuple(
        _car_records(
            groups,
            row,
            traces.get(row["vehicle_id"], []),
            names=names,
            quartiles=quartiles.get(row["vehicle_class"] or "", {}),
            made=made,
            texts=texts,
            corrections=tuple(entry for entry in corrections if row["vehicle_id"] in entry.vehicle_ids),
            settings=settings.features,
        )
        for row in drivers
    )
    return SessionRecords(
        summary=fleet_summary(
            tables,
            session_notes(tables, missing_kinds, far_line_s=settings.match.far_line_s),
            missing_kinds,
            ((car.driver, car.siwtl) for car in cars),
            corrections=corrections,
            narrative=texts.text(FLEET),
        ),
        drivers=Drivers(drivers=tuple(car.driver for car in cars), unmatched_loggers=unmatched_loggers(tables)),
        track=track_record(tables, names, map_warning_m=settings.track.map_warning_m),
        cars=cars,
        comparisons=tuple(comparisons(tables, traces, texts, settings.report)),
        contexts=texts.contexts({car.driver.vehicle_id: car.driver.path for car in cars}),
    )


def _class_quartiles(tables: SessionTables) -> dict[str, dict[tuple[int, str], Row]]:
    """Rows of corner_field by class, corner and figure."""
    classes: dict[str, dict[tuple[int, str], Row]] = {}
    for row in tables.rows["corner_field"]:
        classes.setdefault(row["vehicle_class"], {})[row["corner_index"], row["figure"]] = row
    return classes


def json_files(
    records: SessionRecords, *, session: str, earlier: Callable[[str], bytes | None], now: str, share: slice
) -> dict[str, bytes]:
    """Of the files of the static API those of `share`, by path in the site.

    `earlier` gives the first bytes of the published file of a path; where its build is the same its `generated_at`
    is kept, so that an unchanged file keeps every byte. `now` is ISO 8601.
    """
    contents: dict[str, Any] = {
        "api/drivers.json": records.drivers,
        "api/fleet/summary.json": records.summary,
        "api/track.json": records.track,
    }
    contents |= records.contexts
    paths = {car.driver.vehicle_id: car.driver.path for car in records.cars}
    for pair in records.comparisons:
        contents[f"api/compare/{paths[pair.vehicle_a]}/{paths[pair.vehicle_b]}.json"] = pair
    for car in records.cars:
        contents[f"api/laps/{car.driver.path}.json"] = car.laps
        contents[f"api/ml/siwtl/calculate/{car.driver.path}.json"] = car.siwtl
        contents[f"api/ml/dptad/analyze/{car.driver.path}.json"] = car.dptad
        contents[f"api/corners/{car.driver.path}.json"] = car.corners
        contents[f"api/ledger/{car.driver.path}.json"] = car.ledger
        contents[f"api/opportunities/{car.driver.path}.json"] = car.opportunities
        contents[f"api/references/{car.driver.path}.json"] = car.references
        if car.coaching is not None:
            contents[f"api/coaching/{car.driver.path}.json"] = car.coaching
        for lap in (*car.telemetry, *car.estimates):
            contents[f"api/telemetry/{car.driver.path}/{lap.lap_number}.json"] = lap
    return {
        path: enveloped(content, session=session, earlier=earlier(path), now=now)
        for path, content in list(contents.items())[share]
    }


@dataclass(frozen=True, kw_only=True)
class _CarGroups:
    """The tables' rows by vehicle, each table walked once."""

    one: Mapping[str, Mapping[str, Row]]
    many: Mapping[str, Mapping[str, list[Row]]]
    matches: Mapping[str, Row]

    @classmethod
    def of(cls, tables: SessionTables) -> "_CarGroups":
        one = ("siwtl", "lap_statistics", "sensors", "telemetry_vehicles")
        many = ("laps", "siwtl_sectors", "telemetry_laps", "telemetry_features", "lap_distances", *DRIVING_TABLES)
        return cls(
            one={name: tables.per_vehicle(name) for name in one},
            many={name: tables.by_vehicle(name) for name in many},
            matches={row["vehicle_id"]: row for row in tables.rows["logger_matches"] if row["vehicle_id"] is not None},
        )

    def rows(self, table: str, vehicle: str) -> list[Row]:
        return self.many[table].get(vehicle, [])


def _classification_order(driver: Row) -> tuple[bool, int, str, str]:
    return driver["position"] is None, driver["position"] or 0, driver["car_number"], driver["vehicle_id"]


def _car_records(
    groups: _CarGroups,
    row: Row,
    traces: list[LapTrace],
    *,
    names: CornerNames,
    quartiles: Mapping[tuple[int, str], Row],
    made: MadeLaps,
    texts: SessionTexts,
    corrections: tuple[Correction, ...],
    settings: FeatureSettings,
) -> CarRecords:
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
    driving = {name: groups.rows(name, vehicle) for name in DRIVING_TABLES}
    estimates = made.estimates(vehicle, car.laps, car.trace_laps)
    driver = _driver(car, statistics, estimates, corrections, settings)
    untrusted = {distance["lap_number"]: distance["reason"] for distance in car.distances if not distance["is_trusted"]}
    return CarRecords(
        driver=driver,
        laps=_laps(car, statistics, groups.one["siwtl"][vehicle], sectors, exclusions_of(corrections)),
        siwtl=_siwtl(groups.one["siwtl"][vehicle], sectors),
        telemetry=tuple(
            _telemetry(trace, channel, features.get(trace.lap_number), note=untrusted.get(trace.lap_number))
            for trace in traces
        ),
        estimates=estimates,
        references=made.references(vehicle),
        corners=driver_corners(vehicle, driving, names, quartiles, driver.telemetry_note),
        ledger=ledger(vehicle, driving, names),
        dptad=dptad(vehicle, driving, names),
        opportunities=opportunities(vehicle, driving, names),
        coaching=texts.coaching(vehicle),
    )


def _driver(
    car: CarTables,
    statistics: Row,
    estimates: tuple[Telemetry, ...],
    corrections: tuple[Correction, ...],
    settings: FeatureSettings,
) -> Driver:
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
        estimated_laps=tuple(lap.lap_number for lap in estimates),
        telemetry_note=telemetry_note(car),
        notes=car_notes(car, settings),
        exclusion=exclusions_of(corrections).get(None),
        corrections=corrections,
    )


def _laps(
    car: CarTables, statistics: Row, siwtl: Row, sectors: list[Row], exclusions: Mapping[int | None, str]
) -> Laps:
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


def _telemetry(trace: LapTrace, throttle_channel: str | None, features: Row | None, *, note: str | None) -> Telemetry:
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
