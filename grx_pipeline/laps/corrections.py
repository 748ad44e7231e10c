"""What the team corrects, as cars of the session: names and ids of session.toml in, cars and laps out.

Every entry has to be of one car, of a lap it drove, of a logger that is there, and of nothing that another entry is
about; else it is an error with its line, since it would be lost without a word.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.session_check import no_such_cars, no_such_lap


@dataclass(frozen=True, kw_only=True)
class TeamWord:
    """What the team says of cars, each a number counted from 0: names, excluded cars and laps, and whose loggers.

    A logger of None is nobody's. Laps are (car, lap number).
    """

    names: Mapping[int, str] = field(default_factory=dict)
    cars: frozenset[int] = frozenset()
    laps: frozenset[tuple[int, int]] = frozenset()
    loggers: Mapping[str, int | None] = field(default_factory=dict)


def team_word(corrections: pd.DataFrame, cars: pd.DataFrame, laps: pd.DataFrame, loggers: Iterable[str]) -> TeamWord:
    """The rows of the table `corrections` against the session.

    `cars` has car, car_number and driver_id, `laps` car and lap_number of the timing, `loggers` are all ids of the
    lap and telemetry files.
    """
    rows = corrections.astype(object).where(corrections.notna(), None)
    entries = [dict(zip(rows.columns, row, strict=True)) for row in rows.itertuples(index=False)]
    of_car = _Cars(cars)
    of_car.check(entries)
    excluded = [entry for entry in entries if entry["kind"] == "excluded_car"]
    return TeamWord(
        names=_names(entries, of_car),
        cars=frozenset(_once(((of_car.one(entry), entry) for entry in excluded), what="exclude the same car")),
        laps=_excluded_laps(entries, of_car, laps),
        loggers=_loggers(entries, of_car, set(loggers)),
    )


class _Cars:
    """Finds cars by number or driver id."""

    def __init__(self, cars: pd.DataFrame) -> None:
        self._ids: dict[str, int] = dict(zip(cars["driver_id"], cars["car"], strict=True))
        self._numbers: dict[str, list[int]] = {str(n): rows["car"].to_list() for n, rows in cars.groupby("car_number")}

    def check(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Raises InputError that lists every name of no car."""
        wrong = {entry["car"]: entry["line"] for entry in entries if entry["car"] is not None and not self.all(entry)}
        if wrong:
            shared = {number for number, cars in self._numbers.items() if len(cars) > 1}
            ids = {name for name, car in self._ids.items() if any(car in self._numbers[number] for number in shared)}
            raise InputError(no_such_cars(wrong, {*self._numbers, *ids}))

    def all(self, entry: Mapping[str, Any]) -> list[int]:
        name = entry["car"]
        return [int(self._ids[name])] if name in self._ids else [int(car) for car in self._numbers.get(name, [])]

    def one(self, entry: Mapping[str, Any]) -> int:
        """The one car of an entry. Raises InputError where its number stands for several."""
        cars = self.all(entry)
        if len(cars) > 1:
            ids = " or ".join(sorted(name for name, car in self._ids.items() if car in cars))
            raise InputError(
                f"session.toml line {entry['line']}: number {entry['car']} stands for {len(cars)} cars; name {ids}"
            )
        return cars[0]


def _names(entries: Iterable[Mapping[str, Any]], of_car: _Cars) -> dict[int, str]:
    """A name given by driver id stands before one given by a number that stands for several cars."""
    named = [(of_car.all(entry), entry) for entry in entries if entry["kind"] == "driver"]
    single = ((cars[0], entry) for cars, entry in named if len(cars) == 1)
    own = {car: entry["driver_name"] for car, entry in _once(single, what="name the same driver").items()}
    return {car: str(entry["driver_name"]) for cars, entry in named for car in cars} | own


def _excluded_laps(
    entries: Iterable[Mapping[str, Any]], of_car: _Cars, laps: pd.DataFrame
) -> frozenset[tuple[int, int]]:
    whole = {of_car.one(entry): entry for entry in entries if entry["kind"] == "excluded_car"}
    driven = laps.groupby("car")["lap_number"].apply(set).to_dict()
    found = []
    for entry in entries:
        if entry["kind"] != "excluded_lap":
            continue
        car, lap = of_car.one(entry), int(entry["lap_number"])
        if lap not in driven.get(car, ()):
            raise InputError(no_such_lap(entry["line"], entry["car"], lap, driven.get(car, ())))
        if car in whole:
            raise InputError(
                f"session.toml lines {whole[car]['line']} and {entry['line']}: car {entry['car']} is excluded whole, so"
                f" its lap {lap} cannot be excluded too; leave one of them"
            )
        found.append(((car, lap), entry))
    return frozenset(_once(found, what="exclude the same lap"))


def _loggers(entries: Iterable[Mapping[str, Any]], of_car: _Cars, loggers: set[str]) -> dict[str, int | None]:
    given = [entry for entry in entries if entry["kind"] == "logger"]
    for entry in given:
        if entry["logger_id"] not in loggers:
            raise InputError(
                f"session.toml line {entry['line']}: no logger {entry['logger_id']}; loggers of this session are"
                f" {', '.join(sorted(loggers)) or 'none'}"
            )
    cars = {entry["logger_id"]: None if entry["car"] is None else of_car.one(entry) for entry in given}
    _once(
        ((cars[entry["logger_id"]], entry) for entry in given if entry["car"] is not None),
        what="put a logger into the same car",
    )
    return cars


def _once(pairs: Iterable[tuple[Any, Mapping[str, Any]]], *, what: str) -> dict[Any, Mapping[str, Any]]:
    """Entries by what they are about. Raises InputError where two are about the same."""
    found: dict[Any, Mapping[str, Any]] = {}
    for key, entry in pairs:
        if key in found:
            raise InputError(f"session.toml lines {found[key]['line']} and {entry['line']} {what}; leave one of them")
        found[key] = entry
    return found
