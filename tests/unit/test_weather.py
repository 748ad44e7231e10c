import io
from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.ingest.delimited import read_delimited
from grx_pipeline.ingest.weather import WEATHER, WeatherReadings, is_missing_zero, weather_readings
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import conform

HEADER = "TIME_UTC_SECONDS;TIME_UTC_STR;AIR_TEMP;TRACK_TEMP;HUMIDITY;PRESSURE;WIND_SPEED;WIND_DIRECTION;RAIN\n"
GAP_C = 5.0


def reading(n: int, track: str = "31.5", air: str = "25.1", rain: str = "0", time: str | None = None) -> str:
    seconds = 1_757_184_078 + 63 * n
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    said = f"{moment.month}/{moment.day}/{moment:%Y} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
    return f"{seconds};{said if time is None else time};{air};{track};56.75;992.9;2.88;342;{rain}\n"


def weather(*lines: str) -> WeatherReadings:
    rows = read_delimited(io.BytesIO((HEADER + "".join(lines)).encode()), file="26_Weather.CSV", layout=WEATHER)
    return weather_readings(rows, track_temp_gap_c=GAP_C)


def track_temps(*temperatures: str) -> list[float | None]:
    frame = weather(*(reading(n, track) for n, track in enumerate(temperatures))).frame
    return [None if pd.isna(value) else value for value in frame["track_temp_c"]]


def test_a_reading_is_typed_and_its_time_is_utc() -> None:
    readings = weather(reading(0))
    (row,) = conform(readings.frame, TABLES["weather"]).to_pylist()
    assert row == {
        "row_number": 1,
        "observed_at_ms": 1_757_184_078_000,
        "air_temp_c": 25.1,
        "track_temp_c": 31.5,
        "humidity_pct": 56.75,
        "pressure_mbar": 992.9,
        "wind_speed_kmh": 2.88,
        "wind_direction_deg": 342.0,
        "is_rain": False,
    }
    assert (readings.sentinels, readings.time_mismatches) == ({}, 0)


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        (["0", "0", "0.0"], [None, None, None]),
        (["0"], [None]),
        (["31.5", "0", "31.4"], [31.5, None, 31.4]),
        (["31.5", "0", "0", "31.4"], [31.5, None, None, 31.4]),
        (["0", "31.4"], [None, 31.4]),
        (["2.1", "0", "-1.4"], [2.1, 0.0, -1.4]),
        (["12.0", "3.0", "0", "0", "18.0"], [12.0, 3.0, 0.0, 0.0, 18.0]),
        (["3.0", "20.0", "0", "20.0"], [3.0, 20.0, None, 20.0]),
        (["-999", "31.5", "-999.0"], [None, 31.5, None]),
        (["0", "-999", "31.5"], [None, None, 31.5]),
    ],
)
def test_track_temperatures_that_are_no_readings_are_null(printed: list[str], kept: list[float | None]) -> None:
    assert track_temps(*printed) == kept


def test_sentinels_are_counted_by_column() -> None:
    readings = weather(reading(0, track="0"), reading(1, track="-999", air="-999"), reading(2, track="30.5"))
    assert readings.sentinels == {"track_temp_c": 2, "air_temp_c": 1}
    assert pd.isna(readings.frame["air_temp_c"]).tolist() == [False, True, False]


def test_zero_is_a_reading_in_every_other_column() -> None:
    assert weather(reading(0, air="0")).frame["air_temp_c"].tolist() == [0.0]


def test_neighbours_are_those_in_time_not_in_the_file() -> None:
    lines = [reading(0, "1.0"), reading(1, "0"), reading(2, "30.0"), reading(3, "30.0")]
    frame = weather(lines[2], lines[1], lines[3], lines[0]).frame
    assert frame.sort_values("observed_at_ms")["track_temp_c"].tolist() == [1.0, 0.0, 30.0, 30.0]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from([0.0, 1.5, -3.0, 8.0, 40.0, float("nan")]), max_size=12))
def test_only_zeros_are_ever_taken_out(temperatures: list[float]) -> None:
    series = pd.Series(temperatures, dtype="float64")
    is_missing = is_missing_zero(series, gap_c=GAP_C)
    assert (series[is_missing] == 0).all()
    assert not is_missing_zero(series[~is_missing], gap_c=GAP_C).any()


def test_rain_is_told_and_unknown_where_there_is_no_reading() -> None:
    frame = conform(
        weather(*(reading(n, rain=r) for n, r in enumerate(("0", "1", "-999", "")))).frame, TABLES["weather"]
    )
    assert frame.column("is_rain").to_pylist() == [False, True, None, None]


def test_times_that_contradict_each_other_are_counted_and_the_seconds_count() -> None:
    readings = weather(reading(0), reading(1, time="9/6/2025 6:41:18 PM"), reading(2, time="noon"), reading(3, time=""))
    assert readings.time_mismatches == 2
    assert readings.frame["observed_at_ms"].diff().dropna().tolist() == [63_000] * 3


def test_an_empty_file_of_readings_is_an_empty_table() -> None:
    assert conform(weather().frame, TABLES["weather"]).num_rows == 0
