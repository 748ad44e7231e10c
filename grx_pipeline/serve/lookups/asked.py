"""What a message asks about: cars, corners, sectors, laps, places; and whose they are. Words only; no facts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_NUMBERS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_CAR = re.compile(r"(?:#|\b(?:car|number|no\.?|driver)\s+#?)(\d{1,3})\b")
# Numbers alone are cars only beside these words, or where there is nothing else.
_BESIDE = re.compile(
    r"\b(?:compare|versus|vs\.?|than|against|about|did|between|beat|and|with|or)\s+(\d{1,3})\b"
    r"(?!\s*(?:laps?|s\b|%|sec|tenth|hundredth|thousandth|ms\b|m\b|km|bar\b|corner|turn|cars|drivers))"
)
_SET_AGAINST = re.compile(r"\b(\d{1,3})\s+(?:versus|vs\.?|against|or)\s")
_COMPARES = re.compile(r"\b(?:compare|versus|vs|about)\b")
_ALONE = re.compile(r"\s*(\d{1,3})\s*[?!.]?\s*")
_CORNER = re.compile(r"\b(?:t|turn|corner)[ -]?(\d{1,2}[a-z]?)\b")
_SECTOR = re.compile(
    r"\b(?:s|sector)[ -]?([123])\b|\bsector (one|two|three)\b|\b(first|second|third|last|final) sector\b"
)
_LAP = re.compile(
    r"\b(?:lap|l)(?: number| no\.?)?[ #-]?(\d{1,3})\b|\b(\d{1,3})(?:st|nd|rd|th) lap\b"
    rf"|\b({'|'.join(_NUMBERS)}|last|final) lap\b"
)
_PLACE = re.compile(
    rf"\b(?:p|position |place )(\d{{1,2}})\b|\b(\d{{1,2}})(?:st|nd|rd|th)\b|\b({'|'.join(_NUMBERS)}|last|winner"
    r"|leader)\b"
    r"(?!\s+(?:sector|lap|corner|turn|thing|half|part|stint|segment|and foremost))"
)
_SECTOR_WORDS = {"one": 1, "two": 2, "three": 3, "first": 1, "second": 2, "third": 3, "last": 3, "final": 3}
OWN = re.compile(r"\b(?:i|me|my|mine|myself|we|our|us|i'm|i've|am)\b")
_FIELD = re.compile(
    r"\b(?:who|whose|which (?:car|driver|team)|anyone|everybody|everyone|overall|of all|the field|of the (?:race"
    r"|day|session|class)"
    r"|in the (?:race|class|session))\b"
)
LAST = 0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A message, in parts. `car` is whom it is about, None for the field; `rest` is the text without names of cars.

    `needs_car` where it speaks of "me" and nobody knows who that is; `unknown` are numbers of cars that there are not.
    In `laps` and `places` the last one is LAST.
    """

    rest: str
    named: tuple[str, ...] = ()
    car: str | None = None
    is_own: bool = False
    needs_car: bool = False
    unknown: tuple[str, ...] = ()
    corners: tuple[str, ...] = ()
    sectors: tuple[int, ...] = ()
    laps: tuple[int, ...] = ()
    places: tuple[int, ...] = ()

    def has(self, pattern: "re.Pattern[str]") -> bool:
        """Whether the pattern is in the text."""
        return pattern.search(self.rest) is not None

    @classmethod
    def of(cls, message: str, drivers: Sequence[Any], *, page_cars: Sequence[str]) -> "Asked":
        """From a message on a page about some cars."""
        text = message.casefold().replace("\u2019", "'")
        named, rest, unknown = _named(text, drivers)
        own = page_cars[0] if len(page_cars) == 1 else None
        speaks_of_own, is_field = bool(OWN.search(rest)), bool(_FIELD.search(rest))
        others = tuple(car for car in named if car != own)
        car = (others or named or (None,))[0]
        if car is None and not (is_field and not speaks_of_own):
            car = own
        return cls(
            rest=rest,
            named=named,
            car=car,
            is_own=car is not None and car == own,
            needs_car=speaks_of_own and car is None,
            unknown=unknown,
            corners=tuple(dict.fromkeys(_CORNER.findall(rest))),
            sectors=tuple(dict.fromkeys(_sector(groups) for groups in _SECTOR.findall(rest))),
            laps=tuple(dict.fromkeys(_lap(groups) for groups in _LAP.findall(rest))),
            places=tuple(dict.fromkeys(_place(groups) for groups in _PLACE.findall(rest))),
        )


def _named(text: str, drivers: Sequence[Any]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """The cars that a text names by number or by their driver, the text without these, and numbers of no car."""
    found: dict[str, None] = {}
    by_number: dict[str, list[str]] = {}
    rest = text
    for driver in drivers:
        by_number.setdefault(_plain(driver["car_number"]), []).append(driver["vehicle_id"])
        name = (driver["driver_name"] or "").casefold()
        if name and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", rest):
            found[driver["vehicle_id"]] = None
            rest = rest.replace(name, " ")
    sure = _CAR.findall(rest)
    likely = [*_SET_AGAINST.findall(rest), *_BESIDE.findall(_CAR.sub(" ", rest))]
    numbers = [_plain(number) for number in (*sure, *likely, *(_ALONE.findall(rest) if _ALONE.fullmatch(rest) else ()))]
    for number in numbers:
        found |= dict.fromkeys(by_number.get(number, ()))
    for pattern in (_CAR, _SET_AGAINST, _BESIDE):
        rest = pattern.sub(
            lambda match: (
                match.group(0).replace(match.group(1), " ") if _plain(match.group(1)) in by_number else match.group(0)
            ),
            rest,
        )
    # A number that may be something else counts only beside words that set cars against each other.
    doubtful = likely if _COMPARES.search(text) else []
    unknown = tuple(dict.fromkeys(number for number in (*sure, *doubtful) if _plain(number) not in by_number))
    return tuple(found), rest, unknown


def _plain(number: str) -> str:
    return number.lstrip("0") or "0"


def _sector(groups: tuple[str, str, str]) -> int:
    digit, word, order = groups
    return int(digit) if digit else _SECTOR_WORDS[word or order]


def _lap(groups: tuple[str, str, str]) -> int:
    number, ordinal, word = groups
    if word:
        return _NUMBERS.index(word) + 1 if word in _NUMBERS else LAST
    return int(number or ordinal)


def _place(groups: tuple[str, str, str]) -> int:
    number, ordinal, word = groups
    if word:
        return {"last": LAST, "winner": 1, "leader": 1}.get(word, _NUMBERS.index(word) + 1 if word in _NUMBERS else 1)
    return int(number or ordinal)
