"""Data quality in sentences."""

from dataclasses import replace
from typing import Any

import pytest

from grx_pipeline.reports.notes import CarTables, car_notes, far_line_note, session_notes, telemetry_note
from grx_pipeline.reports.tables import SessionTables
from grx_pipeline.settings import FeatureSettings

SENSORS: dict[str, Any] = {
    "throttle_channel": "ath",
    "note": None,
    "accel_x_sign": -1,
    "accel_y_sign": -1,
    "speed_lag_s": 0.27,
    "steering_zero_deg": -4.25,
    "sample_rate_hz": 10.0,
}
WITH_TRACE = CarTables(
    driver={"has_logger": True, "has_telemetry": True, "car_number": "13"},
    laps=[{"lap_number": n, "reasons": ["missing_sector"] if n == 2 else []} for n in (1, 2, 3)],
    match={"logger_id": "GR86-022-13", "crossings": 3, "crossings_matched": 2, "reason": "few crossings"},
    logger={"rows_read": 100, "is_clock_frozen": False},
    sensors=SENSORS,
    telemetry_laps=[
        {"lap_number": 2, "is_complete": False, "reason": "3.0 s of its 99.0 s are missing."},
        {"lap_number": 3, "is_complete": True, "reason": None},
    ],
    distances=[{"lap_number": 3, "is_trusted": False}],
    trace_laps=(3,),
)
WITHOUT_TRACE = replace(WITH_TRACE, trace_laps=(), telemetry_laps=[], distances=[])
SESSION_ROW: dict[str, Any] = {
    "crossings": 0,
    "crossings_matched": 0,
    "utc_offset_source": "none",
    "logger_bias_ms": None,
}


def test_a_car_with_a_trace_says_what_is_there_what_was_corrected_and_what_is_doubtful() -> None:
    assert car_notes(WITH_TRACE, FeatureSettings()) == (
        "1 lap of 3 with complete telemetry.",
        "Lap 2 left out of telemetry: 3.0 s of its 99.0 s are missing.",
        "No telemetry at all of 1 more lap.",
        "The distance driven does not fit the circuit's length on lap 3.",
        "Logger GR86-022-13: 2 of 3 crossings matched to official laps of car 13.",
        "The match is uncertain: few crossings.",
        "Throttle is the throttle blade (ath): the car logs no pedal, and the blade also moves at gear changes.",
        "The accelerometer is mounted the other way round; its signs were turned.",
        "Speed lags the accelerometer by 0.27 s; it was moved forward by that.",
        "A steering zero of −4.3° was taken off.",
        "The logger runs at 10.0 Hz only, so counts of events run low.",
        "The timing has no complete sector times for lap 2.",
    )


def test_laps_whose_sectors_contradict_their_time_are_named() -> None:
    laps = [{"lap_number": n, "reasons": ["sectors_off_lap_time"] if n > 1 else []} for n in (1, 2, 3)]
    assert car_notes(replace(WITH_TRACE, laps=laps), FeatureSettings())[-1] == (
        "The timing's sectors do not add up to its lap time on laps 2 and 3, so neither is trusted."
    )


def test_a_car_whose_metres_count_from_the_loggers_line_says_so() -> None:
    note = far_line_note(7402)
    assert "past the finish line" in note
    assert note in car_notes(WITH_TRACE, FeatureSettings(), far_line=note)
    assert note not in car_notes(WITHOUT_TRACE, FeatureSettings(), far_line=note)


@pytest.mark.parametrize(
    ("car", "words"),
    [
        (replace(WITHOUT_TRACE, driver={"has_logger": False, "has_telemetry": False}), "No logger was matched"),
        (replace(WITHOUT_TRACE, logger=None), "hold no rows of this car"),
        (replace(WITHOUT_TRACE, sensors={**SENSORS, "note": "No speed channel."}), "No speed channel."),
        (WITHOUT_TRACE, "covers no complete lap"),
    ],
)
def test_a_car_without_a_trace_says_why(car: CarTables, words: str) -> None:
    assert words in (telemetry_note(car) or "")


def test_a_session_of_timing_alone_speaks_of_what_is_missing() -> None:
    tables = SessionTables(
        rows={
            "sessions": [SESSION_ROW],
            "logger_matches": [],
            "unmatched_loggers": [],
            "telemetry_vehicles": [],
            "weather": [],
        },
        columns={},
        file_rows=[],
        set_aside=[{"kind": "analysis", "reason": "something_new", "rows": 1}],
        trace_files=(),
    )
    assert session_notes(tables, ("telemetry", "lap_time"), far_line_s=2.0) == (
        "1 row set aside in official laps: something new.",
        "No file of telemetry: no traces and no telemetry features.",
        "No file of logger lap times.",
        "The timing's local time could not be set to UTC, so telemetry cannot be laid over the laps.",
    )


@pytest.mark.parametrize(("bias_ms", "words"), [(1999, None), (7402, "past the finish line"), (-2500, "ahead of the")])
def test_loggers_that_change_lap_far_from_the_line_are_told(bias_ms: int, words: str | None) -> None:
    names = ("logger_matches", "unmatched_loggers", "telemetry_vehicles", "weather")
    tables = SessionTables(
        rows={"sessions": [{**SESSION_ROW, "logger_bias_ms": bias_ms}], **{name: [] for name in names}},
        columns={},
        file_rows=[],
        set_aside=[],
        trace_files=(),
    )
    told = [note for note in session_notes(tables, (), far_line_s=2.0) if "change lap" in note]
    assert len(told) == (words is not None)
    assert all(words is not None and words in note and f"{abs(bias_ms) / 1000:.3f} s" in note for note in told)
