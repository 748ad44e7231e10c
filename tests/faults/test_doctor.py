"""The doctor names what is wrong, where, and what to do; it says so of nothing else, and changes nothing unasked."""

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from support.built_session import BuiltSession, run
from support.fake_chain import SESSION
from support.holder import hold

from grx_pipeline.cli import main
from grx_pipeline.defs.tags import WORKER_TAG
from grx_pipeline.ingest.manifest import RawFile, read_manifest, write_manifest
from grx_pipeline.instance import look_into_instance
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.hashing import file_hash
from grx_pipeline.upkeep import machine
from grx_pipeline.upkeep.doctor import examine
from grx_pipeline.upkeep.findings import Finding


@pytest.fixture
def settings(built: BuiltSession) -> Settings:
    return built.settings


def _examine(settings: Settings, *, is_repairing: bool = False) -> list[Finding]:
    return list(examine(settings, is_repairing=is_repairing, progress=lambda _: None))


def _faults(settings: Settings) -> list[Finding]:
    return [finding for finding in _examine(settings) if finding.state == "fault"]


def _flip(path: Path) -> None:
    """Change a byte and nothing else that a look at the folder would show."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_of_a_healthy_session_everything_is_looked_at_and_nothing_is_wrong(settings: Settings) -> None:
    found = _examine(settings)
    assert [finding for finding in found if finding.state != "ok"] == []
    assert {finding.what for finding in found} == {
        *("versions", "settings", "data folder", "reports folder", "memory", "language model"),
        *("records of runs", "season", "site", SESSION),
    }


def test_a_bit_lost_in_a_table_is_found_told_and_mended_in_three_commands(settings: Settings) -> None:
    path = Paths.of(settings).session_lake(SESSION) / "laps.txt"
    _flip(path)
    assert run(settings).status == "unchanged"
    [fault] = _faults(settings)
    assert (fault.where, fault.text) == (str(path), "its bytes are not those that core_laps wrote")
    assert fault.remedy == f"`grx doctor --repair` has core_laps run again, then `grx run {SESSION}`"
    _examine(settings, is_repairing=True)
    assert run(settings).reason.startswith("core_laps: missing or altered")
    assert path.read_bytes() == b"laps"
    assert _faults(settings) == []


def test_a_lost_file_and_a_damaged_record_are_named(settings: Settings) -> None:
    paths = Paths.of(settings)
    lost, record = paths.reports / f"{SESSION}.html", paths.step_record(SESSION, "core_laps")
    lost.unlink()
    _flip(record)
    faults = {finding.where: finding.text for finding in _faults(settings)}
    assert faults == {
        str(lost): "it is gone, which out_reports wrote",
        str(record): "the record of this step is damaged",
    }
    assert run(settings).status == "built"
    assert _faults(settings) == []


def test_a_damaged_manifest_is_named(settings: Settings) -> None:
    path = Paths.of(settings).manifest(SESSION)
    _flip(path)
    [fault] = _faults(settings)
    assert fault.where == str(path)
    assert "damaged" in fault.text
    assert "grx run PATH" in fault.remedy


def test_raw_files_that_are_gone_or_altered_are_told_apart(built: BuiltSession) -> None:
    settings, raw = built.settings, built.raw
    _flip(raw)
    [fault] = _faults(settings)
    assert (fault.where, fault.text) == (str(raw), "its bytes are not those that the report was made from")
    raw.unlink()
    assert _faults(settings) == []
    assert [finding.where for finding in _examine(settings) if "raw file is gone" in finding.text] == [str(raw)]


def test_what_the_team_wrote_meanwhile_is_no_fault_and_waits_for_a_run(built: BuiltSession) -> None:
    word = built.raw.parent / "session.toml"
    word.write_text('[drivers]\n"13" = "Ada"\n')
    assert _told_of(word, built.settings) == "is new since the last run: it waits for the next"
    before = read_manifest(built.paths.manifest(SESSION))
    seen = RawFile(kind="session", path=str(word), member=None, size=0, sha256=file_hash(word))
    write_manifest(built.paths.manifest(SESSION), dataclasses.replace(before, files=(*before.files, seen)))
    assert _told_of(word, built.settings) == "as it was read"
    word.write_text('[drivers]\n"13" = "Zoë"\n')
    assert _told_of(word, built.settings) == "was changed since the last run: it waits for the next"
    word.unlink()
    assert _told_of(word, built.settings) == "was taken away since the last run: it waits for the next"


def test_a_session_file_beside_two_races_waits_for_no_run(built: BuiltSession) -> None:
    word = built.raw.parent / "session.toml"
    word.write_text('[drivers]\n"13" = "Ada"\n')
    other = dataclasses.replace(read_manifest(built.paths.manifest(SESSION)), session="barber-2025-r2", race=2)
    write_manifest(built.paths.manifest(other.session), other)
    assert str(word) not in {finding.where for finding in _examine(built.settings)}


def _told_of(path: Path, settings: Settings) -> str:
    """What is said of the file; nothing is a fault."""
    found = _examine(settings)
    assert [finding for finding in found if finding.state == "fault"] == []
    return next(finding.text for finding in found if finding.where == str(path))


def test_what_is_to_be_typed_has_the_folders_that_the_doctor_was_given(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _flip(Paths.of(settings).session_lake(SESSION) / "laps.txt")
    settings.data_dir.rename(tmp_path / "the data")
    folders = ["--data", str(tmp_path / "the data"), "--reports", str(settings.reports_dir)]
    monkeypatch.setattr(sys, "argv", ["grx", "doctor", *folders])
    with pytest.raises(SystemExit):
        main()
    typed = [shlex.split(command) for command in re.findall(r"`(grx [^`]+)`", capsys.readouterr().out)]
    assert ["grx", "doctor", "--repair", *folders] in typed
    assert ["grx", "run", SESSION, *folders] in typed
    assert all(command[-4:] == folders for command in typed)


def test_a_table_that_no_step_wrote_is_named(settings: Settings) -> None:
    lake = Paths.of(settings).session_lake(SESSION)
    copy = lake / "quarantine" / "raw_weather (copy).parquet"
    copy.write_bytes((lake / "weather.parquet").read_bytes())
    [fault] = _faults(settings)
    assert (fault.where, fault.remedy) == (str(copy), f"`rm '{copy}'`")


def test_what_killed_runs_left_is_told_and_the_next_run_removes_it(settings: Settings) -> None:
    paths = Paths.of(settings)
    left = [
        paths.session_lake(SESSION) / ".laps.parquet.0123456789ab.tmp",
        paths.warehouse_file(SESSION).parent / f".{SESSION}.duckdb.0123456789ab.tmp.wal",
        paths.temporary(SESSION),
    ]
    left[1].parent.mkdir(exist_ok=True)
    left[0].write_bytes(b"half")
    left[1].write_bytes(b"half")
    left[2].mkdir(parents=True)
    told = {finding.where for finding in _examine(settings) if "left behind" in finding.text}
    assert told == {str(path) for path in left}
    run(settings)
    assert not any(path.exists() for path in left)


def test_a_session_that_runs_is_left_alone(settings: Settings) -> None:
    paths = Paths.of(settings)
    with hold(paths.lock(SESSION)) as holder:
        [note] = [finding for finding in _examine(settings) if finding.what == SESSION]
        holder.communicate()
    assert f"process {holder.pid} " in note.text


def test_a_dead_run_is_told_and_marked_where_that_is_asked(settings: Settings) -> None:
    @dg.op
    def nothing() -> None: ...

    job = dg.GraphDefinition(name="job", node_defs=[nothing]).to_job()
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    with look_into_instance(Paths.of(settings)) as instance:
        run_id = "00000000-0000-4000-8000-000000000000"
        host = os.uname().nodename
        instance.create_run_for_job(job, run_id=run_id, tags={WORKER_TAG: f"{run_id} {host} {gone.pid} -"})
        assert [finding.where for finding in _examine(settings) if "its process is gone" in finding.text] == [run_id]
        assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.NOT_STARTED
        _examine(settings, is_repairing=True)
        assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE


def test_damaged_records_of_runs_are_named_and_stop_a_run_with_one_message(settings: Settings) -> None:
    paths = Paths.of(settings)
    database = paths.dagster_home / "history" / "runs.db"
    database.write_bytes(b"not a database" * 400)
    [fault] = _faults(settings)
    assert fault.where == str(database)
    (paths.session_lake(SESSION) / "laps.txt").unlink()
    failed = run(settings)
    assert failed.status == "failed"
    assert "the records of runs are damaged" in (failed.error or "")
    assert "Traceback" not in (failed.error or "")


def _low_memory(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "available_memory_mb", lambda: 100)


def _low_disk(patch: pytest.MonkeyPatch) -> None:
    usage = machine.shutil.disk_usage("/")
    patch.setattr(machine.shutil, "disk_usage", lambda _: usage._replace(free=0))


def _old_package(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine.metadata, "requires", lambda _: ["numpy<1", "no-such-package>=2", "other; extra == 'dev'"])


def test_a_machine_that_will_not_do_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = machine.shutil.disk_usage("/")._replace(free=5_000_000)
    needs = dataclasses.replace(settings, run=dataclasses.replace(settings.run, disk_site_mb=100))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(machine, "available_memory_mb", lambda: 100)
    monkeypatch.setattr(machine.metadata, "requires", lambda _: ["numpy<1", "none-such>=2", "other; extra == 'dev'"])
    numpy = machine.metadata.version("numpy")
    assert [fault.text for fault in _faults(needs)] == [
        f"numpy is {numpy}, asked for is <1; none-such is not installed",
        *["5 MB free, and a run of the largest session here takes about 100 MB"] * 2,
        "100 MB free; a run takes up to 1,600 MB, 1,000 MB of it DuckDB's",
    ]


def test_a_folder_that_cannot_be_written_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "temporary_name", lambda _: tmp_path / "missing" / "probe")
    assert [(fault.what, fault.text) for fault in _faults(settings)] == [
        ("data folder", "cannot be written (No such file or directory)"),
        ("reports folder", "cannot be written (No such file or directory)"),
    ]


def test_the_key_is_told_of_but_never_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_very_secret")
    command = ["grx", "doctor", "--data", str(settings.data_dir), "--reports", str(settings.reports_dir)]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 0
    assert "a key is set" in said.out
    assert "secret" not in said.out + said.err
    _flip(Paths.of(settings).session_lake(SESSION) / "laps.txt")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1


def test_a_damaged_manifest_does_not_hide_the_other_sessions(
    built: BuiltSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = built.paths.manifest("cota-2025-r1")
    other.parent.mkdir()
    other.write_bytes(b"{")
    folders = ["--data", str(built.paths.data), "--reports", str(built.paths.reports)]
    monkeypatch.setattr(sys, "argv", ["grx", "sessions", *folders])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert SESSION in said.out
    assert f"error: {other}: damaged manifest" in said.err
    assert ended.value.code == 1
