"""The front page and the season's tables over whole runs: a failed one says so; which was the last does not matter."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from support.raw_session import write_session

from grx_pipeline.benchmarks.backfill import copy_of
from grx_pipeline.forks import beside
from grx_pipeline.ingest.catalogue import find_sessions
from grx_pipeline.paths import Paths
from grx_pipeline.reports.json_schema import file_schema
from grx_pipeline.reports.site_records import Season as SeasonRecord
from grx_pipeline.runner import SessionRun, run_session
from grx_pipeline.schemas import SEASON_TABLES, TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import read_table

SESSION, COPY = "barber-2025-r1", "barber-1925-r1"


@dataclass(frozen=True, kw_only=True)
class Season:
    """A race in the raw formats, run once, and where everything stands."""

    raw: Path
    settings: Settings

    @property
    def paths(self) -> Paths:
        return Paths.of(self.settings)

    def run(
        self, *, copy: int = 0, force: bool = False, progress: Callable[[str], None] = lambda _: None
    ) -> SessionRun:
        """Look at the raw files as they are and bring the session, or a copy of it, up to date."""
        (manifest,) = find_sessions([str(self.raw)], self.paths).sessions
        found = copy_of(manifest, copy)
        return run_session(found.session, settings=self.settings, progress=progress, force=force, manifest=found)

    def index(self) -> str:
        return self.paths.season_page().read_text(encoding="utf-8")

    def entry(self, session: str = SESSION) -> dict[str, Any]:
        sessions = self.data()["sessions"]
        return next(entry for entry in sessions if entry["session"] == session)

    def data(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.paths.reports / "api/sessions.json").read_bytes())["data"]
        return document


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Season]:
    folder = tmp_path_factory.mktemp("season")
    settings = Settings(data_dir=folder / "data", reports_dir=folder / "reports")
    built = Season(raw=folder / "barber" / "race1", settings=settings)
    write_session(built.raw)
    assert built.run().status == "built"
    return built


def test_a_session_with_a_broken_timing_file_keeps_its_report_and_says_so(season: Season) -> None:
    file = next(season.raw.glob("23_*"))
    content, before, build = file.read_bytes(), season.index(), season.paths.published(SESSION).readlink()
    file.write_bytes(content.replace(b"LAP_TIME;", b"LAP_TIMES;"))
    assert season.run().status == "failed"
    assert season.paths.published(SESSION).readlink() == build
    said = season.entry()["last_run"]
    assert said["outcome"] == "failed"
    assert said["sentences"][0].startswith("The last run on ")
    assert f" UTC failed: raw_timing: {file.name}: no column LAP_TIME" in said["sentences"][0]
    assert said["sentences"][-1] == "What is shown is the report of an earlier run."
    assert f"<strong>Failed.</strong> {said['sentences'][0][:30]}" in season.index()
    assert str(season.raw.parent.parent) not in season.index()
    file.write_bytes(content)
    assert season.run().error is None
    assert season.entry()["last_run"] is None
    assert season.index() == before


def test_the_season_does_not_depend_on_which_session_ran_last(season: Season) -> None:
    assert season.run(copy=1).status == "built"
    files = (season.paths.season_page(), *(season.paths.season_table(name) for name in SEASON_TABLES))
    before, data = [file.read_bytes() for file in files], season.data()
    season.paths.step_record(SESSION, "out_reports").unlink()
    assert season.run().status == "built"
    assert [file.read_bytes() for file in files] == before
    assert season.data() == data
    trends = read_table(season.paths.season_table("driver_trends")).to_pylist()
    assert [row["session"] for row in trends] == sorted([SESSION, COPY] * (len(trends) // 2))
    season_file = json.loads((season.paths.reports / "api/season.json").read_bytes())
    jsonschema.Draft202012Validator(file_schema(SeasonRecord)).validate(season_file)
    shown = [{name: row[name] for name in trends[0]} for row in season_file["data"]["drivers"]]
    assert sorted(shown, key=lambda row: (row["session"], row["vehicle_id"])) == sorted(
        trends, key=lambda row: (row["session"], row["vehicle_id"])
    )
    best = {row["vehicle_id"]: row["best_clean_ms"] for row in trends}
    with duckdb.connect(str(season.paths.season_database()), read_only=True) as connection:
        names = {
            row[0] for row in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        }
        counts = dict(connection.execute("SELECT session, count(*) FROM laps GROUP BY session").fetchall())
        lake = dict(
            connection.execute(f"SELECT vehicle_id, best_lap_ms FROM siwtl WHERE session = '{COPY}'").fetchall()
        )
    assert names == {*TABLES, *SEASON_TABLES}
    assert set(counts) == {SESSION, COPY}
    assert counts[SESSION] == counts[COPY] == read_table(season.paths.table(SESSION, "laps")).num_rows
    assert lake == best


def test_two_sessions_that_run_at_once_end_as_one_after_the_other(season: Season) -> None:
    season.run(copy=1)
    sites = [season.paths.published(session) for session in (SESSION, COPY)]
    before = season.index(), season.data(), [site.readlink() for site in sites]
    barrier = multiprocessing.get_context("fork").Barrier(2, timeout=120)

    def run(copy: int) -> SessionRun:
        meetings = [barrier.wait]

        def meet(_: str) -> None:
            if meetings:
                meetings.pop()()

        return season.run(copy=copy, force=True, progress=meet)

    with beside(lambda: run(1), processors=2) as other:
        runs = run(0), other()
    assert [(one.session, one.status, one.error) for one in runs] == [(SESSION, "built", None), (COPY, "built", None)]
    assert (season.index(), season.data(), [site.readlink() for site in sites]) == before
    assert [season.run(copy=copy).status for copy in (0, 1)] == ["unchanged", "unchanged"]


def test_a_clock_that_was_set_back_keeps_nothing_from_being_made_and_shown(
    season: Season, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = next(season.raw.glob("26_*"))
    content, site = file.read_bytes(), season.paths.published(SESSION)
    build, early = site.readlink(), "2001-09-09T01:46:40Z"
    monkeypatch.setattr("grx_pipeline.reports.steps.clock_now", lambda: early)
    monkeypatch.setattr("grx_pipeline.storage.last_run._now", lambda: early)
    file.write_bytes(content.rstrip().rpartition(b"\n")[0] + b"\n")
    os.utime(file, (1e9, 1e9))
    assert season.run().reason == f"raw_weather: changed: weather file {file.name}"
    assert site.readlink() != build
    assert json.loads((site / "manifest.json").read_bytes())["published_at"] == early
    assert season.entry()["last_run"] is None
    assert season.run().status == "unchanged"
    file.write_bytes(content)
    assert season.run().status == "built"
