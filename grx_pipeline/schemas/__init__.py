"""Every table of the pipeline, declared once.

The declarations drive validation on write, the blocking checks and column docs in Dagster, the DuckDB tables and
the table reference in docs/tables.md. Times of day are integer milliseconds since 1970 UTC (`_at_ms`), lap and
sector times integer milliseconds (`_ms`); the specification's `sector_n_time` (s) and bare feature names are the
exceptions that its contract asks for. JSON shapes do not belong here (reports/records.py).
"""

from grx_pipeline.schemas.analysis import ANALYSIS_TABLES
from grx_pipeline.schemas.contract import Column, Table
from grx_pipeline.schemas.core import CORE_TABLES
from grx_pipeline.schemas.narratives import NARRATIVE_TABLES
from grx_pipeline.schemas.out import OUT_TABLES
from grx_pipeline.schemas.raw import CHANNELS, RAW_TABLES
from grx_pipeline.schemas.references import REFERENCE_TABLES
from grx_pipeline.schemas.season import SEASON_TABLES
from grx_pipeline.schemas.track import TRACK_TABLES

_ALL = (*RAW_TABLES, *CORE_TABLES, *TRACK_TABLES, *OUT_TABLES, *REFERENCE_TABLES, *ANALYSIS_TABLES, *NARRATIVE_TABLES)
TABLES: dict[str, Table] = {table.name: table for table in _ALL}

__all__ = ["CHANNELS", "SEASON_TABLES", "TABLES", "Column", "Table"]
