"""Files that appear whole or not at all."""

import contextlib
import errno
import uuid
from collections.abc import Iterator
from pathlib import Path

from grx_pipeline.errors import StorageError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` to write to; on success it takes `path`'s place, on failure it is removed.

    Raises StorageError where the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in _NO_SPACE:
            raise disk_full(path) from error
        raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` atomically."""
    with writing(path) as temporary:
        temporary.write_bytes(content)


def disk_full(path: Path) -> StorageError:
    return StorageError(
        f"{path}: no space left on the disk; free some or set GRX_DATA_DIR to another one, then run again"
    )
