"""What a page says of the team's corrections: the entry, and what came of it."""

from typing import Any

import pytest

from grx_pipeline.reports.correction_records import correction_lines, correction_records, exclusions_of
from grx_pipeline.reports.tables import SessionTables
from grx_pipeline.schemas import TABLES

CORNER = {"corner": "T5", "apex_m": 1102.4, "apex_share": 0.9}
FIX = {"line": 1, "action": "change", "merge": [], "corner": "T5"}
BASE: dict[str, list[dict[str, Any]]] = {
    "drivers": [
        {"vehicle_id": "a", "driver_id": "3-1", "car_number": "3"},
        {"vehicle_id": "b", "driver_id": "3-1-2", "car_number": "3"},
    ],
    "laps": [
        {"vehicle_id": "a", "lap_number": 1, "reasons": ["excluded_by_team", "first_lap", "no_crossing_match"]},
        {"vehicle_id": "a", "lap_number": 2, "reasons": ["excluded_by_team", "no_crossing_match"]},
    ],
    "logger_matches": [
        {"logger_id": "L", "crossings": 27, "crossings_matched": 2, "second_best": 25},
        {"logger_id": "M", "crossings": 27, "crossings_matched": 26, "second_best": 2},
    ],
    "corners": [CORNER],
    "corner_corrections": [],
}


def tables_of(*entries: dict[str, Any], **rows: list[dict[str, Any]]) -> SessionTables:
    blank = dict.fromkeys(TABLES["corrections"].column_names)
    corrections = [blank | {"line": 1, "text": "Said."} | entry for entry in entries]
    filled = {name: [dict.fromkeys(TABLES[name].column_names) | row for row in found] for name, found in rows.items()}
    return SessionTables(
        rows={**BASE, **filled, "corrections": corrections}, columns={}, file_rows=[], set_aside=[], trace_files=()
    )


def lap(number: int) -> dict[str, Any]:
    return {"kind": "excluded_lap", "car": "3-1", "lap_number": number, "reason": "cut T9"}


@pytest.mark.parametrize(
    ("entry", "effect"),
    [
        (lap(1), "It was no clean lap: first lap, from the green flag."),
        (lap(2), "It would be a clean lap."),
        ({"kind": "excluded_car", "car": "3-1", "reason": "x"}, "2 laps count nowhere; 1 of them would be clean."),
        (
            {"kind": "logger", "car": "3-1", "logger_id": "L"},
            "2 of 27 crossings fit its official laps, 25 those of another car.",
        ),
        ({"kind": "logger", "car": "3-1", "logger_id": "M"}, "26 of 27 crossings fit its official laps."),
        ({"kind": "logger", "car": None, "logger_id": "L"}, None),
        ({"kind": "driver", "car": "3", "driver_name": "Ada"}, None),
    ],
)
def test_what_came_of_an_entry_is_said(entry: dict[str, Any], effect: str | None) -> None:
    (record,) = correction_records(tables_of(entry))
    assert record.effect == effect


@pytest.mark.parametrize(
    ("fix", "corners", "effect"),
    [
        ({"apex_m": 1130.0}, [CORNER], "The field is slowest at 1,102 m, which counts as its apex."),
        ({"merge": ["T5", "T6"]}, [CORNER], "The field is slowest at 1,102 m, which counts as its apex."),
        ({"apex_m": 1130.0}, [CORNER | {"apex_m": 1130.0, "apex_share": None}], "Its apex is at 1,130 m."),
        ({"name": "Web"}, [CORNER], None),
        ({"action": "remove"}, [{"corner": "T4"}], None),
        ({"name": "Web"}, [], "No lap with telemetry tells the circuit, so it changes nothing."),
    ],
)
def test_of_a_corner_it_is_said_which_apex_counts(
    fix: dict[str, Any], corners: list[dict[str, Any]], effect: str | None
) -> None:
    entry = {"kind": "corner", "corner": "T5"}
    (record,) = correction_records(tables_of(entry, corners=corners, corner_corrections=[FIX | fix]))
    assert (record.effect, record.vehicle_ids) == (effect, ())


def test_an_entry_is_about_the_car_of_its_id_or_all_of_its_number() -> None:
    records = correction_records(tables_of({"kind": "driver", "car": "3"}, {"kind": "driver", "car": "3-1-2"}))
    assert [record.vehicle_ids for record in records] == [("a", "b"), ("b",)]


def test_reasons_are_by_lap_and_those_of_the_whole_car_under_none() -> None:
    records = correction_records(tables_of(lap(2), {"kind": "excluded_car", "car": "3-1-2", "reason": "y"}))
    assert exclusions_of(records) == {2: "cut T9", None: "y"}


def test_many_names_are_one_line() -> None:
    name = {"kind": "driver", "car": "3-1"}
    assert correction_lines(correction_records(tables_of(name))) == ("Said.",)
    assert correction_lines(correction_records(tables_of(name, lap(2), name))) == (
        "Said. It would be a clean lap.",
        "2 drivers named.",
    )
