"""What single texts need of the whole field: places, spreads, the course of the race, and what cars are called."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import pandas as pd

from grx_pipeline.medians import robust_spread, surely_apart
from grx_pipeline.methods.advice.traffic import sector_gaps_ahead
from grx_pipeline.narratives import lexicon
from grx_pipeline.narratives.facts.book import Row, plain_name
from grx_pipeline.narratives.tables import ResultTables
from grx_pipeline.settings import NarrativeSettings

SECTORS = (1, 2, 3)
_TIMES = ("sector_1_ms", "sector_2_ms", "sector_3_ms", "lap_time_ms", "elapsed_ms")


@dataclass(frozen=True, kw_only=True)
class PaceChange:
    """Median clean lap of the closing part of a race and of the opening part, and what chance makes of such medians."""

    opening_ms: float
    closing_ms: float
    floor_ms: float
    laps: int

    @property
    def change_ms(self) -> float:
        return self.closing_ms - self.opening_ms


@dataclass(frozen=True, kw_only=True)
class Place:
    """A place among those of a class that have a value; equal values share one. `quarter` is the last value of the
    best quarter, `middle` that of the better half."""

    place: int
    of: int
    best: float
    best_vehicle: str
    quarter: float
    middle: float

    def mark(self, value: float) -> float:
        """What to reach next from a value: the middle, the best quarter, or the best."""
        return next((mark for mark in (self.middle, self.quarter) if value > mark), self.best)


@dataclass(frozen=True)
class Field:
    """The field of a session, each figure computed when it is first asked for."""

    tables: ResultTables
    settings: NarrativeSettings

    @cached_property
    def drivers(self) -> list[Row]:
        """In the order of the classification."""
        return sorted(
            self.tables.rows["drivers"],
            key=lambda row: (row["position"] is None, row["position"] or 0, row["car_number"], row["vehicle_id"]),
        )

    @cached_property
    def labels(self) -> dict[str, str]:
        """`#13`, with the vehicle where two cars share a number."""
        numbers = Counter(row["car_number"] for row in self.drivers)
        letters = self.settings.name_letters
        return {
            row["vehicle_id"]: plain_name(f"#{row['car_number']}", letters)
            + (f" ({plain_name(row['vehicle_id'], letters)})" if numbers[row["car_number"]] > 1 else "")
            for row in self.drivers
        }

    @cached_property
    def full_labels(self) -> dict[str, str]:
        """`#13 Owen Castellane` where a name is known that says more than the number."""
        names = {row["vehicle_id"]: self._name(row) for row in self.drivers}
        return {vehicle: f"{label} {names[vehicle]}".rstrip() for vehicle, label in self.labels.items()}

    def _name(self, driver: Row) -> str:
        name = plain_name(driver["driver_name"] or "", self.settings.name_letters)
        return "" if name.casefold() == f"driver {driver['car_number']}".casefold() else name

    @cached_property
    def names(self) -> frozenset[str]:
        """Words of names that no text may write itself; ordinary words are no names."""
        session = self.tables.session
        texts = [row[column] or "" for row in self.drivers for column in ("driver_name", "team")]
        words = re.findall(r"[a-z]{3,}", " ".join([*texts, session["circuit_name"], session["circuit"]]).lower())
        return frozenset(words) - lexicon.known_words()

    @cached_property
    def corners(self) -> dict[int, str]:
        """`T5`, with its name where it has one."""
        letters = self.settings.name_letters
        return {
            row["corner_index"]: plain_name(
                f"{row['corner']} ({row['name']})" if row["name"] else row["corner"], letters
            )
            for row in self.tables.rows["corners"]
        }

    @cached_property
    def corner_sectors(self) -> dict[int, int]:
        """The sector in which a corner ends, by its index."""
        ends = [row for row in self.tables.rows["segments"] if row["corner_index"] and row["phase"] != "straight"]
        return {row["corner_index"]: row["sector"] for row in ends}

    @cached_property
    def traced_pairs(self) -> dict[frozenset[str], frozenset[int]]:
        """Pairs whose compared laps have traces, and the sectors with a corner that they can be compared in."""
        indices = {row["corner"]: row["corner_index"] for row in self.tables.rows["corners"]}
        sectors: dict[frozenset[str], set[int]] = {}
        for line in self.tables.rows["comparison_lines"]:
            if line["level"] == "corner" and line["gap_ms"] is not None and line["name"] in indices:
                sector = self.corner_sectors.get(indices[line["name"]])
                pair = frozenset((line["vehicle_a"], line["vehicle_b"]))
                sectors.setdefault(pair, set()).update({sector} if sector else ())
        return {pair: frozenset(known) for pair, known in sectors.items()}

    def reference_car(self, vehicle: str, sector: int) -> str | None:
        """The car whose lap is the driver's class best reference, where both have a trace in that sector, and that lap
        is quicker there than the driver ever was, by what is worth a look."""
        sources = [row for row in self.tables.of("reference_sources", vehicle) if row["reference"] == "class_best"]
        if not sources:
            return None
        car, number, column = sources[0]["source_vehicle_id"], sources[0]["lap_number"], f"sector_{sector}_ms"
        theirs = next((lap[column] for lap in self.clean_laps.get(car, ()) if lap["lap_number"] == number), math.inf)
        own = min((lap[column] for lap in self.clean_laps.get(vehicle, ())), default=0)
        is_traced = sector in self.traced_pairs.get(frozenset((vehicle, car)), ())
        return car if is_traced and own - theirs >= self.settings.worth_ms else None

    def has_reference(self, vehicle: str, reference: str) -> bool:
        """Whether the driver's page can draw that reference."""
        rows = self.tables.of("reference_laps", vehicle)
        return any(row["reference"] == reference and row["lap_time_ms"] is not None for row in rows)

    @cached_property
    def clean_laps(self) -> dict[str, list[Row]]:
        """Each driver's clean laps in lap order."""
        laps: dict[str, list[Row]] = {row["vehicle_id"]: [] for row in self.drivers}
        for lap in self.tables.rows["laps"]:
            if lap["is_clean"]:
                laps.setdefault(lap["vehicle_id"], []).append(lap)
        return laps

    @cached_property
    def best_places(self) -> dict[str, Place]:
        """By best valid lap, in the class."""
        return self._class_places("best_lap_ms")

    @cached_property
    def sector_places(self) -> dict[int, dict[str, Place]]:
        """By best clean time of each sector, in the class."""
        return {sector: self._class_places(f"best_sector_{sector}_ms") for sector in SECTORS}

    @cached_property
    def ranks(self) -> dict[tuple[str, str], Row]:
        """Rows of rankings by category and vehicle."""
        return {(row["category"], row["vehicle_id"]): row for row in self.tables.rows["rankings"]}

    @cached_property
    def _gaps_ahead(self) -> dict[str, tuple[float, ...]]:
        laps = pd.DataFrame(self.tables.rows["laps"], columns=["vehicle_id", "lap_number", "is_pit_in", *_TIMES])
        gaps = sector_gaps_ahead(laps) if len(laps) else ()
        return {lap_key(lap): tuple(row) for lap, row in zip(self.tables.rows["laps"], gaps, strict=True)}

    def gap_ahead(self, vehicle: str, lap: int, sector: int) -> float:
        """Least time (ms) to the car ahead at the lines that bound the sector; NaN where none is known."""
        return float(self._gaps_ahead[f"{vehicle}/{lap}"][sector - 1])

    def is_free(self, lap: Row, sector: int) -> bool:
        """Whether no car was near ahead in the sector."""
        return not self.gap_ahead(lap["vehicle_id"], lap["lap_number"], sector) <= self.settings.near_gap_ms

    def free_laps(self, vehicle: str, sector: int) -> list[Row]:
        """The driver's clean laps with no car near ahead in the sector."""
        return [lap for lap in self.clean_laps.get(vehicle, ()) if self.is_free(lap, sector)]

    @cached_property
    def sector_spreads(self) -> dict[int, dict[str, tuple[float, int]]]:
        """Robust sd of each sector over clean laps with no car near ahead, and how many, of drivers with enough."""
        spreads: dict[int, dict[str, tuple[float, int]]] = {sector: {} for sector in SECTORS}
        for vehicle in self.clean_laps:
            for sector in SECTORS:
                times = [lap[f"sector_{sector}_ms"] for lap in self.free_laps(vehicle, sector)]
                if len(times) >= self.settings.spread_laps:
                    spreads[sector][vehicle] = robust_spread(times), len(times)
        return spreads

    @cached_property
    def pace_changes(self) -> dict[str, PaceChange]:
        """Of drivers with enough clean laps in either half of their race."""
        changes = {vehicle: pace_change(laps, self.settings) for vehicle, laps in self.clean_laps.items()}
        return {vehicle: change for vehicle, change in changes.items() if change is not None}

    @cached_property
    def whole_changes(self) -> dict[str, PaceChange]:
        """The same of drivers whose race went to its closing part; who stopped early has no closing part of it."""
        least = self.settings.short_race_share * max((row["laps"] for row in self.drivers), default=0)
        whole = {row["vehicle_id"] for row in self.drivers if row["laps"] >= least}
        return {vehicle: change for vehicle, change in self.pace_changes.items() if vehicle in whole}

    @cached_property
    def field_change_ms(self) -> float | None:
        """Median over the drivers of whole_changes."""
        changes = [change.change_ms for change in self.whole_changes.values()]
        return median(changes) if len(changes) >= self.settings.ranked_drivers else None

    def vehicle_class(self, vehicle: str) -> str:
        return str(self.tables.row_of("drivers", vehicle).get("vehicle_class") or "")

    def _class_places(self, column: str) -> dict[str, Place]:
        values: dict[str, list[tuple[float, str]]] = {}
        for row in self.tables.rows["lap_statistics"]:
            if row[column] is not None:
                group = values.setdefault(self.vehicle_class(row["vehicle_id"]), [])
                group.append((row[column], row["vehicle_id"]))
        places = {}
        for group in values.values():
            ordered = sorted(group)
            times = [value for value, _ in ordered]
            quarter = times[math.ceil(len(times) * self.settings.top_share) - 1]
            middle = times[math.ceil(len(times) / 2) - 1]
            for value, vehicle in ordered:
                places[vehicle] = Place(
                    place=times.index(value) + 1,
                    of=len(times),
                    best=times[0],
                    best_vehicle=ordered[0][1],
                    quarter=quarter,
                    middle=middle,
                )
        return places


def pace_change(laps: Sequence[Row], settings: NarrativeSettings, *, column: str = "lap_time_ms") -> PaceChange | None:
    """The closing half of the clean laps beside the opening half; None where a half has too few laps."""
    half = len(laps) // 2
    if half < settings.stint_laps:
        return None
    opening, closing = ([lap[column] for lap in part] for part in (laps[:half], laps[-half:]))
    return PaceChange(
        opening_ms=median(opening),
        closing_ms=median(closing),
        floor_ms=sure_difference(opening, closing, settings),
        laps=2 * half,
    )


def sure_difference(a: Sequence[float], b: Sequence[float], settings: NarrativeSettings) -> float:
    """From which difference on (ms) the medians of two samples are surely apart by something worth telling."""
    return surely_apart(a, b, least=settings.worth_ms, errors=settings.sure_errors)


def near_best(laps: Iterable[Row], settings: NarrativeSettings) -> tuple[int, int]:
    """How many of the laps are within reach of the best of them, and how many they are."""
    times = [lap["lap_time_ms"] for lap in laps]
    limit = min(times, default=0) * (1 + settings.near_best_share)
    return sum(time <= limit for time in times), len(times)


def lap_key(lap: Mapping[str, object]) -> str:
    return f"{lap['vehicle_id']}/{lap['lap_number']}"
