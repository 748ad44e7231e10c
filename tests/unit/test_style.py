"""Numbers of a page in the style of the render settings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.pages import page_style
from grx_pipeline.settings import ReportSettings

COMMA = Style(has_decimal_comma=True)
MPH = Style(speed_unit="mph")
# 2025-09-06 19:02 UTC; a track five hours behind it.
AT_MS, OFFSET_MS = 1_757_185_320_000, 5 * 3_600_000


def test_a_decimal_comma_takes_the_thousands_point_with_it() -> None:
    assert COMMA.lap_time(98_326) == "1:38,326"
    assert COMMA.number(1_544_924.5, 1) == "1.544.924,5"
    assert COMMA.gap(-123) == "−0,123"
    assert COMMA.percent(0.949) == "94,9\u00a0%"
    assert Style().number(1_544_924.5, 1) == "1,544,924.5"


def test_speeds_are_in_the_unit_of_the_setting_and_differences_keep_their_sign() -> None:
    assert (Style().speed(160.9344), MPH.speed(160.9344)) == ("161", "100")
    assert (Style().speed_gap(-1.61), MPH.speed_gap(-1.61), MPH.speed_gap(1.61)) == ("−1.6", "−1.0", "+1.0")
    assert MPH.speed(None) == "–"


@pytest.mark.parametrize(
    ("ms", "text"), [(210.4, "0.21"), (5.0, "0.005"), (9.9, "0.010"), (10.0, "0.01"), (0.0, "0.00"), (-8.0, "−0.008")]
)
def test_a_loss_is_shown_in_hundredths_but_never_as_nothing(ms: float, text: str) -> None:
    assert Style().seconds(ms) == text


@given(st.floats(-1e6, 1e6), st.integers(0, 3))
def test_a_signed_number_has_a_sign_unless_it_is_shown_as_zero(value: float, decimals: int) -> None:
    text = Style().signed(value, decimals)
    is_zero = not any(digit in text for digit in "123456789")
    assert (text[0] in "+−") is not is_zero or value < 0
    assert not text.startswith("+") or value > 0


def test_times_of_day_are_in_the_zone_of_the_setting() -> None:
    zones = {name: Style(time_zone=name) for name in ("track", "utc", "Europe/Berlin")}
    assert {name: style.time_of_day(AT_MS, OFFSET_MS) for name, style in zones.items()} == {
        "track": "14:02",
        "utc": "19:02",
        "Europe/Berlin": "21:02",
    }
    assert [style.zone_name(OFFSET_MS) for style in zones.values()] == ["track time", "UTC", "Europe/Berlin"]
    assert (zones["track"].time_of_day(AT_MS, None), zones["track"].zone_name(None)) == ("19:02", "UTC")
    assert zones["track"].moment("2025-09-07T02:02:00Z", OFFSET_MS) == "6 September 2025, 21:02"
    assert zones["utc"].moment("some day", None) == "some day"


def test_settings_become_a_style() -> None:
    settings = ReportSettings(speed_unit="mph", decimal_sign="comma", time_zone="Europe/Berlin")
    assert page_style(settings) == Style(speed_unit="mph", has_decimal_comma=True, time_zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("speed 4.1 km/h lower (80.3 against 84.4 km/h)", "speed 2.5 mph lower (49.9 against 52.4 mph)"),
        ("slower by 16 km/h with a car ahead", "slower by 10 mph with a car ahead"),
        ("at full throttle 6 m earlier (3112 against 3118 m)", "at full throttle 6 m earlier (3,112 against 3,118 m)"),
        ("13 deg less at throttle on (72 against 85 deg)", "13° less at throttle on (72 against 85°)"),
        ("T12 of #13 (3A): 1 lap of 27", "T12 of #13 (3A): 1 lap of 27"),
    ],
)
def test_a_sentence_of_a_record_is_told_in_the_pages_units(text: str, told: str) -> None:
    assert Style(speed_unit="mph").sentence(text) == told
    assert Style().sentence("entry speed 1.2 km/h higher (90.7 against 89.5 km/h)").endswith("(90.7 against 89.5 km/h)")


def test_a_sentence_takes_the_decimal_comma_once() -> None:
    style = Style(has_decimal_comma=True)
    told = "lap 15: 1:26,778 s against 26,803 s; 1.212.851 rows; 3,5 km/h"
    assert style.sentence("lap 15: 1:26.778 s against 26.803 s; 1,212,851 rows; 3.5 km/h") == told
