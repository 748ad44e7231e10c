"""The published sessions as the season page lists them: read back from their own JSON, never from the lake."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grx_pipeline.ingest.manifest import RAW_KINDS
from grx_pipeline.paths import Paths
from grx_pipeline.publishing.manifest import MANIFEST, SCHEMA_VERSION
from grx_pipeline.reports.formats import counted, listed
from grx_pipeline.reports.season_runs import run_remark
from grx_pipeline.reports.site_records import LastRunRemark
from grx_pipeline.schemas.columns import CATEGORIES
from grx_pipeline.sessions import is_session_id


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
    is_best_clean: bool
    winner_car: str | None
    winner_name: str | None
    neutralisations: int


@dataclass(frozen=True, kw_only=True)
class SeasonCar:
    """One car of one session, with the best clean lap of its class there, and its DPTAD score by category."""

    vehicle_id: str
    path: str
    car_number: str
    driver_name: str | None
    vehicle_class: str | None
    position: int | None
    laps: int
    clean_laps: int
    best_clean_ms: int | None
    siwtl_lap_ms: int | None
    consistency_score: float | None
    class_best_ms: int | None
    dptad: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class SeasonSession:
    """A session of the season; `facts` is None where its files are of another version of the contract, or missing.

    `problems` say in sentences what it lacks, `last_run` what there is to say of its last run; `is_published` is
    false where no run of it has come to an end.
    """

    session: str
    facts: SeasonFacts | None
    cars: tuple[SeasonCar, ...] = ()
    problems: tuple[str, ...] = ()
    last_run: LastRunRemark | None = None
    is_published: bool = True


def published_sessions(paths: Paths) -> list[SeasonSession]:
    """Every session: by date, then race, then name; those without facts last, not published ones among them."""
    names = published_names(paths)
    begun = begun_sessions(paths) - names
    sessions = [_session(name, paths) for name in names]
    sessions += [_unpublished(name, paths) for name in begun]
    return sorted(sessions, key=_season_order)


def published_names(paths: Paths) -> set[str]:
    """The sessions whose site stands."""
    folders = paths.reports.iterdir() if paths.reports.is_dir() else ()
    return {folder.name for folder in folders if is_session_id(folder.name) and (folder / MANIFEST).is_file()}


def begun_sessions(paths: Paths) -> set[str]:
    """The sessions that the lake knows, published or not."""
    return {manifest.parent.name for manifest in paths.lake.glob(f"*/{paths.manifest('').name}")}


def _unpublished(name: str, paths: Paths) -> SeasonSession:
    remark = run_remark(paths, name, is_published=False)
    problems = () if remark else ("It was begun, but no run of it has come to an end: run the session again.",)
    return SeasonSession(session=name, facts=None, problems=problems, last_run=remark, is_published=False)


def _season_order(entry: SeasonSession) -> tuple[bool, str, int, str]:
    facts = entry.facts
    return facts is None, facts.race_date if facts else "", facts.race if facts else 0, entry.session


def _session(name: str, paths: Paths) -> SeasonSession:
    site, remark = paths.published(name), run_remark(paths, name, is_published=True)
    summary = _data(site / "api/fleet/summary.json")
    if summary is None:
        problem = "Published by another version of the pipeline: run the session again to list its figures."
        return SeasonSession(session=name, facts=None, problems=(problem,), last_run=remark)
    return SeasonSession(
        session=name,
        facts=_facts(summary),
        cars=_cars(summary["classification"], _dptad(site, summary["classification"])),
        problems=_problems(summary),
        last_run=remark,
    )


def _data(file: Path) -> dict[str, Any] | None:
    """The data of a published file; None where there is none of this version of the contract."""
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return dict(document["data"]) if document.get("schema_version") == SCHEMA_VERSION else None


def _dptad(site: Path, cars: Sequence[Mapping[str, Any]]) -> list[Mapping[str, float | None]]:
    """Each car's scores by category, as its own file has them."""
    found = [_data(site / f"api/ml/dptad/analyze/{car['path']}.json") or {} for car in cars]
    return [{name: analysis.get("scores", {}).get(name) for name in CATEGORIES} for analysis in found]


def _cars(rows: Sequence[Mapping[str, Any]], dptad: Sequence[Mapping[str, float | None]]) -> tuple[SeasonCar, ...]:
    clean = [_best_clean(row) for row in rows]
    best: dict[str | None, int] = {}
    for row, time in zip(rows, clean, strict=True):
        if time is not None:
            best[row["vehicle_class"]] = min(best.get(row["vehicle_class"], time), time)
    names = [name for name in SeasonCar.__annotations__ if name not in ("best_clean_ms", "class_best_ms", "dptad")]
    return tuple(
        SeasonCar(
            **{name: row[name] for name in names},
            best_clean_ms=time,
            class_best_ms=best.get(row["vehicle_class"]),
            dptad=scores,
        )
        for row, time, scores in zip(rows, clean, dptad, strict=True)
    )


def _best_clean(row: Mapping[str, Any]) -> int | None:
    """The best clean lap of a car: its target and what there is to find."""
    target, gain = row["siwtl_lap_ms"], row["potential_gain_ms"]
    return None if target is None or gain is None else int(target + gain)


def _problems(summary: dict[str, Any]) -> tuple[str, ...]:
    """What a published session lacks, in sentences."""
    quality, cars = summary["data_quality"], summary["classification"]
    problems = []
    if quality["missing_files"]:
        kinds = listed([RAW_KINDS[kind].partition(" (")[0].partition(",")[0] for kind in quality["missing_files"]])
        problems.append(f"No file of {kinds}.")
    traced = sum(1 for car in cars if car["telemetry_laps"])
    if traced < len(cars):
        problems.append(f"{traced or 'None'} of {counted(len(cars), 'car')} with telemetry of a complete lap.")
    if quality["frozen_clocks"]:
        problems.append(f"{counted(len(quality['frozen_clocks']), 'logger')} with a clock that stood still.")
    return tuple(problems)


def _facts(summary: dict[str, Any]) -> SeasonFacts:
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
        is_best_clean=best.get("is_best_clean", True),
        winner_car=winner.get("car_number"),
        winner_name=winner.get("driver_name"),
        neutralisations=len(summary["neutralisations"]),
    )
