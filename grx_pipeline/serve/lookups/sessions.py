"""Which session a message means, where it names a circuit or a race; and which there are."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from grx_pipeline.formats import listed

_LIST = re.compile(r"\b(?:which|what|list|how many)\b.*\b(?:sessions|races|rounds|circuits|tracks)\b")
_RACE = re.compile(r"\b(?:race|r)[ -]?([1-9])\b")
_BOTH = re.compile(r"\bboth (?:races|sessions|rounds)\b|\b(?:either|each|every) race\b|\brace 1 and (?:race )?2\b")
_PLAIN_WORDS = frozenset(
    (
        "motor",
        "motorsport",
        "motorsports",
        "park",
        "raceway",
        "speedway",
        "circuit",
        "international",
        "track",
        "the",
        "of",
    )
)

Entries = Sequence[Mapping[str, Any]]


def listed_sessions(message: str, entries: Entries) -> str | None:
    """The published sessions, where these are asked for."""
    if not entries or not _LIST.search(message.casefold()):
        return None
    races: dict[str, list[str]] = {}
    for entry in entries:
        races.setdefault(_name(entry), []).append(str(entry["race"]))
    return f"Published are {listed([f'{name} (race {listed(numbers)})' for name, numbers in races.items()])}."


def meant_sessions(message: str, entries: Entries, current: str) -> Entries:
    """The sessions that a message names; those of its own circuit only by another race. Empty where it names none."""
    text = message.casefold()
    words = set(re.findall(r"\w+", text))
    race = _RACE.search(text)
    here = next((entry for entry in entries if entry["session"] == current), None)
    named = [entry for entry in entries if words & _names(entry)]
    if not named and race and here is not None:
        named = [entry for entry in entries if _name(entry) == _name(here)]
    found = [entry for entry in named if race is None or entry["race"] == int(race.group(1))]
    return [] if any(entry["session"] == current for entry in found) else found


def all_races(message: str, entries: Entries, current: str) -> Entries:
    """The races of a circuit where a message asks about both: of the one it names, or of its own. Empty otherwise."""
    text = message.casefold()
    if not _BOTH.search(text):
        return []
    words = set(re.findall(r"\w+", text))
    here = next((entry for entry in entries if entry["session"] == current), None)
    named = next((entry for entry in entries if words & _names(entry)), here)
    return [] if named is None else [entry for entry in entries if _name(entry) == _name(named)]


def which_race(found: Entries) -> str:
    """The question back: more than one session bears that name."""
    return f"There is more than one race there: say race {' or '.join(str(entry['race']) for entry in found)}."


def heading(entry: Mapping[str, Any]) -> str:
    """A session, as an answer that is of another than the page's says it."""
    return f"{_name(entry)}, race {entry['race']}"


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry["circuit_name"] or entry["session"])


def _names(entry: Mapping[str, Any]) -> frozenset[str]:
    """The words by which people know a circuit."""
    circuit = entry["session"].rsplit("-", 2)[0]
    return frozenset(re.findall(r"[^\W\d]{3,}", f"{circuit} {_name(entry)}".casefold())) - _PLAIN_WORDS
