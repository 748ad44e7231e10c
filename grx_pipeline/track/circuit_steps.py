"""The step that describes the circuit: traces in; the field's line, corners and segments out."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome
from grx_pipeline.track.circuits import CornerTable, circuit_of, corner_problems
from grx_pipeline.track.corner_field import FieldCorner, field_corners, phases_of
from grx_pipeline.track.corners import detect_corners, turn_of
from grx_pipeline.track.field import FieldTraces, read_field
from grx_pipeline.track.line import Line, find_line
from grx_pipeline.track.loop import stretch
from grx_pipeline.track.segments import Segment, tile_lap
from grx_pipeline.track.timing_lines import ANCHORS

Rows = list[dict[str, object]]

_CHANNELS = ("speed_kmh", "throttle_pct", "brake_bar", "accel_y_g")


def build_track(context: StepContext) -> StepOutcome:
    """Tables `track_line`, `track_sources`, `corners` and `segments`, all empty where no lap has a trusted distance."""
    field = read_field(context, _CHANNELS)
    line = find_line(context, field)
    laps = field.of(field.is_clean) if field.is_clean.any() else field
    session = read_frame(context.paths.table(context.session, "sessions")).iloc[0]
    table = _table_of(session["circuit"], field.length_m)
    corners = table.corners if table else detect_corners(line, field.length_m, context.settings.track)
    measured = field_corners(laps, line, corners, context.settings) if line.distance_m.size else ()
    rows: Mapping[str, Rows] = {
        "track_line": _line_rows(line),
        "track_sources": list(line.sources),
        "corners": [
            _corner_row(
                number, corner, line, field.length_m, is_verified=bool(table and table.is_verified), source=source
            )
            for source in ["table" if table else "detected"]
            for number, corner in enumerate(measured, start=1)
        ],
        "segments": _segment_rows(context, field, measured),
    }
    outputs = [_write(context, name, table_rows) for name, table_rows in rows.items()]
    return StepOutcome(
        outputs=tuple(outputs),
        rows=len(rows["track_line"]),
        figures={
            "corners": len(measured),
            "verified_corners": len(measured) if table and table.is_verified else 0,
            "segments": len(rows["segments"]),
            "laps": line.laps,
        },
    )


def _table_of(circuit: str, length_m: float) -> CornerTable | None:
    """The circuit's corner table, if it fits a lap of this length: cars may have driven another layout."""
    table = circuit_of(circuit).corner_table
    return table if table and not corner_problems(table.corners, length_m) else None


def _write(context: StepContext, name: str, rows: Rows) -> Path:
    output = context.paths.table(context.session, name)
    write_table(pa.Table.from_pylist(rows, schema=TABLES[name].arrow_schema()), output, TABLES[name])
    return output


def _line_rows(line: Line) -> Rows:
    columns = ("distance_m", "x_m", "y_m", "curvature_per_m", "speed_kmh")
    frame = pd.DataFrame({name: getattr(line, name) for name in columns})
    rows: Rows = frame.to_dict("records")  # type: ignore[assignment]
    return rows


def _corner_row(
    number: int, measured: FieldCorner, line: Line, length_m: float, *, is_verified: bool, source: str
) -> dict[str, object]:
    corner = measured.corner
    columns, _ = stretch(line.distance_m, corner.start_m, corner.end_after_start_m(length_m), length_m)
    return {
        "corner_index": number,
        "corner": corner.corner,
        "name": corner.name,
        "direction": corner.direction,
        "start_m": corner.start_m,
        "apex_m": measured.apex_m % length_m,
        "end_m": corner.end_m,
        "turn_deg": float(np.degrees(turn_of(line, corner, length_m))),
        "radius_m": float(1 / np.abs(line.curvature_per_m[columns]).max()),
        "apex_spread_m": _known(measured.apex_spread_m),
        "apex_share": _known(measured.apex_share),
        "brake_onset_m": _known(measured.onset_m % length_m),
        "brake_onset_spread_m": _known(measured.onset_spread_m),
        "full_throttle_m": _known(measured.full_throttle_m % length_m),
        "is_verified": is_verified,
        "source": source,
    }


def _segment_rows(context: StepContext, field: FieldTraces, corners: Sequence[FieldCorner]) -> Rows:
    if not field.distance_m.size:
        return []
    lines = read_frame(context.paths.table(context.session, "timing_lines")).set_index("line")["distance_m"]
    known = {name: float(lines[name]) for name in ANCHORS if name in lines}
    phases = [phases_of(corner, field.length_m) for corner in corners]
    tiles = tile_lap(phases, known, field.length_m, context.settings.track)
    return [_segment_row(number, tile, known) for number, tile in enumerate(tiles, start=1)]


def _segment_row(number: int, tile: Segment, lines: Mapping[str, float]) -> dict[str, object]:
    is_known = len(lines) == len(ANCHORS)
    return {
        "segment": number,
        "name": tile.name,
        "phase": tile.phase,
        "corner_index": None if tile.corner is None else tile.corner + 1,
        "sector": 1 + sum(tile.start_m >= place for place in lines.values()) if is_known else None,
        "start_m": tile.start_m,
        "end_m": tile.end_m,
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
