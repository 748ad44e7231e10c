"""Lookups about the laps of a car: which count, all of them, two beside each other, how the pace went, their traces."""

import re
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from grx_pipeline.formats import counted, gap, lap_time, listed, sector_time
from grx_pipeline.medians import surely_apart
from grx_pipeline.serve.lookups.asked import LAST, Asked
from grx_pipeline.serve.lookups.cars import Voice
from grx_pipeline.serve.lookups.published import Found, Published, found, source

_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_BEST_OF = re.compile(
    rf"\b(?:(\d{{1,2}}|{'|'.join(_WORDS)}) (?:best|fastest|quickest)|top (\d{{1,2}}|{'|'.join(_WORDS)}))\b"
)
_SOME = 5
# Notes of a car that say how far its traces reach.
_LIMITING = ("left out of telemetry", "line crossings", "uncertain", "circuit's length")
Laps = Mapping[str, Any]


def unclean(asked: Asked, published: Published) -> Found | None:
    """Which laps are not clean, and why; laps of the same reasons together."""
    file, record = published.record("laps", asked.car or "")
    if record is None or not record["laps"]:
        return None
    voice, by_reason = Voice.of(asked, published), dict[str, list[str]]()
    for lap in record["laps"]:
        if not lap["is_clean"]:
            reasons = listed([reason["text"] for reason in lap["reasons"]])
            by_reason.setdefault(reasons, []).append(str(lap["lap_number"]))
    laps, out = counted(len(record["laps"]), "lap"), sum(len(numbers) for numbers in by_reason.values())
    if not out:
        return found(f"Every lap of {voice.object} is clean: {laps}.", source(file, "clean_laps", laps))
    groups = [f"{_named(numbers)} ({reasons})" for reasons, numbers in by_reason.items()]
    verb = "is" if out == 1 else "are"
    text = f"{out} of {voice.genitive} {laps} {verb} not clean: {'; '.join(groups)}."
    return found(text, source(file, "laps.reasons", text))


def lap_list(asked: Asked, published: Published) -> Found | None:
    """All lap times in order, or as many of the best as were asked for."""
    file, record = published.record("laps", asked.car or "")
    laps = [lap for lap in record["laps"] if lap["lap_time_ms"] is not None] if record else []
    if not laps:
        return None
    voice, match = Voice.of(asked, published), _BEST_OF.search(asked.rest)
    if match or re.search(r"\b(?:best|fastest|quickest) laps\b", asked.rest):
        said = (match.group(1) or match.group(2)) if match else ""
        count = _WORDS.get(said, 0) or int(said or _SOME)
        best = sorted((lap for lap in laps if lap["is_valid"]), key=lambda lap: lap["lap_time_ms"])[:count]
        if not best:
            return found(f"{voice.subject} drove no valid lap.", source(file, "laps.is_valid", "no valid lap"))
        rows = [f"{lap_time(lap['lap_time_ms'])} on lap {lap['lap_number']}" for lap in best]
        text = f"{voice.possessive} best {counted(len(rows), 'lap')}: {', '.join(rows)}."
    else:
        rows = [
            f"{lap['lap_number']}: {lap_time(lap['lap_time_ms'])}" + ("" if lap["is_clean"] else "*") for lap in laps
        ]
        starred = "" if all(lap["is_clean"] for lap in laps) else " (* is not a clean lap)"
        text = f"{voice.possessive} laps{starred}: {', '.join(rows)}."
    return found(text, source(file, "laps.lap_time_ms", text))


def two_laps(asked: Asked, published: Published) -> Found | None:
    """Two laps of a car beside each other, with their sectors."""
    file, record = published.record("laps", asked.car or "")
    if record is None or len(asked.laps) < 2:
        return None
    by_number = {lap["lap_number"]: lap for lap in record["laps"]}
    wanted = [max(by_number, default=0) if number == LAST else number for number in asked.laps[:2]]
    laps = [by_number[number] for number in wanted if number in by_number]
    missing = next((number for number in wanted if number not in by_number), None)
    if missing is not None:
        return found(f"There is no lap {missing} of that car: it drove {counted(len(by_number), 'lap')}.")
    if None in (laps[0]["lap_time_ms"], laps[1]["lap_time_ms"]):
        return None
    quick, slow = sorted(laps, key=lambda lap: lap["lap_time_ms"])
    off = slow["lap_time_ms"] - quick["lap_time_ms"]
    text = (
        f"Lap {quick['lap_number']} ({lap_time(quick['lap_time_ms'])}) was {sector_time(off)} s quicker than lap "
        f"{slow['lap_number']} ({lap_time(slow['lap_time_ms'])})."
        if off
        else f"Laps {wanted[0]} and {wanted[1]} took the same time: {lap_time(quick['lap_time_ms'])}."
    )
    if None not in (*quick["sectors_ms"], *slow["sectors_ms"]):
        gaps = [theirs - own for own, theirs in zip(quick["sectors_ms"], slow["sectors_ms"], strict=True)]
        rows = ", ".join(f"S{place} {gap(ms)} s" for place, ms in enumerate(gaps, start=1))
        text += f" Lap {slow['lap_number']} against lap {quick['lap_number']}: {rows}."
    not_clean = [f"lap {lap['lap_number']}" for lap in laps if not lap["is_clean"]]
    text += f" Not clean: {listed(not_clean)}." if not_clean else ""
    return found(text, (source(file, f"laps.{lap['lap_number']}", lap_time(lap["lap_time_ms"])) for lap in laps))


def near_best(asked: Asked, published: Published) -> Found | None:
    """How many clean laps came within a time of the best of them: what was asked for, or what texts count as near."""
    file, record = published.record("laps", asked.car or "")
    times = [lap["lap_time_ms"] for lap in record["laps"] if lap["is_clean"]] if record else []
    if len(times) < 2:
        return None
    limit = round(_limit_ms(asked.rest, min(times)) or published.worth.near_best_share * min(times))
    near = sum(time <= min(times) + limit for time in times) - 1
    text = (
        f"{near} of {Voice.of(asked, published).genitive} other {counted(len(times) - 1, 'clean lap')} came within "
        f"{sector_time(limit)} s of the best clean lap, {lap_time(min(times))}."
    )
    return found(text, source(file, "laps.lap_time_ms", text))


def _limit_ms(text: str, best_ms: int) -> float | None:
    """A time in words or figures: half a second, 3 tenths, 0.5 s, 1 % of the best lap."""
    if re.search(r"\bhalf a second", text):
        return 500.0
    match = re.search(r"(\d+(?:\.\d+)?|\ba|\bone)\s*(tenths?|hundredths?|s\b|secs?|seconds?|ms\b|%|percent)", text)
    if match is None:
        return None
    number = 1.0 if match.group(1) in ("a", "one") else float(match.group(1))
    percent = best_ms / 100
    unit = {"t": 100.0, "h": 10.0, "m": 1.0, "%": percent, "p": percent}.get(match.group(2)[0], 1000.0)
    return number * unit


def pace(asked: Asked, published: Published) -> Found | None:
    """How the pace went: the medians of the opening and the closing half of the clean laps, or of a sector of them."""
    file, record = published.record("laps", asked.car or "")
    clean = [lap for lap in record["laps"] if lap["is_clean"]] if record else []
    half, voice = len(clean) // 2, Voice.of(asked, published)
    if half < published.worth.stint_laps:
        laps = counted(len(clean), "clean lap")
        return found(f"{voice.subject} drove {laps}: too few to set one half of the race against the other.")
    first, last = clean[:half], clean[-half:]
    sector = asked.sectors[0] if asked.sectors else None
    opening, closing = (round(median(_time(lap, sector) for lap in laps)) for laps in (first, last))
    spans = [f"laps {laps[0]['lap_number']} to {laps[-1]['lap_number']}" for laps in (first, last)]
    off = closing - opening
    text = (
        f"{voice.possessive} median {f'sector {sector} on clean laps' if sector else 'clean lap'} was "
        f"{_said(opening, sector)} in the opening half ({spans[0]}) and {_said(closing, sector)} in the closing half "
        f"({spans[1]})"
    )
    text += f": {sector_time(abs(off))} s {'slower' if off > 0 else 'quicker'} towards the end"
    worth = published.worth
    parts = ([_time(lap, sector) for lap in laps] for laps in (first, last))
    is_sure = abs(off) >= surely_apart(*parts, least=worth.worth_ms, errors=worth.sure_errors)
    text += "." if is_sure else ", which is too little to be sure of."
    return found(text, source(file, "laps.lap_time_ms", text))


def _time(lap: Laps, sector: int | None) -> int:
    return int(lap["sectors_ms"][sector - 1] if sector else lap["lap_time_ms"])


def _said(ms: int, sector: int | None) -> str:
    return f"{sector_time(ms)} s" if sector else lap_time(ms)


def telemetry(asked: Asked, published: Published) -> Found | None:
    """Which laps of a car have a trace, and what limits its telemetry."""
    driver, voice = published.driver(asked.car or ""), Voice.of(asked, published)
    laps = driver["telemetry_laps"]
    notes = [note for note in driver["notes"] if any(word in note for word in _LIMITING)]
    if laps:
        have = "has" if len(laps) == 1 else "have"
        text = f"{len(laps)} of {voice.genitive} {counted(driver['laps'], 'lap')} {have} a trace: {_named(laps)}."
        text += "".join(f" {note}" for note in notes)
    else:
        text = f"There is no trace of {voice.object}. {driver['telemetry_note']}"
    return found(text, source("api/drivers.json", f"drivers.{driver['vehicle_id']}.telemetry_laps", text))


def _named(numbers: Iterable[object]) -> str:
    """`lap 4`, `laps 4 and 7`."""
    said = [str(number) for number in numbers]
    return f"lap{'s' if len(said) > 1 else ''} {listed(said)}"
