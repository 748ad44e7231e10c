"""Content hashes of raw files, remembered so that an unchanged file of gigabytes is read once.

The hash is of the bytes as stored: of a gzip or a zip member, its compressed bytes. A remembered hash counts only
while size, modification and change time and inode are as they were, and were not fresh when it was made.
"""

import contextlib
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from grx_pipeline.errors import StorageError
from grx_pipeline.settings import FileTimes
from grx_pipeline.storage.atomic import sweep, write_bytes
from grx_pipeline.storage.hashing import chunks_of, hash_once, stamp_of
from grx_pipeline.storage.locks import folder_lock
from grx_pipeline.storage.sealed import sealed, unsealed

_LOCAL_HEADER_BYTES = 30

Chunks = Callable[[], Iterator[bytes]]


class HashCache:
    """SHA-256 by path and member; `save` keeps it for the next run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _load(path)
        self._is_changed = False

    def file_hash(self, path: Path) -> str:
        """Hash of a file's bytes."""
        return self._remembered(str(path), path.stat(), lambda: _read_file(path))

    def member_hash(self, archive: Path, member: zipfile.ZipInfo) -> str:
        """Hash of a zip member's compressed bytes."""
        return self._remembered(f"{archive}!{member.filename}", archive.stat(), lambda: _read_member(archive, member))

    def save(self) -> None:
        """Keep the hashes; where the folder cannot be written they are made again next time."""
        if self._is_changed:
            content = sealed(self._entries, is_ascii=True)
            with contextlib.suppress(StorageError, OSError), folder_lock(self._path.parent):
                # One process at a time writes here, so that every other temporary file is a dead one's.
                sweep(self._path)
                write_bytes(self._path, content)

    def _remembered(self, key: str, status: os.stat_result, chunks: Chunks) -> str:
        stamp = stamp_of(status)
        entry = self._entries.get(key)
        if entry is not None and tuple(entry[:-1]) == stamp:
            return str(entry[-1])
        digest = hash_once(key, stamp, chunks)
        # Also a time ahead of the clock is settled: what is written now gets another one.
        if abs(time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns)) > FileTimes.settled_s * 1e9:
            self._entries[key] = [*stamp, digest]
            self._is_changed = True
        return digest


def hash_now(path: Path, member: str | None) -> str:
    """Hash of a file or zip member, from its bytes unless this process has read them before."""
    stamp = stamp_of(path.stat())
    if member is None:
        return hash_once(str(path), stamp, lambda: _read_file(path))
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
    return hash_once(f"{path}!{member}", stamp, lambda: _read_member(path, info))


def _load(path: Path) -> dict[str, list[int | str]]:
    """The remembered entries; none where the file is missing or damaged, since any hash can be made again."""
    try:
        return unsealed(path.read_bytes())
    except (OSError, ValueError):
        return {}


def _read_file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from chunks_of(file)


def _read_member(archive: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(_LOCAL_HEADER_BYTES)
        name_bytes, extra_bytes = int.from_bytes(header[26:28], "little"), int.from_bytes(header[28:30], "little")
        file.seek(name_bytes + extra_bytes, os.SEEK_CUR)
        yield from chunks_of(file, member.compress_size)
