"""What a compare page says of two drivers, and which pairs have one."""

from dataclasses import replace

import pytest
from support.page_records import make_comparison, make_track

from grx_pipeline.reports.compare_page import _stretches, by_size, compare_headline, gap_note, gap_rows
from grx_pipeline.reports.driving_records import ComparedLine, Comparison
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.records import Classified
from grx_pipeline.reports.session_page import pair_groups
from grx_pipeline.reports.standing import Pair, car_label, shared_numbers
from grx_pipeline.settings import ReportSettings


def make_car(number: str, *, team: str | None = None, best_ms: int | None = 98_000) -> Classified:
    return Classified(
        vehicle_id=f"car-{number}",
        path=f"car-{number}",
        position=1,
        car_number=number,
        driver_name=None,
        team=team,
        vehicle_class="Am",
        status=None,
        laps=10,
        total_time_ms=None,
        gap_first=None,
        best_lap_ms=best_ms,
        siwtl_lap_ms=None,
        potential_gain_ms=None,
        confidence="none",
        consistency_score=None,
        consistency_percentile=None,
        clean_laps=0,
        telemetry_laps=0,
    )


LABELS = "#13", "#7"
BASE = make_comparison("car-13", "car-7")
MIRROR = replace(
    BASE,
    gap_ms=-574,
    trace_gap_ms=-574,
    corners=tuple(
        replace(line, gap_ms=-(line.gap_ms or 0), median_gap_ms=-(line.median_gap_ms or 0)) for line in BASE.corners
    ),
)


@pytest.mark.parametrize(
    ("comparison", "text"),
    [
        (BASE, "#13 is 0.57 s faster than #7, 0.25 s of it in T2"),
        (MIRROR, "#7 is 0.57 s faster than #13, 0.25 s of it in T2"),
        (replace(BASE, corners=()), "#13 is 0.57 s faster than #7, 0.30 s of it in sector 2"),
        (replace(BASE, trace_gap_ms=900), "#13 is 0.57 s faster than #7, 0.30 s of it in sector 2"),
        (replace(BASE, trace_gap_ms=None, corners=()), "#13 is 0.57 s faster than #7, 0.30 s of it in sector 2"),
        (replace(BASE, corners=(), sectors=()), "#13 is 0.57 s faster than #7"),
        (replace(BASE, gap_ms=80, trace_gap_ms=80), "#13 is 0.08 s faster than #7"),
        (replace(BASE, gap_ms=80, trace_gap_ms=80, corners=()), "#13 is 0.08 s faster than #7"),
        (replace(BASE, gap_ms=0), "#13 and #7 have the same best clean lap"),
        (replace(BASE, gap_ms=None), "#13 and #7: without a clean lap of both there is no gap"),
    ],
)
def test_the_headline_names_the_faster_and_the_place(comparison: Comparison, text: str) -> None:
    assert compare_headline(LABELS, comparison, Style(), ReportSettings()) == text


@pytest.mark.parametrize(
    ("places", "where"),
    [
        ({"T3": (120, -2), "T14": (107, 94)}, "0.11 s of it in T14"),
        ({"T3": (120, 59), "T14": (50, 50)}, "0.05 s of it in T14"),
        ({"T3": (120, 60)}, "0.12 s of it in T3"),
        ({"T3": (120, None)}, "0.30 s of it in sector 2"),
        ({"T3": (120, -120), "T4": (-90, -90)}, "0.30 s of it in sector 2"),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_place_is_named_only_where_the_medians_show_half_of_it(
    places: dict[str, tuple[float, float | None]], where: str, sign: int
) -> None:
    def line(name: str, gap: float, median: float | None) -> ComparedLine:
        return ComparedLine(name=name, gap_ms=sign * gap, median_gap_ms=None if median is None else sign * median)

    comparison = replace(
        BASE,
        gap_ms=sign * 574,
        trace_gap_ms=sign * 574,
        corners=tuple(line(name, *gaps) for name, gaps in places.items()),
        sectors=(line("S1", 350, 100), line("S2", 300, 200)),
    )
    first, second = ("#13", "#7") if sign > 0 else ("#7", "#13")
    assert (
        compare_headline(LABELS, comparison, Style(), ReportSettings())
        == f"{first} is 0.57 s faster than {second}, {where}"
    )


def test_cars_that_share_a_number_are_told_apart_by_their_id() -> None:
    cars = [make_car("3"), replace(make_car("3"), vehicle_id="GR86-040-3"), make_car("7")]
    shared = shared_numbers(cars)
    assert [car_label(car, shared) for car in cars] == ["#3 (car-3)", "#3 (GR86-040-3)", "#7"]


def test_gaps_are_shared_out_by_size_and_a_gap_of_nothing_is_no_ones() -> None:
    rows = by_size(gap_rows(BASE.corners, ReportSettings()))
    assert [(row.name, row.faster, row.share, row.order) for row in rows] == [
        ("T2", "a", 1.0, 2),
        ("T1", "a", 0.4, 1),
        ("T4", "b", 0.16, 4),
        ("T3", "", 0.008, 3),
    ]
    unknown = gap_rows([ComparedLine(name="T1", gap_ms=None, median_gap_ms=None)], ReportSettings())
    assert (unknown[0].share, unknown[0].faster) == (0.0, "")


def test_the_map_draws_where_one_is_faster_and_says_by_how_much() -> None:
    drawn = _stretches(make_track(), BASE, LABELS, Style(), ReportSettings())
    assert [(stretch.kind, stretch.title) for stretch in drawn] == [
        ("a", "T1 exit: #13 faster by 0.10 s"),
        ("a", "T2 exit: #13 faster by 0.25 s"),
        ("b", "T4 exit: #7 faster by 0.04 s"),
    ]


def test_a_best_lap_is_clean_where_the_target_starts_from_it() -> None:
    car = replace(make_car("7", best_ms=98_000), siwtl_lap_ms=97_800, potential_gain_ms=200)
    assert car.is_best_clean
    assert not replace(car, best_lap_ms=97_900).is_best_clean
    assert not replace(car, siwtl_lap_ms=None, potential_gain_ms=None).is_best_clean


def make_pair(a: str, b: str, *roles_of_a: str) -> Pair:
    return Pair(a=make_car(a), b=make_car(b), roles_of_a=roles_of_a, roles_of_b=())


def test_pairs_are_listed_by_the_car_that_most_have_in_common_and_none_is_lost() -> None:
    of_winner = [make_pair("13", other, "the winner") for other in ("7", "22", "55", "88")]
    neighbours = [make_pair("7", "22", "the car ahead"), make_pair("55", "88", "team mate")]
    first, rest = pair_groups([*of_winner, *neighbours], ())
    assert (first.heading, first.hub, first.pairs) == ("#13 (winner) against", make_car("13"), tuple(of_winner))
    assert (rest.heading, rest.hub, rest.pairs) == ("Neighbours in the result and team mates", None, tuple(neighbours))
    (few,) = pair_groups(of_winner[:2], ())
    assert (few.hub, few.pairs) == (None, tuple(of_winner[:2]))
    assert pair_groups([], ()) == ()


@pytest.mark.parametrize(
    ("gap_ms", "median_ms", "words"),
    [
        (50.0, 40.0, ""),
        (None, 40.0, " –: a gap in the telemetry of one of the laps."),
        (50.0, None, " –: of medians, too few clean laps there."),
        (2.0, None, " –: of medians, too few clean laps there; under Faster on these laps, less than 0.005 s."),
    ],
)
def test_a_table_of_gaps_explains_its_dashes(gap_ms: float | None, median_ms: float | None, words: str) -> None:
    lines = [ComparedLine(name="T1", gap_ms=gap_ms, median_gap_ms=median_ms)]
    assert gap_note(gap_rows(lines, ReportSettings()), Style(), ReportSettings()) == words
