"""The record of a session's last run, and what the front page makes of it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from grx_pipeline.errors import ContractError, InputError
from grx_pipeline.ingest.manifest import Manifest, write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.reports.season_runs import run_remark
from grx_pipeline.season import noted_run
from grx_pipeline.settings import Settings
from grx_pipeline.storage.last_run import (
    LastRun,
    begin_run,
    end_run,
    note_failure,
    note_step,
    outcome_of,
    read_last_run,
)
from grx_pipeline.storage.locks import session_lock
from grx_pipeline.storage.steps import StepRecord, write_record

SESSION = "barber-2025-r1"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(data=tmp_path / "data", reports=tmp_path / "reports")
    manifest = Manifest(session=SESSION, circuit="barber", year="2025", race=1, root=str(tmp_path / "raw"), files=())
    write_manifest(paths.manifest(SESSION), manifest)
    return paths


def _last(paths: Paths) -> LastRun:
    last = read_last_run(paths, SESSION)
    assert last is not None
    return last


def _record(
    paths: Paths, step: str, *, version: str = "", warnings: Sequence[str] = (), inputs: Mapping[str, str] | None = None
) -> None:
    record = StepRecord(
        inputs=inputs or {}, outputs={}, stamps={}, version=version, rows=0, figures={}, warnings=warnings
    )
    write_record(paths.step_record(SESSION, step), record)


def test_of_a_good_run_nothing_is_said(paths: Paths) -> None:
    assert run_remark(paths, SESSION, is_published=True) is None
    begin_run(paths, SESSION, is_whole=True)
    note_step(paths, SESSION, "core_laps")
    end_run(paths, SESSION)
    assert outcome_of(_last(paths), paths, SESSION) == "built"
    assert run_remark(paths, SESSION, is_published=True) is None


def test_a_run_that_says_no_end_died_unless_somebody_holds_the_session(paths: Paths) -> None:
    begin_run(paths, SESSION, is_whole=True)
    with session_lock(paths.lock(SESSION)):
        assert outcome_of(_last(paths), paths, SESSION) == "running"
        assert run_remark(paths, SESSION, is_published=True) is None
    assert outcome_of(_last(paths), paths, SESSION) == "died"
    remark = run_remark(paths, SESSION, is_published=True)
    assert remark is not None
    assert (remark.outcome, remark.at) == ("died", _last(paths).began_at)
    assert "was killed before its end" in remark.sentences[0]


def test_a_step_that_stands_after_all_takes_its_failure_back(paths: Paths) -> None:
    begin_run(paths, SESSION, is_whole=True)
    note_failure(paths, SESSION, "out_narratives", "no answer")
    note_step(paths, SESSION, "out_narratives")
    end_run(paths, SESSION)
    assert outcome_of(_last(paths), paths, SESSION) == "built"
    _record(paths, "core_laps", warnings=["Two sectors differ."])
    remark = run_remark(paths, SESSION, is_published=True)
    assert remark is not None
    assert (remark.outcome, remark.at, remark.sentences) == ("built", None, ("Two sectors differ.",))


def test_failures_stay_until_a_whole_run(paths: Paths) -> None:
    begin_run(paths, SESSION, is_whole=True)
    note_failure(paths, SESSION, "out_dptad", "broken")
    end_run(paths, SESSION)
    begin_run(paths, SESSION, is_whole=False)
    end_run(paths, SESSION)
    assert _last(paths).failures == {"out_dptad": "broken"}
    begin_run(paths, SESSION, is_whole=True)
    end_run(paths, SESSION)
    assert _last(paths).failures == {}


def test_a_report_that_was_made_of_other_tables_is_said_to_be_earlier(paths: Paths) -> None:
    _record(paths, "core_laps", version="1")
    _record(paths, "out_reports", inputs={"step core_laps": "1"})
    begin_run(paths, SESSION, is_whole=True)
    note_failure(paths, SESSION, "out_warehouse", "full")
    end_run(paths, SESSION)

    def is_earlier() -> bool:
        remark = run_remark(paths, SESSION, is_published=True)
        return remark is not None and "What is shown is the report of an earlier run." in remark.sentences

    assert not is_earlier()
    _record(paths, "core_laps", version="2")
    assert is_earlier()


def test_the_page_names_files_and_not_the_folders_of_the_machine(paths: Paths, tmp_path: Path) -> None:
    begin_run(paths, SESSION, is_whole=True)
    note_failure(paths, SESSION, "raw_timing", f"{tmp_path}/raw/race 1/23.CSV line 7:\n bad; {paths.data}/lake is full")
    end_run(paths, SESSION)
    remark = run_remark(paths, SESSION, is_published=False)
    assert remark is not None
    assert remark.sentences[0].endswith(" UTC failed: raw_timing: race 1/23.CSV line 7: bad; lake is full.")


def test_many_warnings_and_long_reasons_are_cut(paths: Paths) -> None:
    begin_run(paths, SESSION, is_whole=True)
    _record(paths, "core_laps", warnings=[f"Warning {n}." for n in range(5)])
    note_failure(paths, SESSION, "out_dptad", "x" * 1000)
    end_run(paths, SESSION)
    remark = run_remark(paths, SESSION, is_published=False)
    assert remark is not None
    assert remark.sentences[1:] == ("Warning 0.", "Warning 1.", "Warning 2.", "2 more warnings of its checks.")
    assert len(remark.sentences[0]) < 400
    assert remark.sentences[0].endswith("….")


def test_a_damaged_record_says_nothing(paths: Paths) -> None:
    begin_run(paths, SESSION, is_whole=True)
    note_failure(paths, SESSION, "core_laps", "five laps")
    end_run(paths, SESSION)
    file = paths.last_run(SESSION)
    assert json.loads(file.read_bytes())["failures"] == {"core_laps": "five laps"}
    file.write_bytes(file.read_bytes().replace(b"five", b"nine"))
    assert read_last_run(paths, SESSION) is None
    assert run_remark(paths, SESSION, is_published=True) is None


def test_a_front_page_that_cannot_be_made_does_not_hide_why_a_run_failed(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(paths: Paths, settings: Settings) -> int:
        raise ContractError("no front page")

    monkeypatch.setattr("grx_pipeline.season.build_season", fail)
    settings = Settings(data_dir=paths.data, reports_dir=paths.reports)
    with pytest.raises(InputError, match="cut short"), noted_run(paths, settings, SESSION, is_whole=True):
        raise InputError("cut short")
    assert _last(paths).failures == {"the run": "cut short"}
