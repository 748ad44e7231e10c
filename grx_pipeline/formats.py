"""The one place where times and numbers become text for people.

Rounding is half up (away from zero), a minus is U+2212, and a value that is not there is an en dash. The JSON does
not come through here: it keeps integers and named units. Sentences inside a record use these functions, pages a
Style (reports/formats.py).
"""

import re
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

MISSING = "–"
MINUS = "\u2212"


def lap_time(ms: int | None) -> str:
    """Milliseconds as `m:ss.mmm`; minutes run on past an hour."""
    if ms is None:
        return MISSING
    minutes, rest = divmod(abs(ms), 60_000)
    return f"{MINUS if ms < 0 else ''}{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"


def sector_time(ms: int | None) -> str:
    """Milliseconds as `s.mmm`, or as a lap time from a minute on."""
    if ms is None:
        return MISSING
    if abs(ms) >= 60_000:
        return lap_time(ms)
    return f"{MINUS if ms < 0 else ''}{abs(ms) // 1000}.{abs(ms) % 1000:03d}"


def gap(ms: int | None) -> str:
    """A difference in milliseconds as seconds with a sign: `+0.123`, `−0.123`; nothing before `0.000`."""
    if ms is None:
        return MISSING
    return f"+{sector_time(ms)}" if ms > 0 else sector_time(ms)


def race_clock(ms: int | None) -> str:
    """Race time as `m:ss`, or `h:mm:ss` from an hour on; the second that has begun."""
    if ms is None:
        return MISSING
    hours, rest = divmod(ms // 1000, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def number(value: float | None, decimals: int = 0) -> str:
    """A number with that many decimals and commas between thousands: `1,544,924`, `−4.3`."""
    if value is None:
        return MISSING
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    return f"{MINUS if rounded < 0 else ''}{abs(rounded):,f}"


def percent(share: float | None, decimals: int = 1) -> str:
    """A share of 1 as `94.9 %`."""
    if share is None:
        return MISSING
    return f"{number(float(Decimal(repr(share)) * 100), decimals)}\u00a0%"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 lap`, `2 laps`."""
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"


def singular(words: str) -> str:
    """`frozen clocks` as `frozen clock`, `laps with crossing` as `lap with crossing`: words for a count of one."""
    head = re.split(r"\b(?:of|with|by|in|from)\b", words, maxsplit=1)[0]
    return re.sub(r"(?<=[^su])s\b", "", re.sub(r"ies\b", "y", head)) + words[len(head) :]


def ordinal(place: int) -> str:
    """`1st`, `2nd`, `3rd`, `11th`."""
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def long_date(text: str) -> str:
    """`2025-09-06` as `6 September 2025`; any other text as it is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {day:%B} {day.year}"


def axis_time(ms: int, step_ms: int) -> str:
    """A tick of a lap-time axis: `1:38`, or `1:38.5` where ticks are closer than a second."""
    minutes, rest = divmod(ms, 60_000)
    tenths = f".{rest % 1000 // 100}" if step_ms < 1000 else ""
    return f"{minutes}:{rest // 1000:02d}{tenths}"


def event_words(kind: str) -> str:
    """`lock_up_suspected` as `suspected lock-up`: the type of an unusual moment."""
    words = kind.replace("_", " ").replace("lock up", "lock-up").replace("over slowing", "over-slowing")
    words = words.replace("reapplication", "re-application")
    return f"suspected {words.removesuffix(' suspected')}" if words.endswith(" suspected") else words
