"""Putting a site in place."""

import gzip
import hashlib
import itertools
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grx_pipeline.errors import StorageError
from grx_pipeline.reports import publish as publishing
from grx_pipeline.reports.draft import Standing
from grx_pipeline.reports.publish import Publication, publish

HASHED = {f"data/lap.{hashlib.sha256(content).hexdigest()[:10]}.js": content for content in (b"1", b"2", b"3", b"4")}
LONG = b"{" + b'"speed_kmh": 120, ' * 200 + b"}"
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


def test_the_head_of_a_file_is_read_only_where_the_file_is_whole(tmp_path: Path) -> None:
    put(tmp_path, {"a.json": LONG})
    assert Standing.at(tmp_path / "race").head("a.json") == LONG[:400]
    assert Standing.at(tmp_path / "race").head("none.json") is None
    (tmp_path / "race/a.json").write_bytes(LONG[:-1] + b"?")
    assert Standing.at(tmp_path / "race").head("a.json") is None


def test_a_long_text_has_a_compressed_twin_of_the_same_bytes_each_time(tmp_path: Path) -> None:
    for root in (tmp_path / "a", tmp_path / "b"):
        put(root, {"index.html": LONG, "short.json": b"{}"})
    packed = (tmp_path / "a/race/index.html.gz").read_bytes()
    assert gzip.decompress(packed) == LONG
    assert (tmp_path / "b/race/index.html.gz").read_bytes() == packed
    assert not (tmp_path / "a/race/short.json.gz").exists()


def test_a_damaged_twin_is_made_again(tmp_path: Path) -> None:
    put(tmp_path, {"index.html": LONG})
    (tmp_path / "race/index.html.gz").write_bytes(b"x")
    assert put(tmp_path, {"index.html": LONG}).was_published
    assert gzip.decompress((tmp_path / "race/index.html.gz").read_bytes()) == LONG


def test_what_an_open_page_loads_stays_for_as_many_builds_as_are_kept(tmp_path: Path) -> None:
    builds = [{"index.html": name.encode(), name: content} for name, content in HASHED.items()]
    present = []
    for files in builds:
        put(tmp_path, files, keep=3)
        present.append({name for name in HASHED if (tmp_path / "race" / name).is_file()})
    names = list(HASHED)
    assert present == [{*names[:1]}, {*names[:2]}, {*names[:3]}, {*names[1:4]}]
    document = manifest(tmp_path)
    assert set(document["files"]) == {"index.html", names[3]}  # type: ignore[call-overload]
    assert {name: entry["builds_ago"] for name, entry in document["carried"].items()} == {names[2]: 1, names[1]: 2}  # type: ignore[attr-defined]


def test_a_file_without_its_hash_in_the_name_is_not_carried(tmp_path: Path) -> None:
    put(tmp_path, {"index.html": b"1", "data/lap.0123456789.js": b"not that hash"})
    put(tmp_path, {"index.html": b"2"})
    assert not (tmp_path / "race/data").exists()


def test_a_changed_file_differs_in_whole_seconds_too(tmp_path: Path) -> None:
    times = []
    for n in range(3):
        put(tmp_path, {"index.html": b"%d" % n})
        times.append(int((tmp_path / "race/index.html").stat().st_mtime))
    assert times[0] < times[1] < times[2]


class Killed(BaseException):
    """The process is gone: nothing it would still do happens."""


def _dying(monkeypatch: pytest.MonkeyPatch, *, after: int) -> Callable[[], int]:
    """Every change of the file system counts; after so many each one stops the process, the first in its middle."""
    count = itertools.count()
    calls = {"n": 0}

    def wrap(place: Any, name: str) -> None:
        real = getattr(place, name)

        def call(*arguments: Any, **keywords: Any) -> Any:
            n = calls["n"] = next(count)
            if n >= after:
                if n == after and name == "write_bytes":
                    real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise Killed
            return real(*arguments, **keywords)

        monkeypatch.setattr(place, name, call)

    for name in ("write_bytes", "mkdir", "rename", "replace", "hardlink_to", "symlink_to", "unlink"):
        wrap(Path, name)
    for name in ("rmdir", "unlink", "utime"):
        wrap(os, name)
    return lambda: calls["n"]


def test_a_crash_at_any_step_leaves_a_site_that_is_whole(tmp_path: Path) -> None:
    def content(n: int) -> dict[str, bytes]:
        name, data = list(HASHED.items())[n % 4]
        return {**FILES, "index.html": f'<a href="{name}">{n}</a>'.encode(), name: data, "long.json": LONG + b"%d" % n}

    for n in range(4):
        put(tmp_path, content(n), keep=2)
    crashes = 0
    for step in itertools.count():
        before = (tmp_path / "race/index.html").read_bytes()
        with pytest.MonkeyPatch.context() as patch:
            _dying(patch, after=step)
            try:
                put(tmp_path, content(100 + step), keep=2)
            except Killed:
                crashes += 1
                has_died = True
            else:
                has_died = False
        shown = (tmp_path / "race/index.html").read_bytes()
        assert shown in (before, content(100 + step)["index.html"])
        _assert_whole(tmp_path)
        if not has_died:
            break
    assert crashes > 20
    assert len(list((tmp_path / ".builds/race").iterdir())) == 2
    assert not list(tmp_path.glob(".race.*"))


def _assert_whole(root: Path) -> None:
    document: dict[str, Any] = manifest(root)
    for name, entry in {**document["files"], **document["carried"]}.items():
        assert hashlib.sha256((root / "race" / name).read_bytes()).hexdigest() == entry["sha256"], name
