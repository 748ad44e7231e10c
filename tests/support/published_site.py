"""Two published sessions with hostile names, and the season above them: what the server's tests serve."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path
from unittest import mock

from grx_pipeline.paths import Paths
from grx_pipeline.reports import steps as report_steps
from grx_pipeline.reports.steps import build_reports, build_season
from grx_pipeline.settings import Settings
from grx_pipeline.storage.steps import StepContext
from support.report_session import NAMES, TRACED, session_tables, write_session

LATEST, EARLIER = "barber-2025-r2", "barber-2025-r1"


class _Manifest:
    missing_kinds = ("weather",)


def publish_sessions(scratch: Path) -> Path:
    """Publish race 2 and then race 1, so that the latest race is not the latest build; returns the reports folder."""
    settings = Settings(data_dir=scratch / "data", reports_dir=scratch / "reports")
    for session, race in ((LATEST, 2), (EARLIER, 1)):
        publish_session(settings, session, race=race)
    build_season(Paths.of(settings), settings)
    return settings.reports_dir


def publish_session(settings: Settings, session: str, *, race: int, team: str | None = None) -> None:
    """Publish one session; another `team` makes another build of it."""
    context = StepContext(session=session, paths=Paths.of(settings), settings=settings, progress=lambda _: None)
    tables = session_tables()
    tables["sessions"][0] |= {"session_id": session, "race": race}
    tables["drivers"][0]["team"] = team
    tables["comparisons"] = [
        {"vehicle_a": a, "vehicle_b": b, "gap_ms": 70}
        | dict.fromkeys(("best_a", "best_b", "lap_a", "lap_b"), TRACED[0])
        for a, b in combinations(NAMES, 2)
    ]
    write_session(context, tables)
    with mock.patch.object(report_steps, "read_manifest", lambda _: _Manifest()):
        build_reports(replace(context, settings=settings))
