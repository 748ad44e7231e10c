"""Copying a site to a folder or a bucket: what is written, in which order, and what a broken copy leaves."""

import itertools
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from support.publisher import PAGES, SESSION, data_of, number_of, publish_number, site_files

from grx_pipeline.errors import InputError, StorageError
from grx_pipeline.publishing.place import Place
from grx_pipeline.publishing.target import Copied, copy_site
from grx_pipeline.publishing.verify import verify_site


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    publish_number(tmp_path / "reports", 0)
    return tmp_path / "reports"


@pytest.fixture(params=["folder", "memory"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place.at(str(tmp_path / "copy") if request.param == "folder" else f"memory://{uuid.uuid4().hex}/site")


def copy(reports: Path, target: Place, *, keep: int = 3) -> Copied:
    return copy_site(Place.at(str(reports)), target, keep=keep, progress=lambda _: None)


def assert_whole(target: Place) -> int:
    """Returns how many files were looked at."""
    found = verify_site(target, progress=lambda _: None)
    assert found.problems == ()
    return found.files


def test_a_copy_holds_the_site_and_the_latest_session_s_api_once_more(reports: Path, target: Place) -> None:
    copied = copy(reports, target)
    assert copied.written == copied.standing == assert_whole(target)
    assert copied.standing - copied.latest == assert_whole(Place.at(str(reports)))
    for name, content in site_files(0).items():
        assert target.read(f"{SESSION}/{name}") == content
    assert target.read("latest/api/drivers.json") == site_files(0)["api/drivers.json"]
    assert target.read("index.html") == (reports / "index.html").read_bytes()


def test_only_what_changed_is_written_again(reports: Path, target: Place) -> None:
    first = copy(reports, target)
    assert (copy(reports, target).written, first.unchanged) == (0, 0)
    publish_number(reports, 1)
    second = copy(reports, target)
    assert second.standing == assert_whole(target)
    assert 0 < second.written < first.written
    assert number_of(target.read(f"{SESSION}/index.html")) == 1


def test_what_an_open_page_loads_goes_after_as_many_copies_as_are_kept(reports: Path, target: Place) -> None:
    copy(reports, target)
    data = f"{SESSION}/{data_of(target.read(f'{SESSION}/index.html'))}"
    present = []
    for number in range(1, 8):
        publish_number(reports, number)
        copy(reports, target, keep=2)
        present.append(target.files.exists(target.path(data)))
    assert_whole(target)
    # Three builds carry it or keep it, then two copies more.
    assert present == sorted(present, reverse=True)
    assert present[:3] == [True, True, True]
    assert present[-1] is False


class Recorded(MemoryFileSystem):  # type: ignore[misc]
    """A bucket that remembers what it was asked to hold and, told so, breaks off."""

    protocol = "s3"
    store: dict[str, Any] = {}  # noqa: RUF012
    pseudo_dirs: list[str] = [""]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[tuple[str, dict[str, Any]]] = []
        self.break_after: int | None = None

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        raise AssertionError(f"a bucket has no folders, and making {path} would make a bucket")

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        if self.break_after is not None and len(self.writes) >= self.break_after:
            raise ConnectionError("the line is gone")
        self.writes.append((path, options))
        super().pipe_file(path, value)


@pytest.fixture
def bucket() -> Iterator[Place]:
    MemoryFileSystem.clear_instance_cache()
    Recorded.store.clear()
    yield Place(files=Recorded(), root="/bucket/site")
    Recorded.store.clear()


def test_hashed_files_go_first_then_data_then_pages_and_manifests_last(reports: Path, bucket: Place) -> None:
    copy(reports, bucket)
    names = [path.removeprefix("/bucket/site/") for path, _ in bucket.files.writes]
    assert names[0] == names[-1] == "publication.json"
    kinds = [_kind(name) for name in names[1:-1]]
    assert kinds == sorted(kinds)
    assert {*kinds} == {0, 1, 2, 3}


def _kind(name: str) -> int:
    if name.endswith("manifest.json"):
        return 3
    if name.startswith(("assets/", f"{SESSION}/data/")):
        return 0
    return 2 if name.removesuffix(".gz").endswith(".html") else 1


def test_a_bucket_is_told_types_and_how_long_a_file_may_be_kept(reports: Path, bucket: Place) -> None:
    copy(reports, bucket)
    options = {path.removeprefix("/bucket/site/"): given for path, given in bucket.files.writes}
    assert options["index.html"] == {
        "ContentType": "text/html; charset=utf-8",
        "CacheControl": "max-age=0, must-revalidate",
    }
    data = f"{SESSION}/{data_of(site_files(0)['index.html'])}"
    assert options[data] == {
        "ContentType": "text/javascript; charset=utf-8",
        "CacheControl": "public, max-age=31536000, immutable",
    }


def test_a_copy_that_breaks_off_anywhere_shows_whole_pages_and_the_next_one_mends_it(
    reports: Path, bucket: Place
) -> None:
    copy(reports, bucket)
    for number, step in enumerate(itertools.count(), start=1):
        publish_number(reports, number)
        bucket.files.writes.clear()
        bucket.files.break_after = step
        has_broken = False
        try:
            copy(reports, bucket)
        except StorageError:
            has_broken = True
        bucket.files.break_after = None
        for name in PAGES:
            page = bucket.read(f"{SESSION}/{name}")
            of = number_of(page)
            assert page == site_files(of)[name]
            assert bucket.read(f"{SESSION}/{data_of(page)}") == site_files(of)[data_of(page)]
        if not has_broken:
            break
        copy(reports, bucket)
        assert_whole(bucket)
    assert step > 20


def test_an_earlier_build_comes_back_whole_after_a_broken_copy(reports: Path, bucket: Place) -> None:
    copy(reports, bucket)
    publish_number(reports, 1)
    bucket.files.writes.clear()
    bucket.files.break_after = 40
    with pytest.raises(StorageError, match="the line is gone"):
        copy(reports, bucket)
    assert any("broke" in p or "cut short" in p for p in verify_site(bucket, progress=lambda _: None).problems)
    bucket.files.break_after = None
    publish_number(reports, 0)
    copy(reports, bucket)
    assert_whole(bucket)


def test_a_damaged_file_is_not_spread(reports: Path, target: Place) -> None:
    (reports / SESSION / "index.html").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"index\.html: not as its manifest says"):
        copy(reports, target)


def test_no_site_and_no_way_to_the_target_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no site to publish yet"):
        copy(tmp_path, Place.at("memory://nothing"))
    with pytest.raises(InputError, match="nosuch"):
        Place.at("nosuch://bucket/site")
    with pytest.raises(InputError, match="no published site"):
        verify_site(Place.at(str(tmp_path)), progress=lambda _: None)


def test_a_copied_site_is_checked_for_all_it_holds(reports: Path, tmp_path: Path) -> None:
    target = Place.at(str(tmp_path / "copy"))
    copy(reports, target)
    (tmp_path / "copy/latest/api/drivers.json").write_bytes(b"{}")
    (tmp_path / "copy/stray.txt").write_bytes(b"")
    page = tmp_path / "copy" / SESSION / "index.html"
    page.write_bytes(page.read_bytes().replace(b"lap", b"pal"))
    problems = "\n".join(verify_site(target, progress=lambda _: None).problems)
    for expected in (
        "latest/api/drivers.json: its bytes",
        "stray.txt: in no manifest",
        f"{SESSION}/index.html: its bytes",
    ):
        assert expected in problems


def test_links_are_followed_to_files_and_places(tmp_path: Path) -> None:
    from grx_pipeline.reports.publish import publish

    pages = {
        "index.html": b'<a href="a/b.html#here">1</a><a href="#up" id="up">2</a><a href="a/b.html?x=1#t8">3</a>',
        "a/b.html": b'<p id="here"><a href="../index.html">1</a><a href="../none.html">2</a><a href="#gone">3</a>'
        b'<a href="https://elsewhere.example/">4</a><script type="application/json">["t8"]</script>'
        b'<a href="data:,">5</a><a href="../index.html#gone%20too">6</a></p>',
    }
    publish(
        pages,
        site=tmp_path / SESSION,
        builds=tmp_path / ".builds" / SESSION,
        session=SESSION,
        schema_version="1",
        now="",
        keep=1,
    )
    found = verify_site(Place.at(str(tmp_path)), progress=lambda _: None)
    said = {problem.partition(": ")[2] for problem in found.problems}
    assert said == {
        "leads to ../none.html, which is not there",
        "leads to #gone, but there is no such place on that page",
        "leads to another host: https://elsewhere.example/",
        "leads to ../index.html#gone%20too, but there is no such place on that page",
    }
    assert found.links == 9


def test_a_manifest_that_leads_out_of_its_folder_is_refused(tmp_path: Path, reports: Path) -> None:
    file = reports / SESSION / "manifest.json"
    document = json.loads(file.read_bytes())
    del document["seal"]
    document["files"]["../../../secret"] = {"sha256": "0" * 64, "bytes": 1}
    file.write_bytes(json.dumps(document).encode())
    with pytest.raises(InputError, match="no path inside a build"):
        copy(reports, Place.at(str(tmp_path / "copy")))
