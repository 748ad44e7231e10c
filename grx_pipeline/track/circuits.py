"""The circuits the pipeline knows: name, time zone, length, sectors and corners, one TOML file each in tables/.

A circuit without a file works too: its session then has no length and takes its time zone from the crossings. A file
without corners has them detected.
"""

import functools
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from grx_pipeline.errors import ContractError


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A corner: its official number as T5 (of a complex as T7-T8) and its range in metres from start/finish.

    `end_m` is less than `start_m` where it runs over start/finish.
    """

    corner: str
    name: str | None
    direction: str
    start_m: float
    apex_m: float
    end_m: float

    def end_after_start_m(self, length_m: float) -> float:
        """The end as it comes up after the start, over the line if need be."""
        return self.end_m + (length_m if self.end_m < self.start_m else 0.0)


@dataclass(frozen=True, kw_only=True)
class CornerTable:
    """A circuit's corners as a person put them down. `is_verified`: each was checked against the official map."""

    version: int
    is_verified: bool
    corners: tuple[Corner, ...]


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A circuit. `length_m` and `sectors_m` (m, from start/finish) are the official map's."""

    slug: str
    name: str
    aliases: tuple[str, ...]
    time_zone: str | None
    length_m: float | None
    sectors_m: tuple[float, ...]
    corner_table: CornerTable | None = None


@functools.cache
def known_circuits() -> dict[str, Circuit]:
    """Every circuit of tables/, by slug."""
    folder = resources.files("grx_pipeline.track") / "tables"
    circuits = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            slug = file.name.removesuffix(".toml")
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            circuits[slug] = Circuit(
                slug=slug,
                name=table["name"],
                aliases=tuple(table["aliases"]),
                time_zone=table["time_zone"],
                length_m=table["length_m"],
                sectors_m=tuple(table["sectors_m"]),
                corner_table=_corner_table(slug, table) if "corner_table" in table else None,
            )
    return circuits


def circuit_of(slug: str) -> Circuit:
    """The circuit of that slug; an unknown one has only a name."""
    name = slug.replace("-", " ").title()
    unknown = Circuit(slug=slug, name=name, aliases=(), time_zone=None, length_m=None, sectors_m=())
    return known_circuits().get(slug, unknown)


def circuit_in(text: str) -> str | None:
    """The slug of the circuit that a file, folder or zip name speaks of, or None.

    An alias has to stand as words of its own: `R1_vir_lap_end.csv` is VIR, `environment` is not.
    """
    words = " " + re.sub(r"[^a-z0-9]+", " ", text.casefold()) + " "
    for slug, circuit in known_circuits().items():
        if any(f" {alias} " in words for alias in circuit.aliases):
            return slug
    return None


def _corner_table(slug: str, document: dict[str, Any]) -> CornerTable:
    table = document["corner_table"]
    corners = tuple(
        Corner(
            corner=row["number"],
            name=row.get("name"),
            direction=row["direction"],
            start_m=float(row["start_m"]),
            apex_m=float(row["apex_m"]),
            end_m=float(row["end_m"]),
        )
        for row in table["corners"]
    )
    problems = corner_problems(corners, document["length_m"])
    if problems:
        raise ContractError(f"corner table {slug}.toml: {'; '.join(problems)}")
    return CornerTable(version=table["version"], is_verified=table["verified"], corners=corners)


def corner_problems(corners: Sequence[Corner], length_m: float) -> list[str]:
    """In words, what makes these no corners of a lap of `length_m`; empty where nothing does."""
    problems = [
        f"{corner.corner} has to lie in 0 to {length_m:g} m, its apex between start and end, and turn left or right"
        for corner in corners
        if not all(0 <= place <= length_m for place in (corner.start_m, corner.apex_m, corner.end_m))
        or (corner.apex_m - corner.start_m) % length_m > (corner.end_m - corner.start_m) % length_m
        or corner.direction not in ("left", "right")
    ]
    numbers = [corner.corner for corner in corners]
    problems += [f"{number} is there twice" for number in sorted({n for n in numbers if numbers.count(n) > 1})]
    for corner, following in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        is_behind = following is not corners[0] and following.apex_m <= corner.apex_m
        room = (following.start_m - corner.start_m) % length_m
        if is_behind or (len(corners) > 1 and (corner.end_m - corner.start_m) % length_m > room):
            problems.append(f"{following.corner} has to begin where {corner.corner} ends, or later in the lap")
    return problems
