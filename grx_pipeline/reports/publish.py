"""Putting a site in place: an immutable build folder, one swap of a link, a manifest, and the last builds kept.

A reader sees the old site or the new one, never a mix. Files that did not change are hard links to those of the
build before. What is in the files is not known here.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.errors import StorageError
from grx_pipeline.storage.steps import combined_hash

MANIFEST = "manifest.json"
_BUILD_NAME = re.compile(r"(\d{4,})-[0-9a-f]{12}")
_BUILD_HASH_LENGTH = 12
_HEAD_BYTES = 400


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
) -> Publication:
    """Make `site` a link to a build with exactly `files` (contents by relative path) and a manifest of them.

    Where the current build holds the same bytes nothing is touched. Otherwise a new folder is written under
    `builds` and the link is swapped; the newest `keep` builds stay. Raises StorageError where the disk is full or
    a folder cannot be written; the earlier site then still stands.
    """
    names = tuple(site / name for name in (*files, MANIFEST))
    current = site.resolve() if site.is_symlink() else None
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    build = combined_hash(hashes)[:_BUILD_HASH_LENGTH]
    unchanged = {name for name, content in files.items() if current and _holds(current / name, content)}
    if current and len(unchanged) == len(files) and _manifest_build(current) == build:
        return Publication(folder=current, was_published=False, written=0, files=names)
    with _storage_errors(site):
        folder = builds / f"{_next_number(builds):04d}-{build}"
        manifest = _manifest(files, hashes, session=session, build=build, schema_version=schema_version, now=now)
        with _folder_in_the_making(folder) as making:
            for name, content in {**files, MANIFEST: manifest}.items():
                _place(making / name, content, same_as=current / name if current and name in unchanged else None)
        _swap(site, folder)
        _remove_old(builds, keep=keep, current=folder)
    return Publication(folder=folder, was_published=True, written=len(files) - len(unchanged), files=names)


def head_of(file: Path) -> bytes | None:
    """The first bytes of a published file, enough for a JSON envelope's fields; None where there is none."""
    try:
        with file.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError:
        return None


def _holds(file: Path, content: bytes) -> bool:
    try:
        return file.stat().st_size == len(content) and file.read_bytes() == content
    except OSError:
        return False


def _manifest_build(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / MANIFEST).read_bytes())["build"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _manifest(
    files: Mapping[str, bytes], hashes: Mapping[str, str], *, session: str, build: str, schema_version: str, now: str
) -> bytes:
    document = {
        "schema_version": schema_version,
        "session": session,
        "build": build,
        "published_at": now,
        "files": {name: {"sha256": hashes[name], "bytes": len(files[name])} for name in sorted(files)},
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _next_number(builds: Path) -> int:
    return max((number for number, _ in _numbered(builds)), default=0) + 1


def _numbered(builds: Path) -> list[tuple[int, Path]]:
    """Builds by their number, oldest first."""
    found = builds.iterdir() if builds.is_dir() else ()
    matches = ((_BUILD_NAME.fullmatch(folder.name), folder) for folder in found)
    return sorted((int(match.group(1)), folder) for match, folder in matches if match)


@contextlib.contextmanager
def _folder_in_the_making(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the name `folder` when it is whole, and is removed when it fails."""
    making = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        making.mkdir(parents=True)
        yield making
        making.rename(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def _place(file: Path, content: bytes, *, same_as: Path | None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    if same_as is not None:
        # A file system without hard links gets a copy.
        with contextlib.suppress(OSError):
            file.hardlink_to(same_as)
            return
    file.write_bytes(content)


def _swap(site: Path, folder: Path) -> None:
    """Point `site` to the new build, or remove the build where that fails."""
    temporary = site.with_name(f".{site.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        # Relative, so that the reports folder can be moved.
        temporary.symlink_to(os.path.relpath(folder, site.parent), target_is_directory=True)
        temporary.replace(site)
    except OSError:
        temporary.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _remove_old(builds: Path, *, keep: int, current: Path) -> None:
    """Delete all but the newest builds, and what a killed run left half made."""
    old = [folder for _, folder in _numbered(builds)[: -max(keep, 1)] if folder != current]
    for folder in [*old, *builds.glob(".*.tmp")]:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _storage_errors(site: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{site}: cannot be published ({error.strerror or error}); free space or set GRX_REPORTS_DIR to a folder "
            "that can be written, then run again. The earlier report still stands"
        ) from error
