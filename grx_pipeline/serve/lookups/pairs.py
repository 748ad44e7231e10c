"""Lookups about two cars: on their best clean laps, in a place of the lap, at the flag."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grx_pipeline.formats import gap, sector_time
from grx_pipeline.publishing.service_records import Source
from grx_pipeline.serve.lookups import places, session
from grx_pipeline.serve.lookups.asked import OWN, Asked
from grx_pipeline.serve.lookups.published import Found, Published, found, source

_SETS_AGAINST = re.compile(
    r"\b(?:than|compare\w*|versus|vs|against|between|beat\w*|gap|differ\w*|faster|quicker|better|slower|stronger)\b"
)
_AT_THE_FLAG = re.compile(r"\bgap\b|\bmargin|\bfinish|\bat the (?:flag|end|line)|\b(?:behind|ahead|in front)\b")
_OF_LAPS = re.compile(r"\blaps?\b|\bbest\b|\bpace\b|\bfast|\bquick")

Pair = tuple[str, str]


def is_about_one(asked: Asked) -> bool:
    """Whether only the one car that is named is meant, and not the page's beside it."""
    return len(asked.named) == 1 and not asked.has(OWN) and not asked.has(_SETS_AGAINST)


def precisely(asked: Asked, published: Published, cars: Pair) -> Found | None:
    """Two cars in a corner or a sector, or at the flag; None where something else is asked."""
    if asked.corners:
        return _in_corner(asked, published, cars)
    if asked.sectors:
        return _in_place(published, cars, "sectors", f"S{asked.sectors[0]}", f"sector {asked.sectors[0]}")
    if asked.has(_AT_THE_FLAG) and not asked.has(_OF_LAPS):
        return session.gap_between(replace(asked, named=cars, places=()), published)
    return None


def on_best_laps(published: Published, cars: Pair) -> Found | None:
    """Two cars by their best clean laps, sector by sector."""
    file, record = _record(published, cars)
    if record is None or record["gap_ms"] is None:
        return None
    names = [published.label(car) for car in cars]
    quick, slow = (names[0], names[1]) if record["gap_ms"] >= 0 else (names[1], names[0])
    sign = 1 if record["gap_ms"] >= 0 else -1
    text = f"By best clean lap {quick} is {sector_time(abs(record['gap_ms']))} s quicker than {slow}"
    rows = [row for row in record["sectors"] if row["gap_ms"] is not None]
    if rows:
        text += ": " + ", ".join(f"{row['name']} {gap(int(sign * row['gap_ms']))} s" for row in rows)
        text += f" (+ is what {quick} gains)"
    return found(f"{text}.", _of_laps(file, "gap_ms", record, record["gap_ms"]))


def _in_corner(asked: Asked, published: Published, cars: Pair) -> Found | None:
    """The figures of both where one is named, such as braking; else the time between them."""
    name, problem = places.corner_name(asked, published)
    if name is None:
        return problem
    if not places.names_figure(asked):
        return _in_place(published, cars, "corners", name, name)
    own = [places.corner(replace(asked, car=car, is_own=False), published) for car in cars]
    told = [answer for answer in own if answer is not None]
    return found(" ".join(answer.text for answer in told), (place for answer in told for place in answer.sources))


def _in_place(published: Published, cars: Pair, level: str, name: str, said: str) -> Found:
    """The time between two cars in one place, on the laps that are compared."""
    file, record = _record(published, cars)
    row = next((row for row in record[level] if row["name"] == name), None) if record else None
    note = f" {record['note']}" if record and record["note"] and level == "corners" else ""
    if record is None or row is None or row["gap_ms"] is None:
        return found(f"There is no comparison of {_both(published, cars)} in {said}.{note}")
    labels = [published.label(car) for car in cars]
    quick, slow = labels if row["gap_ms"] >= 0 else labels[::-1]
    laps = f"on lap {record['lap_a']} of {labels[0]} and lap {record['lap_b']} of {labels[1]}"
    off = round(row["gap_ms"])
    text = (
        f"In {said} {quick} is {sector_time(abs(off))} s quicker than {slow}, {laps}."
        if off
        else f"In {said} {_both(published, cars)} are equal, {laps}."
    )
    return found(text + note, _of_laps(file, f"{level}.{name}", record, off))


def _record(published: Published, cars: Pair) -> tuple[str, Any]:
    first, second = (published.build.paths.get(car, car) for car in cars)
    file = f"api/compare/{first}/{second}.json"
    return file, published.build.record(file)


def _both(published: Published, cars: Pair) -> str:
    return " and ".join(published.label(car) for car in cars)


def _of_laps(file: str, field: str, record: Mapping[str, Any], gap_ms: int) -> Source:
    text = f"laps {record['lap_a']} and {record['lap_b']}: {sector_time(abs(gap_ms))} s apart"
    return source(file, field, text)
