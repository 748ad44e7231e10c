"""What a message asks about: cars, corners, sectors, laps, places; and whose they are. Words only; no facts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grx_pipeline.serve.lookups.spelling import spelled_right

_NUMBERS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_CAR = re.compile(r"(?:#|\b(?:car|number|no\.?|driver)\s+#?)(\d{1,3})\b")
# A number that stands behind one of these, or before one of those, is no car.
_LEADS = re.compile(
    r"(?:^|\W)(?:t|turns?|corners?|s|sectors?|(?<!best )(?<!fastest )(?<!quickest )lap|laps|l|p|positions?|places?"
    r"|race|r|round|top|first|last|best|fastest|quickest|slowest|worst|phases?|stint|plus|minus|within|over|under|by"
    r"|score)[ -]?$"
)
_COUNTED = re.compile(
    r"\s*(?:laps?|s|secs?|seconds?|tenths?|hundredths?|thousandths?|%|percent|ms|m|km|kmh|km/h|mph|bar|corners?|turns?"
    r"|cars|drivers|degrees?|minutes?|positions?|places?|points?|races?|best|fastest|quickest|slowest|worst|things?"
    r"|tips?|biggest|main|times|sectors|tricks?|moments?|mistakes?|years?)\b|\s*[%°]|[.,:]\d|(?:st|nd|rd|th)\b"
)
_BARE = re.compile(r"(?<![\w.,:#/-])(\d{1,3})(?:'s|s)?(?![\w/-])")
# A small number is a car only beside these words; a number of no car is told of only there.
_BESIDE = re.compile(
    r"\b(?:compared?|versus|vs\.?|than|against|about|did|does|do|was|is|of|for|to|on|at|between|beat|and|with|or|how"
    r"|has|why|where)\s+$|\blap\s+$"
)
_NAMED_FOR = re.compile(r"\b(?:versus|vs\.?|against|compared? (?:with|to)|compare|lap of|laps of|target of)\s+$")
_SET_AGAINST = re.compile(r"\s+(?:versus|vs\.?|against|or)\s")
_ALONE = re.compile(r"\s*(\d{1,3})\s*[?!.]?\s*")
_MANY = re.compile(
    r"\b(laps|sectors|corners|turns)\s+(\d{1,3}[a-z]?(?:\s*(?:,|and|or|vs\.?|to|against)\s*\d{1,3}[a-z]?)+)\b"
)
_SECTORS_AND = re.compile(r"\bsector ([123])((?:\s*(?:,|and|or)\s*[123])+)\b(?!\s*(?:laps?|cars?))")
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
THEY = re.compile(r"\b(?:he|him|his|she|her|hers|they|their|them|that (?:car|driver)|this (?:car|driver))\b")
_FIELD = re.compile(
    r"\b(?:who|whose|which (?:car|driver|team)|anyone|everybody|everyone|overall|of all|the field"
    r"|(?<!end )(?<!half )(?<!part )(?<!start )of the"
    r" (?:race|day|session|class)|in the (?:race|class|session))\b"
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
        text = spelled_right(message, (driver["driver_name"] or "" for driver in drivers))
        named, rest, unknown = _named(_each_by_itself(text), drivers)
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
        ).reading(rest)

    def reading(self, rest: str) -> "Asked":
        """The same of another text: a part of the message, or an earlier one."""
        return replace(
            self,
            rest=rest,
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
    unknown: dict[str, None] = {}
    spans = []
    for span, number, is_sure in _numbers(rest):
        cars = by_number.get(_plain(number), [])
        found |= dict.fromkeys(cars)
        if cars and not _ALONE.fullmatch(rest):
            spans.append(span)
        elif is_sure:
            unknown[number] = None
    for start, end in reversed(spans):
        rest = f"{rest[:start]} {rest[end:]}"
    return tuple(found), rest, tuple(unknown)


def _numbers(text: str) -> Iterator[tuple[tuple[int, int], str, bool]]:
    """Numbers that may be cars, where they stand, and whether nothing else can be meant."""
    sure = {match.span(1) for match in _CAR.finditer(text)}
    alone = _ALONE.fullmatch(text)
    for match in sorted([*_CAR.finditer(text), *_BARE.finditer(text)], key=lambda match: match.start(1)):
        span, before, after = match.span(1), text[: match.start(1)], text[match.end(1) :]
        if span in sure:
            if match.re is _CAR:
                yield span, match.group(1), True
        elif alone:
            yield span, match.group(1), False
        elif not _LEADS.search(before) and not _COUNTED.match(after):
            is_compared = bool(_NAMED_FOR.search(before) or _SET_AGAINST.match(after) or _is_second(before))
            if is_compared or len(match.group(1)) > 1 or _BESIDE.search(before):
                yield span, match.group(1), is_compared


def _is_second(before: str) -> bool:
    """Whether a number follows another one of a comparison, as the 16 of "compare 2 and 16"."""
    return bool(re.search(r"\b(?:compare|between)\s+#?\d{1,3}\s+(?:and|with|to)\s+$", before))


def _each_by_itself(text: str) -> str:
    """Numbers that share a noun, each with its own: laps 12 and 15 are lap 12 and lap 15."""

    def spread(match: "re.Match[str]") -> str:
        noun = match.group(1).removesuffix("s")
        return re.sub(r"(\d{1,3}[a-z]?)", rf"{noun} \1", match.group(2))

    text = _MANY.sub(spread, text)
    return _SECTORS_AND.sub(lambda m: f"sector {m.group(1)}" + re.sub(r"([123])", r"sector \1", m.group(2)), text)


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
