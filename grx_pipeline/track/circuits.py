"""The circuits the pipeline knows: name, time zone, length and sectors, one TOML file each in tables/.

A circuit without a file works too: its session then has no length and takes its time zone from the crossings.
"""

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """A circuit. `length_m` and `sectors_m` (m, from start/finish) are the official map's."""

    slug: str
    name: str
    aliases: tuple[str, ...]
    time_zone: str | None
    length_m: float | None
    sectors_m: tuple[float, ...]


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
