"""A build in the making: files are compared with the build that stands, compressed, written and flushed as they come.

Several processes may write files of one draft at a time. Which files a build has, and when it takes its place, is
publish.py's work; what is in the files is not known here.
"""

import contextlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from grx_pipeline.errors import StorageError
from grx_pipeline.publishing.manifest import (
    GZIP_ENDING,
    MANIFEST,
    BuildManifest,
    FileEntry,
    is_immutable,
    parse_manifest,
)
from grx_pipeline.publishing.packing import pack
from grx_pipeline.storage.atomic import temporary_name

_FLUSHED_AT_ONCE = 8
_HEAD_BYTES = 400


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The build that stands while the next one is made; `manifest` is None where there is none that can be read."""

    folder: Path
    manifest: BuildManifest | None

    @classmethod
    def at(cls, site: Path) -> "Standing":
        folder = site.resolve() if site.is_symlink() else site / "nothing"
        try:
            return cls(folder=folder, manifest=parse_manifest((folder / MANIFEST).read_bytes()))
        except (OSError, ValueError):
            return cls(folder=folder, manifest=None)

    def holds(self, name: str, content: bytes) -> bool:
        return _read(self.folder / name, len(content)) == content

    def head(self, name: str) -> bytes | None:
        """The first bytes of a file, enough for a JSON envelope's fields; None where it is missing or damaged."""
        entry = self.manifest.files.get(name) if self.manifest else None
        content = self._whole(name, entry) if entry else None
        return None if content is None else content[:_HEAD_BYTES]

    def twin(self, name: str, content: bytes) -> bytes | None:
        """The compressed twin of a file that stands with that content, where it is whole."""
        entry = self.manifest.files.get(name) if self.manifest else None
        if entry is None or entry.gzip is None or not self.holds(name, content):
            return None
        return self._whole(name + GZIP_ENDING, entry.gzip)

    def is_build(self, manifest: BuildManifest) -> bool:
        """Whether this build says the same, and nothing but its own files, which were compared, can be damaged."""
        here = self.manifest
        if here is None or here.build != manifest.build or here.files != manifest.files:
            return False
        files = here.on_disk().items()
        return all(self._whole(name, entry) is not None for name, entry in files if name not in here.files) and all(
            (self.folder / name).is_symlink() for name in here.links
        )

    def to_carry(self, files: Iterable[str], *, keep: int) -> dict[str, FileEntry]:
        """Hashed files of this build and of those before that the next one, of `files`, does not have itself."""
        own, entries = set(files), self.manifest.every_file() if self.manifest else ()
        older = {name: replace(e, builds_ago=e.builds_ago + 1) for name, e in entries if name not in own}
        return {
            name: entry
            for name, entry in older.items()
            if entry.builds_ago < keep and is_immutable(name, entry) and self._is_whole(name, entry)
        }

    def _is_whole(self, name: str, entry: FileEntry) -> bool:
        twin = entry.gzip
        return self._whole(name, entry) is not None and (
            twin is None or self._whole(name + GZIP_ENDING, twin) is not None
        )

    def _whole(self, name: str, entry: FileEntry) -> bytes | None:
        content = _read(self.folder / name, entry.size)
        return content if content is not None and FileEntry.of(content).sha256 == entry.sha256 else None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Files of the next build of `site`, under a temporary name beside the builds."""

    site: Path
    builds: Path
    folder: Path
    standing: Standing

    def put(self, files: Mapping[str, bytes]) -> dict[str, FileEntry]:
        """Add files, by path in the site, and their compressed twins; returns their entries.

        What stands already is not written again. Raises StorageError where the disk is full or a folder cannot be
        written.
        """
        twins = pack(files, self.standing.twin)
        contents = dict(files) | {name + GZIP_ENDING: twin for name, twin in twins.items() if twin}
        with storage_errors(self.site):
            self._write({name: content for name, content in contents.items() if not self.standing.holds(name, content)})
        return {name: FileEntry.of(content, gzip=twins[name]) for name, content in files.items()}

    def _write(self, contents: Mapping[str, bytes]) -> None:
        for folder in {name.rpartition("/")[0] for name in contents}:
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        written = [self.folder / name for name in contents]
        for file, (name, content) in zip(written, contents.items(), strict=True):
            file.write_bytes(content)
            with contextlib.suppress(OSError):
                # nginx and rsync tell versions of a file apart by whole seconds.
                earlier, now = int((self.standing.folder / name).stat().st_mtime), file.stat().st_mtime
                if int(now) <= earlier:
                    os.utime(file, (now, earlier + 1))
        flush(written)

    def written(self) -> set[str]:
        """The names of the files that do not stand as they are, twins too."""
        root = len(str(self.folder)) + 1
        return {f"{folder}/{file}"[root:] for folder, _, files in os.walk(self.folder) for file in files}

    def complete(self, manifest: BuildManifest, *, written: set[str]) -> None:
        """Add the manifest, what it names that stands already, and its links; wait until all is on the disk."""
        self._write({MANIFEST: manifest.to_bytes()})
        for name in manifest.on_disk().keys() - written:
            _link(self.folder / name, self.standing.folder / name)
        for name, target in manifest.links.items():
            (self.folder / name).symlink_to(target)
        flush(Path(folder) for folder, _, _ in os.walk(self.folder))


@contextlib.contextmanager
def drafting(site: Path, builds: Path) -> Iterator[Draft]:
    """A draft of the next build of `site` under `builds`; what was not published of it is removed at the end."""
    folder = temporary_name(builds / site.name)
    try:
        yield Draft(site=site, builds=builds, folder=folder, standing=Standing.at(site))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def flush(paths: Iterable[Path]) -> None:
    """Wait until new files and folders are on the disk: a power cut after the swap must not leave empty ones."""

    def wait(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    # Several at once share a commit of the file system: 1,700 files in 0.2 s, one by one in 0.4 to 3.6 s.
    with ThreadPoolExecutor(_FLUSHED_AT_ONCE) as pool:
        list(pool.map(wait, paths))


@contextlib.contextmanager
def storage_errors(site: Path) -> Iterator[None]:
    """An OSError while a build is written is a StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{site}: cannot be published ({error.strerror or error}); free space or set GRX_REPORTS_DIR to a folder "
            "that can be written, then run again. The earlier report still stands"
        ) from error


def _read(file: Path, size: int) -> bytes | None:
    """The file's bytes where it has that size."""
    try:
        return file.read_bytes() if file.stat().st_size == size else None
    except OSError:
        return None


def _link(file: Path, same_as: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.hardlink_to(same_as)
    except OSError:
        # A file system without hard links gets a copy.
        shutil.copy2(same_as, file)
