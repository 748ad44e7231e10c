"""Times as text to integer milliseconds: lap times, times of day, and the loggers' ISO time stamps.

All functions take a column of texts (`str` dtype, null where the field is empty) and give a nullable Int64 column
with the same index: null where the text is null or cannot be read. None of them raises. Which columns hold times
does not belong here (the layouts of logger_laps.py, timing.py, results.py and weather.py).
"""

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

_DURATION = (
    r"^(?:(?:(?P<hours>[0-9]{1,4}):)?(?P<minutes>[0-9]{1,4}):)?(?P<seconds>[0-9]{1,6})(?:\.(?P<fraction>[0-9]{1,3}))?$"
)
_TIME_OF_DAY = r"^[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]{1,3})?$"
_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
_DAY_MS = 86_400_000


def parse_durations(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """`H:MM:SS.mmm`, `M:SS.mmm` or `SS.mmm` in ms.

    Trailing zeros of the fraction may be dropped (`39.57` is 39,570 ms), the first part may be of any size
    (`90:15.035`), the parts after it are under 60. More than three decimals cannot be read.
    """
    parts = pc.extract_regex(pa.array(texts, type=pa.large_string()), pattern=_DURATION)
    hours, minutes, seconds = (_whole(pc.struct_field(parts, name)) for name in ("hours", "minutes", "seconds"))
    thousandths = _whole(pc.utf8_rpad(pc.struct_field(parts, "fraction"), width=3, padding="0"))
    has_minutes = pc.not_equal(pc.struct_field(parts, "minutes"), "")
    has_hours = pc.not_equal(pc.struct_field(parts, "hours"), "")
    is_overflown = pc.or_(
        pc.and_(has_minutes, pc.greater_equal(seconds, 60)), pc.and_(has_hours, pc.greater_equal(minutes, 60))
    )
    total_seconds = pc.add(pc.multiply(pc.add(pc.multiply(hours, 60), minutes), 60), seconds)
    total = pc.add(pc.multiply(total_seconds, 1000), thousandths)
    return as_int64(pc.if_else(is_overflown, None, total), texts)


def parse_times_of_day(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """`HH:MM:SS.mmm` in ms since midnight, under 24 hours; the decimals may be dropped."""
    times = parse_durations(matching(texts, _TIME_OF_DAY))
    return times.mask(times >= _DAY_MS)


def parse_timestamps(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` (UTC) in ms since 1970; up to six decimals, those after the third are cut off."""
    stamps = matching(texts, _TIMESTAMP)
    times = pd.to_datetime(stamps, format="ISO8601", utc=True, errors="coerce")
    return epoch_ms(times)


def matching(texts: "pd.Series[Any]", pattern: str) -> "pd.Series[Any]":
    """The texts that match `pattern` (an RE2 expression), null elsewhere."""
    is_match = pc.fill_null(pc.match_substring_regex(pa.array(texts, type=pa.large_string()), pattern), False)
    return texts.where(is_match.to_numpy(zero_copy_only=False))


def epoch_ms(times: "pd.Series[Any]") -> "pd.Series[Any]":
    """UTC datetimes as Int64 ms since 1970; NaT is null."""
    whole = pc.cast(pa.array(times.dt.tz_localize(None)), pa.timestamp("ms"), safe=False)
    return as_int64(pc.cast(whole, pa.int64()), times)


def as_int64(values: Any, like: "pd.Series[Any]") -> "pd.Series[Any]":
    """An Arrow integer array as a nullable Int64 column with the index of `like`."""
    whole: pd.Series[Any] = values.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return whole.set_axis(like.index)


def _whole(digits: Any) -> Any:
    """Texts of digits as Arrow int64; an absent part is 0."""
    return pc.cast(pc.if_else(pc.equal(digits, ""), "0", digits), pa.int64())
