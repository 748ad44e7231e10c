"""Rows of the driving tables as records of the JSON contract."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from grx_pipeline.reports.comparisons import comparisons, rankings
from grx_pipeline.reports.driving import dptad, driver_corners, ledger, opportunities, utc_text
from grx_pipeline.reports.driving_records import DriverCorners
from grx_pipeline.reports.encoding import to_json
from grx_pipeline.reports.narratives import SessionTexts
from grx_pipeline.reports.tables import LapTrace, SessionTables
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import CornerSettings, ReportSettings

CAR, OTHER = "GR86-002-2", "GR86-004-4"
CORNERS: dict[int | None, str | None] = {None: None, 1: "T1", 2: "T2"}


def row(table: str, **values: Any) -> dict[str, Any]:
    """A row of a table; what is not named is null, of a list empty."""
    empty = {c.name: [] if c.type.endswith("[]") else None for c in TABLES[table].columns}
    assert set(values) <= set(empty)
    return empty | values


def tables_of(**rows: list[dict[str, Any]]) -> SessionTables:
    return SessionTables(rows=rows, columns={}, file_rows=[], set_aside=[], trace_files=())


def trace_of(vehicle_id: str, lap: int, time_ms: np.ndarray) -> LapTrace:
    columns = {"distance_m": np.arange(time_ms.size) * 2.0, "time_ms": time_ms}
    return LapTrace(vehicle_id=vehicle_id, lap_number=lap, columns=pa.table(columns))


def corner_lap(lap: int, corner: int, **values: Any) -> dict[str, Any]:
    return row("corner_laps", vehicle_id=CAR, lap_number=lap, corner_index=corner, **values)


def corners_of(rows: Any, quartiles: Any = None, *, note: str | None = None, clean: Any = (3, 5)) -> DriverCorners:
    return driver_corners(CAR, rows, CORNERS, quartiles or {}, note, clean=clean, settings=CornerSettings())


SEEN = {"time_ms": 4000.0, "min_speed_kmh": 90.0, "coasting_s": 0.0, "brake_peak_bar": 0.0}


@pytest.mark.parametrize(
    ("figure", "values", "reason"),
    [
        ("brake_onset_m", SEEN, "no braking"),
        ("brake_release_m", SEEN | {"brake_peak_bar": 9.0}, "no braking"),
        ("brake_onset_m", SEEN | {"brake_peak_bar": 40.0}, "braking that begins before the line or in a gap"),
        ("brake_onset_m", {}, "a gap in the telemetry"),
        ("throttle_on_m", SEEN, "the throttle is not opened anew"),
        ("full_throttle_m", SEEN, "the throttle is not opened anew"),
        ("throttle_on_m", SEEN | {"coasting_s": None}, "a gap in the telemetry"),
        ("apex_m", SEEN, "the speed only rises or falls"),
        ("apex_m", {}, "a gap in the telemetry"),
        ("time_ms", {}, "a gap in the telemetry"),
    ],
)
def test_a_figure_that_is_not_there_says_why(figure: str, values: dict[str, Any], reason: str) -> None:
    (corner,) = corners_of({"corner_laps": [corner_lap(3, 1, **values)]}).corners
    assert corner.missing[figure].startswith(reason)


def test_every_figure_is_there_or_says_why() -> None:
    rows = {
        "corner_laps": [corner_lap(3, 1, **SEEN), corner_lap(4, 2, **SEEN)],
        "corner_drivers": [row("corner_drivers", corner_index=1, figure="time_ms", laps=1, median=4000.0, spread=None)],
    }
    first, second = corners_of(rows, clean=(3,)).corners
    for corner in (first, second):
        assert {*corner.figures, *corner.missing} == set(corner.by_lap)
        assert not {*corner.figures} & {*corner.missing}
    assert set(second.missing.values()) == {"no clean lap has a trusted trace"}


def test_a_corner_has_its_medians_its_class_and_every_lap_in_step() -> None:
    rows = {
        "corner_laps": [
            corner_lap(3, 1, min_speed_kmh=71.234),
            corner_lap(5, 1, min_speed_kmh=72.0),
            corner_lap(5, 2, min_speed_kmh=90.0, steering_reversals=2),
        ],
        "corner_drivers": [
            row("corner_drivers", corner_index=1, figure="min_speed_kmh", laps=2, median=71.617, spread=None)
        ],
    }
    field = row("corner_field", drivers=4, quartile_1=70.0, median=71.0, quartile_3=73.5)
    record = corners_of(rows, {(1, "min_speed_kmh"): field}, note="no telemetry")
    first, second = record.corners
    assert (record.lap_numbers, record.note) == ((3, 5), None)
    assert (first.corner, first.by_lap["min_speed_kmh"]) == ("T1", (71.23, 72.0))
    assert (second.corner, second.by_lap["min_speed_kmh"]) == ("T2", (None, 90.0))
    assert second.by_lap["steering_reversals"] == (None, 2)
    assert first.figures["min_speed_kmh"].class_quartiles == (70.0, 71.0, 73.5)
    assert first.figures["min_speed_kmh"].spread is None


def test_a_car_without_traces_has_no_corners_and_a_sentence() -> None:
    record = corners_of({}, note="No logger was matched.")
    assert (record.corners, record.lap_numbers, record.note) == ((), (), "No logger was matched.")


def test_the_ledger_keeps_its_levels_apart_and_names_corners() -> None:
    place = {"sector": 1, "gap_ms": 80, "best_lap_number": 9, "donor_lap": 4}
    rows = {
        "ledger_drivers": [
            row(
                "ledger_drivers",
                potential_gain_ms=48,
                rolling_best_ms=98_001,
                rolling_start_m=1034.04,
                rolling_lap_number=7,
            )
        ],
        "ledger": [
            row("ledger", level="sector", name="S1", gain_ms=48, **place),
            row("ledger", level="segment", name="T1 exit", phase="exit", corner_index=1, gain_ms=48, **place),
        ],
    }
    record = ledger(CAR, rows, CORNERS)
    assert [line.name for line in record.sectors] == ["S1"]
    assert [(line.name, line.corner, line.phase) for line in record.segments] == [("T1 exit", "T1", "exit")]
    assert record.rolling_lap is not None
    assert record.rolling_lap.start_m == 1034.0
    assert sum(line.gain_ms for line in record.segments) == record.potential_gain_ms


def test_a_driver_without_a_clean_lap_has_an_empty_ledger_and_no_opportunity() -> None:
    assert ledger(CAR, {}, CORNERS).potential_gain_ms is None
    assert opportunities(CAR, {}, CORNERS).told == ()
    assert dptad(CAR, {}, CORNERS).scores.brake is None


def test_dptad_gives_scores_per_lap_and_counts_its_events() -> None:
    event = row(
        "dptad_events",
        event_id="9-1",
        lap_number=9,
        at_ms=1_757_185_200_007,
        time_in_lap_s=12.3456,
        start_m=100.0,
        end_m=140.04,
        peak_m=121.96,
        corner_index=2,
        category="throttle",
        type="lift",
        sign=-1,
        z=11.237,
        p_value=0.0025,
        is_costly=True,
        time_lost_ms=61.26,
        text="Lifted before T2.",
    )
    laps = [
        row(
            "dptad_laps", lap_number=9, category="throttle", z_max=11.2, p_value=0.0025, score=86.7, is_significant=True
        ),
        row("dptad_laps", lap_number=9, category="brake", z_max=1.0, p_value=0.6, score=7.4, is_significant=False),
        row("dptad_laps", lap_number=8, category="brake", z_max=1.0, p_value=0.6, score=7.4, is_significant=False),
    ]
    summary = row("dptad_drivers", own_laps=12, laps_judged=12, insights=["One lift cost time."])
    record = dptad(CAR, {"dptad_events": [event], "dptad_laps": laps, "dptad_drivers": [summary]}, CORNERS)
    assert [(lap.lap, lap.events, lap.significant) for lap in record.laps] == [(8, 0, ()), (9, 1, ("throttle",))]
    assert record.laps[0].scores.throttle is None
    found = record.events[0]
    assert (found.at_utc, found.corner, found.s_end_m) == ("2025-09-06T19:00:00.007Z", "T2", 140.0)
    assert json.loads(to_json(record))["events"][0]["time_lost_ms"] == 61.3


@pytest.mark.parametrize(("at_ms", "text"), [(0, "1970-01-01T00:00:00.000Z"), (1999, "1970-01-01T00:00:01.999Z")])
def test_times_of_day_keep_their_milliseconds(at_ms: int, text: str) -> None:
    assert utc_text(at_ms) == text


def test_only_ranked_opportunities_are_told_in_the_order_of_their_rank() -> None:
    common = {"corner_index": 1, "reference": "own best three", "floor_ms": 50.0, "laps": 9}
    rows = [
        row("opportunities", phase="braking", rank=None, loss_ms=12.0, reason="under the floor", **common),
        row("opportunities", phase="entry", rank=2, loss_ms=61.0, **common),
        row("opportunities", phase="exit", rank=1, loss_ms=90.0, **common),
    ]
    summary = row("opportunity_drivers", tested=3, reported=2, loss_ms=151.0)
    record = opportunities(CAR, {"opportunities": rows, "opportunity_drivers": [summary]}, CORNERS)
    assert [(line.rank, line.phase) for line in record.told] == [(1, "exit"), (2, "entry")]
    assert len(record.tested) == 3
    assert record.loss_ms == sum(line.loss_ms for line in record.told)


def test_a_pair_is_there_both_ways_with_opposite_signs() -> None:
    pair = {"vehicle_a": CAR, "vehicle_b": OTHER}
    tables = tables_of(
        comparisons=[row("comparisons", gap_ms=350, best_a=2, best_b=5, lap_a=3, lap_b=5, trace_gap_ms=340, **pair)],
        comparison_lines=[row("comparison_lines", level="sector", line=1, name="S1", gap_ms=-12.04, **pair)],
    )
    slow = np.linspace(0.0, 1000.0, 21)
    traces = {CAR: [trace_of(CAR, 3, slow)], OTHER: [trace_of(OTHER, 5, slow * 1.1)]}
    there, back = comparisons(tables, traces, SessionTexts(), ReportSettings(delta_points=5))
    assert (there.gap_ms, back.gap_ms, there.lap_a, back.lap_a) == (350, -350, 3, 5)
    assert (there.best_a, back.best_a, back.best_b) == (2, 5, 2)
    assert (there.sectors[0].gap_ms, back.sectors[0].gap_ms) == (-12.0, 12.0)
    assert there.distance_m.to_pylist() == [0.0, 10.0, 20.0, 30.0, 40.0]
    assert there.delta_ms.to_pylist() == [0.0, 25.0, 50.0, 75.0, 100.0]
    assert back.delta_ms.to_pylist() == [0.0, -25.0, -50.0, -75.0, -100.0]


def test_a_pair_without_two_traces_has_no_delta_and_keeps_its_note() -> None:
    tables = tables_of(
        comparisons=[row("comparisons", vehicle_a=CAR, vehicle_b=OTHER, gap_ms=None, note="no telemetry of #4")],
        comparison_lines=[],
    )
    there, _ = comparisons(tables, {}, SessionTexts(), ReportSettings())
    assert (len(there.delta_ms), there.gap_ms, there.note) == (0, None, "no telemetry of #4")


def test_rankings_are_grouped_by_category_best_first() -> None:
    rows = [
        row("rankings", category="pace", rank=2, vehicle_id=CAR, value=99_000.0, unit="ms", least_laps=1),
        row("rankings", category="gain", rank=1, vehicle_id=CAR, value=20.0, unit="ms", least_laps=5, least_traced=3),
        row("rankings", category="pace", rank=1, vehicle_id=OTHER, value=98_000.0, unit="ms", least_laps=1),
    ]
    gain, pace = rankings(tables_of(rankings=rows))
    assert (gain.least_laps, gain.least_traced) == (5, 3)
    assert (gain.category, pace.category) == ("gain", "pace")
    assert [ranked.vehicle_id for ranked in pace.ranks] == [OTHER, CAR]
