"""Which files of the lake a table of a session is made of."""

from pathlib import Path

from grx_pipeline.paths import Paths
from grx_pipeline.schemas import Table


def table_files(paths: Paths, session: str, table: Table, *, step: str | None = None) -> tuple[Path, ...]:
    """The files of a table in name order; with `step` those that it writes, where others write parts of the table too.

    The file of a table without parts is named whether it is there or not.
    """
    if not table.has_parts:
        return (paths.table(session, table.name),)
    if step not in (None, table.step):
        return (paths.table(session, table.name, part=step),)
    return tuple(sorted(paths.table_folder(session, table.name).glob("*.parquet")))


def standing_files(paths: Paths, session: str, table: Table) -> tuple[Path, ...]:
    """Those of them that are there; none where nothing was written for the table."""
    return tuple(file for file in table_files(paths, session, table) if file.is_file())
