"""The published sessions as the season page lists them: read back from their own JSON, never from the lake."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grx_pipeline.paths import Paths
from grx_pipeline.reports.publish import MANIFEST
from grx_pipeline.reports.records import SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True)
class SeasonFacts:
    """One line of the season page. The best lap's car is its NUMBER; the winner is the car in position 1."""

    circuit_name: str
    is_simulated: bool
    race: int
    race_date: str
    cars: int
    laps: int
    clean_laps: int
    telemetry_laps: int
    best_lap_ms: int | None
    best_lap_car: str | None
    winner_car: str | None
    winner_name: str | None
    neutralisations: int


@dataclass(frozen=True, kw_only=True)
class SeasonSession:
    """A published session; `facts` is None where its files are of another version of the contract."""

    session: str
    facts: SeasonFacts | None


def published_sessions(paths: Paths) -> list[SeasonSession]:
    """Every session with a published site: by date, then race, then name; those without facts last."""
    folders = paths.reports.iterdir() if paths.reports.is_dir() else ()
    names = (folder.name for folder in folders if folder.is_symlink() and (folder / MANIFEST).is_file())
    sessions = [SeasonSession(session=name, facts=_facts(paths.published(name))) for name in names]
    return sorted(sessions, key=_season_order)


def _season_order(entry: SeasonSession) -> tuple[bool, str, int, str]:
    facts = entry.facts
    return facts is None, facts.race_date if facts else "", facts.race if facts else 0, entry.session


def _facts(site: Path) -> SeasonFacts | None:
    try:
        document = json.loads((site / "api/fleet/summary.json").read_bytes())
    except (OSError, ValueError):
        return None
    return _summary_facts(document["data"]) if document.get("schema_version") == SCHEMA_VERSION else None


def _summary_facts(summary: dict[str, Any]) -> SeasonFacts:
    cars: list[dict[str, Any]] = summary["classification"]
    best = min((car for car in cars if car["best_lap_ms"] is not None), key=lambda car: car["best_lap_ms"], default={})
    winner = next((car for car in cars if car["position"] == 1), {})
    return SeasonFacts(
        circuit_name=summary["session"]["circuit_name"],
        is_simulated=summary["session"]["is_simulated"],
        race=summary["session"]["race"],
        race_date=summary["session"]["race_date"],
        cars=len(cars),
        laps=sum(car["laps"] for car in cars),
        clean_laps=sum(car["clean_laps"] for car in cars),
        telemetry_laps=sum(car["telemetry_laps"] for car in cars),
        best_lap_ms=best.get("best_lap_ms"),
        best_lap_car=best.get("car_number"),
        winner_car=winner.get("car_number"),
        winner_name=winner.get("driver_name"),
        neutralisations=len(summary["neutralisations"]),
    )
