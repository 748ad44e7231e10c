"""The published records of a build, as lookups read them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grx_pipeline.publishing.service_records import Source
from grx_pipeline.serve.index import Build

SUMMARY = "api/fleet/summary.json"


@dataclass(frozen=True, kw_only=True)
class Found:
    """An answer, and the fields of published files that it rests on."""

    text: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, kw_only=True)
class Published:
    """What stands in a build about its session and cars."""

    build: Build
    summary: Mapping[str, Any]
    drivers: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, build: Build) -> "Published | None":
        """The records of a build; None where it has none."""
        summary, drivers = build.record(SUMMARY), build.record("api/drivers.json")
        if summary is None or drivers is None:
            return None
        return cls(build=build, summary=summary, drivers=tuple(drivers["drivers"]))

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
        return f"#{driver['car_number']}" + (f" ({driver['driver_name']})" if driver["driver_name"] else "")

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
