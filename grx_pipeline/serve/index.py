"""The builds that stand: found by their links, known by their manifests, noticed as soon as they change."""

import contextlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from grx_pipeline.publishing.manifest import MANIFEST, SCHEMA_VERSION, BuildManifest, FileEntry, parse_manifest
from grx_pipeline.serve.addresses import LATEST, SITE, Address
from grx_pipeline.sessions import is_session_id

_SITE_LINK = ".site"
_ATTEMPTS = 3


class DamagedFileError(Exception):
    """A file is not as its manifest says."""


@dataclass(frozen=True)
class Build:
    """A build that stands. Its folder never changes; a new build has a folder of its own."""

    name: str
    folder: str
    manifest: BuildManifest
    files: Mapping[str, FileEntry]

    def read(self, name: str, entry: FileEntry) -> bytes:
        """A file's bytes. Raises OSError where it is gone and DamagedFileError where it is not as it was published."""
        content = Path(self.folder, name).read_bytes()
        if FileEntry.of(content).sha256 != entry.sha256:
            raise DamagedFileError(f"{self.folder}/{name}")
        return content

    @property
    def is_readable(self) -> bool:
        """Whether its records are of the version that this program reads."""
        return self.manifest.schema_version == SCHEMA_VERSION

    def record(self, name: str) -> Any:
        """The `data` of a JSON file; None where there is none."""
        entry = self.files.get(name)
        if entry is None:
            return None
        with contextlib.suppress(OSError, DamagedFileError, ValueError, KeyError, TypeError):
            return json.loads(self.read(name, entry))["data"]
        return None

    @cached_property
    def latest(self) -> str | None:
        """The latest session, as the list of sessions says; only above the sessions."""
        sessions = self.record("api/sessions.json")
        return None if sessions is None else sessions["latest"]

    @cached_property
    def paths(self) -> Mapping[str, str]:
        """The name of each car's files by its vehicle_id."""
        drivers = self.record("api/drivers.json")
        return {} if drivers is None else {driver["vehicle_id"]: driver["path"] for driver in drivers["drivers"]}


class SiteIndex:
    """What can be served from a reports folder. `on_change` is told the name of a build that took another's place."""

    def __init__(self, reports: Path, on_change: Callable[[str], None]) -> None:
        self.reports = reports.absolute()
        self._on_change = on_change
        self._builds: dict[str, tuple[str, Build]] = {}

    def build(self, name: str) -> Build | None:
        """The build of a session, of the latest one, or of the SITE above them, as it stands now."""
        if name == LATEST:
            site = self.build(SITE)
            return self.build(site.latest) if site and site.latest else None
        if name != SITE and not is_session_id(name):
            return None
        known = self._builds.get(name)
        mark = self._mark(name)
        if mark is not None and known is not None and known[0] == mark:
            return known[1]
        return self._renew(name)

    def find(self, address: Address) -> tuple[Build, str, FileEntry] | None:
        """The file that an address means. A car may be named by its vehicle_id in place of its path."""
        build = self.build(address.session)
        if build is None:
            return None
        for name in address.names():
            if name in build.files:
                return build, name, build.files[name]
        name = _by_vehicle(address, build.paths) if address.is_api and len(address.parts) > 2 else ""
        return (build, name, build.files[name]) if name in build.files else None

    def is_folder(self, address: Address) -> bool:
        """Whether the address names a folder that has a page."""
        build = self.build(address.session)
        name = "/".join((*address.parts, "index.html"))
        return build is not None and not address.is_folder and not address.is_api and name in build.files

    def sessions(self) -> list[str]:
        """The sessions that stand, in order of their names."""
        with contextlib.suppress(OSError):
            names = sorted(name for name in os.listdir(self.reports) if is_session_id(name))  # noqa: PTH208
            return [name for name in names if self.build(name) is not None]
        return []

    def _mark(self, name: str) -> str | None:
        """What changes with the build: where the link leads; in a plain copy, the state of the manifest."""
        place = f"{self.reports}/{name or _SITE_LINK}"
        try:
            return os.readlink(place)  # noqa: PTH115
        except OSError:
            pass
        try:
            status = os.stat(f"{self.reports}/{name}/{MANIFEST}")  # noqa: PTH116
        except OSError:
            return None
        return f"{status.st_ino} {status.st_mtime_ns} {status.st_size}"

    def _renew(self, name: str) -> Build | None:
        """Read the build's manifest. One that cannot be read leaves the earlier build in its place."""
        earlier = self._builds.get(name)
        for _ in range(_ATTEMPTS):
            mark = self._mark(name)
            if mark is None:
                break
            with contextlib.suppress(OSError, ValueError):
                build = self._load(name)
                self._builds[name] = (mark, build)
                if earlier is not None and earlier[1] != build:
                    self._on_change(name)
                return build
        else:
            return earlier[1] if earlier else None
        if self._builds.pop(name, None):
            self._on_change(name)
        return None

    def _load(self, name: str) -> Build:
        link = self.reports / (name or _SITE_LINK)
        folder = os.path.realpath(link if link.is_symlink() else self.reports / name)
        content = Path(folder, MANIFEST).read_bytes()
        manifest = parse_manifest(content)
        files = {**dict(manifest.every_file()), MANIFEST: FileEntry.of(content)}
        return Build(name, folder, manifest, files)

    def forget(self, name: str) -> None:
        """Read the build anew next time: something in it was not as its manifest says."""
        if name in self._builds:
            self._builds[name] = ("", self._builds[name][1])


def _by_vehicle(address: Address, paths: Mapping[str, str]) -> str:
    """The file that an address means where it names cars by their vehicle_id."""
    *before, last = address.parts
    parts = [*before[:2], *(paths.get(part, part) for part in (*before[2:], last.removesuffix(".json")))]
    return "" if any("/" in part for part in parts) else "/".join(parts) + ".json"
