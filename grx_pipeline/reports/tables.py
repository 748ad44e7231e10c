"""A session's tables as the report reads them. What they mean for a reader stands in api.py and fleet.py."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.lake import standing_files
from grx_pipeline.storage.parquet import read_table

Row = Mapping[str, Any]

_SMALL_TABLES = (
    *("sessions", "drivers", "laps", "neutralisations", "logger_matches", "unmatched_loggers", "telemetry_vehicles"),
    *("telemetry_laps", "sensors", "lap_distances", "telemetry_features", "weather"),
    *("siwtl", "siwtl_sectors", "lap_statistics", "fleet_statistics"),
    *("corrections", "corner_corrections"),
    *("timing_lines", "track_sources", "corners", "segments", "corner_field", "corner_laps", "corner_drivers"),
    *("ledger", "ledger_drivers", "dptad_events", "dptad_laps", "dptad_scores", "dptad_drivers"),
    *("reference_laps", "reference_sources"),
    *("opportunities", "opportunity_drivers", "comparisons", "comparison_lines", "rankings"),
    *("narratives", "narrative_facts", "narrative_requests"),
)
_COLUMN_TABLES = ("track_line",)
_ACCOUNT_COUNTS = (
    "rows_read",
    "rows_kept",
    "exact_duplicates",
    "rows_merged",
    "rows_set_aside",
    "conflict_rows",
)


@dataclass(frozen=True, kw_only=True)
class LapTrace:
    """One lap of lap_traces; `columns` has that table's columns, one row per grid point."""

    vehicle_id: str
    lap_number: int
    columns: pa.Table


@dataclass(frozen=True, kw_only=True)
class SessionTables:
    """Rows of the session's tables in key order, by table, and long ones as columns.

    `file_rows` and `set_aside` are sums of the account.
    """

    rows: Mapping[str, list[Row]]
    columns: Mapping[str, pa.Table]
    file_rows: list[Row]
    set_aside: list[Row]
    trace_files: tuple[Path, ...]
    reference_files: tuple[Path, ...] = ()

    @property
    def session(self) -> Row:
        return self.rows["sessions"][0]

    def per_vehicle(self, table: str) -> dict[str, Row]:
        """The one row of each vehicle, of a table keyed by vehicle_id."""
        return {row["vehicle_id"]: row for row in self.rows[table]}

    def by_vehicle(self, table: str) -> dict[str, list[Row]]:
        """The rows of each vehicle, in key order."""
        groups: dict[str, list[Row]] = {}
        for row in self.rows[table]:
            groups.setdefault(row["vehicle_id"], []).append(row)
        return groups

    def traces(self) -> Iterator[LapTrace]:
        """Every lap with a trace, one file in memory at a time."""
        for file in self.trace_files:
            yield from _laps_of(read_table(file))

    def reference_traces(self) -> Iterator[tuple[str, str, pa.Table]]:
        """Every trace that nobody drove: vehicle, reference, rows of reference_traces."""
        for file in self.reference_files:
            rows = read_table(file)
            for reference in pc.unique(rows["reference"]).to_pylist():
                of_reference = rows.filter(pc.equal(rows["reference"], reference))
                yield pc.first(of_reference["vehicle_id"]).as_py(), reference, of_reference


def load_tables(paths: Paths, session: str) -> SessionTables:
    """Read everything the report needs but the traces. A table without files is empty."""
    accounting = _read(paths, session, "row_accounting")
    quarantine = _read(paths, session, "quarantine", columns=("kind", "reason"))
    sums = accounting.group_by(["kind", "file"]).aggregate([(name, "sum") for name in _ACCOUNT_COUNTS])
    sums = sums.rename_columns(["kind", "file", *_ACCOUNT_COUNTS])
    reasons = quarantine.group_by(["kind", "reason"]).aggregate([([], "count_all")])
    reasons = reasons.rename_columns(["kind", "reason", "rows"])
    return SessionTables(
        rows={name: _read(paths, session, name).to_pylist() for name in _SMALL_TABLES},
        columns={name: _read(paths, session, name) for name in _COLUMN_TABLES},
        file_rows=sums.sort_by([("kind", "ascending"), ("file", "ascending")]).to_pylist(),
        set_aside=reasons.sort_by([("kind", "ascending"), ("reason", "ascending")]).to_pylist(),
        trace_files=standing_files(paths, session, TABLES["lap_traces"]),
        reference_files=standing_files(paths, session, TABLES["reference_traces"]),
    )


def _read(paths: Paths, session: str, table: str, *, columns: Sequence[str] | None = None) -> pa.Table:
    files = standing_files(paths, session, TABLES[table])
    empty = TABLES[table].arrow_schema().empty_table()
    return pa.concat_tables(
        [empty if columns is None else empty.select(columns), *(read_table(file, columns=columns) for file in files)]
    )


def _laps_of(traces: pa.Table) -> Iterator[LapTrace]:
    traces = traces.combine_chunks()
    laps = traces["lap_number"].to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(laps)) + 1).tolist()] if len(laps) else []
    for start, end in zip(starts, [*starts[1:], len(laps)], strict=True):
        lap = traces.slice(start, end - start)
        yield LapTrace(vehicle_id=pc.first(lap["vehicle_id"]).as_py(), lap_number=int(laps[start]), columns=lap)
