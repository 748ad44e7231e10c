"""Putting a site in place."""

import hashlib
import json
import threading
from pathlib import Path

import pytest

from grx_pipeline.errors import StorageError
from grx_pipeline.reports import publish as publishing
from grx_pipeline.reports.publish import Publication, head_of, publish

FILES = {"index.html": b"<p>one</p>", "api/laps/a.json": b"{}\n"}


def put(root: Path, files: dict[str, bytes], *, keep: int = 3, now: str = "2025-01-01T00:00:00Z") -> Publication:
    return publish(
        files,
        site=root / "race",
        builds=root / ".builds" / "race",
        session="race",
        schema_version="1.0",
        now=now,
        keep=keep,
    )


def manifest(root: Path) -> dict[str, object]:
    document: dict[str, object] = json.loads((root / "race/manifest.json").read_bytes())
    return document


def test_the_site_is_a_relative_link_to_a_build_with_the_files_and_their_manifest(tmp_path: Path) -> None:
    publication = put(tmp_path, FILES)
    link = (tmp_path / "race").readlink()
    assert not link.is_absolute()
    assert (tmp_path / link).samefile(publication.folder)
    assert {name: (tmp_path / "race" / name).read_bytes() for name in FILES} == FILES
    assert manifest(tmp_path)["files"] == {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in FILES.items()
    }
    assert set(publication.files) == {tmp_path / "race" / name for name in (*FILES, "manifest.json")}


def test_the_reports_folder_can_be_moved(tmp_path: Path) -> None:
    put(tmp_path / "here", FILES)
    (tmp_path / "here").rename(tmp_path / "there")
    assert (tmp_path / "there/race/index.html").read_bytes() == FILES["index.html"]


def test_the_same_files_again_touch_nothing(tmp_path: Path) -> None:
    first = put(tmp_path, FILES)
    stamp = (tmp_path / "race").lstat().st_mtime_ns
    again = put(tmp_path, FILES, now="2099-01-01T00:00:00Z")
    assert (first.was_published, again.was_published, again.written) == (True, False, 0)
    assert (tmp_path / "race").lstat().st_mtime_ns == stamp
    assert [folder.name for folder in (tmp_path / ".builds/race").iterdir()] == [first.folder.name]


def test_an_unchanged_file_is_the_same_file_in_the_next_build(tmp_path: Path) -> None:
    first = put(tmp_path, FILES)
    second = put(tmp_path, {**FILES, "index.html": b"<p>two</p>"})
    assert second.written == 1
    assert (second.folder / "api/laps/a.json").samefile(first.folder / "api/laps/a.json")
    assert (first.folder / "index.html").read_bytes() == FILES["index.html"]


def test_a_file_that_is_no_longer_written_is_gone(tmp_path: Path) -> None:
    put(tmp_path, FILES)
    put(tmp_path, {"index.html": FILES["index.html"]})
    assert not (tmp_path / "race/api").exists()


@pytest.mark.parametrize("damage", [b"", b"<p>oNe</p>", None])
def test_a_damaged_file_is_written_again(tmp_path: Path, damage: bytes | None) -> None:
    put(tmp_path, FILES)
    file = tmp_path / "race/index.html"
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    assert put(tmp_path, FILES).was_published
    assert file.read_bytes() == FILES["index.html"]


def test_a_damaged_manifest_is_written_again(tmp_path: Path) -> None:
    put(tmp_path, FILES)
    (tmp_path / "race/manifest.json").write_bytes(b"{")
    assert put(tmp_path, FILES).was_published
    assert manifest(tmp_path)["session"] == "race"


def test_going_back_to_earlier_content_is_a_new_build(tmp_path: Path) -> None:
    put(tmp_path, FILES)
    put(tmp_path, {**FILES, "index.html": b"<p>two</p>"})
    put(tmp_path, FILES)
    assert (tmp_path / "race/index.html").read_bytes() == FILES["index.html"]


def test_the_newest_builds_stay(tmp_path: Path) -> None:
    for n in range(5):
        last = put(tmp_path, {**FILES, "index.html": b"%d" % n}, keep=2)
    kept = sorted((tmp_path / ".builds/race").iterdir())
    assert [(folder / "index.html").read_bytes() for folder in kept] == [b"3", b"4"]
    assert kept[-1] == last.folder


def test_what_a_killed_run_left_behind_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".builds/race/.0001-aaaaaaaaaaaa.123.tmp"
    left.mkdir(parents=True)
    put(tmp_path, FILES)
    assert not left.exists()


def test_a_failure_while_writing_leaves_the_earlier_site_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, FILES)
    before = sorted(tmp_path.rglob("*"))

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "_swap", full)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"No space left on device.*GRX_REPORTS_DIR"):
        put(tmp_path, {**FILES, "index.html": b"<p>two</p>"})
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "race/index.html").read_bytes() == FILES["index.html"]


def test_a_folder_in_the_place_of_the_link_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "race").mkdir()
    (tmp_path / "race/notes.txt").write_bytes(b"mine")
    with pytest.raises(StorageError, match="race"):
        put(tmp_path, FILES)
    assert (tmp_path / "race/notes.txt").read_bytes() == b"mine"
    assert list((tmp_path / ".builds/race").iterdir()) == []


def test_a_reader_never_misses_a_file_nor_mixes_builds(tmp_path: Path) -> None:
    def pair(n: int) -> dict[str, bytes]:
        return {"a": b"%d" % n, "b": b"%d" % n}

    put(tmp_path, pair(0))
    done = threading.Event()
    seen: list[tuple[bytes, bytes]] = []

    def read() -> None:
        while not done.is_set():
            folder = (tmp_path / "race").resolve()
            seen.append(((folder / "a").read_bytes(), (folder / "b").read_bytes()))
            assert (tmp_path / "race/a").read_bytes()

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(1, 40):
        put(tmp_path, pair(n), keep=40)
    done.set()
    reader.join()
    assert seen
    assert all(a == b for a, b in seen)


def test_the_head_of_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert head_of(tmp_path / "none.json") is None
