from pathlib import Path

import pandas as pd
import pytest
from support.raw_session import write_session

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import Manifest, read_manifest, write_manifest
from grx_pipeline.laps.drivers import with_given_names


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
    assert found(tmp_path, text).is_simulated is is_simulated


def test_the_file_is_an_input_with_its_hash_and_never_missed(tmp_path: Path) -> None:
    session = found(tmp_path, "simulated = true\n")
    assert [file.name for file in session.of_kind("session")] == ["session.toml"]
    assert session.missing_kinds == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("simulate = true\n", "unknown setting 'simulate'"),
        ("simulated = 1\n", "has to be true or false"),
        ("simulated = ", "not valid TOML"),
        ('drivers = "13"\n', "has to hold lines"),
        ("[drivers]\n13 = 7\n", "has to hold lines"),
        ('[drivers]\n13 = " "\n', "has to hold lines"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=rf"session.toml: .*{words}"):
        found(tmp_path, text)


def test_drivers_are_named_by_car_and_kept_in_the_manifest(tmp_path: Path) -> None:
    session = found(tmp_path, '[drivers]\n"111" = " Ada <b>Byron</b> "\n7-1 = "Zoë"\n')
    assert session.drivers == {"111": "Ada <b>Byron</b>", "7-1": "Zoë"}
    write_manifest(tmp_path / "manifest.json", session)
    assert read_manifest(tmp_path / "manifest.json") == session


def test_a_given_name_stands_before_the_timings_and_goes_to_one_car_by_its_driver_id() -> None:
    rows = pd.DataFrame(
        {
            "driver_id": ["13-1", "13-1-2", "7-1"],
            "car_number": ["13", "13", "7"],
            "driver_name": ["Driver 13", None, "Driver 7"],
        }
    )
    named = with_given_names(rows, {"13": "Zoë", "13-1-2": "Ada"})
    assert named["driver_name"].tolist() == ["Zoë", "Ada", "Driver 7"]
    assert with_given_names(rows, {})["driver_name"].fillna("").tolist() == ["Driver 13", "", "Driver 7"]


def test_every_name_of_no_car_is_told_before_anything_is_read_in(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    (folder / "session.toml").write_text('[drivers]\n"07" = "Ada"\n"7" = "Zoë"\n"99-1" = "Max"\n')
    with pytest.raises(InputError) as error:
        discover(folder, hashes=HashCache(tmp_path / "hashes"))
    told = "barber-2025-r1: session.toml: [drivers] names '07' and '99-1', but no car of the timing is that; cars: "
    assert str(error.value) == told + "7, 51, 111 (written as the timing writes them: 03 is not 3)"


def test_names_are_not_judged_where_the_timing_cannot_be_read(tmp_path: Path) -> None:
    folder = write_session(tmp_path / "barber" / "race1")
    (folder / "session.toml").write_text('[drivers]\n"99" = "Ada"\n')
    for file in (*folder.glob("23_*"), *folder.glob("03_*"), *folder.glob("00_*")):
        file.unlink()
    (session,) = discover(folder, hashes=HashCache(tmp_path / "hashes")).sessions
    assert session.drivers == {"99": "Ada"}


def test_a_name_of_no_car_is_an_error_that_lists_the_cars_and_the_ids_that_tell_two_apart() -> None:
    rows = pd.DataFrame({"driver_id": ["7-1", "3-1", "3-1-2"], "car_number": ["7", "3", "3"], "driver_name": None})
    with pytest.raises(InputError, match=r"names '07' and '3-2', but .*; cars: 3, 7, 3-1, 3-1-2 \("):
        with_given_names(rows, {"07": "Ada", "3-2": "Zoë", "7": "Max"})
