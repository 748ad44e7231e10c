"""No dash without a reason: gaps of traces, marks of the classification, corners of the field; nothing said twice."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from grx_pipeline.ingest.remarks import NO_TELEMETRY, NO_WEATHER, stopped_clocks
from grx_pipeline.reports.driving_records import Corner, Track, TrackLine
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.records import Classified
from grx_pipeline.reports.season import _problems, _told_of_files, _without
from grx_pipeline.reports.session_page import classification_note, corner_note, gap_words
from grx_pipeline.reports.site_records import LastRunRemark
from grx_pipeline.reports.trace_laps import TraceLap, with_gaps

CAR = Classified(
    vehicle_id="GR86-2",
    path="GR86-2",
    position=2,
    car_number="2",
    driver_name=None,
    team=None,
    vehicle_class="Am",
    status="Classified",
    laps=20,
    total_time_ms=1,
    gap_first="+1.000",
    best_lap_ms=98_000,
    siwtl_lap_ms=97_800,
    potential_gain_ms=200,
    confidence="normal",
    consistency_score=99.0,
    consistency_percentile=50.0,
    clean_laps=12,
    telemetry_laps=0,
)
UNCLEAN = replace(CAR, best_lap_ms=97_000)
SINGLE = replace(CAR, clean_laps=1, confidence="low", consistency_score=None)
FEW = replace(CAR, clean_laps=3, confidence="low")
NONE = replace(CAR, clean_laps=0, confidence="none", siwtl_lap_ms=None, potential_gain_ms=None, best_lap_ms=None)


def lap(times: list[int | None], text: str = "") -> TraceLap:
    columns = {"distance_m": pa.array([10.0 * n for n in range(len(times))]), "time_ms": pa.array(times, pa.int64())}
    return TraceLap(id="1", label="Lap 1", detail="", look="best", lap_time_ms=0, columns=columns, text=text)


@pytest.mark.parametrize(
    ("times", "where"),
    [
        ([0, None, None, 300, 400], "from 0 to 30 m"),
        ([None, 100, 200, None, 400], "from 0 to 10 m and from 20 to 40 m"),
        ([0, 100, 200, 300, None], "from 30 to 40 m"),
    ],
)
def test_a_lap_says_where_its_trace_has_a_gap(times: list[int | None], where: str) -> None:
    told = with_gaps(lap(times, "The best lap."), Style()).text
    assert told == f"The best lap. Nothing is known {where}; what begins or ends there has no figure."


def test_of_a_whole_trace_nothing_is_said() -> None:
    assert with_gaps(lap([0, 100, 200], "The best lap."), Style()).text == "The best lap."


@pytest.mark.parametrize(
    ("cars", "words"),
    [
        ((CAR,), ""),
        ((CAR, UNCLEAN), "* marks"),
        ((FEW,), "° marks"),
        ((SINGLE,), "–: "),
        ((CAR, SINGLE), "–: "),
        ((NONE,), "–: "),
    ],
)
def test_the_classification_explains_the_marks_it_has_and_no_others(cars: tuple[Classified, ...], words: str) -> None:
    note = classification_note(cars)
    assert words in note
    assert ("*" in note) == any(not car.is_best_clean and car.best_lap_ms is not None for car in cars)
    assert ("°" in note) == any(car.confidence == "low" and car.clean_laps > 1 for car in cars)
    assert ("–" in note) == any(car.clean_laps < 2 for car in cars)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "+1.000"),
        ({"gap_first": "24 Laps"}, "24 laps down"),
        ({"position": 1, "gap_first": "-"}, "winner"),
        ({"status": "Not started", "gap_first": None, "position": None}, "Not started"),
        ({"status": None, "gap_first": None, "position": None}, "no result"),
    ],
)
def test_every_car_has_a_gap_or_a_word_for_why_not(change: dict[str, Any], words: str) -> None:
    assert gap_words(replace(CAR, **change)) == words


def corner(brake_m: float | None, throttle_m: float | None) -> Corner:
    places = {"start_m": 0.0, "apex_m": 10.0, "end_m": 20.0, "brake_onset_m": brake_m, "full_throttle_m": throttle_m}
    unknown = dict.fromkeys(("name", "turn_deg", "radius_m", "apex_spread_m", "apex_share", "brake_onset_spread_m"))
    return Corner(corner="T1", direction="left", is_verified=True, source="table", **places, **unknown)


@pytest.mark.parametrize(
    ("measured", "told"), [(corner(1.0, 2.0), []), (corner(None, 2.0), ["Brakes at"]), (corner(1.0, None), ["Full"])]
)
def test_the_table_of_corners_explains_its_dashes(measured: Corner, told: list[str]) -> None:
    empty = pa.array([], pa.float64())
    line = TrackLine(**dict.fromkeys(TrackLine.__annotations__, empty))
    track = Track(
        circuit="a",
        length_m=None,
        is_from_loggers=False,
        sources=(),
        timing_lines=(),
        corners=(measured,),
        segments=(),
        line=line,
        note=None,
    )
    found = [word for word in ("Brakes at", "Full") if f"– under {word}" in corner_note(track)]
    assert found == told


def test_what_a_session_lacks_is_said_once_though_checks_say_it_too() -> None:
    quality = {"missing_files": ["weather"], "frozen_clocks": ["GR86-2", "GR86-1"]}
    clocks = stopped_clocks(["GR86-1", "GR86-2"])
    problems = _problems({"data_quality": quality, "classification": [{"telemetry_laps": 3}]})
    assert problems == ("No file of weather.", clocks)
    remark = LastRunRemark(outcome="built", at=None, sentences=(f"GR86-3 has no gear. {clocks}", NO_WEATHER, "Other."))
    left = _without(remark, _told_of_files(quality))
    assert left is not None
    assert left.sentences == ("GR86-3 has no gear.", "Other.")
    assert _without(replace(remark, sentences=(NO_WEATHER,)), _told_of_files(quality)) is None
    whole = {"missing_files": [], "frozen_clocks": []}
    assert _without(replace(remark, sentences=(NO_TELEMETRY,)), _told_of_files(whole)) is not None
