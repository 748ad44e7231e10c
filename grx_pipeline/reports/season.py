"""The published sessions as the season page lists them: read back from their own JSON, never from the lake."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grx_pipeline.ingest.manifest import RAW_KINDS
from grx_pipeline.ingest.remarks import NO_TELEMETRY, NO_WEATHER, stopped_clocks
from grx_pipeline.paths import Paths
from grx_pipeline.publishing.manifest import MANIFEST, SCHEMA_VERSION
from grx_pipeline.reports.formats import counted, listed
from grx_pipeline.reports.precision import rounded
from grx_pipeline.reports.season_runs import run_remark
from grx_pipeline.reports.site_records import DriverTrend, LastRunRemark
from grx_pipeline.schemas.columns import CATEGORIES
from grx_pipeline.sessions import is_session_id

_WITH_CHASSIS = re.compile(r"([^-]+-\d+)-[^-]+")
# Fields of the classification that a driver has as they are.
_OF_CAR = (
    *("vehicle_id", "path", "car_number", "driver_name", "vehicle_class", "position", "laps", "clean_laps"),
    *("siwtl_lap_ms", "consistency_score"),
)


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
class SeasonSession:
    """A session of the season; `facts` is None where its files are of another version of the contract, or missing.

    `problems` say in sentences what it lacks, `last_run` what there is to say of its last run; `is_published` is
    false where no run of it has come to an end.
    """

    session: str
    facts: SeasonFacts | None
    drivers: tuple[DriverTrend, ...] = ()
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
        drivers=_drivers(name, summary, _dptad(site, summary["classification"])),
        problems=_problems(summary),
        last_run=remark and _without(remark, _told_of_files(summary["data_quality"])),
    )


def _without(remark: LastRunRemark, told: Sequence[str]) -> LastRunRemark | None:
    """The remark without sentences that the session's problems say already; None where nothing is left of it."""
    sentences = remark.sentences
    for sentence in told:
        sentences = tuple(filter(None, (text.replace(sentence, "").strip() for text in sentences)))
    return replace(remark, sentences=sentences) if sentences else None


def _told_of_files(quality: Mapping[str, Any]) -> tuple[str, ...]:
    """What checks say of files that are not there and of clocks that stood still."""
    missing, frozen = quality["missing_files"], quality["frozen_clocks"]
    told = (("telemetry" in missing, NO_TELEMETRY), ("weather" in missing, NO_WEATHER))
    return (*(text for is_said, text in told if is_said), *([stopped_clocks(sorted(frozen))] if frozen else ()))


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


def _drivers(
    name: str, summary: Mapping[str, Any], dptad: Sequence[Mapping[str, float | None]]
) -> tuple[DriverTrend, ...]:
    """The drivers of a session, as their own files name them."""
    session, cars = summary["session"], summary["classification"]
    clean = [_best_clean(car) for car in cars]
    best: dict[str | None, int] = {}
    for car, time in zip(cars, clean, strict=True):
        if time is not None:
            best[car["vehicle_class"]] = min(best.get(car["vehicle_class"], time), time)
    return tuple(
        DriverTrend(
            session=name,
            **{name: session[name] for name in ("race_date", "race", "circuit_name", "is_simulated")},
            **{name: car[name] for name in _OF_CAR},
            chassis=_chassis(car["vehicle_id"]),
            best_clean_ms=time,
            class_best_ms=best.get(car["vehicle_class"]),
            best_pct=_percent_over(time, best.get(car["vehicle_class"])),
            target_pct=_percent_over(
                car["siwtl_lap_ms"] if car["clean_laps"] > 1 else None, best.get(car["vehicle_class"])
            ),
            dptad_brake=scores["brake"],
            dptad_throttle=scores["throttle"],
            dptad_steering=scores["steering"],
            dptad_speed=scores["speed"],
        )
        for car, time, scores in zip(cars, clean, dptad, strict=True)
    )


def _chassis(vehicle_id: str) -> str | None:
    """`GR86-037` of `GR86-037-3`, which stays where the number behind it changes."""
    match = _WITH_CHASSIS.fullmatch(vehicle_id)
    return match and match.group(1)


def _percent_over(time_ms: int | None, best_ms: int | None) -> float | None:
    return None if time_ms is None or best_ms is None else rounded(100 * (time_ms / best_ms - 1), "% of a time")


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
        problems.append(stopped_clocks(sorted(quality["frozen_clocks"])))
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
