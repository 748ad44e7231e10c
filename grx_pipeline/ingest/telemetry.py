"""Raw telemetry to samples: every row accounted for, collapsed ticks decided, one Parquet file a vehicle.

Values are stored as logged. Corrections of clocks and sensors belong to laps/, and which lap a sample is in too.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from grx_pipeline.ingest.accounting import FileAccount, write_accounts
from grx_pipeline.ingest.manifest import RawFile, read_manifest
from grx_pipeline.ingest.staging import CHANNEL_NAMES, stage_files
from grx_pipeline.ingest.ticks import NO_LAP, Values, collect_ticks, samples_of
from grx_pipeline.paths import path_ids
from grx_pipeline.schemas import CHANNELS, TABLES
from grx_pipeline.storage.duck import engine, quoted
from grx_pipeline.storage.parquet import remove_other_parts, write_table
from grx_pipeline.storage.sql import statement
from grx_pipeline.storage.steps import StepContext, StepOutcome

STEP = "raw_telemetry"

_VALUES = f"""
SELECT ecu_ms, received_at_ms, coalesce(logger_lap::BIGINT, {NO_LAP}) AS logger_lap, channel::BIGINT AS channel, value
FROM staged WHERE vehicle_id = $vehicle_id AND is_good
"""


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """How many rows of one vehicle the files hold, and how many of them can become samples."""

    vehicle_id: str
    read: int
    good: int
    source: str


@dataclass(frozen=True, kw_only=True)
class _Vehicle:
    """One vehicle's file (without samples where its clock is frozen) and how its rows became them."""

    path: Path
    summary: dict[str, object]
    account: FileAccount

    @property
    def is_clock_frozen(self) -> bool:
        return bool(self.summary["is_clock_frozen"])


def build_telemetry(context: StepContext) -> StepOutcome:
    """All telemetry files of the session into `telemetry`, `telemetry_vehicles` and the row accounts.

    Raises InputError for a damaged archive or a header without a required column.
    """
    manifest = read_manifest(context.paths.manifest(context.session))
    files = manifest.of_kind("telemetry", "telemetry_json")
    with engine(context.settings.engine, temporary=context.paths.temporary(context.session)) as connection:
        unreadable = stage_files(connection, files, context)
        source = " + ".join(file.name for file in files)
        vehicles, nameless = _read_vehicles(connection, source, context)
        frozen = [vehicle.account.vehicle_id for vehicle in vehicles if vehicle.is_clock_frozen]
        quarantine = [*unreadable, _bad_rows(connection, files, frozen)]
    lines = [
        _set_aside_account(file.name, file.kind, "", table.num_rows)
        for file, table in zip(files, unreadable, strict=True)
    ]
    return _finish(context, vehicles, accounts=_merged([*lines, *nameless]), quarantine=quarantine)


def _finish(
    context: StepContext, vehicles: list[_Vehicle], *, accounts: list[FileAccount], quarantine: list[pa.Table]
) -> StepOutcome:
    outputs = [vehicle.path for vehicle in vehicles]
    remove_other_parts(context.paths.table_folder(context.session, "telemetry"), outputs)
    table = TABLES["telemetry_vehicles"]
    summary_path = context.paths.table(context.session, table.name)
    rows = pa.Table.from_pylist([vehicle.summary for vehicle in vehicles], schema=table.arrow_schema())
    write_table(rows, summary_path, table)
    everything = [*accounts, *(vehicle.account for vehicle in vehicles)]
    books = write_accounts(context, STEP, everything, quarantine)
    return StepOutcome(
        outputs=(*outputs, summary_path, *books),
        rows=pc.sum(rows.column("samples")).as_py() or 0,
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
        "SELECT vehicle_id, count(*), count(*) FILTER (is_good) FROM staged GROUP BY 1 ORDER BY 1 NULLS FIRST"
    ).fetchall()
    nameless = [_set_aside_account(source, "telemetry", name or "", read) for name, read, good in counts if not good]
    usable = [_Rows(vehicle_id=name, read=read, good=good, source=source) for name, read, good in counts if good]
    parts = path_ids(rows.vehicle_id for rows in usable)

    def read(rows: _Rows) -> _Vehicle:
        with connection.cursor() as cursor:
            return _read_vehicle(cursor, rows, part=parts[rows.vehicle_id], context=context)

    with ThreadPoolExecutor(context.settings.engine.readers) as readers:
        return list(readers.map(read, usable)), nameless


def _read_vehicle(connection: duckdb.DuckDBPyConnection, rows: _Rows, *, part: str, context: StepContext) -> _Vehicle:
    """Decide one vehicle's samples on a connection of its own and write them."""
    settings = context.settings.ingest
    values = connection.sql(_VALUES, params={"vehicle_id": rows.vehicle_id}).to_arrow_table()
    ticks = collect_ticks(Values(**{name: values.column(name).to_numpy() for name in values.column_names}))
    is_frozen = rows.good >= settings.frozen_min_rows and ticks.ecu_ms.size < settings.frozen_share * rows.good
    samples = samples_of(ticks, fast_step_ms=settings.fast_step_ms)
    samples = samples.slice(0, 0) if is_frozen else samples
    path = context.paths.table(context.session, "telemetry", part=part)
    write_table(samples, path, TABLES["telemetry"])
    account = FileAccount(
        file=rows.source,
        kind="telemetry",
        vehicle_id=rows.vehicle_id,
        rows_read=rows.read,
        rows_kept=0 if is_frozen else ticks.kept,
        exact_duplicates=ticks.exact_duplicates,
        rows_merged=0 if is_frozen else ticks.merged,
        rows_set_aside=rows.read - rows.good + (ticks.kept + ticks.merged if is_frozen else 0),
        conflict_rows=0 if is_frozen else ticks.conflict_rows,
    )
    summary = {
        "vehicle_id": rows.vehicle_id,
        "part": part,
        "samples": samples.num_rows,
        "rows_read": rows.read,
        "is_clock_frozen": is_frozen,
        "first_ecu_ms": int(ticks.ecu_ms[0]),
        "last_ecu_ms": int(ticks.ecu_ms[-1]),
        "channels": [raw for raw, column, *_ in CHANNELS if _has_values(samples, column)],
    }
    return _Vehicle(path=path, summary=summary, account=account)


def _has_values(samples: pa.Table, column: str) -> bool:
    return bool(samples.column(column).null_count < samples.num_rows)


def _bad_rows(connection: duckdb.DuckDBPyConnection, files: tuple[RawFile, ...], frozen: list[str]) -> pa.Table:
    """The rows that were set aside although they could be read, as rows of `quarantine`."""
    vehicles = ", ".join(quoted(vehicle) for vehicle in frozen)
    query = statement(
        "telemetry_bad_rows",
        files=f"[{', '.join(quoted(file.name) for file in files)}]::VARCHAR[]",
        kinds=f"[{', '.join(quoted(file.kind) for file in files)}]::VARCHAR[]",
        is_frozen=f"coalesce(vehicle_id IN ({vehicles}), false)" if frozen else "false",
        names=CHANNEL_NAMES,
    )
    return connection.sql(query).to_arrow_table()


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
