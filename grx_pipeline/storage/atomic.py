"""Files that appear whole or not at all."""

import contextlib
import errno
import glob
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from grx_pipeline.errors import StorageError

# A database in the making has a log beside it.
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp(\.wal)?")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; on success it takes `path`'s place, on failure it is removed.

    Raises StorageError where the disk is full or the folder cannot be written.
    """
    temporary = temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if error.errno in _NO_SPACE:
            raise disk_full(path) from error
        if error.errno in _NOT_WRITABLE:
            raise not_writable(path, error) from error
        raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` atomically."""
    with writing(path) as temporary:
        temporary.write_bytes(content)


def replace_by_link(path: Path, target: Path) -> None:
    """Make `path` a link to `target`, in one step where it is a file or a link. Raises OSError for a full folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_name(path)
    try:
        temporary.symlink_to(target)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def remove_tree(folder: Path) -> None:
    """Delete a folder: it is gone at once, its content a moment later."""
    leaving = temporary_name(folder)
    folder.rename(leaving)
    shutil.rmtree(leaving, ignore_errors=True)


def temporary_name(path: Path) -> Path:
    """A name beside `path` that nothing else has."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")


def left_behind(folder: Path, name: str = "*") -> list[Path]:
    """What `temporary_name` named beside files of that name and is still there."""
    return sorted(path for path in folder.glob(f".{name}.*.tmp*") if _TEMPORARY.fullmatch(path.name))


def sweep(path: Path) -> None:
    """Remove what killed processes left behind of `path`. Only for whoever holds the lock under which it is written."""
    for leftover in left_behind(path.parent, glob.escape(path.name)):
        remove(leftover)


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all that is in it; where it is gone already that is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def not_writable(path: Path, error: OSError) -> StorageError:
    """The error of a folder that cannot be written, for a person."""
    return StorageError(
        f"{path}: cannot be written ({error.strerror}); set GRX_DATA_DIR and GRX_REPORTS_DIR to folders that can be"
    )


def disk_full(path: Path) -> StorageError:
    """The error of a full disk, for a person."""
    return StorageError(
        f"{path}: no space left on the disk; free some or set GRX_DATA_DIR to another one, then run again"
    )
