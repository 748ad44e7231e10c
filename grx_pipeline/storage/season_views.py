"""The season's DuckDB file: a view a table over the lake of every session. It holds no rows of its own.

A view finds the files when it is asked, so that sessions that come later are in it at once. DuckDB looks for a
relative path from the folder of whoever asks, so the paths are absolute: a data folder that has moved gets its file
made again by the next run.
"""

import contextlib
from collections.abc import Iterator, Sequence

import duckdb

from grx_pipeline.errors import StorageError
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import SEASON_TABLES, TABLES, Table
from grx_pipeline.storage.atomic import write_bytes, writing
from grx_pipeline.storage.duck import STORAGE_VERSION, comments, connect, exactly, quoted

# What a view has before the table's own columns, from the path of each file.
_FOLDERS = {
    "session": "the session, such as barber-2025-r1",
    "part": "the file's name: the vehicle's id as a file name, or the step",
}


def build_views(paths: Paths) -> bool:
    """Make the season's database where its statements changed, or it is gone. Returns whether it was made.

    It is built aside and put in place at once: whoever has the old one open keeps it. Raises StorageError where it
    cannot be written, or a file of the lake is damaged.
    """
    statements = ";\n".join(season_statements(paths)) + ";\n"
    script, database = paths.season_views(), paths.season_database()
    if database.is_file() and script.is_file() and script.read_text(encoding="utf-8") == statements:
        return False
    with writing(database) as temporary, _errors(paths), contextlib.closing(connect({})) as connection:
        connection.execute(f"ATTACH {quoted(str(temporary))} AS season (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE season")
        connection.execute(f"BEGIN;\n{statements}COMMIT")
        connection.execute("USE memory")
        connection.execute("CHECKPOINT season")
        connection.execute("DETACH season")
    write_bytes(script, statements.encode())
    return True


@contextlib.contextmanager
def _errors(paths: Paths) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise StorageError(
            f"{paths.season_database()}: cannot be made over the lake ({error}); run the session again that it names"
        ) from error


def season_statements(paths: Paths) -> list[str]:
    """A view and its comments for every table. A table that no session has yet is a view without rows."""
    return [
        *(text for table in TABLES.values() for text in _session_view(table, paths)),
        *(text for table in SEASON_TABLES.values() for text in _season_view(table, paths)),
    ]


def _session_view(table: Table, paths: Paths) -> Iterator[str]:
    pattern = paths.table("*", table.name, part="*" if table.has_parts else None)
    within = pattern.relative_to(paths.lake).as_posix()
    has_files = next(paths.lake.glob(within), None) is not None
    before = {name: text for name, text in _FOLDERS.items() if name == "session" or table.has_parts}
    folders = [f"{_from_path(table, name) if has_files else 'CAST(NULL AS VARCHAR)'} AS {name}" for name in before]
    yield _view(table, before=folders, file=f"{exactly(paths.lake)}/{within}" if has_files else None)
    yield comments(table, kind="VIEW", before=before)


def _season_view(table: Table, paths: Paths) -> Iterator[str]:
    file = paths.season_table(table.name)
    yield _view(table, before=[], file=exactly(file) if file.is_file() else None)
    yield comments(table, kind="VIEW")


def _view(table: Table, *, before: Sequence[str], file: str | None) -> str:
    """Columns as declared, whatever the files have; without a file a view of no rows."""
    none = ", ".join(f'CAST(NULL AS {column.type}) AS "{column.name}"' for column in table.columns)
    if file is None:
        return f"CREATE VIEW {table.name} AS SELECT {', '.join([*before, none])} WHERE false"
    names = ", ".join([*before, *(f'CAST("{c.name}" AS {c.type}) AS "{c.name}"' for c in table.columns)])
    # Sessions of an earlier version may lack columns, in the end all of them: they are null there.
    rows = f"read_parquet({quoted(file)}, union_by_name = true, hive_partitioning = false, filename = 'lake_file')"
    source = f"(SELECT * FROM {rows} UNION ALL BY NAME SELECT {none} WHERE false)"
    return f"CREATE VIEW {table.name} AS SELECT {names} FROM {source}"


def _from_path(table: Table, name: str) -> str:
    if name == "part":
        return "parse_filename(lake_file, true)"
    return f"split_part(lake_file, '/', {-3 if table.has_parts else -2})"
