"""The session of narrative_session.py as the pipeline publishes it, texts and all: what questions are put to."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

from grx_pipeline.narratives.steps import build_narratives
from grx_pipeline.paths import Paths
from grx_pipeline.reports import steps as report_steps
from grx_pipeline.reports.steps import build_reports, build_season
from grx_pipeline.serve.index import SiteIndex
from grx_pipeline.settings import LlmSettings, Settings
from grx_pipeline.storage.steps import StepContext
from support import narrative_session as made
from support.narrative_session import SESSION, Rows


@dataclass(frozen=True, kw_only=True)
class ChatSite:
    """The published site, and the rows of the tables that it was made from."""

    index: SiteIndex
    rows: Rows

    def of(self, table: str, vehicle: str) -> list[dict[str, Any]]:
        return [row for row in self.rows[table] if row["vehicle_id"] == vehicle]

    def row(self, table: str, vehicle: str) -> dict[str, Any]:
        return self.of(table, vehicle)[0]

    def clean(self, vehicle: str) -> list[dict[str, Any]]:
        return [lap for lap in self.of("laps", vehicle) if lap["is_clean"]]

    def line(self, a: str, b: str, name: str) -> float:
        """Time of b - time of a in a sector or a corner, on the laps compared."""
        rows = self.rows["comparison_lines"]
        return next(r["gap_ms"] for r in rows if (r["vehicle_a"], r["vehicle_b"], r["name"]) == (a, b, name))


class _Manifest:
    missing_kinds = ()


def publish_chat_site(scratch: Path) -> ChatSite:
    """Publish the session with its texts by the rules."""
    rules = replace(LlmSettings(), mode="rules")
    settings = replace(Settings(data_dir=scratch / "data", reports_dir=scratch / "reports"), llm=rules)
    context = StepContext(session=SESSION, paths=Paths.of(settings), settings=settings, progress=lambda _: None)
    rows = _rows()
    made.write_session(context.paths, rows)
    build_narratives(context)
    with mock.patch.object(report_steps, "read_manifest", lambda _: _Manifest()):
        build_reports(context)
    build_season(context.paths, settings)
    return ChatSite(index=SiteIndex(settings.reports_dir, on_change=lambda _: None), rows=rows)


def _rows() -> Rows:
    """The session's rows, with what the texts do not need and questions do: gaps, top speeds, bests of sectors."""
    rows = made.session_rows()
    rows["sessions"][0] |= {"year": "2025", "race_date": "2025-09-06", "length_m": 3674.7, "is_simulated": False}
    first = rows["drivers"][0]["total_time_ms"]
    for driver in rows["drivers"]:
        behind = (driver["total_time_ms"] - first) / 1000
        driver |= {"status": "Classified", "gap_first": f"+{behind:.3f}" if behind else "-"}
    for lap in rows["laps"]:
        lap |= {"top_speed_kmh": 200.0 + lap["lap_number"] + made.CARS.index(lap["vehicle_id"]) / 2, "is_pit_in": False}
    best_laps = {row["vehicle_id"]: row.get("best_lap_number") for row in rows["siwtl"]}
    for pair in rows["comparisons"]:
        a, b = best_laps[pair["vehicle_a"]], best_laps[pair["vehicle_b"]]
        pair |= {"best_a": a, "best_b": b, "lap_a": a, "lap_b": b}
    clean = [lap for lap in rows["laps"] if lap["is_clean"]]
    best = [_statistic(clean, f"sector_{n}_ms", f"best_sector_{n}_ms") for n in (1, 2, 3)]
    numbers = {row["vehicle_id"]: row["best_lap_number"] for row in rows["lap_statistics"]}
    fastest = next(row for row in rows["fleet_statistics"] if row["figure"] == "best_lap_ms")
    fastest["lap_number"] = numbers[fastest["vehicle_id"]]
    counts = {"cars": len(rows["drivers"]), "laps": len(rows["laps"]), "clean_laps": len(clean)}
    rows["fleet_statistics"] += [*best, *({"figure": name, "value": float(value)} for name, value in counts.items())]
    return rows


def _statistic(laps: Iterable[dict[str, Any]], column: str, figure: str) -> dict[str, Any]:
    lap = min(laps, key=lambda lap: (lap[column], lap["vehicle_id"], lap["lap_number"]))
    where = {"vehicle_id": lap["vehicle_id"], "lap_number": lap["lap_number"]}
    return {"figure": figure, "value": float(lap[column])} | where
