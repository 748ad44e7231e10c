import pandas as pd
import pytest
from support.logger_crossings import BIAS_MS, by_logger, logged, official

from grx_pipeline.laps.matching import Matching, as_integer, match_loggers
from grx_pipeline.settings import MatchSettings


def match(crossings: list[pd.DataFrame], laps: list[pd.DataFrame], bias_ms: int | None = BIAS_MS) -> Matching:
    return match_loggers(pd.concat(crossings), pd.concat(laps), bias_ms=bias_ms, settings=MatchSettings())


def test_a_logger_is_the_car_it_crosses_the_line_with_not_the_car_it_is_named_after() -> None:
    two, other = official("2", 1), official("111", 2)
    found = by_logger(match([logged("GR86-060-2", other), logged("GR86-002-000", two)], [two, other]))
    assert (found["GR86-060-2"].car, found["GR86-002-000"].car) == (2, 1)
    assert all(logger.is_reliable for logger in found.values())
    assert abs((found["GR86-060-2"].bias_ms or 0) - BIAS_MS) < 40
    assert 20 < (found["GR86-060-2"].residual_ms or 0) < 90


def test_crossings_are_given_to_laps_by_time_whatever_the_logger_counted() -> None:
    seven = official("7", 3)
    crossings = logged("GR86-006-7", seven)
    crossings["logger_lap"] = 32768
    pairs = match([crossings], [seven]).lap_crossings
    assert sorted(pairs["lap_number"]) == list(range(1, 21))
    assert pairs["residual_ms"].abs().max() < 300


def test_two_cars_of_one_number_keep_their_own_loggers() -> None:
    first, second = official("3", 4), official("3", 5)
    found = by_logger(match([logged("GR86-037-03", second), logged("GR86-040-3", first)], [first, second]))
    assert (found["GR86-040-3"].car, found["GR86-037-03"].car) == (4, 5)


def test_a_logger_that_fits_no_car_is_left_over_with_a_reason() -> None:
    seven, stranger = official("7", 3), official("99", 8)
    found = by_logger(match([logged("GR86-006-7", seven), logged("GR86-002-2", stranger)], [seven]))
    assert found["GR86-006-7"].car == 3
    assert found["GR86-002-2"].car is None
    assert found["GR86-002-2"].reason is not None


@pytest.mark.parametrize(("logger", "car"), [("GR86-015-31", 6), ("GR86-015-99", None)])
def test_two_crossings_are_enough_only_where_the_number_agrees(logger: str, car: int | None) -> None:
    short = official("31", 6, laps=2)
    found = by_logger(match([logged(logger, short)], [short]))[logger]
    assert (found.car, found.is_reliable) == (car, False)
    assert "crossings" in str(found.reason)


def test_without_a_common_bias_nothing_is_matched() -> None:
    seven = official("7", 3)
    matching = match([logged("GR86-006-7", seven)], [seven], bias_ms=None)
    assert [found.car for found in matching.loggers] == [None]
    assert matching.lap_crossings.empty


@pytest.mark.parametrize(("text", "number"), [("03", 3), ("3", 3), ("021", 21), ("", None), ("7A", None), ("٣", None)])
def test_a_number_is_an_integer_only_if_it_is_all_plain_digits(text: str, number: int | None) -> None:
    assert as_integer(text) == number
