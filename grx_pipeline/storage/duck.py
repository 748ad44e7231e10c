"""DuckDB: an in-memory engine with limits for the steps, and the session's database file for people.

The database file is built aside and put in place at once: whoever has the old one open keeps it, and nobody is
locked out while a run goes on.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from grx_pipeline.errors import StorageError
from grx_pipeline.schemas import Table
from grx_pipeline.settings import EngineSettings
from grx_pipeline.storage.atomic import disk_full, writing

# Files stay readable for DuckDB 1.5 tools; 2.0's own format is not.
STORAGE_VERSION = "v1.5.0"
# DuckDB turns a signal that arrives during a query into a RuntimeError with this text.
QUERY_INTERRUPTED = "Query interrupted"
_PATTERN_SIGN = re.compile(r"[*?\[]")


@contextlib.contextmanager
def engine(settings: EngineSettings, *, temporary: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection that spills to `temporary` beyond its memory limit.

    Raises StorageError where the disk is full.
    """
    connection = _connect(settings, temporary)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    except duckdb.Error as error:
        if _is_disk_full(error):
            raise disk_full(temporary) from error
        raise
    finally:
        _close(connection, temporary)


def _connect(settings: EngineSettings, temporary: Path) -> duckdb.DuckDBPyConnection:
    temporary.mkdir(parents=True, exist_ok=True)
    limits = {"memory_limit": f"{settings.memory_limit_mb}MB", "temp_directory": str(temporary)}
    return connect(limits | ({"threads": str(settings.threads)} if settings.threads else {}))


def connect(limits: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
    """An in-memory connection that loads nothing from elsewhere and prints nothing.

    In a process that was started without a script, as runs of the UI are, DuckDB would draw its progress.
    """
    closed = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    connection = duckdb.connect(":memory:", config={**closed, **limits})
    connection.execute("SET enable_progress_bar = false")
    return connection


def _close(connection: duckdb.DuckDBPyConnection, temporary: Path) -> None:
    connection.close()
    with contextlib.suppress(OSError):
        temporary.rmdir()


def _is_disk_full(error: duckdb.Error) -> bool:
    """DuckDB says so in three ways; the last is that of a spill that would leave the disk too little."""
    return any(text in str(error) for text in ("No space left", "Could not write", "max_temp_directory_size"))


def quoted(text: str) -> str:
    """A text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def exactly(path: Path) -> str:
    """A path as DuckDB takes it where it would read *, ? and [ as a pattern, and find other files than this one."""
    return _PATTERN_SIGN.sub(r"[\g<0>]", str(path))


def publish_database(
    path: Path, tables: Sequence[tuple[Table, Sequence[Path]]], *, settings: EngineSettings, temporary: Path
) -> int:
    """Write `tables`, each from its Parquet files, into a new database file at `path`. Returns the rows written.

    A table without files is created empty. Tables with a key that is not primary get an index on it. Raises
    StorageError where the disk is full.
    """
    rows = 0
    with writing(path) as making:
        connection = _connect(settings, temporary)
        try:
            connection.execute(f"ATTACH {quoted(str(making))} AS warehouse (STORAGE_VERSION '{STORAGE_VERSION}')")
            connection.execute("USE warehouse")
            connection.execute("BEGIN")
            for table, files in tables:
                rows += _copy_table(connection, table, files)
            connection.execute("COMMIT")
            connection.execute("USE memory")
            connection.execute("CHECKPOINT warehouse")
            connection.execute("DETACH warehouse")
        except duckdb.Error as error:
            if _is_disk_full(error):
                raise disk_full(path) from error
            if isinstance(error, duckdb.IOException):
                raise StorageError(f"{path}: cannot be written: {error}") from error
            raise
        finally:
            _close(connection, temporary)
            making.with_name(making.name + ".wal").unlink(missing_ok=True)
    return rows


def _copy_table(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[Path]) -> int:
    connection.execute(table.create_statement())
    copied = 0
    if files:
        names = ", ".join(quoted(exactly(file)) for file in files)
        columns = ", ".join(f'"{name}"' for name in table.column_names)
        order = f" ORDER BY {', '.join(table.order)}" if table.order else ""
        row = connection.execute(
            f"INSERT INTO {table.name} SELECT {columns} FROM read_parquet([{names}], hive_partitioning = false){order}"
        ).fetchone()
        copied = int(row[0]) if row else 0
    connection.execute(comments(table))
    if table.key and not table.is_primary:
        connection.execute(f"CREATE INDEX {table.name}_key ON {table.name} ({', '.join(table.key)})")
    return copied


def comments(table: Table, *, kind: str = "TABLE", before: Mapping[str, str] | None = None) -> str:
    """The declaration's words, as comments that SQL tools show; one script, since each call costs a millisecond.

    `before` are columns before the declared ones, with their texts.
    """
    lines = [f"COMMENT ON {kind} {table.name} IS {quoted(table.text)}"]
    lines += [f"COMMENT ON COLUMN {table.name}.{name} IS {quoted(text)}" for name, text in (before or {}).items()]
    for column in table.columns:
        text = f"{column.text} [{column.unit}]" if column.unit else column.text
        lines.append(f'COMMENT ON COLUMN {table.name}."{column.name}" IS {quoted(text)}')
    return ";".join(lines)
