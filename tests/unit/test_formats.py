"""Times and numbers as text."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import grx_pipeline
from grx_pipeline.formats import singular
from grx_pipeline.reports.formats import (
    axis_time,
    counted,
    gap,
    lap_time,
    listed,
    long_date,
    number,
    percent,
    race_clock,
    sector_time,
)

MS = st.integers(min_value=0, max_value=10_000_000)


def milliseconds(text: str) -> int:
    """A time text read back."""
    minutes, _, seconds = text.rpartition(":")
    return int(Decimal(minutes or "0") * 60_000 + Decimal(seconds) * 1000)


@given(MS)
def test_a_lap_time_reads_back_to_the_same_milliseconds(ms: int) -> None:
    assert milliseconds(lap_time(ms)) == ms


@given(MS)
def test_a_sector_time_reads_back_to_the_same_milliseconds(ms: int) -> None:
    assert milliseconds(sector_time(ms)) == ms


@given(MS.filter(bool))
def test_a_gap_and_its_opposite_differ_in_the_sign_only(ms: int) -> None:
    assert gap(ms) == f"+{sector_time(ms)}"
    assert gap(-ms) == f"\u2212{sector_time(ms)}"


@pytest.mark.parametrize(
    ("ms", "text"), [(98_326, "1:38.326"), (59_999, "0:59.999"), (60_000, "1:00.000"), (7_127_986, "118:47.986")]
)
def test_lap_times(ms: int, text: str) -> None:
    assert lap_time(ms) == text


@pytest.mark.parametrize(("ms", "text"), [(33_060, "33.060"), (999, "0.999"), (64_105, "1:04.105")])
def test_sector_times(ms: int, text: str) -> None:
    assert sector_time(ms) == text


def test_no_gap_has_no_sign() -> None:
    assert gap(0) == "0.000"


@pytest.mark.parametrize("write", [lap_time, sector_time, gap, race_clock, number, percent])
def test_a_missing_value_is_a_dash(write: object) -> None:
    assert callable(write)
    assert write(None) == "–"


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.5, 0, "1"),
        (1.5, 0, "2"),
        (2.675, 2, "2.68"),
        (-4.25, 1, "\u22124.3"),
        (-0.04, 1, "0.0"),
        (1_544_924, 0, "1,544,924"),
        (3, 1, "3.0"),
    ],
)
def test_numbers_are_rounded_half_up_with_a_true_minus(value: float, decimals: int, text: str) -> None:
    assert number(value, decimals) == text


@given(st.floats(min_value=-1e9, max_value=1e9), st.integers(min_value=0, max_value=4))
def test_a_written_number_is_within_half_a_unit_of_its_last_place(value: float, decimals: int) -> None:
    written = Decimal(number(value, decimals).replace(",", "").replace("\u2212", "-"))
    assert abs(written - Decimal(repr(value))) <= Decimal(5).scaleb(-decimals - 1)


@pytest.mark.parametrize(("ms", "text"), [(0, "0:00"), (102_900, "1:42"), (3_600_000, "1:00:00")])
def test_the_race_clock_shows_the_second_that_has_begun(ms: int, text: str) -> None:
    assert race_clock(ms) == text


def test_a_share_is_written_in_percent() -> None:
    assert percent(0.9489) == "94.9\u00a0%"


def test_counts_agree_with_their_noun() -> None:
    assert [counted(n, "lap") for n in (0, 1, 2_000)] == ["0 laps", "1 lap", "2,000 laps"]
    assert counted(2, "car of the class", "cars of the class") == "2 cars of the class"


def test_lists_end_with_and() -> None:
    assert [listed(items) for items in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_a_date_is_written_out_and_any_other_text_stays() -> None:
    assert long_date("2025-09-06") == "6 September 2025"
    assert long_date("unknown") == "unknown"


def test_axis_labels_have_tenths_only_where_ticks_need_them() -> None:
    assert axis_time(98_500, 500) == "1:38.5"
    assert axis_time(98_000, 1000) == "1:38"


@pytest.mark.parametrize(
    ("words", "of_one"),
    [
        ("frozen clocks", "frozen clock"),
        ("loggers unmatched", "logger unmatched"),
        ("laps with crossing", "lap with crossing"),
        ("of all sectors", "of all sectors"),
        ("class results", "class result"),
        ("lap start", "lap start"),
    ],
)
def test_words_for_a_count_of_one(words: str, of_one: str) -> None:
    assert singular(words) == of_one


# Where people read: a figure before one of these words goes through counted(), so that there is no "1 laps".
_READ = (
    "cli*.py",
    "quality.py",
    "upkeep/*.py",
    "publishing/*.py",
    "defs/**/*.py",
    "reports/*.py",
    "laps/*.py",
    "methods/*/*.py",
)
_COUNTED = re.compile(
    r"\{[^{}]*\} (?:laps|sessions|files|faults|problems|rows|clocks|cars|crossings|readings|runs|pages|links|events)\b"
)
# What comes before is no figure, or is never one.
_GUARDED = (
    "{style.number(driven)}",
    "{ranking.least_laps}",
    "{style.number(driver.laps)}",
    "{len(cars)} cars; name",
    "{kind} ",
)


def test_no_figure_stands_before_a_plural_by_itself() -> None:
    package = Path(grx_pipeline.__file__).parent
    lines = [
        (file.relative_to(package), line.strip())
        for pattern in _READ
        for file in package.glob(pattern)
        if "validation" not in file.parts
        for line in file.read_text("utf-8").splitlines()
        if _COUNTED.search(line)
    ]
    assert [found for found in lines if not any(guard in found[1] for guard in _GUARDED)] == []
