"""Timing lines that the official map has elsewhere: over the tolerance the session page warns."""

from typing import Any

import pytest

from grx_pipeline.reports.circuit import track_record
from grx_pipeline.reports.driving_records import Track
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.session_page import line_table_note, map_warning, stroke_note
from grx_pipeline.reports.tables import SessionTables
from grx_pipeline.schemas import TABLES


def line(name: str, distance_m: float, map_m: float | None) -> dict[str, Any]:
    values = {"spread_m": 1.0, "residual_p95_m": 2.0, "time_error_median_ms": None, "time_error_p95_ms": None}
    return {"line": name, "distance_m": distance_m, "map_m": map_m, "laps": 6, "is_anchor": True, **values}


def circuit(*lines: dict[str, Any], bias_ms: int = 120) -> Track:
    tables = SessionTables(
        rows={
            "sessions": [{"circuit": "indianapolis", "length_m": 3925.2, "logger_bias_ms": bias_ms}],
            "timing_lines": list(lines),
            **{name: [] for name in ("track_sources", "corners", "segments")},
        },
        columns={"track_line": TABLES["track_line"].arrow_schema().empty_table()},
        file_rows=[],
        set_aside=[],
        trace_files=(),
    )
    return track_record(tables, {None: None}, map_warning_m=15.0, far_line_s=2.0)


@pytest.mark.parametrize(("map_m", "is_off"), [(None, False), (1014.9, False), (1015.1, True), (984.9, True)])
def test_a_line_is_off_the_map_over_the_tolerance(map_m: float | None, is_off: bool) -> None:
    (found,) = circuit(line("S1", 1000.0, map_m)).timing_lines
    assert found.is_off_map is is_off


def test_the_warning_names_the_lines_and_says_which_place_counts() -> None:
    far = circuit(line("S1", 1354.2, 1364.3), line("S2", 2680.8, 2751.2), line("IM3a", 3000.0, 2970.0))
    assert map_warning(far, Style()) == (
        "Warning: the official map has S2 70 m further on and IM3a 30 m earlier. "
        "The places of the field's laps are used, not the map's."
    )
    assert map_warning(circuit(line("S1", 1354.2, 1364.3)), Style()) == ""


def test_places_from_the_loggers_own_line_are_not_laid_over_the_map() -> None:
    track = circuit(line("S1", 1354.2, 1400.0), bias_ms=7402)
    assert track.is_from_loggers
    assert [(found.map_m, found.is_off_map) for found in track.timing_lines] == [(None, False)]
    assert map_warning(track, Style()) == ""
    told = f"{stroke_note(track)} {line_table_note(track)}"
    assert "where the loggers change lap, not the finish line" in told
    assert "it is not compared" in told
    assert stroke_note(circuit()) == "The stroke is the start and finish line."
