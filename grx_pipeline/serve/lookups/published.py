"""The published records of a build, as lookups read them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grx_pipeline.publishing.service_records import Source
from grx_pipeline.serve.index import Build
from grx_pipeline.settings import NarrativeSettings

_NUMBER = re.compile(r"#(\d{1,3})\b")
SUMMARY = "api/fleet/summary.json"


@dataclass(frozen=True, kw_only=True)
class Found:
    """An answer, and the fields of published files that it rests on."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, kw_only=True)
class Published:
    """What stands in a build about its session and cars; `worth` is how much a difference takes to be told."""

    build: Build
    worth: NarrativeSettings
    summary: Mapping[str, Any]
    drivers: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, build: Build, worth: NarrativeSettings) -> "Published | None":
        """The records of a build; None where it has none."""
        summary, drivers = build.record(SUMMARY), build.record("api/drivers.json")
        if summary is None or drivers is None:
            return None
        return cls(build=build, worth=worth, summary=summary, drivers=tuple(drivers["drivers"]))

    def record(self, kind: str, vehicle: str) -> tuple[str, Any]:
        """A car's file of a kind, such as laps, and its name; None in place of the file where there is none."""
        name = f"api/{kind}/{self.build.paths.get(vehicle, vehicle)}.json"
        return name, self.build.record(name)

    def driver(self, vehicle: str) -> Mapping[str, Any]:
        """What the timing knows of a car."""
        return next(driver for driver in self.drivers if driver["vehicle_id"] == vehicle)

    def label(self, vehicle: str) -> str:
        """A car as people say it: #13 (Anna Berg)."""
        driver = self.driver(vehicle)
        name = self.name(driver)
        return f"#{driver['car_number']}" + (f" ({name})" if name else "")

    @staticmethod
    def name(driver: Mapping[str, Any]) -> str | None:
        """The driver's name where the files have one that says more than the number."""
        name, number = driver["driver_name"], driver["car_number"]
        return None if not name or name.casefold() == f"driver {number}".casefold() else str(name)

    @staticmethod
    def team(driver: Mapping[str, Any]) -> str | None:
        """The team where the files have one that says more than the number."""
        team, number = driver["team"], driver["car_number"]
        return None if not team or team.casefold() == f"team {number}".casefold() else str(team)

    def first_car(self, text: str) -> str | None:
        """The car that a text names first, as #13."""
        match = _NUMBER.search(text)
        return next((d["vehicle_id"] for d in self.drivers if match and d["car_number"] == match.group(1)), None)

    def statistic(self, figure: str) -> Mapping[str, Any] | None:
        """A figure of the field, where it has a value."""
        rows = (row for row in self.summary["statistics"] if row["figure"] == figure and row["value"] is not None)
        return next(rows, None)

    def classified(self) -> list[Mapping[str, Any]]:
        """The cars with a position, in its order."""
        return sorted(
            (car for car in self.summary["classification"] if car["position"] is not None),
            key=lambda car: car["position"],
        )


def distance(car: Mapping[str, Any]) -> str:
    """How far behind the winner a car is in the timing: `+2.740 s`, `+1:48.578` or `6 laps`; empty where it is not."""
    text = str(car["gap_first"] or "").strip("-")
    if "lap" in text.casefold():
        return text.lower()
    return f"{text} s" if text and ":" not in text else text


def source(file: str, field: str, text: str) -> Source:
    """The field of a published file that an answer rests on."""
    return Source(fact_id=field, text=text, path=file)


def found(text: str, *sources: Source | Iterable[Source]) -> Found:
    """An answer with its sources."""
    flat = [s for given in sources for s in ([given] if isinstance(given, Source) else given)]
    return Found(text=text, sources=tuple(flat))
