"""The result tables that texts are made from, as rows by table. Raw files and traces are not read here."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from grx_pipeline.narratives.facts.book import Row
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import read_table

READ = (
    *("sessions", "drivers", "laps", "neutralisations", "weather", "lap_statistics", "fleet_statistics"),
    *(
        "siwtl",
        "siwtl_sectors",
        "corners",
        "segments",
        "reference_laps",
        "reference_sources",
        "corner_drivers",
        "corner_field",
        "ledger",
        "ledger_drivers",
    ),
    *("dptad_events", "dptad_drivers", "opportunities", "opportunity_drivers"),
    *("comparisons", "comparison_lines", "rankings"),
)


@dataclass(frozen=True, kw_only=True)
class ResultTables:
    """Rows in key order; a table that was not written is empty."""

    rows: Mapping[str, list[Row]]

    @property
    def session(self) -> Row:
        return self.rows["sessions"][0]

    @cached_property
    def _of_vehicle(self) -> dict[str, dict[str, list[Row]]]:
        grouped: dict[str, dict[str, list[Row]]] = {}
        for table, rows in self.rows.items():
            if rows and "vehicle_id" in rows[0]:
                for row in rows:
                    grouped.setdefault(table, {}).setdefault(row["vehicle_id"], []).append(row)
        return grouped

    def of(self, table: str, vehicle: str) -> list[Row]:
        """The rows of one vehicle."""
        return self._of_vehicle.get(table, {}).get(vehicle, [])

    def row_of(self, table: str, vehicle: str) -> Row:
        """The one row of a vehicle; without one, nothing is known."""
        return next(iter(self.of(table, vehicle)), {})


def read_tables(paths: Paths, session: str) -> ResultTables:
    """The tables of a session as they stand in the lake."""
    return ResultTables(rows={name: _read(paths, session, name).to_pylist() for name in READ})


def _read(paths: Paths, session: str, name: str) -> pa.Table:
    file = paths.table(session, name)
    return read_table(file) if file.is_file() else TABLES[name].arrow_schema().empty_table()
