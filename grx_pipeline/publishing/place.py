"""A site wherever it lies: in the reports folder, in a copy of it, or at any URL that fsspec knows."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractFileSystem

from grx_pipeline.errors import InputError, StorageError
from grx_pipeline.publishing.manifest import MANIFEST, BuildManifest, parse_manifest
from grx_pipeline.sessions import is_session_id
from grx_pipeline.storage.atomic import write_bytes

_BUCKETS = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "az", "oss"))


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder of a file system. Names are relative to it, with slashes."""

    files: AbstractFileSystem
    root: str

    @classmethod
    def at(cls, where: str) -> "Place":
        """The folder at a path or URL. Raises InputError for a URL that nothing installed can open."""
        try:
            files, root = url_to_fs(where, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise InputError(f"{where}: cannot be opened: {error}") from error
        return cls(files=files, root=str(root).rstrip("/"))

    @property
    def is_local(self) -> bool:
        return isinstance(self.files, LocalFileSystem)

    @property
    def protocols(self) -> tuple[str, ...]:
        """The names of the file system in URLs."""
        return (self.files.protocol,) if isinstance(self.files.protocol, str) else tuple(self.files.protocol)

    @property
    def is_bucket(self) -> bool:
        """Whether it has no folders: there, making one would make a bucket where a name is misspelt."""
        return not _BUCKETS.isdisjoint(self.protocols)

    def path(self, name: str) -> str:
        return f"{self.root}/{name}" if name else self.root

    def read(self, name: str) -> bytes:
        """A file's bytes. Raises OSError where it is not there."""
        return bytes(self.files.cat_file(self.path(name)))

    def write(self, name: str, content: bytes, options: Mapping[str, Any]) -> None:
        """Replace a file: in one step on a disk; as a bucket does it, which is one step too."""
        try:
            if self.is_local:
                write_bytes(Path(self.path(name)), content)
                return
            if not self.is_bucket:
                self.files.makedirs(str(PurePosixPath(self.path(name)).parent), exist_ok=True)
            self.files.pipe_file(self.path(name), content, **options)
        except OSError as error:
            raise StorageError(
                f"{self.path(name)}: cannot be written ({error}); what stood there still stands"
            ) from error

    def remove(self, name: str) -> None:
        if self.files.exists(self.path(name)):
            self.files.rm_file(self.path(name))

    def sessions(self) -> list[str]:
        """Names of the sessions that lie here, in order."""
        if not self.files.isdir(self.root):
            return []
        entries = (entry.rstrip("/").rpartition("/")[2] for entry in self.files.ls(self.root, detail=False))
        return sorted(
            name for name in entries if is_session_id(name) and self.files.exists(self.path(f"{name}/{MANIFEST}"))
        )

    def builds(self) -> "list[StandingBuild]":
        """The build above the sessions, where there is one, and each session's, as they stand now.

        In the reports folder a build is held by its own folder, so that a swap meanwhile mixes nothing. Raises
        InputError for a manifest that cannot be read.
        """
        names = [""] if self.files.exists(self.path(MANIFEST)) else []
        return [self._build(name) for name in [*names, *self.sessions()]]

    def _build(self, name: str) -> "StandingBuild":
        folder = self.path(name)
        if self.is_local:
            # The manifest's own place: above the sessions each name is a link into the build.
            folder = os.path.realpath(self.path(f"{name}/{MANIFEST}".lstrip("/"))).removesuffix(f"/{MANIFEST}")
        place = Place(files=self.files, root=folder)
        try:
            manifest = parse_manifest(place.read(MANIFEST))
        except (OSError, ValueError) as error:
            raise InputError(f"{folder}/{MANIFEST}: cannot be read: {error}") from error
        return StandingBuild(name=name, place=place, manifest=manifest)


@dataclass(frozen=True, kw_only=True)
class StandingBuild:
    """A build as it stands: the name of its session, empty for what is above the sessions, and where its files lie."""

    name: str
    place: Place
    manifest: BuildManifest

    def address(self, file: str) -> str:
        """A file's path from the top of the site."""
        return f"{self.name}/{file}" if self.name else file
