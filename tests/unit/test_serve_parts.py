"""The server's parts one by one: addresses, cache, rate, index."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.reports.publish import publish
from grx_pipeline.serve.addresses import LATEST, SITE, parse_address
from grx_pipeline.serve.cache import Answer, HotFiles
from grx_pipeline.serve.index import SiteIndex
from grx_pipeline.serve.limits import Rate, household

SESSION = "barber-2025-r1"


@pytest.mark.parametrize(
    ("path", "session", "names"),
    [
        (b"/", SITE, ("index.html",)),
        (b"/docs", SITE, ("docs", "docs.json", "docs.html")),
        (b"/api/sessions", SITE, ("api/sessions.json",)),
        (b"/api/season", SITE, ("api/season.json",)),
        (b"/api/season.json", SITE, ("api/season.json",)),
        (b"/api/drivers", LATEST, ("api/drivers", "api/drivers.json", "api/drivers.html")),
        (b"/api/sessions/barber-2025-r1/drivers", SESSION, ("api/drivers", "api/drivers.json", "api/drivers.html")),
        (b"/barber-2025-r1/", SESSION, ("index.html",)),
        (b"/barber-2025-r1", SESSION, ()),
        (b"/latest/index.html", LATEST, ("index.html",)),
        (b"/api/laps/a%2fb", LATEST, ()),
    ],
)
def test_an_address_means_a_build_and_files_in_it(path: bytes, session: str, names: tuple[str, ...]) -> None:
    address = parse_address(path)
    assert address is not None
    assert (address.session, address.names()) == (session, names)


@given(st.binary(max_size=60))
def test_no_address_names_a_file_outside_its_build(path: bytes) -> None:
    address = parse_address(b"/" + path)
    for name in address.names() if address else ():
        assert not name.startswith("/")
        assert not {"", ".", ".."} & set(name.split("/"))
        assert not set(name) & set("\0\\\r\n")


def answer(size: int) -> Answer:
    return Answer((), b"x" * size, b'"t"')


def test_the_cache_keeps_what_is_asked_for_and_stays_within_its_bound() -> None:
    cache = HotFiles(max_bytes=100, ttl_s=10, clock=lambda: 0.0)
    for name in "abcd":
        cache.put(("s", name, ""), answer(25))
    assert cache.get(("s", "a", "")) is not None
    cache.put(("s", "e", ""), answer(25))
    assert cache.size == 100
    assert [name for name in "abcde" if cache.get(("s", name, ""))] == ["a", "c", "d", "e"]
    cache.put(("s", "huge", ""), answer(26))
    assert cache.get(("s", "huge", "")) is None
    cache.put(("s", "e", ""), answer(5))
    assert cache.size == 80


def test_the_cache_is_dropped_with_its_build_and_after_a_time() -> None:
    now = [0.0]
    cache = HotFiles(max_bytes=100, ttl_s=10, clock=lambda: now[0])
    for session in ("a", "b"):
        cache.put((session, "x", ""), answer(5))
    cache.drop("a")
    assert (cache.get(("a", "x", "")), cache.size) == (None, 5)
    now[0] = 11
    assert (cache.get(("b", "x", "")), cache.size) == (None, 0)


def test_an_address_may_ask_so_often_and_others_are_not_touched() -> None:
    now = [0.0]
    rate = Rate(per_minute=60, burst=2, clients=2, clock=lambda: now[0])
    assert [rate.seconds_to_wait("a") for _ in range(3)] == [0, 0, 1.0]
    assert rate.seconds_to_wait("b") == 0
    now[0] = 1.0
    assert [rate.seconds_to_wait("a") for _ in range(2)] == [0, 1.0]
    rate.seconds_to_wait("c")
    assert [rate.seconds_to_wait("b") for _ in range(3)] == [0, 0, 1.0]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:0:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("unix:", "unix:", True),
    ],
)
def test_who_asks_is_an_address_or_a_network_of_ipv6(one: str, other: str, is_same: bool) -> None:
    assert (household(one) == household(other)) is is_same


def put(root: Path, files: dict[str, bytes]) -> None:
    publish(
        files,
        site=root / SESSION,
        builds=root / ".builds" / SESSION,
        session=SESSION,
        schema_version="1",
        now="",
        keep=1,
    )


def read(index: SiteIndex, path: str) -> bytes | None:
    address = parse_address(path.encode())
    found = index.find(address) if address else None
    return found[0].read(found[1], found[2]) if found else None


def test_a_new_build_is_seen_at_once_and_told(tmp_path: Path) -> None:
    changes: list[str] = []
    index = SiteIndex(tmp_path, on_change=changes.append)
    assert read(index, f"/{SESSION}/a.html") is None
    put(tmp_path, {"a.html": b"1"})
    assert read(index, f"/{SESSION}/a.html") == b"1"
    assert changes == []
    put(tmp_path, {"a.html": b"2"})
    assert read(index, f"/{SESSION}/a.html") == b"2"
    assert changes == [SESSION]
    (tmp_path / SESSION).unlink()
    assert read(index, f"/{SESSION}/a.html") is None
    assert changes == [SESSION, SESSION]


def test_a_plain_copy_is_served_too_and_its_changes_are_seen(tmp_path: Path) -> None:
    put(tmp_path / "site", {"a.html": b"1"})
    copy = tmp_path / "copy" / SESSION
    copy.mkdir(parents=True)
    index = SiteIndex(tmp_path / "copy", on_change=lambda _: None)
    for content in (b"1", b"2"):
        put(tmp_path / "site", {"a.html": content})
        for name in ("a.html", "manifest.json"):
            (copy / name).write_bytes((tmp_path / "site" / SESSION / name).read_bytes())
        assert read(index, f"/{SESSION}/a.html") == content
    assert index.sessions() == [SESSION]


def test_a_manifest_that_cannot_be_read_leaves_the_earlier_build(tmp_path: Path) -> None:
    put(tmp_path, {"a.html": b"1"})
    index = SiteIndex(tmp_path, on_change=lambda _: None)
    assert read(index, f"/{SESSION}/a.html") == b"1"
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_bytes(b"{")
    (tmp_path / SESSION).unlink()
    (tmp_path / SESSION).symlink_to(broken)
    build = index.build(SESSION)
    assert build is not None
    assert build.folder != str(broken)
