"""Hashes of what this process read whole: no bytes are read a second time for their hash.

A file counts as read while its path, size, times and inode are as they were: whoever alters one alters its times.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

# What is read is still in the processor's cache where it is hashed: 0.1 s of CPU for 1.5 GB.
CHUNK_BYTES = 256 << 10

Stamp = tuple[int, ...]
# By path, or archive and member, and stamp.
Hashes = Mapping[tuple[str, Stamp], str]

_read_here: dict[tuple[str, Stamp], str] = {}


def file_hash(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hash_once(str(path), stamp_of(os.fstat(file.fileno())), lambda: chunks_of(file))


def hash_once(key: str, stamp: Stamp, chunks: Callable[[], Iterable[bytes]]) -> str:
    """SHA-256 of the chunks, which are read where what has this key and stamp was not read before."""
    known = (key, stamp)
    if known not in _read_here:
        digest = hashlib.sha256()
        for chunk in chunks():
            digest.update(chunk)
        _read_here[known] = digest.hexdigest()
    return _read_here[known]


def stamp_of(status: os.stat_result) -> Stamp:
    """What changes where a file does."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def chunks_of(file: IO[bytes], size: int | None = None) -> Iterator[bytes]:
    """The next `size` bytes of the file, or all that are left."""
    left = size
    while chunk := file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)):
        yield chunk
        left = None if left is None else left - len(chunk)


def hashes_made() -> Hashes:
    """The hashes that this process made, for the one that it works for."""
    return dict(_read_here)


def keep_hashes(hashes: Hashes) -> None:
    """Take over hashes that were made for this process."""
    _read_here.update(hashes)
