"""The facts of two drivers beside each other. Every difference is told of the quicker of the two."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median

from grx_pipeline.narratives.facts.book import FactBook, Row, Source
from grx_pipeline.narratives.facts.field import Field, sure_difference
from grx_pipeline.narratives.records import COMPARISON, FactSet, Subject

CORNER_RULE, WITHIN_RULE, LONE_RULE, BEYOND_RULE = "pair_corner", "pair_within", "pair_lone", "pair_beyond"
PAIR_RULES = (CORNER_RULE, WITHIN_RULE, LONE_RULE, BEYOND_RULE)
_TOLD_CORNERS = 2
_LEAST_SECTORS = 2


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """The two vehicles and their names, `a` first in the classification."""

    a: str
    b: str

    @property
    def key(self) -> str:
        return f"{self.a}/{self.b}"

    def quicker(self, gap_ms: float) -> str:
        """Who is quicker where time of b - time of a is this."""
        return self.a if gap_ms > 0 else self.b

    def side(self, vehicle: str) -> str:
        return "a" if vehicle == self.a else "b"

    def other(self, vehicle: str) -> str:
        return self.b if vehicle == self.a else self.a


@dataclass(frozen=True, kw_only=True)
class _Line:
    """Time of b - time of a, and where: `|sector:2`, or nothing for the lap."""

    metric: str
    gap_ms: float | None
    place: str = ""


def pairs_with_page(field: Field) -> tuple[tuple[str, str], ...]:
    """The pairs that have a page: neighbours, each with the winner, the class's best and its team mates."""
    order = field.drivers
    compared = {(row["vehicle_a"], row["vehicle_b"]) for row in field.tables.rows["comparisons"]}
    best = _fastest_of_classes(field)
    pairs = []
    for place, a in enumerate(order):
        for other, b in enumerate(order[place + 1 :], place + 1):
            same_class = a["vehicle_class"] == b["vehicle_class"]
            is_best = same_class and best.get(a["vehicle_class"]) in (a["vehicle_id"], b["vehicle_id"])
            is_team = a["team"] is not None and a["team"] == b["team"]
            if place == 0 or other == place + 1 or is_best or is_team:
                pairs.append((a["vehicle_id"], b["vehicle_id"]))
    # The table holds a pair in the order of the classification too; of ties either way round.
    return tuple(pair if pair in compared else pair[::-1] for pair in pairs if {pair, pair[::-1]} & compared)


def _fastest_of_classes(field: Field) -> dict[str | None, str]:
    fastest: dict[str | None, tuple[float, str]] = {}
    for row in field.drivers:
        time = field.tables.row_of("lap_statistics", row["vehicle_id"]).get("best_lap_ms")
        best = fastest.get(row["vehicle_class"])
        if time is not None and (best is None or time < best[0]):
            fastest[row["vehicle_class"]] = time, row["vehicle_id"]
    return {vehicle_class: vehicle for vehicle_class, (_, vehicle) in fastest.items()}


def comparison_facts(field: Field, row: Row, lines: Iterable[Row]) -> FactSet:
    """Everything that a text about the pair of `row` may say; `lines` are its rows of comparison_lines."""
    book = FactBook()
    pair = _Pair(a=row["vehicle_a"], b=row["vehicle_b"])
    source = Source(table="comparisons", key=pair.key)
    for side, vehicle in (("a", pair.a), ("b", pair.b)):
        of_car = Source(table="drivers", key=vehicle)
        book.add_text(f"{side}.car", f"car:{vehicle}", "car", field.labels[vehicle], of_car)
        book.add_text(f"{side}.driver", f"car:{vehicle}", "driver", field.full_labels[vehicle], of_car)
        target = field.tables.row_of("siwtl", vehicle)
        if target.get("confidence") == "normal":
            of_target = Source(table="siwtl", key=vehicle)
            laps = target["clean_laps"]
            book.add(
                f"{side}.even", f"car:{vehicle}", "pair_consistency", target["consistency_score"], of_target, n=laps
            )
            book.add(f"{side}.gain", f"car:{vehicle}", "pair_gain", target["potential_gain_ms"], of_target, n=laps)
    _add_flag(book, field, pair)
    _add_gap(book, pair, "gap", _Line(metric="pair_gap", gap_ms=row["gap_ms"]), source)
    _add_medians(book, field, pair)
    _add_steadier(book, field, pair)
    by_level: dict[str, list[Row]] = {}
    for line in lines:
        by_level.setdefault(line["level"], []).append(line)
    sure_ms = max(field.settings.worth_ms, row["uncertain_ms"] or 0.0)
    _add_corners(book, field, pair, by_level.get("corner", []), sure_ms)
    rules = _add_sectors(book, field, pair, by_level.get("sector", []))
    book.add_text("note", "pair", "note", row["note"], source)
    return FactSet(
        subject=Subject(kind=COMPARISON, vehicle_id=pair.a, other_id=pair.b),
        session=field.tables.session["session_id"],
        facts=book.facts,
        rules=rules,
        names=field.names,
    )


def _add_gap(book: FactBook, pair: _Pair, name: str, line: _Line, source: Source) -> None:
    """A difference, told of the quicker: below zero. Nothing where there is none, or it is zero."""
    if line.gap_ms:
        book.add(name, f"car:{pair.quicker(line.gap_ms)}{line.place}", line.metric, -abs(line.gap_ms), source)


def _add_medians(book: FactBook, field: Field, pair: _Pair) -> None:
    usual = [field.tables.row_of("lap_statistics", vehicle).get("clean_median_lap_ms") for vehicle in (pair.a, pair.b)]
    counts = [len(field.clean_laps.get(vehicle, ())) for vehicle in (pair.a, pair.b)]
    if None not in usual and min(counts) >= field.settings.stint_laps:
        gap = usual[1] - usual[0]  # type: ignore[operator]
        if abs(gap) >= _sure_ms(field, pair, "lap_time_ms"):
            _add_gap(
                book,
                pair,
                "median",
                _Line(metric="pair_median", gap_ms=gap),
                Source(table="lap_statistics", key=pair.key),
            )


def _sure_ms(field: Field, pair: _Pair, column: str) -> float:
    """From which difference on the medians of the pair's clean laps are surely apart; never where laps are too few."""
    a, b = ([lap[column] for lap in field.clean_laps.get(vehicle, ())] for vehicle in (pair.a, pair.b))
    if min(len(a), len(b)) < field.settings.stint_laps:
        return math.inf
    return sure_difference(a, b, field.settings)


def _add_steadier(book: FactBook, field: Field, pair: _Pair) -> None:
    """Which of the two is steadier, where their scores are further apart than chance puts them."""
    scores = [book.facts.get(f"{side}.even") for side in ("a", "b")]
    known = [(score.value, score.n) for score in scores if score is not None and score.value is not None and score.n]
    if len(known) < len(scores):
        return
    # A spread of n laps has a standard error of itself / sqrt(2 n).
    error = sum((100 - value) ** 2 / (2 * n) for value, n in known) ** 0.5
    if abs(known[0][0] - known[1][0]) < field.settings.sure_errors * error:
        return
    vehicle = pair.a if known[0][0] > known[1][0] else pair.b
    source = Source(table="siwtl", key=vehicle)
    book.add_text("steadier.car", f"car:{vehicle}", "steadier", field.labels[vehicle], source)


def _add_flag(book: FactBook, field: Field, pair: _Pair) -> None:
    """How far apart the two were at the flag, where they drove as many laps and took it: not before the winner did.
    Who stopped long before it is told so."""
    a, b = (field.tables.row_of("drivers", vehicle) for vehicle in (pair.a, pair.b))
    fell_ms = next((row["total_time_ms"] for row in field.drivers if row["position"] == 1), None)
    if not (fell_ms and a["total_time_ms"] and b["total_time_ms"]):
        return
    longest = max(row["laps"] for row in field.drivers)
    for side, row in (("a", a), ("b", b)):
        if row["total_time_ms"] < fell_ms and row["laps"] < longest * field.settings.short_race_share:
            of_car = Source(table="drivers", key=row["vehicle_id"])
            book.add(f"{side}.stopped", f"car:{row['vehicle_id']}", "pair_stopped", row["laps"], of_car, n=longest)
    if a["laps"] == b["laps"] and min(a["total_time_ms"], b["total_time_ms"]) >= fell_ms:
        gap = _Line(metric="pair_flag", gap_ms=b["total_time_ms"] - a["total_time_ms"])
        _add_gap(book, pair, "flag", gap, Source(table="drivers", key=pair.key))


def _add_sectors(book: FactBook, field: Field, pair: _Pair, lines: Iterable[Row]) -> dict[str, str]:
    usual: dict[str, list[tuple[float, int]]] = {pair.a: [], pair.b: []}
    both: dict[int, tuple[float, float]] = {}
    for line in lines:
        sector, place = line["line"], f"|sector:{line['line']}"
        source = Source(table="comparison_lines", key=f"{pair.key}/sector/{sector}")
        book.add_text(f"sector_{sector}.name", f"sector:{sector}", "sector_name", f"sector {sector}", source)
        gap, middle = line["gap_ms"], line["median_gap_ms"]
        _add_gap(book, pair, f"sector_{sector}.gap", _Line(metric="pair_sector", gap_ms=gap, place=place), source)
        if middle is None:
            continue
        both[sector] = gap or 0.0, middle
        is_sure = abs(middle) >= _sure_ms(field, pair, f"sector_{sector}_ms")
        is_alike = bool(gap) and (gap > 0) == (middle > 0)
        if is_sure:
            by_median = _Line(metric="pair_sector_median", gap_ms=middle, place=place)
            _add_gap(book, pair, f"sector_{sector}.median", by_median, source)
            if is_alike:
                usual[pair.b if middle > 0 else pair.a].append((abs(middle), sector))
        if gap and not (is_sure and is_alike):
            shown = "the opposite" if is_sure else "no sure difference"
            book.add_text(f"sector_{sector}.even", f"car:{pair.quicker(gap)}{place}", "pair_even", shown, source)
    rules: dict[str, str] = {}
    for vehicle, losses in usual.items():
        if losses:
            rules |= _add_take(book, field, pair, vehicle, max(losses))
            _add_closest(book, pair, pair.other(vehicle), both, field.settings.worth_ms)
    return rules


def _add_take(book: FactBook, field: Field, pair: _Pair, vehicle: str, dearest: tuple[float, int]) -> dict[str, str]:
    """The sector where a car loses most, the other's median there as a mark, who reached it, and where to begin."""
    (loss, sector), other = dearest, pair.other(vehicle)
    name, place, column = f"take_{pair.side(vehicle)}", f"sector:{sector}", f"sector_{sector}_ms"
    source = Source(table="comparison_lines", key=f"{pair.key}/sector/{sector}")
    book.add_text(f"{name}.sector", place, "most_sector", f"sector {sector}", source)
    book.add(f"{name}.loss", f"car:{vehicle}|{place}", "pair_sector_median", loss, source)
    for role, car in (("car", vehicle), ("other", other)):
        book.add_text(f"{name}.{role}", f"car:{car}", "car", field.labels[car], Source(table="drivers", key=car))
    own, theirs = ([lap[column] for lap in field.clean_laps[car]] for car in (vehicle, other))
    mark = median(theirs)
    book.add(f"{name}.mark", f"car:{other}|{place}", "pair_mark", mark, Source(table="laps", key=other), n=len(theirs))
    reached, laps = sum(time <= mark for time in own), Source(table="laps", key=vehicle)
    book.add(f"{name}.reached", f"car:{vehicle}|{place}", "pair_reached", reached, laps, n=len(own))
    corner = _corner_of(book, field, pair.side(other), sector)
    if corner is not None:
        book.facts[f"{name}.corner"] = replace(book.facts[f"{corner}.name"], id=f"{name}.corner")
        book.facts[f"{name}.through"] = replace(book.facts[f"{corner}.gap"], id=f"{name}.through")
        return {f"{name}:{CORNER_RULE}": book.facts[f"{name}.corner"].entity}
    return {f"{name}:{WITHIN_RULE if reached > 1 else LONE_RULE if reached else BEYOND_RULE}": place}


def _corner_of(book: FactBook, field: Field, side: str, sector: int) -> str | None:
    """The name of the told corner of that sector in which the car of that side is quickest on the traces."""
    for number in range(1, _TOLD_CORNERS + 1):
        label = book.facts.get(f"{side}.corner_{number}.name")
        if label is not None and field.corner_sectors.get(int(label.entity.removeprefix("corner:"))) == sector:
            return f"{side}.corner_{number}"
    return None


def _add_closest(
    book: FactBook, pair: _Pair, quicker: str, both: dict[int, tuple[float, float]], worth_ms: float
) -> None:
    """Where the slower car of the two comes closest, on the compared laps and by median, where it gains nowhere."""
    slower = pair.other(quicker)
    side, sign = pair.side(slower), 1 if quicker == pair.a else -1
    has_any = any(
        fact.entity.startswith(f"car:{slower}|sector:") and (fact.value or 0.0) <= -worth_ms
        for fact in book.facts.values()
    )
    if has_any or f"{side}.corner_1.gap" in book or len(both) < _LEAST_SECTORS:
        return
    sector = min(both, key=lambda sector: (max(sign * gap for gap in both[sector]), sector))
    on_laps, behind = (sign * gap for gap in both[sector])
    source = Source(table="comparison_lines", key=f"{pair.key}/sector/{sector}")
    book.add_text(f"close_{side}.sector", f"sector:{sector}", "closest_sector", f"sector {sector}", source)
    entity = f"car:{slower}|sector:{sector}"
    if f"sector_{sector}.median" in book:
        book.add(f"close_{side}.gap", entity, "pair_sector_median", behind, source)
    else:
        book.add_text(f"close_{side}.even", entity, "pair_even", "no sure difference", source)
    if on_laps > 0:
        book.add(f"close_{side}.laps", entity, "pair_sector", on_laps, source)


def _add_corners(book: FactBook, field: Field, pair: _Pair, lines: Iterable[Row], sure_ms: float) -> None:
    """The corners with the largest differences that are sure, on the compared laps, for either car."""
    corners = {
        label: index for index, label in ((row["corner_index"], row["corner"]) for row in field.tables.rows["corners"])
    }
    known = [line for line in lines if line["gap_ms"] is not None and line["name"] in corners]
    for vehicle in (pair.a, pair.b):
        won = [line for line in known if pair.quicker(line["gap_ms"]) == vehicle and abs(line["gap_ms"]) >= sure_ms]
        for number, line in enumerate(sorted(won, key=lambda line: -abs(line["gap_ms"]))[:_TOLD_CORNERS], start=1):
            name, index = f"{pair.side(vehicle)}.corner_{number}", corners[line["name"]]
            source = Source(table="comparison_lines", key=f"{pair.key}/corner/{line['line']}")
            book.add_text(f"{name}.name", f"corner:{index}", "corner", field.corners[index], source)
            through = _Line(metric="pair_corner", gap_ms=line["gap_ms"], place=f"|corner:{index}")
            _add_gap(book, pair, f"{name}.gap", through, source)
