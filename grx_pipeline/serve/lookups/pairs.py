"""Lookups about two cars: on their best clean laps, in a place of the lap, at the flag."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from grx_pipeline.formats import gap, sector_time
from grx_pipeline.publishing.service_records import Source
from grx_pipeline.serve.lookups import cars as of_car
from grx_pipeline.serve.lookups import laps, places, rankings, session
from grx_pipeline.serve.lookups.asked import OWN, Asked
from grx_pipeline.serve.lookups.published import Found, Published, found, source

_SETS_AGAINST = re.compile(
    r"\b(?:than|compare\w*|versus|vs|against|between|beat\w*|gap|differ\w*|faster|quicker|better|slower|stronger)\b"
)
_BY_SECTOR = re.compile(r"\b(?:per|by|each|every|all|in which|which) sectors?\b")
_AT_THE_FLAG = re.compile(r"\bgap\b|\bmargin|\bfinish|\bat the (?:flag|end|line)|\b(?:behind|ahead|in front)\b")
_OF_LAPS = re.compile(r"\blaps?\b|\bbest\b|\bpace\b|\bfast|\bquick")

_YES_OR_NO = re.compile(r"^\W*(?:is|am|was|were|are|did|do)\b.*\b(faster|quicker|slower|better)\b")
# What is told of either car by itself.
_EACH = (
    (re.compile(r"\bconsist|\bstead|\beven\b"), rankings.consistency),
    (re.compile(r"\btarget|\bsiwtl|\bideal lap|\bpotential"), of_car.target),
    (re.compile(r"\btop speed|\b(?:highest|max\w*) speed"), of_car.top_speed),
    (re.compile(r"\baverage|\bmedian|\bmean\b|\busual lap"), of_car.average_lap),
    (re.compile(r"\b(?:second|first|closing|opening) (?:half|part|stint)|\bfad(?:e|ed|ing)\b|\brace pace"), laps.pace),
)

Pair = tuple[str, str]


def is_about_one(asked: Asked) -> bool:
    """Whether only the one car that is named is meant, and not the page's beside it."""
    return len(asked.named) == 1 and not asked.has(OWN) and not asked.has(_SETS_AGAINST)


def at_the_flag(asked: Asked) -> bool:
    """Whether the distance at the flag is asked for."""
    return asked.has(_AT_THE_FLAG) and not asked.has(_OF_LAPS)


def precisely(asked: Asked, published: Published, cars: Pair) -> Found | None:
    """Two cars in a corner or a sector, or at the flag; None where something else is asked."""
    if asked.corners:
        return _in_corner(asked, published, cars)
    if asked.sectors:
        return _joined(_in_place(asked, published, cars, f"S{sector}") for sector in asked.sectors)
    if (told := next((told for words, told in _EACH if asked.has(words)), None)) is not None:
        return _of_each(told, asked, published, cars)
    if asked.has(_BY_SECTOR) or (asked.has(_YES_OR_NO) and not asked.laps):
        return on_best_laps(published, cars, asked)
    return session.gap_between(replace(asked, named=cars, places=()), published) if at_the_flag(asked) else None


def on_best_laps(published: Published, cars: Pair, asked: Asked | None = None) -> Found | None:
    """Two cars by their best clean laps, sector by sector."""
    file, record = _record(published, cars)
    if record is None or record["gap_ms"] is None:
        return None
    sign = 1 if record["gap_ms"] >= 0 else -1
    quick, slow = (published.label(car) for car in cars[::sign])
    verdict = _verdict(asked, sign) if asked else ""
    text = f"{verdict}By best clean lap {quick} is {sector_time(abs(record['gap_ms']))} s quicker than {slow}"
    rows = [row for row in record["sectors"] if row["gap_ms"] is not None]
    if not rows:
        return found(f"{text}.", _of_laps(file, "gap_ms", _best(record), record["gap_ms"]))
    told = ", ".join(f"{row['name']} {gap(int(sign * row['gap_ms']))} s" for row in rows)
    gains = f"(+ is what {quick} gains)"
    return found(f"{text}: {told} {gains}.", _of_laps(file, "gap_ms", _best(record), record["gap_ms"]))


def with_each(published: Published, cars: Sequence[str]) -> Found | None:
    """The first of several cars beside each of the others."""
    told = [on_best_laps(published, (cars[0], other)) for other in cars[1:]]
    return _joined(answer for answer in told if answer is not None)


def where_quicker(published: Published, cars: Pair, side: str) -> Found | None:
    """In which sectors and corners the one of two cars is quicker on the laps compared; that it is nowhere."""
    file, record = _record(published, cars)
    if record is None or record["gap_ms"] is None:
        return None
    sign = 1 if side == cars[0] else -1
    sectors, corners = (_won(record[level], sign) for level in ("sectors", "corners"))
    labels = [published.label(car) for car in cars]
    best, traced = _best(record), _traced(record)
    on = f"on the laps compared, {_told_laps(labels, best)}"
    if record["corners"] and traced != best:
        on += f" by sector, {_told_laps(labels, traced)} by corner"
    label, other = published.label(side), published.label(cars[1] if side == cars[0] else cars[0])
    if not sectors and not corners:
        return found(f"In no sector is {label} quicker than {other} {on}.", _of_laps(file, "sectors", best, 0))
    told = f"in {sectors}" if sectors else "in no sector"
    told += f"; of corners in {corners}" if corners else ""
    return found(f"{label} is quicker than {other} {told}, {on}.", _of_laps(file, "sectors", best, 0))


def _won(rows: Iterable[Mapping[str, Any]], sign: int) -> str:
    """The places that one side gains in, with how much; empty where there is none."""
    gains = [(row["name"], sign * row["gap_ms"]) for row in rows if row["gap_ms"] is not None]
    return ", ".join(f"{name} by {sector_time(round(ms))} s" for name, ms in gains if ms > 0)


def _verdict(asked: Asked, sign: int) -> str:
    """`Yes.` or `No.` to whether the first of two cars is quicker, or slower; nothing where that is not asked."""
    match = _YES_OR_NO.match(asked.rest)
    if match is None:
        return ""
    return "No. " if (sign > 0) == (match.group(1) == "slower") else "Yes. "


def _of_each(
    told: Callable[[Asked, Published], Found | None], asked: Asked, published: Published, cars: Pair
) -> Found | None:
    """What is told of either car, one after the other."""
    own = asked.car if asked.is_own else None
    answers = [told(replace(asked, car=car, is_own=car == own), published) for car in cars]
    return _joined(answer for answer in answers if answer is not None)


def _joined(answers: Iterable[Found]) -> Found | None:
    told = list(answers)
    if not told:
        return None
    return found(" ".join(answer.text for answer in told), (place for answer in told for place in answer.sources))


def _in_corner(asked: Asked, published: Published, cars: Pair) -> Found | None:
    """The figures of both where one is named, such as braking; else the time between them."""
    name, problem = places.corner_name(asked.corners[0], published)
    if name is None:
        return problem
    if places.figure_asked(asked) is None:
        return _in_place(asked, published, cars, name)
    return _of_each(places.corner, replace(asked, is_own=False), published, cars)


def _in_place(asked: Asked, published: Published, cars: Pair, name: str) -> Found:
    """The time between two cars in a sector (S2) or a corner, on the laps that are compared."""
    level, said = ("sectors", f"sector {name[1:]}") if name.startswith("S") else ("corners", name)
    file, record = _record(published, cars)
    row = next((row for row in record[level] if row["name"] == name), None) if record else None
    note = f" {record['note']}" if record and record["note"] and level == "corners" else ""
    if record is None or row is None or row["gap_ms"] is None:
        return found(f"There is no comparison of {_both(published, cars)} in {said}.{note}")
    labels = [published.label(car) for car in cars]
    quick, slow = labels if row["gap_ms"] >= 0 else labels[::-1]
    numbers = _best(record) if level == "sectors" else _traced(record)
    laps = f"on {_told_laps(labels, numbers)}"
    off = round(row["gap_ms"])
    text = (
        f"{_verdict(asked, 1 if row['gap_ms'] >= 0 else -1)}In {said} {quick} is {sector_time(abs(off))} s quicker "
        f"than {slow}, {laps}."
        if off
        else f"In {said} {_both(published, cars)} are equal, {laps}."
    )
    return found(text + note, _of_laps(file, f"{level}.{name}", numbers, off))


def _record(published: Published, cars: Pair) -> tuple[str, Any]:
    first, second = (published.build.paths.get(car, car) for car in cars)
    file = f"api/compare/{first}/{second}.json"
    return file, published.build.record(file)


def _both(published: Published, cars: Pair) -> str:
    return " and ".join(published.label(car) for car in cars)


def _best(record: Mapping[str, Any]) -> tuple[int, int]:
    """The laps that are compared by sector."""
    return record["best_a"], record["best_b"]


def _traced(record: Mapping[str, Any]) -> tuple[int, int]:
    """The laps that are compared by corner."""
    return record["lap_a"], record["lap_b"]


def _told_laps(labels: Sequence[str], laps: tuple[int, int]) -> str:
    return f"lap {laps[0]} of {labels[0]} and lap {laps[1]} of {labels[1]}"


def _of_laps(file: str, field: str, laps: tuple[int, int], gap_ms: int) -> Source:
    laps_compared = f"laps {laps[0]} and {laps[1]}"
    return source(file, field, f"{laps_compared}: {sector_time(abs(gap_ms))} s apart" if gap_ms else laps_compared)
