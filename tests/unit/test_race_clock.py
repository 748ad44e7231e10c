from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.laps.race_clock import DAY_MS, common_bias, race_clock, unwrap_midnight
from grx_pipeline.settings import MatchSettings

NONE = np.array([], dtype=np.int64)
HOUR_MS = 3_600_000


def utc_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def race(*, laps: int = 12, cars: int = 5, start: str = "2025-09-06T18:40:00") -> np.ndarray:
    """Official crossings in UTC: cars some seconds apart, laps of irregular length."""
    rng = np.random.default_rng(7)
    times = rng.normal(98_000, 700, (cars, laps)).cumsum(axis=1) + np.arange(cars)[:, None] * 1900
    return np.sort(times.ravel()).astype(np.int64) + utc_ms(start)


def local_hours(crossings: np.ndarray, offset_ms: int) -> np.ndarray:
    return (crossings - offset_ms) % DAY_MS


def test_a_known_circuit_gives_the_offset_of_that_day() -> None:
    official = race()
    clock = race_clock(
        time_zone="America/Chicago",
        hours_ms=local_hours(official, 5 * HOUR_MS),
        crossings_ms=official + 7_370,
        weather_ms=NONE,
        settings=MatchSettings(),
    )
    assert (clock.race_date, clock.utc_offset_ms, clock.source) == ("2025-09-06", 5 * HOUR_MS, "circuit")
    assert clock.logger_bias_ms == 7_370
    assert clock.midnight_ms == utc_ms("2025-09-06T05:00:00")


@pytest.mark.parametrize("offset_ms", [4 * HOUR_MS, 7 * HOUR_MS, -2 * HOUR_MS, -5_400_000 - 4 * HOUR_MS])
def test_an_unknown_circuit_takes_the_offset_that_the_crossings_agree_on(offset_ms: int) -> None:
    official = race()
    clock = race_clock(
        time_zone=None,
        hours_ms=local_hours(official, offset_ms),
        crossings_ms=official + 230,
        weather_ms=NONE,
        settings=MatchSettings(),
    )
    assert (clock.utc_offset_ms, clock.source, clock.logger_bias_ms) == (offset_ms, "crossings", 230)


def test_most_crossings_decide_the_day_when_the_next_days_are_in_the_file() -> None:
    official = race()
    crossings = np.concatenate([official + 230, race(cars=2, start="2025-09-07T15:00:00")])
    clock = race_clock(
        time_zone="America/Chicago",
        hours_ms=local_hours(official, 5 * HOUR_MS),
        crossings_ms=crossings,
        weather_ms=NONE,
        settings=MatchSettings(),
    )
    assert clock.race_date == "2025-09-06"


def test_without_crossings_the_weather_gives_the_day_and_no_bias_is_claimed() -> None:
    official = race()
    clock = race_clock(
        time_zone="America/Chicago",
        hours_ms=local_hours(official, 5 * HOUR_MS),
        crossings_ms=NONE,
        weather_ms=np.array([utc_ms("2025-09-06T18:41:18")]),
        settings=MatchSettings(),
    )
    assert (clock.race_date, clock.logger_bias_ms) == ("2025-09-06", None)


def test_without_crossings_and_weather_nothing_is_claimed() -> None:
    clock = race_clock(
        time_zone="America/Chicago",
        hours_ms=local_hours(race(), 5 * HOUR_MS),
        crossings_ms=NONE,
        weather_ms=NONE,
        settings=MatchSettings(),
    )
    assert (clock.race_date, clock.midnight_ms, clock.source) == ("unknown", None, "none")


@pytest.mark.parametrize("start", ["2025-09-07T04:30:00", "2025-09-07T04:55:00"])
@pytest.mark.parametrize("by", ["crossings", "weather"])
def test_a_race_over_midnight_keeps_its_evening(start: str, by: str) -> None:
    official = race(start=start)
    weather = np.arange(official[0] - 300_000, official[-1] + 300_000, 63_000)
    clock = race_clock(
        time_zone="America/Chicago",
        hours_ms=local_hours(official, 5 * HOUR_MS),
        crossings_ms=official + 230 if by == "crossings" else NONE,
        weather_ms=weather,
        settings=MatchSettings(),
    )
    assert clock.race_date == "2025-09-06"
    assert clock.logger_bias_ms == (230 if by == "crossings" else None)
    hours = unwrap_midnight(local_hours(official, 5 * HOUR_MS))
    assert (clock.midnight_ms or 0) + hours.min() == official[0]


def test_times_after_midnight_belong_to_the_same_race() -> None:
    hours = np.array([DAY_MS - 60_000, DAY_MS - 1_000, 40_000], dtype=np.int64)
    assert unwrap_midnight(hours).tolist() == [DAY_MS - 60_000, DAY_MS - 1_000, DAY_MS + 40_000]


@given(bias_ms=st.integers(-25_000, 25_000), seed=st.integers(0, 1000))
def test_the_common_bias_is_found_among_chance_pairs(bias_ms: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    official = race()
    jitter = rng.normal(0, 60, len(official)).astype(np.int64)
    found, pairs = common_bias(official + bias_ms + jitter, official, MatchSettings())
    assert found is not None
    assert abs(found - bias_ms) <= 60
    assert pairs >= 0.9 * len(official)


def test_no_pair_in_reach_is_no_bias() -> None:
    official = race()
    assert common_bias(official + 3_000_000_000, official, MatchSettings()) == (None, 0)
