"""Putting a site in place: an immutable build folder, one swap of a link, a manifest, and the last builds kept.

A reader sees the old site or the new one, never a mix. Files that did not change are hard links to those of the
build before; files with their hash in the name are carried along for some builds, so that a page that was opened
before the swap still finds what it loads. What is in the files is not known here.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
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
from grx_pipeline.storage.atomic import remove_tree, replace_by_link, temporary_name
from grx_pipeline.storage.steps import combined_hash

_BUILD_NAME = re.compile(r"(\d{4,})-[0-9a-f]{12}")
_BUILD_HASH_LENGTH = 12
_HEAD_BYTES = 400
_FLUSHED_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What publishing did. `written` are files that are new or changed; `folder` is the build that stands."""

    folder: Path
    was_published: bool
    written: int
    files: tuple[Path, ...]


def publish(
    files: Mapping[str, bytes],
    *,
    site: Path,
    builds: Path,
    session: str,
    schema_version: str,
    now: str,
    keep: int,
    page_inputs: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
) -> Publication:
    """Make `site` a link to a build with exactly `files` (contents by relative path), `links` and a manifest of them.

    Where the current build holds the same bytes nothing is touched. Otherwise a new folder is written under
    `builds` and the link is swapped; the newest `keep` builds stay. The manifest keeps `page_inputs`, hashes of what
    pages were made from, for the next build. Raises StorageError where the disk is full or
    a folder cannot be written; the earlier site then still stands.
    """
    standing = _Standing.at(site)
    unchanged = {name for name, content in files.items() if standing.holds(name, content)}
    packed = pack(files, lambda name: standing.packed(name) if name in unchanged else None)
    contents = {**files, **{name + GZIP_ENDING: content for name, content in packed.items()}}
    names = tuple(site / name for name in (*contents, MANIFEST))
    manifest = BuildManifest(
        session=session,
        build="",
        published_at=now,
        schema_version=schema_version,
        files={name: FileEntry.of(content, gzip=packed.get(name)) for name, content in files.items()},
        carried=standing.to_carry(files, keep=keep),
        links=links or {},
        page_inputs=page_inputs or {},
    )
    manifest = replace(manifest, build=_build_hash(manifest))
    if len(unchanged) == len(files) and standing.is_build(manifest):
        return Publication(folder=standing.folder, was_published=False, written=0, files=names)
    with _storage_errors(site):
        folder = builds / f"{_next_number(builds):04d}-{manifest.build}"
        with _folder_in_the_making(folder) as making:
            for name, content in {**contents, MANIFEST: manifest.to_bytes()}.items():
                _place(making / name, content, standing.folder / name)
            for name in replace(manifest, files={}).on_disk():
                _link(making / name, standing.folder / name)
            for name, target in manifest.links.items():
                (making / name).symlink_to(target)
        _swap(site, folder)
        _remove_old(site, builds, keep=keep, current=folder)
    return Publication(folder=folder, was_published=True, written=len(files) - len(unchanged), files=names)


def head_of(file: Path) -> bytes | None:
    """The first bytes of a published file, enough for a JSON envelope's fields; None where there is none."""
    try:
        with file.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError:
        return None


@dataclass(frozen=True, kw_only=True)
class _Standing:
    """The build that stands while the next one is made; `manifest` is None where there is none that can be read."""

    folder: Path
    manifest: BuildManifest | None

    @classmethod
    def at(cls, site: Path) -> "_Standing":
        folder = site.resolve() if site.is_symlink() else site / "nothing"
        try:
            return cls(folder=folder, manifest=parse_manifest((folder / MANIFEST).read_bytes()))
        except (OSError, ValueError):
            return cls(folder=folder, manifest=None)

    def holds(self, name: str, content: bytes) -> bool:
        return _read(self.folder / name, len(content)) == content

    def packed(self, name: str) -> bytes | None:
        """The compressed twin of a file, where it is whole."""
        entry = self.manifest.files.get(name) if self.manifest else None
        return self._whole(name + GZIP_ENDING, entry.gzip) if entry and entry.gzip else None

    def is_build(self, manifest: BuildManifest) -> bool:
        """Whether this build says the same, and nothing it says is missing or damaged."""
        here = self.manifest
        if here is None or here.build != manifest.build or here.files != manifest.files:
            return False
        files = here.on_disk().items()
        return all(self._whole(name, entry) is not None for name, entry in files if name not in here.files) and all(
            (self.folder / name).is_symlink() for name in here.links
        )

    def to_carry(self, files: Mapping[str, bytes], *, keep: int) -> dict[str, FileEntry]:
        """Hashed files of this build and of those before that the next one does not have itself."""
        entries = self.manifest.every_file() if self.manifest else ()
        older = {name: replace(e, builds_ago=e.builds_ago + 1) for name, e in entries if name not in files}
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


def _read(file: Path, size: int) -> bytes | None:
    """The file's bytes where it has that size."""
    try:
        return file.read_bytes() if file.stat().st_size == size else None
    except OSError:
        return None


def _build_hash(manifest: BuildManifest) -> str:
    hashes = {name: entry.sha256 for name, entry in manifest.files.items()}
    return combined_hash({**hashes, **manifest.links})[:_BUILD_HASH_LENGTH]


def _next_number(builds: Path) -> int:
    return max((number for number, _ in _numbered(builds)), default=0) + 1


def _numbered(builds: Path) -> list[tuple[int, Path]]:
    """Builds by their number, oldest first."""
    found = builds.iterdir() if builds.is_dir() else ()
    matches = ((_BUILD_NAME.fullmatch(folder.name), folder) for folder in found)
    return sorted((int(match.group(1)), folder) for match, folder in matches if match)


@contextlib.contextmanager
def _folder_in_the_making(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the name `folder` when it is whole and on the disk; removed when it fails."""
    making = temporary_name(folder)
    try:
        making.mkdir(parents=True)
        yield making
        _flush(making)
        making.rename(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def _flush(folder: Path) -> None:
    """Wait until new files are on the disk: a power cut after the swap must not leave empty ones."""

    def flush(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    # A file with more names than one is of an earlier build and was waited for then.
    new = [path for path in folder.rglob("*") if not path.is_symlink() and (path.is_dir() or path.stat().st_nlink == 1)]
    # Several at once share a commit of the file system: 1,700 files in 0.2 s, one by one in 0.4 to 3.6 s.
    with ThreadPoolExecutor(_FLUSHED_AT_ONCE) as pool:
        list(pool.map(flush, [*new, folder]))


def _place(file: Path, content: bytes, before: Path) -> None:
    """Write a file, or link it to the one of the build before where that holds the same bytes."""
    if _read(before, len(content)) == content:
        _link(file, before)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    with contextlib.suppress(OSError):
        # nginx and rsync tell versions of a file apart by whole seconds.
        earlier, now = int(before.stat().st_mtime), file.stat().st_mtime
        if int(now) <= earlier:
            os.utime(file, (now, earlier + 1))


def _link(file: Path, same_as: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.hardlink_to(same_as)
    except OSError:
        # A file system without hard links gets a copy.
        shutil.copy2(same_as, file)


def _swap(site: Path, folder: Path) -> None:
    """Point `site` to the new build, or remove the build where that fails."""
    try:
        # Relative, so that the reports folder can be moved.
        replace_by_link(site, Path(os.path.relpath(folder, site.parent)))
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _remove_old(site: Path, builds: Path, *, keep: int, current: Path) -> None:
    """Delete all but the newest builds, and what a killed run left half made."""
    for folder in [folder for _, folder in _numbered(builds)[: -max(keep, 1)] if folder != current]:
        # A name that is no build's: where deleting is cut short, what is left is not taken for one.
        with contextlib.suppress(OSError):
            remove_tree(folder)
    for folder in builds.glob(".*.tmp"):
        shutil.rmtree(folder, ignore_errors=True)
    for link in site.parent.glob(f".{site.name}.*.tmp"):
        link.unlink(missing_ok=True)


@contextlib.contextmanager
def _storage_errors(site: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{site}: cannot be published ({error.strerror or error}); free space or set GRX_REPORTS_DIR to a folder "
            "that can be written, then run again. The earlier report still stands"
        ) from error
