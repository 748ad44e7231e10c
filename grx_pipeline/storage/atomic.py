"""Files that appear whole or not at all."""

import contextlib
import errno
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from grx_pipeline.errors import StorageError

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
