"""Tables -> records of the circuit as the field drove it."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from grx_pipeline.reports.driving_records import Corner, Segment, TimingLine, Track, TrackLine, TrackSource
from grx_pipeline.reports.encoding import from_row
from grx_pipeline.reports.notes import is_line_far
from grx_pipeline.reports.precision import rounded, rounded_series
from grx_pipeline.reports.tables import Row, SessionTables
from grx_pipeline.schemas import TABLES

_UNITS = {
    table: {c.name: c.unit for c in TABLES[table].columns if c.type == "DOUBLE"}
    for table in ("corners", "segments", "timing_lines", "track_sources", "track_line")
}


def corner_names(tables: SessionTables) -> dict[int | None, str | None]:
    """The corners' names by corner_index; None has none."""
    return {None: None, **{row["corner_index"]: row["corner"] for row in tables.rows["corners"]}}


def track_record(
    tables: SessionTables, names: Mapping[int | None, str | None], *, map_warning_m: float, far_line_s: float
) -> Track:
    """The circuit of a session. A timing line over `map_warning_m` from the map's is off the map.

    Where loggers change lap more than `far_line_s` off the finish line, places cannot be laid over the map's.
    """
    session = tables.session
    is_from_loggers = is_line_far(session["logger_bias_ms"], far_line_s)
    line = tables.columns["track_line"]
    return Track(
        circuit=session["circuit"],
        length_m=rounded(session["length_m"], "m"),
        is_from_loggers=is_from_loggers,
        sources=tuple(from_row(TrackSource, _rounded("track_sources", row)) for row in tables.rows["track_sources"]),
        timing_lines=tuple(
            from_row(TimingLine, {**_rounded("timing_lines", row), "is_off_map": _is_off_map(row, map_warning_m)})
            for row in _timing_lines(tables.rows["timing_lines"], has_map=not is_from_loggers)
        ),
        corners=tuple(from_row(Corner, _rounded("corners", row)) for row in tables.rows["corners"]),
        segments=tuple(
            from_row(Segment, {**_rounded("segments", row), "corner": names[row["corner_index"]]})
            for row in tables.rows["segments"]
        ),
        line=TrackLine(**{name: _series(line, name) for name in TrackLine.__annotations__}),
        note=None if line.num_rows else "No car has a lap with a trace: the line and the corners are not known.",
    )


def _timing_lines(rows: Iterable[Row], *, has_map: bool) -> list[Row]:
    """The lines in the order of the lap, without the map's places where they cannot be compared."""
    ordered = sorted(rows, key=lambda row: row["distance_m"])
    return ordered if has_map else [{**row, "map_m": None} for row in ordered]


def _is_off_map(row: Row, map_warning_m: float) -> bool:
    return row["map_m"] is not None and abs(row["map_m"] - row["distance_m"]) > map_warning_m


def _series(line: pa.Table, name: str) -> pa.Array:
    return rounded_series(line.column(name).combine_chunks(), _UNITS["track_line"][name])


def _rounded(table: str, row: Row) -> dict[str, object]:
    return {
        name: rounded(value, _UNITS[table][name]) if name in _UNITS[table] else value for name, value in row.items()
    }
