"""What was named for a run and not taken in: kept until it is taken in, or named again without a fault."""

import json
from pathlib import Path

import pytest
from support.raw_session import write_session

from grx_pipeline.ingest.catalogue import Catalogue, find_sessions
from grx_pipeline.ingest.refusals import note_refusals, read_refusals
from grx_pipeline.paths import Paths
from grx_pipeline.reports.season_runs import refused_files
from grx_pipeline.season import note_refused
from grx_pipeline.settings import Settings

SESSION = "barber-2025-r1"
TWO_FILES = f"{SESSION}: two different analysis files"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir()
    return Settings(data_dir=tmp_path / "data", reports_dir=tmp_path / "reports")


@pytest.fixture
def paths(settings: Settings) -> Paths:
    return Paths.of(settings)


def reasons(paths: Paths) -> list[str]:
    return [refusal.reason for refusal in read_refusals(paths)]


@pytest.fixture
def barber(tmp_path: Path) -> str:
    (tmp_path / "barber").mkdir()
    return str(tmp_path / "barber")


def test_a_refusal_stays_until_the_same_place_is_named_without_a_fault(paths: Paths, barber: str) -> None:
    assert note_refusals(paths, {barber: [TWO_FILES]}, ())
    assert not note_refusals(paths, {barber: [TWO_FILES]}, ()), "the same again is nothing new"
    assert not note_refusals(paths, {"/raw/cota": []}, ["cota-2025-r1"])
    assert reasons(paths) == [TWO_FILES]
    assert read_refusals(paths)[0].session == SESSION
    assert note_refusals(paths, {barber: []}, ())
    assert reasons(paths) == []


def test_a_session_that_was_taken_in_from_elsewhere_is_no_longer_refused(paths: Paths, barber: str) -> None:
    note_refusals(paths, {barber: [TWO_FILES, "a.zip: no zip"]}, ())
    note_refusals(paths, {"/raw/new": []}, [SESSION])
    assert reasons(paths) == ["a.zip: no zip"]


def test_a_place_that_is_gone_is_no_longer_refused_and_a_session_of_that_name_is(paths: Paths, barber: str) -> None:
    note_refusals(paths, {barber: [TWO_FILES], SESSION: ["no raw files"]}, ())
    Path(barber).rmdir()
    assert note_refusals(paths, {}, ())
    assert reasons(paths) == ["no raw files"]


def test_a_damaged_record_is_as_none(paths: Paths, barber: str) -> None:
    note_refusals(paths, {barber: [TWO_FILES]}, ())
    paths.refusals().write_bytes(b"{")
    assert reasons(paths) == []
    assert note_refusals(paths, {barber: [TWO_FILES]}, ())


def test_where_the_page_cannot_be_written_the_run_goes_on_and_the_next_one_writes_it(
    tmp_path: Path, paths: Paths, settings: Settings
) -> None:
    write_session(tmp_path / "barber" / "race1").joinpath("23_copy.csv").write_text("NUMBER; LAP_NUMBER\n")
    catalogue = found(tmp_path / "barber", paths)
    assert any(catalogue.refused.values())
    paths.reports.write_text("no folder")
    note_refused(catalogue, paths, settings)
    assert paths.reports.read_text() == "no folder"
    paths.reports.unlink()
    note_refused(catalogue, paths, settings)
    assert "Not taken in" in paths.season_page().read_text("utf-8")


def test_nothing_is_begun_where_there_is_no_data_folder(tmp_path: Path, paths: Paths, settings: Settings) -> None:
    write_session(tmp_path / "barber" / "race1").joinpath("23_copy.csv").write_text("NUMBER; LAP_NUMBER\n")
    catalogue = found(tmp_path / "barber", paths)
    paths.data.rmdir()
    note_refused(catalogue, paths, settings)
    assert not paths.data.exists()
    assert not paths.reports.exists()


def found(folder: Path, paths: Paths) -> Catalogue:
    return find_sessions([str(folder)], paths)


def test_the_front_page_tells_of_files_that_were_refused_until_they_are_whole(
    tmp_path: Path, paths: Paths, settings: Settings
) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    (laps,) = folder.glob("23_*")
    second = folder / laps.name.replace("23_", "23_copy_")
    second.write_bytes(laps.read_bytes().replace(b";GF;", b";FF;"))
    note_refused(found(folder, paths), paths, settings)
    page = paths.season_page().read_text("utf-8")
    assert "Not taken in" in page
    assert f"<b><bdi>{SESSION}</bdi></b>" in page
    assert laps.name in page
    assert str(tmp_path) not in page
    data = json.loads((paths.reports / "api/sessions.json").read_bytes())["data"]
    assert [refused["name"] for refused in data["refused"]] == [SESSION]
    second.unlink()
    note_refused(found(folder, paths), paths, settings)
    assert "Not taken in" not in paths.season_page().read_text("utf-8")


def test_a_name_that_leads_nowhere_is_not_a_matter_of_the_front_page(paths: Paths, settings: Settings) -> None:
    catalogue = find_sessions(["/no/such/folder", SESSION], paths)
    assert len(catalogue.problems) == 2
    note_refused(catalogue, paths, settings)
    assert not paths.season_page().exists()


@pytest.mark.parametrize(
    ("target", "reason", "told"),
    [
        ("/raw/a/barber", "/raw/a/barber/x.csv: no rows", "barber/x.csv: no rows"),
        ("barber", "no file at ./barber or ../barber, not ./a", "no file at barber or ../barber, not a"),
        ("raw/barber", "raw/barber/x.csv is not draw/barber/x.csv", "barber/x.csv is not draw/barber/x.csv"),
    ],
)
def test_a_reason_is_told_without_the_folder_above_its_target_and_other_paths_stay(
    paths: Paths, target: str, reason: str, told: str
) -> None:
    note_refusals(paths, {target: [reason]}, ())
    assert [files.reason for files in refused_files(paths)] == [told]
