"""How pages show numbers: the functions of formats.py in the style of the render settings."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from grx_pipeline.formats import (
    MINUS,
    MISSING,
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

__all__ = [
    "MINUS",
    "MISSING",
    "Style",
    "axis_time",
    "counted",
    "gap",
    "lap_time",
    "listed",
    "long_date",
    "number",
    "percent",
    "race_clock",
    "sector_time",
]

KMH_PER_MPH = 1.609344
# A figure, or two as `72 against 85 deg`, with a unit that pages show in their own way; else a number with a point.
_FIGURES = re.compile(
    r"(?<![\w.:#-])(?P<first>\d+(?:\.\d+)?)(?:(?P<between> against | to )(?P<second>\d+(?:\.\d+)?))?"
    r" (?P<unit>km/h|deg|m)\b"
    r"|\d[\d,:]*\.\d+|\d{1,3}(?:,\d{3})+"
)
_SWAPPED = str.maketrans({".": ",", ",": "."})


def unbroken(text: str) -> str:
    """A text whose seconds stay on the line of their figure."""
    return re.sub(r"(?<=\d) (?=s\b)", "\u00a0", text)


@dataclass(frozen=True, kw_only=True)
class Style:
    """How pages show numbers: the render settings. Its methods are the functions of this module in that style.

    `time_zone` is track (the session's own offset), utc, or a name of the IANA database.
    """

    speed_unit: str = "km/h"
    has_decimal_comma: bool = False
    time_zone: str = "track"

    def localised(self, text: str) -> str:
        """A text with figures, in the style's signs."""
        return self._localised(text)

    def sentence(self, text: str) -> str:
        """A sentence of a record in the style's units and signs; records are in km/h with a decimal point."""
        return _FIGURES.sub(self._figure, text)

    def _figure(self, found: re.Match[str]) -> str:
        if found["unit"] is None:
            return self._localised(found[0])
        is_speed = found["unit"] == "km/h"
        values = [
            self.number(self.in_unit(float(text)) if is_speed else float(text), len(text.partition(".")[2]))
            for text in (found["first"], found["second"])
            if text is not None
        ]
        unit = {"km/h": f" {self.speed_unit}", "deg": "°"}.get(found["unit"], f" {found['unit']}")
        return f"{found['between'] or ''}".join(values) + unit

    def lap_time(self, ms: int | None) -> str:
        return self._localised(lap_time(ms))

    def sector_time(self, ms: int | None) -> str:
        return self._localised(sector_time(ms))

    def gap(self, ms: int | None) -> str:
        return self._localised(gap(ms))

    def axis_time(self, ms: int, step_ms: int) -> str:
        return self._localised(axis_time(ms, step_ms))

    def number(self, value: float | None, decimals: int = 0) -> str:
        return self._localised(number(value, decimals))

    def percent(self, share: float | None, decimals: int = 1) -> str:
        return self._localised(percent(share, decimals))

    def counted(self, count: int, noun: str, plural: str | None = None) -> str:
        return self._localised(counted(count, noun, plural))

    def signed(self, value: float | None, decimals: int = 0) -> str:
        """A number with its sign, nothing before zero."""
        text = number(value, decimals)
        is_positive = value is not None and any(digit in text for digit in "123456789") and value > 0
        return self._localised(f"+{text}" if is_positive else text)

    def seconds(self, ms: float | None) -> str:
        """A loss in hundredths of a second: `0.21`; below one hundredth in thousandths."""
        if ms is None:
            return MISSING
        return self.number(ms / 1000, 3 if 0 < abs(ms) < 10 else 2)

    def speed(self, kmh: float | None, decimals: int = 0) -> str:
        """A speed in the style's unit, without the unit."""
        return self.number(self.in_unit(kmh), decimals)

    def speed_gap(self, kmh: float | None, decimals: int = 1) -> str:
        """A difference of speeds in the style's unit, with its sign."""
        return self.signed(self.in_unit(kmh), decimals)

    def in_unit(self, kmh: float | None) -> float | None:
        """A speed as a number of the style's unit."""
        return kmh if kmh is None or self.speed_unit == "km/h" else kmh / KMH_PER_MPH

    def time_of_day(self, at_ms: int, utc_offset_ms: int | None) -> str:
        """A UTC time in milliseconds as `14:02`; `utc_offset_ms` + local time = UTC."""
        return f"{datetime.fromtimestamp(at_ms / 1000, self._zone(utc_offset_ms)):%H:%M}"

    def moment(self, text: str, utc_offset_ms: int | None) -> str:
        """An ISO 8601 time as `6 September 2025, 14:02`; any other text as it is."""
        try:
            at = datetime.fromisoformat(text).astimezone(self._zone(utc_offset_ms))
        except ValueError:
            return text
        return f"{long_date(at.date().isoformat())}, {at:%H:%M}"

    def zone_name(self, utc_offset_ms: int | None) -> str:
        """What the shown times are: `track time`, `UTC` or the zone's name."""
        if self.time_zone == "track" and utc_offset_ms is not None:
            return "track time"
        return "UTC" if self.time_zone in ("track", "utc") else self.time_zone

    def _zone(self, utc_offset_ms: int | None) -> timezone | ZoneInfo:
        if self.time_zone == "track":
            return UTC if utc_offset_ms is None else timezone(-timedelta(milliseconds=utc_offset_ms))
        return UTC if self.time_zone == "utc" else ZoneInfo(self.time_zone)

    def _localised(self, text: str) -> str:
        return text.translate(_SWAPPED) if self.has_decimal_comma else text
