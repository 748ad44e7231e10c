"""Tables -> records -> JSON files. The session's summary is made in fleet.py, the sentences in notes.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grx_pipeline.narratives.records import FLEET
from grx_pipeline.reports.car_laps import lap_records, siwtl_record, telemetry_record
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
from grx_pipeline.reports.notes import CarTables, car_notes, far_line_note, is_line_far, session_notes, telemetry_note
from grx_pipeline.reports.records import Driver, Drivers, FleetSummary, Laps, Siwtl, Telemetry
from grx_pipeline.reports.reference_records import References
from grx_pipeline.reports.references import MadeLaps
from grx_pipeline.reports.tables import LapTrace, Row, SessionTables
from grx_pipeline.settings import Settings


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
    bias_ms, far_line_s = tables.session["logger_bias_ms"], settings.match.far_line_s
    far_line = far_line_note(bias_ms) if is_line_far(bias_ms, far_line_s) else ""
    cars = tuple(
        _car_records(
            groups,
            row,
            traces.get(row["vehicle_id"], []),
            names=names,
            quartiles=quartiles.get(row["vehicle_class"] or "", {}),
            made=made,
            texts=texts,
            far_line=far_line,
            corrections=tuple(entry for entry in corrections if row["vehicle_id"] in entry.vehicle_ids),
            settings=settings,
        )
        for row in drivers
    )
    return SessionRecords(
        summary=fleet_summary(
            tables,
            session_notes(tables, missing_kinds, far_line_s=far_line_s),
            missing_kinds,
            ((car.driver, car.siwtl) for car in cars),
            corrections=corrections,
            narrative=texts.text(FLEET),
        ),
        drivers=Drivers(drivers=tuple(car.driver for car in cars), unmatched_loggers=unmatched_loggers(tables)),
        track=track_record(tables, names, map_warning_m=settings.track.map_warning_m, far_line_s=far_line_s),
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
    far_line: str,
    corrections: tuple[Correction, ...],
    settings: Settings,
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
    notes = car_notes(car, settings.features, far_line=far_line)
    driver = _driver(car, statistics, estimates, corrections, notes)
    untrusted = {distance["lap_number"]: distance["reason"] for distance in car.distances if not distance["is_trusted"]}
    return CarRecords(
        driver=driver,
        laps=lap_records(car, statistics, groups.one["siwtl"][vehicle], sectors, exclusions_of(corrections)),
        siwtl=siwtl_record(groups.one["siwtl"][vehicle], sectors),
        telemetry=tuple(
            telemetry_record(trace, channel, features.get(trace.lap_number), note=untrusted.get(trace.lap_number))
            for trace in traces
        ),
        estimates=estimates,
        references=made.references(vehicle),
        corners=driver_corners(
            vehicle,
            driving,
            names,
            quartiles,
            driver.telemetry_note,
            clean={lap["lap_number"] for lap in car.laps if lap["is_clean"]},
            settings=settings.corners,
        ),
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
    notes: tuple[str, ...],
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
        notes=notes,
        exclusion=exclusions_of(corrections).get(None),
        corrections=corrections,
    )
