import gzip
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from support.raw_session import default_cars, telemetry_lines, write_session, write_text

from grx_pipeline.errors import DiscoveryError, InputError
from grx_pipeline.ingest.discovery import Discovery, discover
from grx_pipeline.ingest.hashes import HashCache


def look(root: Path) -> Discovery:
    return discover(root, hashes=HashCache(root.parent / "hashes.json"))


def zipped(folder: Path, archive: Path, *, inside: str) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.iterdir()):
            target.write(path, f"{inside}/{path.name}")
            target.writestr(f"__MACOSX/{inside}/._{path.name}", b"\x00\x05\x16\x07")
        target.writestr(f"{inside}/.DS_Store", b"\x00")
    return archive


def test_a_folder_of_one_race_is_one_session_with_all_its_files(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    (folder / "notes.txt").write_text("tyre pressures")
    found = look(folder)
    (session,) = found.sessions
    assert session.session == "barber-2025-r1"
    assert sorted(file.kind for file in session.files) == sorted(
        [
            "telemetry",
            "lap_start",
            "lap_end",
            "lap_time",
            "analysis",
            "results",
            "class_results",
            "best_laps",
            "weather",
        ]
    )
    assert session.missing_kinds == ()
    assert [(file.name, file.reason) for file in found.ignored] == [("notes.txt", "not a .csv or .csv.gz file")]


def test_files_are_known_by_their_content_under_any_name(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    for number, path in enumerate(sorted(folder.glob("*.CSV"))):
        path.rename(folder / f"download ({number}).csv")
    (session,) = look(folder).sessions
    assert session.missing_kinds == ()


def test_both_races_in_one_folder_are_two_sessions(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "indianapolis", track="indianapolis_motor_speedway")
    for path in sorted(folder.iterdir()):
        text = path.read_text().replace(",R1,", ",R2,")
        (folder / path.name.replace("R1", "R2").replace("Race 1", "Race 2")).write_text(text)
    found = look(folder)
    assert [session.session for session in found.sessions] == ["indianapolis-2025-r1", "indianapolis-2025-r2"]
    assert all(session.missing_kinds == () for session in found.sessions)


def test_a_file_without_a_race_in_its_name_takes_it_from_its_folder(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = write_session(tmp_path / "Sonoma" / f"Race {number}", track="sonoma")
        for path in folder.glob("R1_*"):
            path.write_text(path.read_text().replace(",R1,", f",R{number},"))
            path.rename(folder / path.name.replace("R1_", "").replace(".csv", f"_R{number}.csv"))
        (folder / "03_Provisional Results_Race 1_Anonymized.CSV").rename(folder / "03_Results_Anonymized.CSV")
        for path in folder.glob("*Race 1*"):
            path.rename(folder / path.name.replace("Race 1", f"Race {number}"))
    found = look(tmp_path / "Sonoma")
    assert [session.session for session in found.sessions] == ["sonoma-2025-r1", "sonoma-2025-r2"]
    assert all(session.missing_kinds == () for session in found.sessions)


def test_a_zip_from_a_mac_is_read_member_by_member_and_its_litter_listed(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "plain", track="barber")
    archive = zipped(folder, tmp_path / "barber-motorsports-park.zip", inside="barber")
    shutil.rmtree(folder)
    found = look(archive)
    (session,) = found.sessions
    assert session.session == "barber-2025-r1"
    assert all(file.member is not None and file.path == str(archive) for file in session.files)
    assert {file.reason for file in found.ignored} == {"left behind by macOS"}


def test_gzipped_and_upper_case_files_count(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    (folder / "R1_barber_telemetry_data.csv").unlink()
    write_text(folder / "R1_barber_telemetry_data.CSV.gz", telemetry_lines(default_cars()), end="\r\n")
    (session,) = look(folder).sessions
    assert "telemetry" not in session.missing_kinds


@pytest.mark.parametrize(
    ("removed", "year"),
    [
        ((), "2025"),
        (("R1_*",), "2025"),
        (("R1_*", "26_*"), "unknown"),
    ],
)
def test_the_season_is_the_events_or_the_weathers_or_unknown(
    tmp_path: Path, removed: tuple[str, ...], year: str
) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    for pattern in removed:
        for path in folder.glob(pattern):
            path.unlink()
    (session,) = look(folder).sessions
    assert session.session == f"barber-{year}-r1"


def test_a_circuit_nobody_knows_is_named_after_its_folder(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "Lime Rock Park" / "Race 1", track="anywhere")
    (session,) = look(folder).sessions
    assert session.session == "lime-rock-park-2025-r1"


def test_the_same_bytes_under_two_names_are_one_file(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    shutil.copy(folder / "R1_barber_lap_time.csv", folder / "R1_barber_lap_time copy.csv")
    found = look(folder)
    assert len(found.sessions[0].of_kind("lap_time")) == 1
    assert [file.reason.startswith("the same bytes as") for file in found.ignored] == [True]


def test_two_different_files_of_one_kind_are_refused_by_name(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    path = folder / "23_AnalysisEnduranceWithSections_Race 1_Anonymized.CSV"
    (folder / "23_AnalysisEnduranceWithSections_Race 1_corrected.CSV").write_text(path.read_text() + "\n")
    with pytest.raises(InputError, match=r"two different analysis files: .*Anonymized.*corrected.*keep the one"):
        look(folder)


def test_hash_changes_with_content_and_only_then(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    before = look(folder).sessions[0]
    assert look(folder).sessions[0] == before
    weather = folder / "26_Weather_Race 1_Anonymized.CSV"
    weather.write_text(weather.read_text().replace("29.1", "29.2"))
    after = look(folder).sessions[0]
    changed = [file.kind for file, old in zip(after.files, before.files, strict=True) if file.sha256 != old.sha256]
    assert changed == ["weather"]


@pytest.mark.parametrize("content", [None, "empty", "text"])
def test_a_path_without_a_session_says_so(tmp_path: Path, content: str | None) -> None:
    root = tmp_path / "barber"
    if content is not None:
        root.mkdir()
    if content == "text":
        (root / "a.csv").write_text("x;y\n1;2\n")
    words = {None: "no such file or folder", "empty": "no session here; it is empty", "text": "1 file seen"}
    with pytest.raises(DiscoveryError, match=words[content]):
        look(root)


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    archive = zipped(write_session(tmp_path / "plain"), tmp_path / "barber.zip", inside="barber")
    archive.write_bytes(archive.read_bytes()[:-4000])
    with pytest.raises(InputError, match=r"barber.zip: damaged or cut short zip"):
        look(archive)


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a/../../evil.csv", "..\\evil.csv"])
def test_a_zip_with_a_member_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "barber.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr(name, "a,b\n")
    with pytest.raises(InputError, match="points outside the zip"):
        look(archive)


def test_a_truncated_gzip_is_still_recognised_so_that_reading_it_can_say_what_is_wrong(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    plain = folder / "R1_barber_telemetry_data.csv"
    compressed = gzip.compress(plain.read_bytes())
    plain.unlink()
    plain.with_name(f"{plain.name}.gz").write_bytes(compressed[: len(compressed) // 2])
    assert look(folder).sessions[0].of_kind("telemetry")


def test_a_file_that_could_be_of_two_races_is_ignored_with_its_reason(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber")
    for path in sorted(folder.iterdir()):
        text = path.read_text().replace(",R1,", ",R2,")
        (folder / path.name.replace("R1", "R2").replace("Race 1", "Race 2")).write_text(text)
    for path in folder.glob("03_*"):
        path.unlink()
    (folder / "03_Results_Anonymized.CSV").write_text("POSITION;NUMBER;STATUS;TOTAL_TIME\n1;7;Classified;1:00.000\n")
    found = look(folder)
    assert [session.session for session in found.sessions] == ["barber-2025-r1", "barber-2025-r2"]
    assert all("results" in session.missing_kinds for session in found.sessions)
    assert [(file.name, "two races" in file.reason) for file in found.ignored] == [("03_Results_Anonymized.CSV", True)]


def test_without_an_event_the_weather_gives_the_season_before_the_crossings_do(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    for path in folder.glob("R1_*"):
        path.write_text(path.read_text().replace("I_R06_2025-09-07", "").replace("2025-09-06T", "2024-09-06T"))
    (session,) = look(folder).sessions
    assert (session.session, session.missing_kinds) == ("barber-2025-r1", ())
    (folder / "26_Weather_Race 1_Anonymized.CSV").unlink()
    assert look(folder).sessions[0].session == "barber-2024-r1"


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "elsewhere" / "barber" / "race1")
    root = tmp_path / "season"
    root.mkdir()
    (root / "barber").symlink_to(folder.parent)
    (root / "barber" / "again").symlink_to(root)
    (session,) = look(root).sessions
    assert (session.session, session.missing_kinds) == ("barber-2025-r1", ())


def test_a_lap_file_with_a_name_that_says_nothing_is_ignored_for_its_name(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    (folder / "R1_barber_lap_end.csv").rename(folder / "crossings.csv")
    found = look(folder)
    assert "lap_end" in found.sessions[0].missing_kinds
    assert "start nor end" in found.ignored[0].reason


def test_a_broken_zip_and_a_contradictory_session_do_not_stop_the_others(tmp_path: Path) -> None:
    season = tmp_path / "season"
    write_session(season / "barber" / "race1")
    double = write_session(season / "sonoma" / "race1", track="sonoma")
    weather = double / "26_Weather_Race 1_Anonymized.CSV"
    (double / "26_Weather_Race 1_again.CSV").write_text(weather.read_text() + "\n")
    (season / "cota.zip").write_bytes(b"PK\x03\x04 cut short")
    found = look(season)
    assert [session.session for session in found.sessions] == ["barber-2025-r1"]
    assert len(found.problems) == 2
    assert "cota.zip: damaged or cut short" in found.problems[0]
    assert "sonoma-2025-r1: two different weather files" in found.problems[1]


def test_a_folder_whose_name_is_no_utf8_is_told_and_can_be_printed(tmp_path: Path) -> None:
    write_session(tmp_path / "season" / os.fsdecode(b"barber\xff") / "race1")
    write_session(tmp_path / "season" / "sonoma" / "race1", track="sonoma")
    (tmp_path / "season" / os.fsdecode(b"notes\xff.txt")).touch()
    found = look(tmp_path / "season")
    assert [session.session for session in found.sessions] == ["sonoma-2025-r1"]
    assert [file.name for file in found.ignored] == ["notes?.txt"]
    assert found.problems
    assert all("barber?/race1" in text and "rename" in text and text.encode() for text in found.problems)
