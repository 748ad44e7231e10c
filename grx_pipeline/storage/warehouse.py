"""The session's database: every table that belongs there, from the files of the lake. duck.py writes it."""

from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.duck import publish_database
from grx_pipeline.storage.lake import standing_files
from grx_pipeline.storage.steps import StepContext, StepOutcome


def build_warehouse(context: StepContext) -> StepOutcome:
    """Write data/warehouse/<session>.duckdb with every table that belongs there; one without files is empty."""
    tables = [table for table in TABLES.values() if table.in_warehouse]
    files = [(table, standing_files(context.paths, context.session, table)) for table in tables]
    path = context.paths.warehouse_file(context.session)
    temporary = context.paths.temporary(context.session)
    rows = publish_database(path, files, settings=context.settings.engine, temporary=temporary)
    return StepOutcome(outputs=(path,), rows=rows, figures={"tables": len(tables), "bytes": path.stat().st_size})
