"""Sessions that land in the folder of raw files: when they are run, and what is said while they are not."""

import json
import shutil
from pathlib import Path

import pytest
from support.raw_session import write_session

from grx_pipeline.ingest.landing import Look, look
from grx_pipeline.ingest.manifest import write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.storage.locks import session_lock

SESSION = "barber-2025-r1"
TIMING = "23_AnalysisEnduranceWithSections_Race 1_Anonymized.CSV"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(data=tmp_path / "data", reports=tmp_path / "reports")


def _landed(paths: Paths) -> Path:
    return write_session(paths.raw / "barber")


def _settled(paths: Paths, memory: str = "") -> Look:
    """The look after one that saw the same files."""
    return look(paths, look(paths, memory).memory)


def _run(paths: Paths, seen: Look) -> None:
    """What a run leaves behind that the next look goes by."""
    for landed in seen.landed:
        write_manifest(paths.manifest(landed.manifest.session), landed.manifest)


def _sentences(seen: Look) -> str:
    return " ".join(seen.sentences)


def test_an_empty_folder_says_where_files_belong(paths: Paths) -> None:
    assert str(paths.raw) in _sentences(look(paths, ""))


def test_files_that_still_change_are_waited_for_and_named(paths: Paths) -> None:
    folder = _landed(paths)
    first = look(paths, "")
    with (folder / TIMING).open("a") as file:
        file.write("\n")
    second = look(paths, first.memory)
    assert (first.landed, second.landed) == ((), ())
    assert f"barber/{TIMING}" in _sentences(second)
    assert "weather" not in _sentences(second).casefold()
    assert [landed.manifest.session for landed in look(paths, second.memory).landed] == [SESSION]


def test_a_session_is_handed_over_once(paths: Paths) -> None:
    _landed(paths)
    seen = _settled(paths)
    assert len(seen.landed) == 1
    again = look(paths, seen.memory)
    assert again.landed == ()
    assert "handed over" in _sentences(again)


def test_a_file_that_was_corrected_is_another_landing(paths: Paths) -> None:
    folder = _landed(paths)
    first = _settled(paths)
    _run(paths, first)
    good = (folder / TIMING).read_bytes()
    (folder / TIMING).write_bytes(good.replace(b"0:40.250", b"0:40.251"))
    second = _settled(paths, first.memory)
    _run(paths, second)
    (folder / TIMING).write_bytes(good)
    third = _settled(paths, second.memory)
    keys = [seen.landed[0].key for seen in (first, second, third)]
    assert len(set(keys)) == 3


def test_a_touched_file_is_no_landing(paths: Paths) -> None:
    folder = _landed(paths)
    first = _settled(paths)
    _run(paths, first)
    (folder / TIMING).touch()
    again = _settled(paths, first.memory)
    assert again.landed == ()
    assert f"{SESSION} is as its last run found it." in again.sentences


@pytest.mark.parametrize(
    ("missing", "said"),
    [("R1_barber_telemetry_data.csv", "waits for its telemetry"), (TIMING, "no official laps")],
)
def test_a_session_without_what_it_needs_says_what_is_missing(paths: Paths, missing: str, said: str) -> None:
    (_landed(paths) / missing).unlink()
    seen = _settled(paths)
    assert seen.landed == ()
    assert SESSION in _sentences(seen)
    assert said in _sentences(seen)


def test_a_session_without_weather_is_run_and_again_when_it_came(paths: Paths, tmp_path: Path) -> None:
    weather = "26_Weather_Race 1_Anonymized.CSV"
    folder = _landed(paths)
    shutil.move(folder / weather, tmp_path / weather)
    first = _settled(paths)
    _run(paths, first)
    shutil.move(tmp_path / weather, folder / weather)
    second = _settled(paths, first.memory)
    assert [len(seen.landed) for seen in (first, second)] == [1, 1]


def test_several_sessions_of_one_folder_and_a_zip_land_together(paths: Paths, tmp_path: Path) -> None:
    _landed(paths)
    other = write_session(tmp_path / "sonoma", track="sonoma")
    shutil.make_archive(str(paths.raw / "sonoma"), "zip", root_dir=other.parent, base_dir="sonoma")
    assert {landed.manifest.session for landed in _settled(paths).landed} == {SESSION, "sonoma-2025-r1"}


def test_a_session_that_is_being_run_waits_for_its_turn(paths: Paths) -> None:
    _landed(paths)
    with session_lock(paths.lock(SESSION)):
        busy = _settled(paths)
    assert busy.landed == ()
    assert "its turn comes after" in _sentences(busy)
    assert len(look(paths, busy.memory).landed) == 1


def test_what_is_remembered_is_text_that_can_be_read(paths: Paths) -> None:
    _landed(paths)
    assert len(json.loads(_settled(paths).memory)["stamps"]) == 9
