"""The one number and the one place of a driver page."""

from dataclasses import replace

import pytest
from support.lap_records import NO_MATCH, YELLOW, make_driver, make_lap, make_laps, make_siwtl
from support.page_records import make_ledger, make_line

from grx_pipeline.reports.driving_records import Ledger
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.headline import headline, place_of, why_no_target

NO_LEDGER = make_ledger((), ())
SIX_LAPS = make_laps(make_lap(n, 98_000) for n in range(1, 7))


@pytest.mark.parametrize(
    ("gains", "clean_laps", "text"),
    [
        ((210, 120, 85), 8, "0.42 s to find, 0.21 s of it in sector 1"),
        ((0, 0, 17), 8, "0.02 s to find, all of it in sector 3"),
        ((0, 0, 4), 8, "0.004 s to find, all of it in sector 3"),
        ((0, 0, 0), 8, "Nothing left in the sectors: the best lap holds every best sector"),
        ((0, 0, 0), 1, "No time to find can be given: a single clean lap has nothing to compare with"),
        ((), 0, "No time to find can be given: none of 6 laps is clean"),
    ],
)
def test_without_a_ledger_the_place_is_a_sector_or_a_sentence_says_why_there_is_none(
    gains: tuple[int, ...], clean_laps: int, text: str
) -> None:
    assert headline(make_driver(6), SIX_LAPS, make_siwtl(gains, clean_laps=clean_laps), NO_LEDGER, Style()) == text


@pytest.mark.parametrize(
    ("ledger", "place"),
    [
        (make_ledger([make_line("T5 exit", 110), make_line("T8 entry", 205)], ()), "0.20 s of it in sector 2"),
        (make_ledger([make_line("T2 to T3", 115), make_line("T5 exit", 100)], ()), "0.12 s of it from T2 to T3"),
        (make_ledger([make_line("line to T1", 200, sector=2)], ()), "0.20 s of it from the line to T1"),
        (make_ledger([make_line("T5 exit", -10)], ()), "0.20 s of it in sector 2"),
        (make_ledger([make_line("T5 exit", 300), make_line("T6 entry", -185)], ()), "0.20 s of it in sector 2"),
        (make_ledger([make_line("T5 carried", 180, sector=2)], ()), "0.18 s of it at T5 exit"),
        (make_ledger((), [make_line("S3", 100, sector=3)]), "0.10 s of it in sector 3"),
    ],
)
def test_the_place_is_the_largest_line_of_the_ledger_that_asks_for_time(ledger: Ledger, place: str) -> None:
    siwtl = make_siwtl((115, 200, 100))
    assert headline(make_driver(6), SIX_LAPS, siwtl, ledger, Style()) == f"0.42 s to find, {place}"


def test_a_name_with_line_in_it_keeps_it() -> None:
    assert place_of(make_line("T2 to Beeline", 5)) == "from T2 to Beeline"


def test_a_car_that_drove_no_lap_says_so() -> None:
    no_laps = make_laps([])
    assert headline(make_driver(0), no_laps, make_siwtl(()), NO_LEDGER, Style()).startswith("No lap was driven")
    assert why_no_target(no_laps, Style()) is None


def test_what_speaks_against_the_laps_is_counted_and_what_excludes_nothing_is_left_out() -> None:
    laps = make_laps(make_lap(n, 98_000, reasons=(YELLOW, NO_MATCH)) for n in (1, 2))
    assert why_no_target(laps, Style()) == "Why none is clean: full-course yellow (2 laps)."


def test_an_excluded_car_says_so_first() -> None:
    driver = replace(make_driver(6), exclusion="another class")
    assert headline(driver, SIX_LAPS, make_siwtl(()), NO_LEDGER, Style()) == "Excluded by the team: another class"


def test_a_car_with_one_lap_that_is_not_clean_says_why_without_counting() -> None:
    lap = make_lap(1, 98_000, reasons=(YELLOW,))
    assert headline(make_driver(1), make_laps([lap]), make_siwtl(()), NO_LEDGER, Style()).endswith(
        "the only lap is not clean"
    )
    assert why_no_target(make_laps([lap]), Style()) == "Why it is not clean: full-course yellow."
