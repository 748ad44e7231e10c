"""What the traces of a page get where a session has little: no references, no map, no corners, no telemetry."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pytest
from support.report_session import (
    LONE,
    ODD,
    PATHS_OF,
    PLAIN,
    SESSION,
    TRACED,
    session_tables,
    trace_rows,
    write_session,
)

from grx_pipeline.methods.references.steps import build_references
from grx_pipeline.paths import Paths
from grx_pipeline.reports.api import SessionRecords, session_records
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.reference_records import Reference, ReferenceSource
from grx_pipeline.reports.tables import load_tables
from grx_pipeline.reports.trace_data import TraceView, driver_traces
from grx_pipeline.reports.trace_laps import class_best_note
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import ReportSettings, Settings
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import StepContext


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    settings = Settings(data_dir=tmp_path / "data", reports_dir=tmp_path / "reports")
    context = StepContext(session=SESSION, paths=Paths.of(settings), settings=settings, progress=lambda text: None)
    write_session(context, {**session_tables(), "timing_lines": []})
    return context


def records_of(context: StepContext) -> SessionRecords:
    return session_records(load_tables(context.paths, context.session), (), context.settings)


def view_of(records: SessionRecords, vehicle: str, style: Style | None = None, **settings: Any) -> TraceView:
    car = next(car for car in records.cars if car.driver.vehicle_id == vehicle)
    return driver_traces(
        car, records, root="../", style=style or Style(), settings=replace(ReportSettings(), **settings)
    )


def test_without_references_the_fastest_lap_is_shown_and_the_others_can_be_loaded(context: StepContext) -> None:
    view = view_of(records_of(context), PLAIN)
    (shown,) = view.laps
    assert shown.lap_number in TRACED
    assert {lap.lap_number for lap in view.more} == set(TRACED) - {shown.lap_number}
    (name,) = view.files
    assert view.more[0].source == f"../{name}"
    assert view.files[name].startswith(b"grxLap({")
    data = json.loads(view.data)
    assert data["ref"] == shown.id
    assert data["shown"] == [shown.id]


def test_a_lap_of_a_car_with_a_hostile_name_is_found_at_its_address(context: StepContext) -> None:
    rows = [{**row, "vehicle_id": ODD} for row in trace_rows()]
    schema = TABLES["lap_traces"].arrow_schema()
    known = [{name: row.get(name) for name in schema.names} for row in rows]
    path = context.paths.table(SESSION, "lap_traces", part=PATHS_OF[ODD])
    write_table(pa.Table.from_pylist(known, schema=schema), path, TABLES["lap_traces"])
    view = view_of(records_of(context), ODD)
    (name,) = view.files
    assert name.startswith(f"data/{PATHS_OF[ODD]}/lap-")
    assert "%" in name
    assert unquote(view.more[0].source) == f"../{name}"
    assert view.more[0].source != f"../{name}"


def test_a_session_without_line_corners_and_events_says_so_in_a_sentence_each(context: StepContext) -> None:
    view = view_of(records_of(context), PLAIN)
    assert view.map is None
    assert view.corners == ()
    told = " ".join(view.notes)
    assert "the line and the corners are not known" in told
    assert "places are given in metres" in told
    assert json.loads(view.data)["corners"] == []


@pytest.mark.parametrize("vehicle", [ODD, LONE])
def test_a_car_without_telemetry_where_nothing_can_be_estimated_says_why(context: StepContext, vehicle: str) -> None:
    build_references(context)
    view = view_of(records_of(context), vehicle)
    assert view.data == ""
    assert view.laps == ()
    assert view.files == {}
    assert "where the sector lines are" in view.notes[1]
    assert ("Only clean laps could be estimated" in view.notes[-1]) == (vehicle == LONE)


def test_a_target_that_cannot_be_drawn_is_explained(context: StepContext) -> None:
    build_references(context)
    view = view_of(records_of(context), PLAIN)
    assert any(note.startswith("The target cannot be drawn: ") for note in view.notes)
    assert "No clean lap of this car has a trace." in view.notes


def test_a_long_circuit_is_thinned_to_the_points_of_a_page(context: StepContext) -> None:
    records = records_of(context)
    fine, coarse = (json.loads(view_of(records, PLAIN, page_points=points).data) for points in (2000, 1000))
    assert fine["laps"][0]["step"] == 2.0
    assert coarse["laps"][0]["step"] == 4.0
    assert coarse["laps"][0]["time"] == fine["laps"][0]["time"]


def test_speed_is_shown_in_the_units_of_the_page(context: StepContext) -> None:
    records = records_of(context)
    mph = view_of(records, PLAIN, style=Style(speed_unit="mph", has_decimal_comma=True))
    data = json.loads(mph.data)
    assert (data["unit"], data["comma"]) == ("mph", True)
    assert data["perUnit"] == pytest.approx(1.609344)
    assert mph.static is not None
    assert max(float(tick.label) for tick in mph.static.speed_ticks) < 200 / 1.6


@pytest.mark.parametrize(("is_clean", "why"), [(True, "has no trace to trust"), (False, "is not a clean lap")])
def test_a_lap_that_stands_for_the_class_best_says_whose_and_why(
    context: StepContext, is_clean: bool, why: str
) -> None:
    records = records_of(context)
    cars = {car.driver.vehicle_id: car for car in records.cars}
    own, rival = cars[PLAIN], cars[LONE]
    number = rival.laps.best_lap_number
    assert number is not None
    laps = tuple(replace(lap, is_clean=is_clean) for lap in rival.laps.laps)
    fast = replace(
        rival,
        driver=replace(rival.driver, vehicle_class=own.driver.vehicle_class),
        laps=replace(rival.laps, best_lap_ms=50_000, laps=laps),
    )
    known = replace(records, cars=tuple(fast if car is rival else car for car in records.cars))

    def reference(vehicle: str, lap: int) -> Reference:
        source = ReferenceSource(vehicle_id=vehicle, lap_number=lap, sector=None, weight=None)
        return Reference(
            reference="class_best", lap_time_ms=60_000, text="", reason=None, sources=(source,), trace=None
        )

    told = class_best_note(own, known, reference(ODD, 3), Style()) or ""
    assert told.startswith("The class best, 0:50.000 of #")
    assert why in told
    assert f"lap 3 of #{cars[ODD].driver.car_number}" in told
    assert class_best_note(own, known, reference(LONE, number), Style()) is None
    assert class_best_note(own, known, None, Style()) is None
