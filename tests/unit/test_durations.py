from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.ingest.durations import parse_durations, parse_times_of_day, parse_timestamps

HOUR_MS, MINUTE_MS = 3_600_000, 60_000


def column(*texts: str | None) -> "pd.Series[str]":
    return pd.Series(texts, dtype="str", index=range(7, 7 + len(texts)))


def values(parsed: "pd.Series[int]") -> list[int | None]:
    return [None if pd.isna(value) else int(value) for value in parsed]


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1:38.326", MINUTE_MS + 38_326),
        ("0:33.413", 33_413),
        ("39.57", 39_570),
        ("33.060", 33_060),
        ("62.0", 62_000),
        ("7", 7_000),
        ("20:34.526", 20 * MINUTE_MS + 34_526),
        ("90:15.035", 90 * MINUTE_MS + 15_035),
        ("0:02:41.250", 2 * MINUTE_MS + 41_250),
        ("3:25:10.001", 3 * HOUR_MS + 25 * MINUTE_MS + 10_001),
        ("0:00.000", 0),
    ],
)
def test_every_printed_form_of_a_duration_is_read(text: str, ms: int) -> None:
    assert values(parse_durations(column(text))) == [ms]


@pytest.mark.parametrize(
    "text", ["", "x", "-1.5", "1:60.000", "1:60:00.0", "1:2:3:4", "1:", ":38.3", "38.", "1.2345", "1,5", "٣", "nan"]
)
def test_what_is_no_duration_is_null(text: str) -> None:
    assert values(parse_durations(column(text))) == [None]


def test_missing_texts_stay_null_and_the_index_stays() -> None:
    parsed = parse_durations(column(None, "1.5", None))
    assert values(parsed) == [None, 1_500, None]
    assert list(parsed.index) == [7, 8, 9]


def test_an_empty_column_gives_an_empty_integer_column() -> None:
    for parse in (parse_durations, parse_times_of_day, parse_timestamps):
        assert str(parse(column()).dtype) == "Int64"


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 9_999 * HOUR_MS + 59 * MINUTE_MS + 59_999), max_size=20), st.booleans())
def test_a_duration_read_back_is_the_one_that_was_printed(times: list[int], drops_zeros: bool) -> None:
    def printed(ms: int) -> str:
        fraction = f"{ms % 1000:03d}"
        fraction = fraction.rstrip("0") if drops_zeros else fraction
        text = f"{ms // HOUR_MS}:{ms // MINUTE_MS % 60:02d}:{ms // 1000 % 60:02d}"
        return f"{text}.{fraction}" if fraction else text

    assert values(parse_durations(column(*map(printed, times)))) == times


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(max_size=12), max_size=20))
def test_no_text_breaks_the_parsers(texts: list[str]) -> None:
    for parse in (parse_durations, parse_times_of_day, parse_timestamps):
        assert len(parse(column(*texts))) == len(texts)


def test_a_time_of_day_needs_hours_and_ends_before_midnight() -> None:
    texts = column("13:42:35.322", "08:51:09.6", "00:00:00", "24:00:00.000", "42:35.322", None)
    midnight = [13 * HOUR_MS + 42 * MINUTE_MS + 35_322, 8 * HOUR_MS + 51 * MINUTE_MS + 9_600, 0]
    assert values(parse_times_of_day(texts)) == [*midnight, None, None, None]


@settings(deadline=None, max_examples=50)
@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_a_time_stamp_is_utc_milliseconds(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    text = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert values(parse_timestamps(column(text))) == [
        int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 + 0.5)
    ]


def test_time_stamps_without_decimals_are_read_and_those_without_a_zone_are_not() -> None:
    texts = column(
        "1970-01-01T00:00:01Z", "1970-01-01T00:00:01.5Z", "1970-01-01T00:00:01", "1970-13-01T00:00:01Z", "1970-01-01"
    )
    assert values(parse_timestamps(texts)) == [1_000, 1_500, None, None, None]
