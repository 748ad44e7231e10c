"""The season page: sessions side by side, and drivers over them."""

import re
from dataclasses import replace

import pytest

from grx_pipeline.reports.pages import season_page
from grx_pipeline.reports.season import SeasonFacts, SeasonSession, _drivers
from grx_pipeline.reports.season_page import Trend, driver_trends
from grx_pipeline.reports.season_trends import TRENDS_TABLE, season_record, trends_frame
from grx_pipeline.reports.site_records import DriverTrend, LastRunRemark
from grx_pipeline.schemas.columns import CATEGORIES
from grx_pipeline.settings import ReportSettings
from grx_pipeline.storage.parquet import conform

FACTS = SeasonFacts(
    circuit_name="A <b>track</b>",
    is_simulated=False,
    race=1,
    race_date="2025-09-06",
    cars=2,
    laps=10,
    clean_laps=8,
    telemetry_laps=0,
    best_lap_ms=98_326,
    best_lap_car="03",
    is_best_clean=True,
    winner_car="3",
    winner_name="<script>alert(1)</script>",
    neutralisations=1,
)


def make_car(
    number: str,
    best_ms: int | None,
    *,
    name: str | None = None,
    chassis: str | None = None,
    class_best_ms: int = 100_000,
    clean_laps: int = 8,
) -> DriverTrend:
    return DriverTrend(
        session="",
        race_date=FACTS.race_date,
        race=FACTS.race,
        circuit_name=FACTS.circuit_name,
        is_simulated=False,
        vehicle_id=f"{chassis or 'GR86'}-{number}",
        chassis=chassis,
        path=f"car-{number}",
        car_number=number,
        driver_name=name,
        vehicle_class="Am",
        position=1,
        laps=10,
        clean_laps=clean_laps,
        best_clean_ms=best_ms,
        siwtl_lap_ms=99_900,
        class_best_ms=class_best_ms,
        best_pct=None if best_ms is None else 100 * (best_ms - class_best_ms) / class_best_ms,
        target_pct=-0.1,
        consistency_score=99.12,
        **{f"dptad_{name}": 7.5 for name in CATEGORIES},
    )


def make_session(name: str, *cars: DriverTrend, is_simulated: bool = False) -> SeasonSession:
    drivers = tuple(replace(car, session=name, is_simulated=is_simulated) for car in cars)
    return SeasonSession(session=name, facts=replace(FACTS, is_simulated=is_simulated), drivers=drivers)


def trends_of(*sessions: SeasonSession) -> tuple[Trend, ...]:
    return driver_trends(season_record(sessions), [session.session for session in sessions], ReportSettings())


def page_of(*sessions: SeasonSession) -> str:
    return season_page(sessions, ReportSettings())["index.html"].decode()


def test_names_are_text() -> None:
    page = page_of(make_session("a-2025-r1", make_car("3", 98_326, name="<script>alert(1)</script>")))
    assert "<script>" not in page
    assert "A &lt;b&gt;track" in page
    assert "1:38.326" in page


def test_a_driver_is_followed_in_percent_of_the_classs_best() -> None:
    one = make_session("a-2025-r1", make_car("7", 101_000), make_car("13", 100_000))
    two = make_session("b-2025-r1", make_car("7", 50_250, class_best_ms=50_000), make_car("13", None))
    best, other = trends_of(one, two)
    assert (best.numbers, best.mean_best_pct) == (("13",), 0.0)
    assert best.spark == ""
    assert other.mean_best_pct == pytest.approx(0.75)
    assert [cell and cell.best_pct for cell in other.cells] == pytest.approx([1.0, 0.5])
    assert re.sub(r"[0-9. ]", "", other.spark) == "ML"
    assert other.cells[1] is not None
    assert other.cells[1].path == "b-2025-r1/drivers/car-7.html"


def test_a_car_without_a_name_is_the_driver_of_its_number_where_there_is_only_one() -> None:
    named = make_session("a-2025-r1", make_car("7", 101_000, name="Ada"), make_car("13", 101_000, name="Zoë"))
    bare = make_session("b-2025-r1", make_car("7", 101_000), make_car("13", 101_000))
    other = make_session("c-2025-r1", make_car("13", 101_000, name="Max"))
    rows = {(*trend.numbers, trend.driver_name): trend.cells for trend in trends_of(named, bare, other)}
    assert set(rows) == {("7", "Ada"), ("13", "Zoë"), ("13", "Max"), ("13", None)}
    assert [cell is not None for cell in rows["7", "Ada"]] == [True, True, False]


def test_two_cars_of_one_number_have_a_row_each_and_one_car_of_two_numbers_has_one() -> None:
    one = make_session(
        "a-2025-r1",
        make_car("3", 101_000, name="Driver 3", chassis="GR86-037"),
        make_car("3", 102_000, name="Driver 3", chassis="GR86-040"),
    )
    two = make_session(
        "b-2025-r1",
        make_car("03", 102_000, name="Driver 03", chassis="GR86-040"),
        make_car("3", 101_000, name="Driver 3", chassis="GR86-037"),
    )
    first, second = trends_of(one, two)
    assert (first.chassis, first.numbers, first.mean_best_pct) == ("GR86-037", ("3",), pytest.approx(1.0))
    assert (second.chassis, second.numbers, second.mean_best_pct) == ("GR86-040", ("3", "03"), pytest.approx(2.0))
    assert all(first.cells)
    assert all(second.cells)
    assert "#3, #03" in page_of(one, two)


def test_a_number_in_a_name_is_no_name_of_the_same_car_under_another_number() -> None:
    one = make_session("a-2025-r1", make_car("78", 101_000, name="Driver 78", chassis="GR86-004"))
    two = make_session("b-2025-r1", make_car("58", 102_000, chassis="GR86-004"))
    (trend,) = trends_of(one, two)
    assert (trend.numbers, trend.driver_name, trend.mean_sessions) == (("78", "58"), "Driver 78", 2)


def test_cars_that_nothing_tells_apart_are_both_shown() -> None:
    session = make_session("a-2025-r1", make_car("3", 101_000), make_car("3", 102_000))
    assert [trend.mean_best_pct for trend in trends_of(session)] == pytest.approx([1.0, 2.0])


def test_a_car_without_a_chassis_in_its_id_is_the_only_one_of_its_number() -> None:
    one = make_session("a-2025-r1", make_car("51", 101_000, chassis="GR86-061"), make_car("2", 101_000, chassis="x-1"))
    two = make_session("b-2025-r1", make_car("51", 101_000), make_car("2", 101_000, chassis="x-2"))
    three = make_session("c-2025-r1", make_car("2", 101_000))
    assert [row.chassis for row in season_record([one, two, three]).drivers] == [
        *("GR86-061", "x-1", "GR86-061", "x-2"),
        None,
    ]
    assert len(trends_of(one, two, three)) == 4


def test_two_drivers_of_one_car_have_a_row_each() -> None:
    one = make_session("a-2025-r1", make_car("7", 101_000, name="Ada", chassis="GR86-001"))
    two = make_session("b-2025-r1", make_car("7", 102_000, name="Zoë", chassis="GR86-001"))
    assert [trend.driver_name for trend in trends_of(one, two)] == ["Ada", "Zoë"]


def test_a_best_of_few_clean_laps_is_shown_and_not_in_mean_or_trend() -> None:
    one = make_session("a-2025-r1", make_car("7", 101_000))
    two = make_session("b-2025-r1", make_car("7", 110_000, clean_laps=1), make_car("13", 109_000, clean_laps=4))
    few, none = trends_of(one, two)
    assert (few.mean_best_pct, few.mean_sessions, few.spark) == (pytest.approx(1.0), 1, "")
    assert [cell and cell.best_pct for cell in few.cells] == pytest.approx([1.0, 10.0])
    assert (none.numbers, none.mean_best_pct) == (("13",), None)
    assert "<b>+1.00</b> <span>of 1</span>" in page_of(one, two)
    assert page_of(one, two).count("not in the mean</span>") == 2


def test_simulated_sessions_are_not_mixed_with_real_ones_and_stand_alone_where_there_are_no_others() -> None:
    real, made = make_session("a-2025-r1", make_car("7", 101_000)), make_session("b-2025-r1", is_simulated=True)
    assert "1 simulated session is left out" in page_of(real, made)
    assert "left out" not in page_of(made)


def test_a_failed_and_a_degraded_session_say_so() -> None:
    killed = LastRunRemark(outcome="died", at="2026-11-23T09:12:00Z", sentences=("It was <killed>.",))
    failed = SeasonSession(session="x-2025-r1", facts=None, last_run=killed, is_published=False)
    warned = LastRunRemark(outcome="built", at=None, sentences=("80 % of crossings matched.",))
    page = page_of(replace(make_session("a-2025-r1"), problems=("No file of weather.",), last_run=warned), failed)
    assert "No file of weather. 80 % of crossings matched." in page
    assert "<strong>Killed.</strong> It was &lt;killed&gt;." in page
    broken = replace(warned, outcome="failed", sentences=("The last run failed: why.",))
    page = page_of(replace(make_session("a-2025-r1"), last_run=broken))
    assert '<div class="run"><strong>Failed.</strong> The last run failed: why.</div>' in page
    assert 'href="x-2025-r1' not in page


def test_a_session_without_a_clean_lap_is_an_empty_cell_and_not_in_the_mean() -> None:
    one = make_session("a-2025-r1", make_car("7", 101_000))
    two = make_session("b-2025-r1", make_car("7", None), make_car("13", None))
    (trend,) = trends_of(one, two)
    assert (trend.numbers, trend.mean_best_pct, trend.mean_sessions) == (("7",), pytest.approx(1.0), 1)
    assert trend.cells[1] is not None
    assert trend.cells[1].best_pct is None
    assert "no clean lap" in page_of(one, two)


def test_the_best_clean_lap_is_the_target_and_what_there_is_to_find() -> None:
    row = {
        "vehicle_id": "GR86-022-7",
        "path": "a",
        "car_number": "7",
        "driver_name": None,
        "vehicle_class": "Am",
        "position": 1,
        "laps": 10,
        "clean_laps": 8,
        "best_lap_ms": 99_000,
        "siwtl_lap_ms": 99_800,
        "potential_gain_ms": 200,
        "consistency_score": None,
    }
    slow = {**row, "best_lap_ms": 232_000, "siwtl_lap_ms": None, "potential_gain_ms": None}
    session = {"race_date": "2025-09-06", "race": 1, "circuit_name": "A", "is_simulated": False}
    summary = {"session": session, "classification": [row, slow, row | {"siwtl_lap_ms": 100_233}]}
    drivers = _drivers("a-2025-r1", summary, [{**dict.fromkeys(CATEGORIES), "brake": 7.5}] * 3)
    assert [(one.best_clean_ms, one.class_best_ms) for one in drivers] == [
        (100_000, 100_000),
        (None, 100_000),
        (100_433, 100_000),
    ]
    assert [one.best_pct for one in drivers] == [0.0, None, 0.433]
    assert drivers[0].target_pct == -0.2
    assert drivers[0].chassis == "GR86-022"
    assert (drivers[0].session, drivers[0].dptad_brake, drivers[0].dptad_speed) == ("a-2025-r1", 7.5, None)


def test_the_trends_table_has_a_row_a_driver_and_session_with_the_figures_of_the_page() -> None:
    one = make_session("a-2025-r1", make_car("7", 101_000, name="Ada"), make_car("13", None))
    two = make_session("b-2025-r1", make_car("7", 50_250, class_best_ms=50_000))
    unread = SeasonSession(session="c-2025-r1", facts=None)
    rows = conform(trends_frame(season_record([one, two, unread])), TRENDS_TABLE).to_pylist()
    assert [(row["session"], row["vehicle_id"]) for row in rows] == [
        ("a-2025-r1", "GR86-13"),
        ("a-2025-r1", "GR86-7"),
        ("b-2025-r1", "GR86-7"),
    ]
    assert [row["best_pct"] for row in rows] == [None, pytest.approx(1.0), pytest.approx(0.5)]
    assert [row["driver_name"] for row in rows] == [None, "Ada", "Ada"]
    assert rows[0]["best_clean_ms"] is None
    assert rows[1]["target_pct"] == pytest.approx(-0.1)
    assert rows[1]["dptad_brake"] == 7.5


def test_a_season_without_sessions_is_a_table_without_rows() -> None:
    assert conform(trends_frame(season_record([])), TRENDS_TABLE).num_rows == 0


def test_simulated_sessions_name_no_real_driver() -> None:
    real = make_session("a-2025-r1", make_car("7", 101_000))
    made = make_session("b-2025-r1", make_car("7", 101_000, name="Model"), is_simulated=True)
    assert set(trends_frame(season_record([real, made]))["driver_name"].dropna()) == {"Model"}


def test_a_best_lap_that_is_not_clean_is_marked() -> None:
    session = make_session("a-2025-r1", make_car("3", 98_326))
    unclean = page_of(replace(session, facts=replace(FACTS, is_best_clean=False)))
    assert '1:38.326*<span class="unseen"> not a clean lap</span>' in unclean
    assert "* marks a best lap" in unclean
    assert "not a clean lap" not in page_of(session)
    assert "* marks" not in page_of(session)
