"""Telemetry files into one typed DuckDB view `staged`, a row a value, with the lines that cannot be read.

Both formats end here: a row a value, and a row a sample with a JSON list of values. What the rows mean, which are
duplicates and which win is telemetry.py's work.
"""

import duckdb
import pyarrow as pa

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.manifest import RawFile
from grx_pipeline.ingest.rawfiles import as_plain_path, open_raw
from grx_pipeline.schemas import CHANNELS
from grx_pipeline.storage.duck import exactly, quoted
from grx_pipeline.storage.sql import statement
from grx_pipeline.storage.steps import StepContext

# Columns that are read; the others of the formats are constant or copies of these.
REQUIRED = {
    "telemetry": ("lap", "meta_time", "telemetry_name", "telemetry_value", "timestamp", "vehicle_id"),
    "telemetry_json": ("lap", "meta_time", "timestamp", "value", "vehicle_id"),
}
_TYPES = {"lap": "INTEGER", "meta_time": "TIMESTAMP", "timestamp": "TIMESTAMP", "telemetry_value": "DOUBLE"}
_QUOTES = {"telemetry": "", "telemetry_json": '"'}
_MAX_HEADER_BYTES = 64 << 10

# The channels' raw names in the order of CHANNELS, as SQL: `channel` is the place in this list, counted from 0.
CHANNEL_NAMES = f"[{', '.join(quoted(raw.casefold()) for raw, *_ in CHANNELS)}]"
_RAW_NAMES = f"[{', '.join(quoted(raw) for raw, *_ in CHANNELS)}]"

# A row that can become a sample. Judged once, and kept: a scan passes over blocks of rows that are all alike.
_IS_GOOD = (
    "(channel IS NOT NULL AND isfinite(value) AND ecu_ms IS NOT NULL AND received_at_ms IS NOT NULL"
    " AND vehicle_id IS NOT NULL) IS TRUE AS is_good"
)


def stage_files(
    connection: duckdb.DuckDBPyConnection, files: tuple[RawFile, ...], context: StepContext
) -> list[pa.Table]:
    """Fill the view `staged` from `files`; returns each file's unreadable lines as rows of `quarantine`.

    `staged` has file_number, row_number (data row in its file; sample, in JSON lists), vehicle_id, logger_lap,
    received_at_ms, ecu_ms, channel (its place in CHANNELS, null if unknown), unknown_name, value, broken_list and
    is_good. Raises InputError for a damaged archive or a header without a required column.
    """
    connection.execute(statement("staged_empty"))
    unreadable = [_stage(connection, file, number, context) for number, file in enumerate(files)]
    parts = [
        f"SELECT {number} AS file_number, rowid + 1 AS row_number, * FROM staged_{number}"
        for number in range(len(files))
    ]
    connection.execute("CREATE VIEW staged AS " + " UNION ALL BY NAME ".join(["FROM staged_empty", *parts]))
    return unreadable


def _stage(connection: duckdb.DuckDBPyConnection, file: RawFile, number: int, context: StepContext) -> pa.Table:
    context.progress(f"reading {file.name} ({file.size / 1e6:,.0f} MB)")
    columns = ", ".join(f"{quoted(name)}: {quoted(_TYPES.get(name, 'VARCHAR'))}" for name in _header(file))
    quote = quoted(_QUOTES[file.kind])
    with as_plain_path(file, temporary=context.paths.temporary(context.session)) as path:
        source = (
            f"read_csv({quoted(exactly(path))}, header = true, auto_detect = false, delim = ',', quote = {quote},"
            f" escape = {quote}, columns = {{{columns}}}, store_rejects = true, rejects_limit = 0,"
            f" rejects_table = 'rejects_{number}', rejects_scan = 'scans_{number}')"
        )
        try:
            rows = statement(f"staged_{file.kind}", source=source, names=CHANNEL_NAMES, raw_names=_RAW_NAMES)
            connection.execute(f"CREATE TABLE staged_{number} AS SELECT *, {_IS_GOOD} FROM ({rows})")
        except duckdb.IOException as error:
            if "GZIP" not in str(error).upper():
                raise
            raise InputError(f"{file.path}: gzip is cut short or damaged; copy it again from its source") from error
    names = {"file": quoted(file.name), "kind": quoted(file.kind)}
    return connection.sql(statement("staged_rejects", rejects=f"rejects_{number}", **names)).to_arrow_table()


def _header(file: RawFile) -> list[str]:
    with open_raw(file) as raw:
        line = raw.readline(_MAX_HEADER_BYTES)
    names = [name.strip().strip('"') for name in line.decode("utf-8-sig", "replace").strip().split(",")]
    missing = [name for name in REQUIRED[file.kind] if name not in names]
    if missing:
        raise InputError(f"{file.path}: the header has no column {', '.join(missing)}; is this a telemetry file?")
    return names
