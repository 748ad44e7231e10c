"""Locks between processes. The kernel drops them with their process, so that a killed run never blocks the next.

Holds no Dagster and knows no steps.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from grx_pipeline.errors import SessionBusyError
from grx_pipeline.storage.atomic import not_writable


@contextlib.contextmanager
def session_lock(path: Path) -> Iterator[None]:
    """Hold the session's lock file at `path`.

    Raises SessionBusyError, naming the process, where another holds it; StorageError where it cannot be written.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise SessionBusyError(
                f"{path.parent.name}: process {holder} is running this session; wait for it or stop it, then run again"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise not_writable(path, error) from error


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Wait for `folder` and hold it: what several sessions write together is written by one of them at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
