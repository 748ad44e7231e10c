"""Running out of memory, as one message for a person instead of a traceback."""

import contextlib
from collections.abc import Iterator

import duckdb

from grx_pipeline.errors import MemoryLimitError


@contextlib.contextmanager
def memory_errors(what: str) -> Iterator[None]:
    """Raises MemoryLimitError where the block needs more memory than the machine has or DuckDB was given."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        reason = str(error).partition("\n")[0]
        raise MemoryLimitError(
            f"{what}: DuckDB needs more memory than it was given ({reason}); raise memory_limit_mb or lower threads and"
            " readers under [engine] in grx.toml, then run again"
        ) from error
    except MemoryError as error:
        raise MemoryLimitError(
            f"{what}: out of memory ({error or 'none left'}); end other programs or use a machine with more, then run"
            " again"
        ) from error
