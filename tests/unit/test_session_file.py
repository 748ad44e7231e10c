"""What session.toml may say, and that whatever else it says is told with its line."""

from pathlib import Path

import pytest
from support.raw_session import write_session

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import Manifest, RawFile, read_manifest, write_manifest
from grx_pipeline.ingest.session_file import (
    DriverName,
    Exclusion,
    LoggerCar,
    SessionFile,
    read_session_file,
)
from grx_pipeline.track.circuits import Corner, circuit_of
from grx_pipeline.track.corner_fixes import CornerFix


def read(tmp_path: Path, text: str) -> SessionFile:
    path = tmp_path / "session.toml"
    path.write_bytes(text.encode())
    return read_session_file(RawFile(kind="session", path=str(path), member=None, size=len(text), sha256=""))


def found(tmp_path: Path, text: str | None) -> Manifest:
    folder = write_session(tmp_path / "barber" / "race1")
    if text is not None:
        (folder / "session.toml").write_text(text)
    (session,) = discover(folder, hashes=HashCache(tmp_path / "hashes")).sessions
    return session


@pytest.mark.parametrize(
    ("text", "is_simulated"),
    [(None, False), ("", False), ("simulated = true\n", True), ("simulated = true\n[demo]\nseed = 1\n", True)],
)
def test_a_session_is_simulated_only_where_its_file_says_so(
    tmp_path: Path, text: str | None, is_simulated: bool
) -> None:
    session = found(tmp_path, text)
    assert session.is_simulated is is_simulated
    write_manifest(tmp_path / "manifest.json", session)
    assert read_manifest(tmp_path / "manifest.json") == session


def test_the_file_is_an_input_with_its_hash_and_never_missed(tmp_path: Path) -> None:
    session = found(tmp_path, "simulated = true\n")
    assert [file.name for file in session.of_kind("session")] == ["session.toml"]
    assert session.missing_kinds == ()


@pytest.mark.parametrize("text", ["", "# Nothing yet.\n", "\ufeff# Written by an editor that marks UTF-8.\r\n"])
def test_a_file_of_comments_says_nothing(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == SessionFile()


WHOLE = """
[drivers]
"111" = " Ada <b>Byron</b> "
7-1 = "Zoë"

[[exclude]]
car = "7"
laps = [
    2,
    5,
]
reason = "cut turn 9"

[[exclude]]
car = "51"
reason = "another class"

[loggers]
"GR86-060-2" = "111"
GR86-013-80 = "nobody"

[[corners]]
number = "T5"
name = "Web"
apex_m = 1240

[[corners]]
number = "T8-T9"
merge = ["T8", "T9"]

[[corners]]
number = "T12"
remove = true
"""


def test_every_entry_is_read_with_the_line_it_begins_in(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE.replace("\n", "\r\n")) == SessionFile(
        drivers=(
            DriverName(line=3, car="111", name="Ada <b>Byron</b>"),
            DriverName(line=4, car="7-1", name="Zoë"),
        ),
        exclusions=(
            Exclusion(line=6, car="7", laps=(2, 5), reason="cut turn 9"),
            Exclusion(line=14, car="51", laps=(), reason="another class"),
        ),
        loggers=(
            LoggerCar(line=19, logger_id="GR86-060-2", car="111"),
            LoggerCar(line=20, logger_id="GR86-013-80", car=None),
        ),
        corner_fixes=(
            CornerFix(line=22, corner="T5", name="Web", apex_m=1240.0),
            CornerFix(line=27, corner="T8-T9", merge=("T8", "T9")),
            CornerFix(line=31, corner="T12", is_removed=True),
        ),
    )


def test_a_reason_that_ends_as_a_sentence_stands_inside_others(tmp_path: Path) -> None:
    assert read(tmp_path, '[[exclude]]\ncar = "7"\nreason = "cut turn 9."\n').exclusions[0].reason == "cut turn 9"


def test_a_corner_table_is_the_teams_or_that_of_a_circuit(tmp_path: Path) -> None:
    row = '{ number = "T1", name = "Bend", direction = "left", start_m = 1, apex_m = 2.5, end_m = 3 }'
    own = read(tmp_path, f"[corner_table]\nversion = 2\nverified = true\ncorners = [\n  {row},\n]\n").corner_table
    assert own is not None
    assert (own.line, own.circuit, own.table.version, own.table.is_verified) == (1, None, 2, True)
    assert own.table.corners == (
        Corner(corner="T1", name="Bend", direction="left", start_m=1.0, apex_m=2.5, end_m=3.0),
    )
    pointed = read(tmp_path, '[corner_table]\ncircuit = "barber"\n').corner_table
    assert pointed is not None
    assert (pointed.circuit, pointed.table) == ("barber", circuit_of("barber").corner_table)


EXCLUDE = '[[exclude]]\ncar = "7"\n'
TABLE = "[corner_table]\nversion = 1\nverified = false\n"


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("simulate = true\n", 1, "unknown setting 'simulate'; known are simulated, drivers, exclude"),
        ("simulated = 1\n", 1, "has to be true or false"),
        ('drivers = "13"\n', 1, "has to hold lines"),
        ("[drivers]\n\n13 = 7\n", 3, "has to hold lines"),
        ('[drivers]\n13 = " "\n', 2, "has to hold lines"),
        ('[loggers]\n"GR86-060-2" = 111\n', 2, 'lines as "GR86-060-2" = "111" or "GR86-013-80" = "nobody"'),
        ('exclude = "7"\n', 1, "written as [[exclude]]"),
        ('[exclude]\ncar = "7"\n', 1, "written as [[exclude]]"),
        (f"{EXCLUDE}", 1, "reason has to be words"),
        (f'# Why?\n{EXCLUDE}reason = ""\n', 4, "reason has to be words"),
        ('[[exclude]]\ncar = 7\nreason = "x"\n', 2, "car has to be a car number or driver id in quotes"),
        (f'{EXCLUDE}reason = "x"\nlap = 7\n', 4, "unknown key of [[exclude]] 'lap'; known are car, laps, reason"),
        (f'{EXCLUDE}reason = "x"\nlaps = 7\n', 4, "has to be lap numbers as [7, 12]"),
        (f'{EXCLUDE}reason = "x"\nlaps = []\n', 4, "has to be lap numbers as [7, 12]"),
        (f'{EXCLUDE}reason = "x"\nlaps = [true]\n', 4, "has to be lap numbers as [7, 12]"),
        (f'{EXCLUDE}reason = "x"\nlaps = [3, 5, 3]\n', 4, "lap 3 is there twice"),
        ('[[corners]]\nname = "Web"\n', 1, 'number has to be the corner as "T5"'),
        ('[[corners]]\nnumber = "T5"\n', 1, "corner T5 takes what to change"),
        ('[[corners]]\nnumber = "T5"\nremove = true\nname = "x"\n', 1, "or remove alone"),
        ('[[corners]]\nnumber = "T5"\nremove = 1\n', 3, "has to be true; leave it out"),
        ('[[corners]]\nnumber = "T5"\nremove = false\n', 3, "has to be true; leave it out"),
        ('[[corners]]\nnumber = "T5"\nmerge = []\n', 3, "two corners or more"),
        ('[[corners]]\nnumber = "T5"\nmerge = ["T5", "T5"]\n', 3, "two corners or more"),
        ('[[corners]]\nnumber = "T5"\nmerge = ["T5"]\n', 3, "two corners or more"),
        ('[[corners]]\nnumber = "T5"\nmerge = ["T5", "T6"]\nrenumber = "T7"\n', 1, "merge without renumber"),
        ('[[corners]]\nnumber = "T5"\napex_m = "1240"\n', 3, "has to be metres"),
        ('[[corners]]\nnumber = "T5"\napex = 1240\n', 3, "unknown key of [[corners]] 'apex'"),
        ('[[corners]]\nnumber = "T5"\ndirection = "west"\n', 3, "has to be left or right"),
        ("corner_table = 1\n", 1, "has to hold corners, or the circuit"),
        (f"{TABLE}", 1, "has to have a version"),
        (f"{TABLE}corners = [5]\n", 4, "a corner is 5"),
        (f'{TABLE}corners = [\n{{ number = "T1", direction = "left" }}\n]\n', 4, "T1 lacks start_m, apex_m, end_m"),
        ('[corner_table]\ncircuit = "monza"\n', 2, "no corner table of 'monza'; there are those of barber, cota"),
        ('[corner_table]\ncircuit = "barber"\nversion = 1\n', 1, "leave one of them"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path}/session.toml line {line}: ")
    assert words in str(error.value)


@pytest.mark.parametrize("text", ["simulated = ", '[drivers]\n13 = "a"\n13 = "b"\n', "\udcff"])
def test_what_is_no_toml_is_told_as_such(tmp_path: Path, text: str) -> None:
    path = tmp_path / "session.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=r"session.toml: not valid TOML: "):
        read_session_file(RawFile(kind="session", path=str(path), member=None, size=1, sha256=""))


def test_every_name_of_no_car_is_told_before_anything_is_read_in(tmp_path: Path) -> None:
    text = '[drivers]\n"07" = "Ada"\n"7" = "Zoë"\n"99-1" = "Max"\n[loggers]\n"GR86-060-2" = "12"\n'
    with pytest.raises(InputError) as error:
        found(tmp_path, text)
    assert str(error.value) == (
        "barber-2025-r1: session.toml names '07' in line 2 and '12' in line 6 and '99-1' in line 4, but no car of the"
        " timing is that; cars: 7, 51, 111 (written as the timing writes them: 03 is not 3)"
    )


def test_a_lap_that_was_not_driven_is_told_before_anything_is_read_in(tmp_path: Path) -> None:
    text = (
        '[[exclude]]\ncar = "51"\nlaps = [6]\nreason = "x"\n\n[[exclude]]\ncar = "7-1"\nlaps = [2, 9]\nreason = "x"\n'
    )
    with pytest.raises(InputError, match=r"session.toml line 6: car 7-1 has no lap 9; its laps are 1 to 6"):
        found(tmp_path, text)


def test_where_the_file_of_laps_is_cut_short_it_is_that_file_which_is_wrong(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    (laps,) = folder.glob("23_*")
    lines = laps.read_bytes().splitlines(keepends=True)
    of_car_7 = [number for number, line in enumerate(lines) if line.startswith(b"7;")]
    laps.write_bytes(b"".join(lines[: of_car_7[3]]))
    (folder / "session.toml").write_text('[[exclude]]\ncar = "7"\nlaps = [5]\nreason = "x"\n')
    with pytest.raises(InputError) as error:
        discover(folder, hashes=HashCache(tmp_path / "hashes"))
    assert str(error.value) == (
        f"barber-2025-r1: {laps.name} lacks lap 5 of car 7, to which the result gives 6 laps;"
        " export that file again (session.toml line 1 excludes that lap)"
    )


def test_nothing_is_judged_where_the_timing_cannot_be_read(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    (folder / "session.toml").write_text('[drivers]\n"99" = "Ada"\n')
    for file in (*folder.glob("23_*"), *folder.glob("03_*"), *folder.glob("00_*")):
        file.unlink()
    (session,) = discover(folder, hashes=HashCache(tmp_path / "hashes")).sessions
    assert session.of_kind("session")
