"""Whether raw files still hold what was found in them: no step may read other bytes than its record will name."""

import contextlib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.hashes import hash_now
from grx_pipeline.ingest.manifest import RawFile


@contextlib.contextmanager
def unchanged(files: Sequence[RawFile]) -> Iterator[None]:
    """A block that reads `files`. Raises InputError where one is not as found, or changes while it is read.

    A file that is gone is left to its reader to complain about.
    """
    before = [_stamp(file) for file in files]
    changed = next((file for file in files if is_altered(file)), None)
    if changed is None:
        yield
        changed = next((file for file, stamp in zip(files, before, strict=True) if _stamp(file) != stamp), None)
    if changed is not None:
        raise InputError(
            f"{changed.path}: its bytes are not those that were found there; let copying end, or copy it again from its"
            " source, then run again"
        )


def is_altered(file: RawFile) -> bool:
    """Whether the file is there with other bytes than the manifest says, whatever its size and times."""
    try:
        return hash_now(Path(file.path), file.member) != file.sha256
    except OSError:
        return False
    except (zipfile.BadZipFile, KeyError):
        return True


def _stamp(file: RawFile) -> tuple[int, ...] | None:
    try:
        status = Path(file.path).stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
