"""Local time of day of the official timing against UTC: the race's date, its offset, and the loggers' bias."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from grx_pipeline.settings import MatchSettings

DAY_MS = 86_400_000
_QUARTER_HOUR_MS = 900_000
_OFFSETS_MS = range(-14 * 3_600_000, 14 * 3_600_000 + 1, _QUARTER_HOUR_MS)

Milliseconds = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class RaceClock:
    """Official crossing in UTC = midnight + time of day; `source` says where the offset is from.

    `midnight_ms` is local midnight of the race day in UTC milliseconds, null where nothing tells the day.
    """

    race_date: str
    midnight_ms: int | None
    utc_offset_ms: int | None
    source: str
    logger_bias_ms: int | None


def race_clock(
    *,
    time_zone: str | None,
    hours_ms: Milliseconds,
    crossings_ms: Milliseconds,
    weather_ms: Milliseconds,
    settings: MatchSettings,
) -> RaceClock:
    """The race's clock from the circuit's time zone, else from the crossings themselves.

    `hours_ms` are local times of day of the official crossings, `crossings_ms` the loggers' crossings in UTC and
    `weather_ms` the times of the weather readings. The day is told by the crossings, else by the weather.
    """
    evidence = crossings_ms if len(crossings_ms) else weather_ms
    if not len(evidence):
        return RaceClock(race_date="unknown", midnight_ms=None, utc_offset_ms=None, source="none", logger_bias_ms=None)
    official = unwrap_midnight(hours_ms)
    if time_zone is not None:
        offset_ms, source = _zone_offset(time_zone, int(np.median(evidence))), "circuit"
    elif len(crossings_ms) and len(hours_ms):
        offset_ms, source = _best_offset(official, crossings_ms, settings), "crossings"
    else:
        return RaceClock(race_date="unknown", midnight_ms=None, utc_offset_ms=None, source="none", logger_bias_ms=None)
    midnight_ms = _midnight(evidence, official, offset_ms, settings)
    return RaceClock(
        race_date=datetime.fromtimestamp((midnight_ms - offset_ms) / 1000, UTC).date().isoformat(),
        midnight_ms=midnight_ms,
        utc_offset_ms=offset_ms,
        source=source,
        logger_bias_ms=common_bias(crossings_ms, midnight_ms + official, settings)[0],
    )


def unwrap_midnight(hours_ms: Milliseconds) -> Milliseconds:
    """Times of day of one race with a day added to those after midnight (a race is shorter than 12 hours)."""
    if not len(hours_ms):
        return hours_ms
    late = hours_ms.max() - hours_ms > DAY_MS // 2
    return np.where(late, hours_ms + DAY_MS, hours_ms).astype(np.int64)


def common_bias(
    crossings_ms: Milliseconds, official_ms: Milliseconds, settings: MatchSettings
) -> tuple[int | None, int]:
    """Median of logger - official time over the pairs of the densest 0.5 s, and how many pairs that is.

    All pairs within `bias_search_s` are counted: true ones share one bias, chance ones are spread evenly.
    """
    search_ms, bin_ms = settings.bias_search_s * 1000, settings.bias_bin_s * 1000
    official = np.sort(official_ms)
    first = np.searchsorted(official, crossings_ms - search_ms)
    last = np.searchsorted(official, crossings_ms + search_ms)
    counts = last - first
    if not counts.sum():
        return None, 0
    starts = np.repeat(first - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
    differences = np.repeat(crossings_ms, counts) - official[starts + np.arange(counts.sum())]
    edges = np.arange(-search_ms, search_ms + bin_ms, bin_ms)
    smooth = np.convolve(np.histogram(differences, edges)[0], np.ones(5, dtype=np.int64), "same")
    centre = edges[int(smooth.argmax())] + bin_ms / 2
    near = differences[np.abs(differences - centre) <= settings.tolerance_s * 1000]
    if not len(near):
        return None, 0
    return round(float(np.median(near))), len(near)


def _zone_offset(time_zone: str, at_ms: int) -> int:
    """Milliseconds that turn local time into UTC at that moment."""
    offset = ZoneInfo(time_zone).utcoffset(datetime.fromtimestamp(at_ms / 1000, ZoneInfo(time_zone)))
    return -round((offset or timedelta()).total_seconds() * 1000)


def _midnight(evidence_ms: Milliseconds, official_ms: Milliseconds, offset_ms: int, settings: MatchSettings) -> int:
    """Local midnight, in UTC, before the race.

    Of the day that holds most of the evidence and its neighbours, the one whose official times agree with most of it:
    a race may begin before midnight and be driven mostly after it. Without official times, the day itself.
    """
    days, counts = np.unique((evidence_ms - offset_ms) // DAY_MS, return_counts=True)
    likely = int(days[counts.argmax()])
    midnights = [day * DAY_MS + offset_ms for day in (likely, likely - 1, likely + 1)]
    if not len(official_ms):
        return midnights[0]
    return max(midnights, key=lambda midnight: _agreement(evidence_ms, midnight + official_ms, settings))


def _agreement(evidence_ms: Milliseconds, official_ms: Milliseconds, settings: MatchSettings) -> tuple[int, int]:
    """How much of the evidence fits the official times: crossings that share a bias, then times within the race."""
    during = (evidence_ms >= official_ms.min()) & (evidence_ms <= official_ms.max())
    return common_bias(evidence_ms, official_ms, settings)[1], int(during.sum())


def _best_offset(official_ms: Milliseconds, crossings_ms: Milliseconds, settings: MatchSettings) -> int:
    """The offset, in quarters of an hour, under which most crossings agree on one bias."""
    matched = [
        common_bias(crossings_ms, _midnight(crossings_ms, official_ms, offset, settings) + official_ms, settings)[1]
        for offset in _OFFSETS_MS
    ]
    return _OFFSETS_MS[int(np.argmax(matched))]
