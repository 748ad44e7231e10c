"""Locks between processes. The kernel drops them with their process, so that a killed run never blocks the next."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from grx_pipeline.errors import SessionBusyError
from grx_pipeline.storage.atomic import not_writable


@contextlib.contextmanager
def session_lock(path: Path, *, waiting: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the session's lock file at `path`. Where another process holds it, `waiting` is told and it is waited for.

    Without `waiting` raises SessionBusyError, naming the process; StorageError where the file cannot be written.
    """
    with _held(path, waiting) as file:
        # A full disk keeps the name out of the file; the lock holds all the same.
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), 0)
            os.pwrite(file.fileno(), f"{os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield


@contextlib.contextmanager
def _held(path: Path, waiting: Callable[[str], None] | None) -> Iterator[IO[str]]:
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(_opened(path))
        if _is_taken(file):
            busy = f"{path.parent.name}: process {_holder(file)} is running this session"
            if waiting is None:
                raise SessionBusyError(f"{busy}; wait for it or stop it, then run again")
            waiting(f"{busy}; waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        # The session may have been removed meanwhile, and its lock file with it.
        if not _is_at(file, path):
            file = stack.enter_context(_held(path, waiting))
        yield file


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def lock_holder(path: Path) -> str | None:
    """Who holds the session's lock file, as pid and host; None where nobody does."""
    try:
        with path.open(encoding="utf-8") as file:
            return None if _take(file, fcntl.LOCK_SH) else _holder(file)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Wait for `folder` and hold it: what several sessions write together is written by one of them at a time.

    Raises StorageError where the folder is not there and cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise not_writable(folder, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_taken(file: IO[str]) -> bool:
    """Take the lock unless another process holds it. Whoever asks for its holder shares it, for a moment only."""
    while not _take(file):
        if not _take(file, fcntl.LOCK_SH):
            return True
    return False


def _take(file: IO[str], kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise not_writable(path, error) from error
