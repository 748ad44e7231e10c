"""Raw telemetry to samples: every row accounted for, collapsed ticks decided, one Parquet file a vehicle.

Values are stored as logged. Corrections of clocks and sensors belong to laps/, and which lap a sample is in too.
"""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from grx_pipeline.ingest.accounting import FileAccount, write_accounts
from grx_pipeline.ingest.manifest import RawFile, read_manifest
from grx_pipeline.ingest.staging import IS_GOOD, stage_files
from grx_pipeline.paths import path_ids
from grx_pipeline.schemas import CHANNELS, TABLES
from grx_pipeline.settings import IngestSettings
from grx_pipeline.storage.duck import engine, quoted
from grx_pipeline.storage.parquet import remove_other_parts, write_table
from grx_pipeline.storage.sql import statement
from grx_pipeline.storage.steps import StepContext, StepOutcome

STEP = "raw_telemetry"

_COLUMNS = {raw.casefold(): column for raw, column, *_ in CHANNELS}
_RAW_NAMES = {column: raw for raw, column, *_ in CHANNELS}
_FAST = ", ".join(quoted(raw.casefold()) for raw, _, _, pace, _ in CHANNELS if pace == "fast")
_PIVOT = ", ".join(f"max(value) FILTER (channel = {quoted(raw)}) AS {column}" for raw, column in _COLUMNS.items())


@dataclass(frozen=True, kw_only=True)
class _Vehicle:
    """One vehicle's samples (none where its clock is frozen) and how its rows became them."""

    vehicle_id: str
    samples: pa.Table
    is_clock_frozen: bool
    first_ecu_ms: int
    last_ecu_ms: int
    account: FileAccount


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """How many rows of one vehicle the files hold, and how many of them can become samples."""

    vehicle_id: str
    read: int
    good: int
    source: str


def build_telemetry(context: StepContext) -> StepOutcome:
    """All telemetry files of the session into `telemetry`, `telemetry_vehicles` and the row accounts.

    Raises InputError for a damaged archive or a header without a required column.
    """
    manifest = read_manifest(context.paths.manifest(context.session))
    files = manifest.of_kind("telemetry", "telemetry_json")
    with engine(context.settings.engine, temporary=context.paths.temporary) as connection:
        unreadable = stage_files(connection, files, context)
        source = " + ".join(file.name for file in files)
        vehicles, nameless = _read_vehicles(connection, source, context)
        frozen = [vehicle.vehicle_id for vehicle in vehicles if vehicle.is_clock_frozen]
        quarantine = [*unreadable, _bad_rows(connection, files, frozen)]
    lines = [
        _set_aside_account(file.name, file.kind, "", table.num_rows)
        for file, table in zip(files, unreadable, strict=True)
    ]
    return _write(context, vehicles, accounts=_merged([*lines, *nameless]), quarantine=quarantine)


def _write(
    context: StepContext, vehicles: list[_Vehicle], *, accounts: list[FileAccount], quarantine: list[pa.Table]
) -> StepOutcome:
    parts = path_ids(vehicle.vehicle_id for vehicle in vehicles)
    outputs = []
    for vehicle in vehicles:
        path = context.paths.table(context.session, "telemetry", part=parts[vehicle.vehicle_id])
        write_table(vehicle.samples, path, TABLES["telemetry"])
        outputs.append(path)
    remove_other_parts(context.paths.table_folder(context.session, "telemetry"), outputs)
    summary = TABLES["telemetry_vehicles"]
    summary_path = context.paths.table(context.session, summary.name)
    rows = [_summary_row(vehicle, part=parts[vehicle.vehicle_id]) for vehicle in vehicles]
    write_table(pa.Table.from_pylist(rows, schema=summary.arrow_schema()), summary_path, summary)
    everything = [*accounts, *(vehicle.account for vehicle in vehicles)]
    books = write_accounts(context, STEP, everything, quarantine)
    return StepOutcome(
        outputs=(*outputs, summary_path, *books),
        rows=sum(vehicle.samples.num_rows for vehicle in vehicles),
        figures={
            "rows_read": sum(account.rows_read for account in everything),
            "vehicles": len(vehicles),
            "exact_duplicates": sum(account.exact_duplicates for account in everything),
            "conflict_rows": sum(account.conflict_rows for account in everything),
            "set_aside": sum(account.rows_set_aside for account in everything),
            "frozen_clocks": sum(vehicle.is_clock_frozen for vehicle in vehicles),
        },
    )


def _read_vehicles(
    connection: duckdb.DuckDBPyConnection, source: str, context: StepContext
) -> tuple[list[_Vehicle], list[FileAccount]]:
    """Every vehicle with a usable row, and the account of the rows that belong to none."""
    counts = connection.execute(
        f"SELECT vehicle_id, count(*), count(*) FILTER ({IS_GOOD}) FROM staged GROUP BY 1 ORDER BY 1 NULLS FIRST"
    ).fetchall()
    vehicles, nameless = [], []
    for vehicle_id, rows_read, good in counts:
        if good:
            rows = _Rows(vehicle_id=vehicle_id, read=rows_read, good=good, source=source)
            vehicles.append(_read_vehicle(connection, rows, context.settings.ingest))
        else:
            nameless.append(_set_aside_account(source, "telemetry", vehicle_id or "", rows_read))
    return vehicles, nameless


def _read_vehicle(connection: duckdb.DuckDBPyConnection, rows: _Rows, settings: IngestSettings) -> _Vehicle:
    parameters = {"vehicle_id": rows.vehicle_id}
    connection.execute(statement("telemetry_ticks", channel_columns=_PIVOT, is_good=IS_GOOD), parameters)
    connection.execute(statement("telemetry_cells", fast_channels=_FAST, is_good=IS_GOOD), parameters)
    account_row = connection.execute(statement("telemetry_account")).fetchall()[0]
    kept, exact_duplicates, merged, conflict_rows, stamps, first_ecu_ms, last_ecu_ms = account_row
    is_frozen = rows.good >= settings.frozen_min_rows and stamps < settings.frozen_share * rows.good
    account = FileAccount(
        file=rows.source,
        kind="telemetry",
        vehicle_id=rows.vehicle_id,
        rows_read=rows.read,
        rows_kept=0 if is_frozen else kept,
        exact_duplicates=exact_duplicates,
        rows_merged=0 if is_frozen else merged,
        rows_set_aside=rows.read - rows.good + (kept + merged if is_frozen else 0),
        conflict_rows=0 if is_frozen else conflict_rows,
    )
    samples = TABLES["telemetry"].arrow_schema().empty_table() if is_frozen else _samples(connection, settings)
    return _Vehicle(
        vehicle_id=rows.vehicle_id,
        samples=samples,
        is_clock_frozen=is_frozen,
        first_ecu_ms=first_ecu_ms,
        last_ecu_ms=last_ecu_ms,
        account=account,
    )


def _samples(connection: duckdb.DuckDBPyConnection, settings: IngestSettings) -> pa.Table:
    joined = ", ".join(f"coalesce(decided.{column}, ticks.{column}) AS {column}" for column in _COLUMNS.values())
    query = statement(
        "telemetry_samples",
        channel_columns=_PIVOT,
        joined_columns=joined,
        columns=", ".join(_COLUMNS.values()),
        fast_channels=_FAST,
    )
    return connection.sql(query, params={"fast_step_ms": settings.fast_step_ms}).to_arrow_table()


def _bad_rows(connection: duckdb.DuckDBPyConnection, files: tuple[RawFile, ...], frozen: list[str]) -> pa.Table:
    """The rows that were set aside although they could be read, as rows of `quarantine`."""
    vehicles = ", ".join(quoted(vehicle) for vehicle in frozen)
    query = statement(
        "telemetry_bad_rows",
        files=f"[{', '.join(quoted(file.name) for file in files)}]::VARCHAR[]",
        kinds=f"[{', '.join(quoted(file.kind) for file in files)}]::VARCHAR[]",
        is_frozen=f"coalesce(vehicle_id IN ({vehicles}), false)" if frozen else "false",
        is_good=IS_GOOD,
    )
    return connection.sql(query).to_arrow_table()


def _summary_row(vehicle: _Vehicle, *, part: str) -> dict[str, object]:
    filled = [column for column in _RAW_NAMES if vehicle.samples.column(column).null_count < vehicle.samples.num_rows]
    return {
        "vehicle_id": vehicle.vehicle_id,
        "part": part,
        "samples": vehicle.samples.num_rows,
        "rows_read": vehicle.account.rows_read,
        "is_clock_frozen": vehicle.is_clock_frozen,
        "first_ecu_ms": vehicle.first_ecu_ms,
        "last_ecu_ms": vehicle.last_ecu_ms,
        "channels": [_RAW_NAMES[column] for column in filled],
    }


def _merged(accounts: list[FileAccount]) -> list[FileAccount]:
    """One account a file and vehicle: lines that cannot be read and rows without a vehicle are both nobody's."""
    rows: dict[tuple[str, str], FileAccount] = {}
    for account in accounts:
        key = account.file, account.vehicle_id
        before = rows[key].rows_read if key in rows else 0
        rows[key] = _set_aside_account(account.file, account.kind, account.vehicle_id, before + account.rows_read)
    return list(rows.values())


def _set_aside_account(file: str, kind: str, vehicle_id: str, rows: int) -> FileAccount:
    return FileAccount(file=file, kind=kind, vehicle_id=vehicle_id, rows_read=rows, rows_kept=0, rows_set_aside=rows)
