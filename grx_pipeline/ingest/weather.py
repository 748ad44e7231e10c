"""Weather station readings (26_Weather), without the values that only say that there was none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from grx_pipeline.ingest.delimited import DECIMAL, LONG_COUNT, TEXT, Field, Layout, TypedRows
from grx_pipeline.ingest.durations import epoch_ms

WEATHER = Layout(
    kind="weather",
    delimiter=";",
    is_quoted=False,
    fields=(
        Field(column="epoch_s", headers=("TIME_UTC_SECONDS",), cells=LONG_COUNT, is_required=True, is_key=True),
        Field(column="time_text", headers=("TIME_UTC_STR",), cells=TEXT),
        Field(column="air_temp_c", headers=("AIR_TEMP",), cells=DECIMAL, is_required=True),
        Field(column="track_temp_c", headers=("TRACK_TEMP",), cells=DECIMAL, is_required=True),
        Field(column="humidity_pct", headers=("HUMIDITY",), cells=DECIMAL),
        Field(column="pressure_mbar", headers=("PRESSURE",), cells=DECIMAL),
        Field(column="wind_speed_kmh", headers=("WIND_SPEED",), cells=DECIMAL),
        Field(column="wind_direction_deg", headers=("WIND_DIRECTION",), cells=DECIMAL),
        Field(column="rain", headers=("RAIN",), cells=DECIMAL),
    ),
)

_MEASURED = tuple(field.column for field in WEATHER.fields if field.cells is DECIMAL)
_NO_READING = -999.0
_TIME_FORMAT = "%m/%d/%Y %I:%M:%S %p"


@dataclass(frozen=True, kw_only=True)
class WeatherReadings:
    """Rows of table weather, how many sentinels each column lost, and how many rows name two different times."""

    frame: pd.DataFrame
    sentinels: Mapping[str, int]
    time_mismatches: int


def weather_readings(rows: TypedRows, *, track_temp_gap_c: float) -> WeatherReadings:
    """The readings of a file with their sentinels as NaN.

    -999 is a sentinel in every column, and 0 in TRACK_TEMP by `is_missing_zero`. The time is TIME_UTC_SECONDS; a
    TIME_UTC_STR that says another second, or nothing that can be read, is counted and else ignored.
    """
    frame = rows.frame
    measured = frame[list(_MEASURED)].mask(frame[list(_MEASURED)] == _NO_READING)
    by_time = measured["track_temp_c"].loc[frame.sort_values(["epoch_s", "row_number"]).index]
    measured["track_temp_c"] = by_time.mask(is_missing_zero(by_time, gap_c=track_temp_gap_c))
    lost = frame[list(_MEASURED)].notna() & measured.isna()
    observed_at_ms = frame["epoch_s"] * 1000
    said = epoch_ms(pd.to_datetime(frame["time_text"], format=_TIME_FORMAT, utc=True, errors="coerce"))
    is_mismatch = frame["time_text"].notna() & ~(said == observed_at_ms).fillna(False)
    rain = measured.pop("rain")
    return WeatherReadings(
        frame=measured.assign(
            row_number=frame["row_number"],
            observed_at_ms=observed_at_ms,
            is_rain=(rain > 0).astype("boolean").mask(rain.isna()),
        ),
        sentinels={str(column): int(count) for column, count in lost.sum().items() if count},
        time_mismatches=int(is_mismatch.sum()),
    )


def is_missing_zero(temperatures: "pd.Series[Any]", *, gap_c: float) -> "pd.Series[Any]":
    """Which zeros of a series in order of time stand for no reading.

    Temperature moves little from one reading to the next, so a true zero has a reading near zero beside it. A zero
    is a sentinel unless the last or the next reading that is not zero lies within `gap_c` degC of it; zeros
    throughout have none beside them and are all sentinels. NaN is no reading.
    """
    other = temperatures.mask(temperatures == 0)
    is_supported = (other.ffill().abs() <= gap_c) | (other.bfill().abs() <= gap_c)
    return (temperatures == 0) & ~is_supported
