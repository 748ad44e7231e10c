"""What a driver page says: tables that close, cards, marks, and the order of things."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lap_records import make_lap, make_laps, make_siwtl
from support.page_records import (
    CORNERS,
    make_corners,
    make_dptad,
    make_event,
    make_ledger,
    make_line,
    make_opportunities,
    make_opportunity,
)

from grx_pipeline.reports.cards import cards_total, opportunity_cards
from grx_pipeline.reports.corner_table import anchor, corner_table
from grx_pipeline.reports.driver_page import (
    _best_detail,
    _consistency_detail,
    _faster_rolling,
    _target_detail,
    _valid_detail,
    category_rows,
    events_by_cost,
    ledger_places,
    score_scale,
    sector_marks,
    sector_totals,
)
from grx_pipeline.reports.driving_records import DriverCorners, LedgerLine
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.standing import Standing
from grx_pipeline.settings import ReportSettings

NO_CORNERS = DriverCorners(vehicle_id="a", lap_numbers=(), corners=(), note="no telemetry")
NO_STANDING = Standing(
    class_best=None,
    class_best_sectors_ms=(),
    pace_place=None,
    class_cars=0,
    ahead=None,
    behind=None,
    pairs=(),
    field_laps=(),
)
PLACES = ("T1 braking", "T1 exit", "T1 to T2", "T2 entry", "T3 exit", "T4 to line", "T4 carried")


@given(st.lists(st.integers(0, 2_000), min_size=3, max_size=3))
def test_the_sector_table_closes_to_the_millisecond(gains: list[int]) -> None:
    siwtl = make_siwtl(gains)
    totals = sector_totals(siwtl.sectors)
    assert totals["gain_ms"] == siwtl.potential_gain_ms
    assert totals["best_ms"] == siwtl.ideal_lap_ms
    assert totals["in_best_lap_ms"] == siwtl.best_lap_ms
    assert totals["in_best_lap_ms"] - totals["best_ms"] == totals["gap_ms"]


@given(
    st.lists(
        st.tuples(st.sampled_from(PLACES), st.integers(-500, 500), st.integers(1, 3)),
        min_size=1,
        max_size=40,
    ),
    st.lists(st.integers(0, 900), min_size=3, max_size=3),
)
def test_the_corner_table_closes_on_the_potential_gain_whatever_is_not_divided(
    places: list[tuple[str, int, int]], gains: list[int]
) -> None:
    sectors = [make_line(f"S{n}", gain, sector=n) for n, gain in enumerate(gains, start=1)]
    ledger = make_ledger([make_line(name, gain, sector=sector) for name, gain, sector in places], sectors)
    table = corner_table(CORNERS, NO_CORNERS, ledger, Style(), ReportSettings())
    if table is None:
        assert {name for name, _, _ in places} <= {"T1 to T2", "T4 to line"}
        return
    if not any((*gains, *(gain for _, gain, _ in places))):
        assert table.total_ms is None
        return
    assert table.total_ms == ledger.potential_gain_ms
    assert sum(row.gain_ms or 0 for row in table.rows) + sum(gain for _, gain in table.others) == table.total_ms
    assert [row.gain_ms for row in table.rows] == sorted((row.gain_ms for row in table.rows), key=lambda g: -(g or 0))


def test_the_corner_table_sets_the_driver_against_the_classs_best_quarter() -> None:
    table = corner_table(CORNERS, make_corners(), make_ledger((), ()), Style(), ReportSettings())
    assert table is not None
    assert table.total_ms is None
    assert [row.corner for row in table.rows] == ["T4", "T3", "T2", "T1"]
    time, entry, minimum, _, brakes, _ = table.rows[0].cells
    assert (time.value, time.gap, time.tone) == ("6.04", "+0.04", "loss")
    assert (entry.value, entry.order) == ("–", None)
    assert (minimum.value, minimum.gap, minimum.tone) == ("88", "−2.0", "loss")
    assert (brakes.value, brakes.gap, brakes.tone) == ("2,750", "", "")


def test_speeds_of_the_corner_table_follow_the_render_setting() -> None:
    table = corner_table(CORNERS, make_corners(), make_ledger((), ()), Style(speed_unit="mph"), ReportSettings())
    assert table is not None
    assert table.headings[2] == ("Minimum", "mph")
    assert (table.rows[0].cells[2].value, table.rows[0].cells[2].gap) == ("55", "−1.2")


def test_a_driver_alone_in_the_class_is_set_against_nobody() -> None:
    corners = make_corners()
    alone = [
        replace(c, figures={name: replace(f, class_drivers=1) for name, f in c.figures.items()})
        for c in corners.corners
    ]
    table = corner_table(
        CORNERS, replace(corners, corners=tuple(alone)), make_ledger((), ()), Style(), ReportSettings()
    )
    assert table is not None
    assert {cell.gap for row in table.rows for cell in row.cells} == {""}


def test_without_corners_and_ledger_there_is_no_table() -> None:
    assert corner_table(CORNERS, NO_CORNERS, make_ledger((), [make_line("S1", 5)]), Style(), ReportSettings()) is None


@pytest.mark.parametrize(
    ("corner", "address"), [("T8", "t8"), ("T7-T9", "t7-t9"), ("T3a", "t3a"), ('T1" onclick="x', "t1-onclick-x")]
)
def test_a_corner_has_an_address(corner: str, address: str) -> None:
    assert anchor(corner) == address


def test_the_ledger_by_place_leaves_out_what_asks_for_nothing_and_still_closes() -> None:
    lines = [make_line("T1 exit", 30), make_line("T1 to T2", 0), make_line("T2 exit", -10), make_line("T3 entry", 0)]
    places = ledger_places(make_ledger(lines, [make_line("S1", 20)]))
    shown: tuple[LedgerLine, ...] = places["lines"]  # type: ignore[assignment]
    assert [line.name for line in shown] == ["T1 exit", "T2 exit"]
    assert (places["without"], places["total_ms"], places["gap_ms"]) == (2, 20, 40)


def test_cards_come_by_rank_with_the_phases_of_their_corner_and_how_often() -> None:
    first, second = opportunity_cards(make_opportunities(), Style())
    assert (first.corner, first.phase, first.anchor, first.share) == ("T2", "braking", "t2", 1.0)
    assert [(p.phase, p.loss_ms, p.is_told) for p in first.phases] == [("braking", 210, True), ("entry", -20, False)]
    assert first.how_often == "Lost on 14 of 18 clean laps; as good as the reference on 3."
    assert (second.share, second.phases) == (0.5, ())


@given(st.lists(st.floats(50, 900).map(lambda ms: round(ms, 1)), min_size=1, max_size=3))
def test_what_cards_cost_in_all_is_the_sum_of_the_figures_they_show(losses: list[float]) -> None:
    told = tuple(make_opportunity(f"T{n}", "exit", ms, rank=n) for n, ms in enumerate(losses, start=1))
    cards = opportunity_cards(replace(make_opportunities(), told=told), Style())
    shown = sum(Decimal(Style().seconds(card.loss_ms)) for card in cards)
    assert cards_total(cards, Style()) == str(shown)


def test_a_loss_on_every_lap_and_on_none_reads_as_a_sentence() -> None:
    line = make_opportunity("T2", "exit", 90.0, rank=1)
    never = replace(make_opportunities(), told=(replace(line, laps_done=0),))
    always = replace(make_opportunities(), told=(replace(line, laps_done=18),))
    assert opportunity_cards(never, Style())[0].how_often.endswith("never as good as the reference.")
    assert opportunity_cards(always, Style())[0].how_often.endswith("as good as the reference on all.")


@pytest.mark.parametrize(
    ("traffic", "gaps", "text"),
    [
        (1, 0, " 1 clean lap behind another car does not count here; the Corners table has it."),
        (2, 1, " 2 clean laps behind another car do not count here; the Corners table has them. 1 clean lap has a gap"),
        (0, 3, " 3 clean laps have a gap in the telemetry there."),
    ],
)
def test_a_card_says_which_laps_of_the_corners_table_it_leaves_out(traffic: int, gaps: int, text: str) -> None:
    line = replace(make_opportunity("T2", "exit", 90.0, rank=1), laps_in_traffic=traffic, laps_in_gap=gaps)
    (card,) = opportunity_cards(replace(make_opportunities(), told=(line,)), Style())
    assert f"on 3.{text}" in card.how_often


def test_a_figure_that_is_not_there_is_explained_below_the_table() -> None:
    corners = make_corners()
    flat = [
        replace(corner, missing={"brake_onset_m": "no braking" if n else "a gap"})
        for n, corner in enumerate(corners.corners)
    ]
    none = {"missing": {"throttle_on_m": "no clean lap"}}
    for changed, sentences in (
        (corners.corners, ()),
        (tuple(flat), ("Brakes at: a gap at T1; no braking at T2, T3 and T4.",)),
        (tuple(replace(corner, **none) for corner in corners.corners), ("Throttle at: no clean lap.",)),
    ):
        table = corner_table(CORNERS, replace(corners, corners=changed), make_ledger((), ()), Style(), ReportSettings())
        assert table is not None
        assert table.missing == sentences


def test_a_sector_is_the_classs_best_only_on_a_clean_lap() -> None:
    standing = replace(NO_STANDING, class_best_sectors_ms=(30_000, None, 25_000))
    lap = replace(make_lap(3, 95_000, sectors=(30_000, 40_000, 25_000)), own_best_sectors=(1, 2))
    assert sector_marks(lap, standing) == ("class", "own", "class")
    assert sector_marks(replace(lap, is_clean=False, own_best_sectors=()), standing) == ("", "", "")


def test_events_come_by_what_they_cost_and_unknown_costs_last() -> None:
    events = [make_event(1, lost_ms=12.0), make_event(2, lost_ms=120.0), make_event(3, lost_ms=None)]
    assert [event.id for event in events_by_cost(make_dptad(events))] == ["5-2", "5-1", "5-3"]


def test_categories_say_which_laps_stand_out_and_nothing_where_no_lap_was_judged() -> None:
    dptad = make_dptad([])
    rows = {row.category: row for row in category_rows(dptad)}
    assert list(rows) == ["brake", "throttle", "steering", "speed"]
    assert (rows["throttle"].significant_laps, rows["brake"].significant_laps) == ((5,), ())
    assert (rows["brake"].score, rows["brake"].worst, rows["speed"].smoothness) == (12.0, 80.0, None)
    assert category_rows(replace(dptad, laps=())) == ()


def test_the_scale_of_scores_says_how_high_so_many_laps_can_go_and_hides_what_few_give() -> None:
    dptad = make_dptad([])
    scale = score_scale(dptad, Style(), ReportSettings())
    assert scale is not None and scale.is_telling
    assert "the 400 clean laps of all judged drivers a score is at most 87" in scale.words
    few = score_scale(replace(dptad, field_laps=6, highest_score=25.94), Style(), ReportSettings())
    assert few is not None and not few.is_telling
    assert "6 clean laps" in few.words and "more than 26" in few.words
    assert score_scale(replace(dptad, field_laps=0, highest_score=None), Style(), ReportSettings()) is None


def test_a_target_says_which_lap_it_starts_from_where_the_own_best_is_not_clean() -> None:
    quick, clean = replace(make_lap(7, 89_500), is_clean=False), make_lap(3, 90_060)
    siwtl = replace(make_siwtl([10, 10, 10]), jackknife_range_ms=(90_020, 90_050))
    own = replace(make_laps([clean]), best_clean_lap_number=3)
    mixed = replace(make_laps([quick, clean]), best_clean_lap_number=3)
    span = "1:30.020 to 1:30.050 if any one lap is left out"
    assert _target_detail(own, siwtl, Style()) == span
    assert _target_detail(mixed, siwtl, Style()) == f"from the best clean lap, lap 3, 1:30.060; {span}"


def test_the_shown_range_of_targets_holds_the_target_itself() -> None:
    own = replace(make_laps([make_lap(3, 90_060)]), best_clean_lap_number=3)
    siwtl = replace(make_siwtl([10, 10, 10]), jackknife_range_ms=(90_031, 90_050))
    assert siwtl.siwtl_lap_ms == 90_030
    assert _target_detail(own, siwtl, Style()).startswith("1:30.030 to 1:30.050 ")


def test_a_single_clean_lap_has_no_range_and_says_why() -> None:
    own = replace(make_laps([make_lap(3, 90_000)]), best_clean_lap_number=3)
    siwtl = make_siwtl([0, 0, 0], clean_laps=1)
    assert _target_detail(own, siwtl, Style()) == "a single clean lap has nothing to compare with"
    assert siwtl.siwtl_lap_ms is not None
    assert siwtl.shown_target_ms is None, "the record has the lap itself, no page shows it as something to reach"


def test_a_best_lap_that_is_not_clean_says_so() -> None:
    clean, quick = make_lap(3, 90_060), replace(make_lap(7, 89_500), is_clean=False)
    assert _best_detail(make_laps([clean]), NO_STANDING) == "lap 3"
    assert _best_detail(make_laps([clean, quick]), NO_STANDING) == "lap 7, not a clean lap"


@pytest.mark.parametrize(("rolling_ms", "shown_ms"), [(90_059, 90_059), (90_060, None), (90_500, None), (None, None)])
def test_a_rolling_lap_is_shown_only_where_it_is_faster_than_the_best_lap(
    rolling_ms: int | None, shown_ms: int | None
) -> None:
    siwtl = replace(make_siwtl([10, 10, 10]), rolling_best_ms=rolling_ms)
    assert siwtl.best_lap_ms == 90_060
    assert _faster_rolling(make_ledger((), ()), siwtl) == shown_ms


def test_consistency_is_told_beside_the_field_and_of_few_laps_as_that() -> None:
    siwtl = replace(make_siwtl([10, 10, 10]), consistency_percentile=78.4)
    assert _consistency_detail(siwtl, Style()) == "level with or ahead of 78\u00a0% of the field"
    most_even = replace(siwtl, consistency_percentile=100.0)
    assert _consistency_detail(most_even, Style()) == "nobody in the field is more even"
    few = replace(most_even, confidence="low", clean_laps=3)
    assert _consistency_detail(few, Style()) == "from 3 clean laps only; nobody in the field is more even"


@pytest.mark.parametrize(
    ("driven", "valid", "told"),
    [(26, 26, "of 26 laps, all of them valid"), (26, 20, "of 26 laps, 20 of them valid"), (1, 1, "of 1 lap")],
)
def test_clean_laps_are_told_beside_all_and_valid_ones(driven: int, valid: int, told: str) -> None:
    assert _valid_detail(driven, valid, Style()) == told
