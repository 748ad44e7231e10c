from pathlib import Path

import pytest
from support.raw_session import write_session

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import Manifest


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
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=rf"session.toml: .*{words}"):
        found(tmp_path, text)
