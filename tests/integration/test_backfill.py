"""Many sessions at once: by worker processes that may fail, die or be stopped, and over a dask cluster."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dagster as dg
import distributed
import pytest
from support.backfill_chain import BROKEN, GOOD, KILLED, SLOW, run_all, use_in_workers
from support.fake_chain import fake_settings

from grx_pipeline.backfill.cluster import run_cluster
from grx_pipeline.backfill.job import Outcome, death_text, shared_settings
from grx_pipeline.benchmarks.backfill import content_digest
from grx_pipeline.errors import InputError
from grx_pipeline.instance import open_instance
from grx_pipeline.paths import Paths
from grx_pipeline.reports.publish import publish
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.locks import lock_holder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    use_in_workers(tmp_path, monkeypatch)
    return fake_settings(tmp_path)


def _runs(settings: Settings) -> dict[str, dg.DagsterRunStatus]:
    with open_instance(Paths.of(settings)) as instance:
        return {run.tags["dagster/partition"]: run.status for run in instance.get_runs()}


def _unfinished(settings: Settings) -> dict[str, dict[str, Any]]:
    sessions = json.loads((Paths.of(settings).reports / "api/sessions.json").read_bytes())["data"]
    return {entry["session"]: entry["last_run"] for entry in sessions["unfinished"]}


def _wait_for(file: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not (file.is_file() and file.read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sessions_that_fail_or_take_their_worker_along_are_told_and_stop_no_other(settings: Settings) -> None:
    killed, good, broken = run_all(settings, KILLED, GOOD[0], BROKEN)
    assert good.status == "built"
    assert good.peak_mib is not None
    assert good.peak_mib > 20
    assert killed.status == "failed"
    assert "ended by SIGKILL" in str(killed.error)
    assert broken.error == "23_Analysis.CSV line 7: LAP_TIME is missing; export the file again"
    assert _runs(settings)[GOOD[0]] == dg.DagsterRunStatus.SUCCESS
    assert _runs(settings)[KILLED] == dg.DagsterRunStatus.FAILURE
    said = _unfinished(settings)
    assert said[KILLED]["outcome"] == "died"
    assert "was killed before its end" in said[KILLED]["sentences"][0]
    assert "failed: core_laps: 23_Analysis.CSV line 7" in said[BROKEN]["sentences"][0]


def test_what_the_seasons_database_could_not_be_made_of_is_told(settings: Settings) -> None:
    write_bytes(Paths.of(settings).table("harm-2025-r1", "weather"), b"PAR1 nothing PAR1")
    told: list[str] = []
    (outcome,) = run_all(settings, GOOD[0], warn=told.append)
    assert outcome.status == "built"
    (warning,) = told
    assert "harm-2025-r1/weather.parquet" in warning


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_the_program_and_their_runs_are_marked(settings: Settings, number: signal.Signals) -> None:
    paths = Paths.of(settings)
    command = [sys.executable, "-m", "support.backfill_chain", str(paths.data.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        _wait_for(paths.data / "running", process)
        process.send_signal(number)
        told = process.communicate(timeout=120)[0]
    assert (process.returncode, told) == ((130, "stopped\n") if number == signal.SIGINT else (-number, ""))
    # The kernel drops the lock with the last process that holds it.
    deadline = time.monotonic() + 30
    while lock_holder(paths.lock(SLOW)) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # None, where its first steps ran before the record of it was made.
    assert _runs(settings).get(SLOW) in (None, dg.DagsterRunStatus.FAILURE)
    assert "stopped before its end" in _unfinished(settings)[SLOW]["sentences"][0]


def test_a_dask_cluster_makes_what_the_pool_makes(settings: Settings, tmp_path: Path) -> None:
    run_all(settings, GOOD[0])
    elsewhere = fake_settings(tmp_path / "dask")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address=":0",
        local_directory=tmp_path,
    ) as local:
        outcomes = run_all(elsewhere, GOOD[0], BROKEN, cluster=local.scheduler_address)
    assert [outcome.status for outcome in outcomes] == ["built", "failed"]
    assert "LAP_TIME is missing" in str(outcomes[-1].error)
    made = [
        {file.relative_to(paths.lake): file.read_bytes() for file in paths.lake.glob(f"{GOOD[0]}/**/*.parquet")}
        for paths in (Paths.of(settings), Paths.of(elsewhere))
    ]
    assert made[0] == made[1]
    assert made[0]


def test_without_a_cluster_or_its_package_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> list[Outcome]:
        address = "tcp://127.0.0.1:9"
        return run_cluster(lambda _: [], address=address, stop_wait_s=1, connect_wait_s=0.5, tell=lambda _: None)

    with pytest.raises(InputError, match="no dask scheduler answers"):
        run()
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"install grx-pipeline\[dask\]"):
        run()


def test_threads_memory_and_readers_are_divided_by_the_sessions_at_once() -> None:
    engine = Settings().engine
    whole = shared_settings(Settings(), sharing=1, cores=8).engine
    assert (whole.threads, whole.memory_limit_mb, whole.readers) == (8, engine.memory_limit_mb, engine.readers)
    half = shared_settings(Settings(), sharing=2, cores=8).engine
    assert (half.threads, half.memory_limit_mb) == (4, engine.memory_limit_mb // 2)
    crowded = shared_settings(Settings(), sharing=64, cores=8).engine
    assert (crowded.threads, crowded.memory_limit_mb, crowded.readers) == (1, engine.least_mb, 1)


def test_how_a_worker_ended_is_told() -> None:
    assert "fewer at once" in death_text(-signal.SIGKILL)
    assert "ended by SIGSEGV; run" in death_text(-signal.SIGSEGV)
    assert "status 3" in death_text(3)


def test_the_digest_of_what_was_made_leaves_out_only_its_time(tmp_path: Path) -> None:
    paths = Paths(data=tmp_path / "data", reports=tmp_path / "reports")
    table, place = paths.table("barber-2025-r1", "weather"), paths.published("barber-2025-r1")

    def digest(rows: bytes, page: bytes) -> str:
        write_bytes(table, rows)
        publish(
            {"a.json": page},
            site=place,
            builds=paths.builds(place.name),
            session=place.name,
            schema_version="1",
            now="2026-11-23T00:00:00Z",
            keep=2,
        )
        return content_digest(paths)

    first = digest(b"rows", b'{"generated_at":"2026","data":1}')
    assert digest(b"rows", b'{"generated_at":"2027","data":1}') == first
    assert digest(b"rows", b'{"generated_at":"2026","data":2}') != first
    assert digest(b"ROWS", b'{"generated_at":"2026","data":1}') != first
