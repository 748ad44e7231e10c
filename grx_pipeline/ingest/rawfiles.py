"""Opening raw files wherever they lie: plain, gzipped, or inside a zip.

Everything here streams; a damaged archive is an InputError that names it.
"""

import contextlib
import gzip
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.manifest import RawFile
from grx_pipeline.storage.atomic import writing

# What opening or reading a zip or gzip raises where its bytes are damaged, cut short or of an unknown kind.
ARCHIVE_DAMAGE = (EOFError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, NotImplementedError, RuntimeError)


@contextlib.contextmanager
def open_raw(file: RawFile) -> Iterator[IO[bytes]]:
    """The file's bytes, uncompressed. Raises InputError where it is missing, cut short or damaged."""
    try:
        with contextlib.ExitStack() as stack:
            if file.member is None:
                raw: IO[bytes] = stack.enter_context(Path(file.path).open("rb"))
            else:
                archive = stack.enter_context(zipfile.ZipFile(file.path))
                raw = stack.enter_context(archive.open(file.member))
            if file.name.casefold().endswith(".gz"):
                raw = cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=raw)))
            yield raw
    except FileNotFoundError as error:
        raise InputError(f"{file.path}: no longer there; run `grx run PATH` on its new place") from error
    except KeyError as error:
        raise InputError(f"{file.path}: no member {file.member!r} any more; run `grx run` on the zip again") from error
    except ARCHIVE_DAMAGE as error:
        raise InputError(f"{file.name}: damaged or cut short ({error}); copy it again from its source") from error


def read_raw(file: RawFile) -> bytes:
    """All bytes of a small file, uncompressed. Errors as open_raw."""
    with open_raw(file) as raw:
        return raw.read()


@contextlib.contextmanager
def as_plain_path(file: RawFile, *, temporary: Path) -> Iterator[Path]:
    """A path that DuckDB can read: the file itself (plain or gzipped), or a zip member's bytes in `temporary`.

    The temporary file is removed afterwards. Errors as open_raw; StorageError where the disk is full.
    """
    if file.member is None:
        if not Path(file.path).is_file():
            raise InputError(f"{file.path}: no longer there; run `grx run PATH` on its new place")
        yield Path(file.path)
        return
    target = temporary / f"member-{file.sha256[:16]}.csv"
    try:
        with writing(target) as partial, open_raw(file) as raw, partial.open("wb") as plain:
            shutil.copyfileobj(raw, plain, 4 << 20)
        yield target
    finally:
        target.unlink(missing_ok=True)
