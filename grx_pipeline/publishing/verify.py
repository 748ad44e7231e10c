"""Whether a site is whole: every file as its manifest says, every link to a file that is there."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from grx_pipeline.errors import InputError
from grx_pipeline.formats import counted
from grx_pipeline.publishing.manifest import MANIFEST, FileEntry
from grx_pipeline.publishing.place import Place, StandingBuild
from grx_pipeline.publishing.target import PUBLICATION, recorded_files

# How many files a bucket is asked for at once, and how many are held in memory.
_READ_AT_ONCE = 16
_HELD = 200
_LINKS = {"href", "src"}
_ID_IN_DATA = re.compile(r'"([a-z][a-z0-9-]*)"')


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was looked at, manifests among the files, and what is wrong, in sentences."""

    sessions: int
    files: int
    size: int
    links: int
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Page:
    """What a page leads to, and the names that others may lead to in it."""

    links: tuple[str, ...]
    ids: frozenset[str]


@dataclass(kw_only=True)
class _Findings:
    files: int = 0
    size: int = 0
    links: int = 0
    problems: list[str] = field(default_factory=list)


def verify_site(place: Place, *, progress: Callable[[str], None]) -> Verification:
    """Read every file of the site and check it. Raises InputError where there is no site, or no manifest to go by."""
    builds = place.builds()
    if not builds:
        raise InputError(f"{place.root}: no published site here")
    found = _Findings()
    names: set[str] = set()
    pages: dict[str, _Page] = {}
    for build in builds:
        names |= {build.address(name) for name in (*build.manifest.on_disk(), MANIFEST)}
        found.files += 1
        found.size += len(build.place.read(MANIFEST))
        pages |= _check_files(build, found)
        progress(f"{build.name or 'above the sessions'}: {counted(len(build.manifest.files), 'file')}")
    for page, content in pages.items():
        _check_links(page, content, names, pages, found)
    _check_strays(builds, place, found)
    return Verification(
        sessions=sum(1 for build in builds if build.name),
        files=found.files,
        size=found.size,
        links=found.links,
        problems=tuple(found.problems),
    )


def _check_files(build: StandingBuild, found: _Findings) -> dict[str, _Page]:
    """Hash the build's files; returns its pages."""
    pages = {}
    entries = build.manifest.on_disk()
    for name, read in _contents(build.place, list(entries)):
        address = build.address(name)
        content = _checked(read, address, entries[name].sha256, found)
        if content is not None and name.endswith(".html") and name in build.manifest.files:
            pages[address] = _parsed(content)
    return pages


def _contents(place: Place, names: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
    """Each file's bytes, None where it is missing; some hundred at once from a bucket."""
    with ThreadPoolExecutor(_READ_AT_ONCE if place.is_bucket else 1) as pool:
        for first in range(0, len(names), _HELD):
            some = names[first : first + _HELD]
            yield from zip(some, pool.map(partial(_content, place), some), strict=True)


def _content(place: Place, name: str) -> bytes | None:
    try:
        return place.read(name)
    except OSError:
        return None


def _checked(content: bytes | None, address: str, sha256: str, found: _Findings) -> bytes | None:
    """The bytes where they are those of the manifest."""
    if content is None:
        found.problems.append(f"{address}: missing")
        return None
    found.files += 1
    found.size += len(content)
    if FileEntry.of(content).sha256 != sha256:
        found.problems.append(f"{address}: its bytes are not those of the manifest")
        return None
    return content


def _check_links(page: str, content: _Page, names: set[str], pages: Mapping[str, _Page], found: _Findings) -> None:
    for link in content.links:
        found.links += 1
        parts = urlsplit(link)
        if parts.scheme == "data":
            continue
        if parts.scheme or parts.netloc:
            found.problems.append(f"{page}: leads to another host: {link}")
            continue
        goal = _goal(page, unquote(parts.path))
        if goal not in names:
            found.problems.append(f"{page}: leads to {link}, which is not there")
        elif parts.fragment and goal in pages and unquote(parts.fragment) not in pages[goal].ids:
            found.problems.append(f"{page}: leads to {link}, but there is no such place on that page")


def _goal(page: str, path: str) -> str:
    """The file that a relative link leads to."""
    if not path:
        return page
    parts = [] if path.startswith("/") else list(PurePosixPath(page).parent.parts)
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    goal = "/".join(parts)
    return f"{goal}/index.html".lstrip("/") if path.endswith("/") else goal


def _check_strays(builds: list[StandingBuild], place: Place, found: _Findings) -> None:
    """Files that no manifest names, and of a copy what only that has: latest/, and files that stay for a while."""
    recorded = recorded_files(place)
    known = {build.place.path(name) for build in builds for name in (*build.manifest.on_disk(), MANIFEST)}
    known |= {build.place.path(name) for build in builds for name in build.manifest.links}
    folders = {build.place.root for build in builds}
    if recorded is not None:
        hashes, is_complete = recorded
        if not is_complete:
            found.problems.append(f"{PUBLICATION}: the last copy was cut short; publish again")
        for name, content in _contents(place, sorted(name for name in hashes if place.path(name) not in known)):
            _checked(content, name, hashes[name], found)
        known |= {place.path(name) for name in (*hashes, PUBLICATION)}
        folders = {place.root}
    for folder in sorted(folders):
        present = (str(path) for path in place.files.find(folder))
        found.problems += [f"{path}: in no manifest" for path in present if path not in known]


def _parsed(content: bytes) -> _Page:
    reader = _Reader()
    reader.feed(content.decode("utf-8", "replace"))
    return _Page(links=tuple(reader.links), ids=frozenset(reader.ids))


class _Reader(HTMLParser):
    """Collects what a page leads to, and its ids: those of its elements and the names in its script's data."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self._is_data = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_data = tag == "script" and ("type", "application/json") in attrs
        for name, value in attrs:
            if name in _LINKS and value:
                self.links.append(value)
            elif name == "id" and value:
                self.ids.add(value)

    def handle_data(self, data: str) -> None:
        if self._is_data:
            self.ids.update(_ID_IN_DATA.findall(data))
