"""The session's database: every table that belongs there, from the files of the lake. duck.py writes it."""

from pathlib import Path

from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.duck import publish_database
from grx_pipeline.storage.steps import StepContext, StepOutcome


def build_warehouse(context: StepContext) -> StepOutcome:
    """Write data/warehouse/<session>.duckdb with every table that belongs there; one without files is empty."""
    tables = [table for table in TABLES.values() if table.in_warehouse]
    files = [(table, table_files(context.paths, context.session, table.name)) for table in tables]
    path = context.paths.warehouse_file(context.session)
    temporary = context.paths.temporary(context.session)
    rows = publish_database(path, files, settings=context.settings.engine, temporary=temporary)
    return StepOutcome(outputs=(path,), rows=rows, figures={"tables": len(tables), "bytes": path.stat().st_size})


def table_files(paths: Paths, session: str, table: str) -> tuple[Path, ...]:
    """The Parquet files of a table in name order; none where nothing was written for it."""
    if TABLES[table].has_parts:
        return tuple(sorted(paths.table_folder(session, table).glob("*.parquet")))
    file = paths.table(session, table)
    return (file,) if file.is_file() else ()
