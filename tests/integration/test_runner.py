"""A session as one recorded run: built, unchanged, failed, interrupted, killed, busy, executed again."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support import fake_chain
from support.fake_chain import SESSION, build_weather, fail_as_bug, fail_for_people, fake_settings, write_fake_manifest
from support.holder import hold

from grx_pipeline import steps
from grx_pipeline.definitions import build_defs
from grx_pipeline.defs.jobs import SESSION_JOB
from grx_pipeline.defs.resources import figure_text
from grx_pipeline.defs.tags import PARTITION_TAG, WORKER_TAG, worker_tag
from grx_pipeline.errors import SessionBusyError
from grx_pipeline.instance import open_instance, prepare_instance, repair_runs
from grx_pipeline.paths import Paths
from grx_pipeline.runner import SessionRun, run_session
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.locks import session_lock
from grx_pipeline.storage.steps import StepContext, StepOutcome

TESTS = Path(__file__).parents[1]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = fake_settings(tmp_path)
    write_fake_manifest(settings)
    return settings


def _run(
    settings: Settings, patch: pytest.MonkeyPatch, *, force: bool = False, **builds: fake_chain.Build
) -> SessionRun:
    patch.setattr(steps, "STEPS", fake_chain.fake_chain(**builds))
    return run_session(SESSION, settings=settings, progress=lambda _: None, force=force)


def _recorded(settings: Settings) -> list[dg.DagsterRun]:
    with open_instance(Paths.of(settings)) as instance:
        return list(instance.get_runs())


def test_a_run_is_recorded_with_its_session_and_can_be_found_by_the_ui(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _run(settings, monkeypatch)
    assert (run.status, run.error) == ("built", None)
    assert [result.step for result in run.results] == ["raw_weather", "core_laps", "out_reports"]
    assert run.reason == "raw_weather: first run"
    with open_instance(Paths.of(settings)) as instance:
        [recorded] = instance.get_runs()
        assert recorded.run_id == run.run_id
        assert recorded.is_success
        assert recorded.tags[PARTITION_TAG] == SESSION
        assert recorded.remote_job_origin is not None
        assert instance.get_dynamic_partitions("session") == [SESSION]
        event = instance.get_latest_materialization_event(dg.AssetKey("core_laps"))
    materialization = event.asset_materialization
    assert materialization.partition == SESSION
    assert materialization.metadata["dagster/row_count"].value == 2
    assert materialization.metadata["reason"].value == "first run"
    assert materialization.tags["dagster/data_version"] == run.results[1].version


def test_progress_is_a_line_a_step_with_its_figures(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    monkeypatch.setattr(steps, "STEPS", fake_chain.fake_chain())
    run_session(SESSION, settings=settings, progress=lines.append)
    assert [line.rsplit("  ", 1)[0] for line in lines[:3]] == [
        f"{SESSION}  raw_weather  2 readings",
        f"{SESSION}  core_laps  2 cars, 12 laps, best lap 97,428 ms",
        f"{SESSION}  out_reports  1 row",
    ]
    assert lines[3:] == ["season page  1 session"]


def test_an_unchanged_session_makes_no_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(settings, monkeypatch)
    again = _run(settings, monkeypatch)
    assert (again.status, again.run_id, again.results) == ("unchanged", None, ())
    assert len(_recorded(settings)) == 1


def test_force_builds_every_step_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _run(settings, monkeypatch)
    again = _run(settings, monkeypatch, force=True)
    assert again.status == "built"
    assert all(result.was_built for result in again.results)
    assert [result.version for result in again.results] == [result.version for result in first.results]


def test_a_missing_or_altered_season_page_is_made_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(settings, monkeypatch)
    page = Paths.of(settings).season_page()
    content = page.read_bytes()
    os.utime(page, (0, 0))
    assert _run(settings, monkeypatch).status == "unchanged"
    page.write_bytes(content.replace(b"Season", b"Summer"))
    altered = _run(settings, monkeypatch)
    page.unlink()
    missing = _run(settings, monkeypatch)
    for run in (altered, missing):
        assert run.status == "built"
        assert run.reason.startswith("out_season:")
        assert not any(result.was_built for result in run.results)
    assert page.read_bytes() == content
    assert _run(settings, monkeypatch).status == "unchanged"


def test_only_what_depends_on_a_lost_file_is_built_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(settings, monkeypatch)
    (Paths.of(settings).session_lake(SESSION) / "laps.txt").unlink()
    run = _run(settings, monkeypatch)
    assert {result.step: result.was_built for result in run.results} == {"core_laps": True, "out_reports": False}


def test_an_error_for_people_is_one_message_and_the_earlier_report_stands(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(settings, monkeypatch)
    report = Paths.of(settings).reports / f"{SESSION}.html"
    run = _run(settings, monkeypatch, force=True, laps=fail_for_people)
    assert run.status == "failed"
    assert run.error == "23_Analysis.CSV line 7: LAP_TIME is missing; export the file again"
    assert [result.step for result in run.results] == ["raw_weather"]
    assert report.read_bytes() == b"report"
    assert [r.status for r in _recorded(settings)] == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]
    assert _run(settings, monkeypatch).status == "built"


def test_a_failed_run_prints_nothing_of_its_own(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _run(settings, monkeypatch, laps=fail_for_people)
    assert capfd.readouterr() == ("", "")


def test_a_disk_too_small_for_the_record_of_the_run_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    try:
        small = fake_settings(disk)
        write_fake_manifest(small)
        run = _run(small, monkeypatch)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert run.status == "failed"
    assert "free some space" in (run.error or "")


def test_a_bug_comes_with_the_step_and_its_traceback(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    run = _run(settings, monkeypatch, laps=fail_as_bug)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.startswith("core_laps: ZeroDivisionError")
    assert "fake_chain.py" in run.error


def test_an_unknown_session_fails_without_leaving_a_folder(tmp_path: Path) -> None:
    run = run_session("nowhere-2025-r9", settings=fake_settings(tmp_path), progress=lambda _: None)
    assert run.status == "failed"
    assert "no such session" in (run.error or "")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_breaks_its_contract_stops_the_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(context: StepContext) -> StepOutcome:
        outcome = build_weather(context)
        rows = fake_chain.weather_rows(row_number=[1, 1])
        schema = TABLES["weather"].arrow_schema()
        pq.write_table(pa.Table.from_pandas(rows, schema=schema, preserve_index=False), outcome.outputs[0])
        return outcome

    run = _run(settings, monkeypatch, weather=build)
    assert run.status == "failed"
    assert run.error is not None
    assert "key (row_number) repeats in 1 rows" in run.error
    assert [result.step for result in run.results] == ["raw_weather"]
    assert _run(settings, monkeypatch).status == "built"


def test_missing_data_is_a_warning_and_the_run_goes_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(context: StepContext) -> StepOutcome:
        outcome = build_weather(context)
        pq.write_table(TABLES["weather"].arrow_schema().empty_table(), outcome.outputs[0])
        return outcome

    run = _run(settings, monkeypatch, weather=build)
    assert run.status == "built"
    assert run.warnings == ("raw_weather  weather_there: There is no weather file for this session.",)


class _Worker:
    """The fake chain in a process of its own, up to its long middle step."""

    def __init__(self, folder: Path, laps: str) -> None:
        command = [sys.executable, str(TESTS / "support/fake_chain.py"), str(folder), laps]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("waiting\n"):
                break

    def end(self, number: int) -> tuple[int, str]:
        """Send the signal; exit status and stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@pytest.fixture(params=["sleep"])
def worker(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> Iterator[_Worker]:
    worker = _Worker(tmp_path, request.param)
    with worker.process:
        yield worker
        worker.process.kill()


@pytest.mark.parametrize(
    ("worker", "number"),
    [("sleep", signal.SIGINT), ("sleep", signal.SIGTERM), ("query", signal.SIGINT)],
    indirect=["worker"],
)
def test_an_interrupted_run_is_marked_failed_and_the_next_works(
    worker: _Worker, number: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, errors = worker.end(number)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert [run.status for run in _recorded(settings)] == [dg.DagsterRunStatus.FAILURE]
    assert _run(settings, monkeypatch).status == "built"


def test_a_killed_run_is_repaired_and_the_next_works(
    worker: _Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _ = worker.end(signal.SIGKILL)
    assert code == -signal.SIGKILL
    with dg.DagsterInstance.from_config(str(Paths.of(settings).dagster_home)) as instance:
        [before] = instance.get_runs()
        assert before.status == dg.DagsterRunStatus.STARTED
        assert repair_runs(instance) == [before.run_id]
        assert repair_runs(instance) == []
        assert instance.get_run_by_id(before.run_id).status == dg.DagsterRunStatus.FAILURE
    run = _run(settings, monkeypatch)
    assert run.status == "built"
    assert "raw_weather" not in {result.step for result in run.results}


def test_a_session_that_another_process_runs_is_left_alone_where_nobody_waits(
    worker: _Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "STEPS", fake_chain.fake_chain())
    with pytest.raises(SessionBusyError, match=f"process {worker.process.pid} "):
        run_session(SESSION, settings=settings, progress=lambda _: None, is_patient=False)
    assert [run.status for run in _recorded(settings)] == [dg.DagsterRunStatus.STARTED]


def test_the_second_of_two_runs_of_a_session_waits_says_so_and_goes_on_where_the_first_ended(
    worker: _Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        if text.endswith("waiting for it to end"):
            worker.end(signal.SIGKILL)

    monkeypatch.setattr(steps, "STEPS", fake_chain.fake_chain())
    run = run_session(SESSION, settings=settings, progress=tell)
    assert f"process {worker.process.pid} " in told[0]
    assert run.status == "built"
    assert "raw_weather" not in {result.step for result in run.results}


def _ui_run(settings: Settings, patch: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """A run as the UI starts it: settings from the environment, no lock held for it."""
    patch.setenv("GRX_DATA_DIR", str(settings.data_dir))
    patch.setenv("GRX_REPORTS_DIR", str(settings.reports_dir))
    instance.add_dynamic_partitions("session", [SESSION])
    job = build_defs(chain=fake_chain.fake_chain()).resolve_job_def(SESSION_JOB)
    return job.execute_in_process(partition_key=SESSION, instance=instance, raise_on_error=False)


def test_a_run_from_the_ui_uses_the_same_folders_and_claims_its_session(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_instance(Paths.of(settings)) as instance:
        finished = _ui_run(settings, monkeypatch, instance)
        assert finished.success
        assert instance.get_run_by_id(finished.run_id).tags[WORKER_TAG] == worker_tag(finished.run_id)[WORKER_TAG]
    assert _run(settings, monkeypatch).status == "unchanged"


def test_a_run_from_the_ui_waits_for_a_busy_session(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths.of(settings)
    with open_instance(paths) as instance, hold(paths.lock(SESSION)) as holder:

        def release(path: Path, *, waiting: Callable[[str], None]) -> AbstractContextManager[None]:
            def let_go(text: str) -> None:
                assert not paths.step_record(SESSION, "raw_weather").is_file()
                waiting(text)
                holder.communicate()

            return session_lock(path, waiting=let_go)

        monkeypatch.setattr("grx_pipeline.defs.resources.session_lock", release)
        assert _ui_run(settings, monkeypatch, instance).success
    assert holder.returncode == 0
    assert paths.step_record(SESSION, "raw_weather").is_file()


def test_only_dead_runs_of_this_machine_are_repaired(settings: Settings) -> None:
    @dg.op
    def nothing() -> None: ...

    job = dg.GraphDefinition(name="job", node_defs=[nothing]).to_job()
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    with open_instance(Paths.of(settings)) as instance:

        def record(run_id: str, tag: str) -> str:
            return instance.create_run_for_job(job, run_id=run_id, tags={WORKER_TAG: tag}).run_id

        ids = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(4)]
        host = worker_tag(ids[0])[WORKER_TAG].split()[1]
        gone = record(ids[0], f"{ids[0]} {host} {dead.stdout.strip()}")
        record(ids[1], f"{ids[1]} {host} {os.getppid()}")
        record(ids[2], f"{ids[2]} elsewhere {dead.stdout.strip()}")
        record(ids[3], f"{ids[0]} {host} {dead.stdout.strip()}")
        assert repair_runs(instance) == [gone]


def test_a_team_s_own_instance_config_is_kept(settings: Settings) -> None:
    paths = Paths.of(settings)
    prepare_instance(paths)
    config = paths.dagster_home / "dagster.yaml"
    assert "enabled: false" in config.read_text()
    config.write_text("telemetry:\n  enabled: false\n")
    prepare_instance(paths)
    assert config.read_text() == "telemetry:\n  enabled: false\n"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [("laps", 1579, "1,579 laps"), ("best_lap_ms", 97428, "best lap 97,428 ms"), ("share", 0.5, "share 0.5")],
)
def test_a_figure_reads_as_people_say_it(name: str, value: float, text: str) -> None:
    assert figure_text(name, value) == text
