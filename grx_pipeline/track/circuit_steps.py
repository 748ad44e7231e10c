"""The step that describes the circuit: traces in; the field's line, corners and segments out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from grx_pipeline.errors import InputError
from grx_pipeline.robust import finite
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import read_frame, read_table, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome
from grx_pipeline.track.circuits import Corner, circuit_of, corner_problems
from grx_pipeline.track.corner_field import FieldCorner, field_corners, phases_of
from grx_pipeline.track.corner_fixes import PLACES, CornerFix, fix_corners
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
    corners = _corners(context, line, field.length_m) if line.distance_m.size else ()
    measured = field_corners(laps, line, [known.corner for known in corners], context.settings)
    rows: Mapping[str, Rows] = {
        "track_line": _line_rows(line),
        "track_sources": list(line.sources),
        "corners": [
            _corner_row(number, figures, known, line, field.length_m)
            for number, (known, figures) in enumerate(zip(corners, measured, strict=True), start=1)
        ],
        "segments": _segment_rows(context, field, measured),
    }
    outputs = [_write(context, name, table_rows) for name, table_rows in rows.items()]
    return StepOutcome(
        outputs=tuple(outputs),
        rows=len(rows["track_line"]),
        figures={
            "corners": len(measured),
            "verified_corners": sum(known.is_verified for known in corners),
            "segments": len(rows["segments"]),
            "laps": line.laps,
        },
    )


@dataclass(frozen=True, kw_only=True)
class _Known:
    """A corner and where it is from: table, detected, or team where session.toml has a word in it."""

    corner: Corner
    is_verified: bool
    source: str


def _corners(context: StepContext, line: Line, length_m: float) -> list[_Known]:
    """The corners in lap order. Raises InputError where what the team says of them does not make a lap's corners."""
    rows = read_table(context.paths.table(context.session, "corner_corrections")).to_pylist()
    before = _given(context, rows, length_m) or _usual(context, line, length_m)
    fixes = [_fix(row) for row in rows if row["action"] != "table"]
    try:
        after = fix_corners([known.corner for known in before], fixes, length_m)
    except InputError as error:
        raise InputError(f"{context.session}: {error}") from error
    as_before = {known.corner: known for known in before}
    return [as_before.get(corner, _Known(corner=corner, is_verified=False, source="team")) for corner in after]


def _given(context: StepContext, rows: Rows, length_m: float) -> list[_Known]:
    """The corners of the team's table, none where it has none."""
    of_table = [row for row in rows if row["action"] == "table"]
    given = [
        _Known(
            corner=Corner(**{name: row[name] for name in ("corner", "name", *PLACES)}),  # type: ignore[arg-type]
            is_verified=bool(row["is_verified"]),
            source=str(row["source"]),
        )
        for row in of_table
    ]
    problems = corner_problems([known.corner for known in given], length_m)
    if problems:
        line = of_table[0]["line"]
        raise InputError(f"{context.session}: session.toml line {line}: [corner_table]: {'; '.join(problems)}")
    return given


def _usual(context: StepContext, line: Line, length_m: float) -> list[_Known]:
    """The circuit's table, if it fits a lap of this length (cars may have driven another layout), or detection."""
    circuit = read_frame(context.paths.table(context.session, "sessions"))["circuit"].iloc[0]
    table = circuit_of(circuit).corner_table
    if table and not corner_problems(table.corners, length_m):
        return [_Known(corner=corner, is_verified=table.is_verified, source="table") for corner in table.corners]
    found = detect_corners(line, length_m, context.settings.track)
    return [_Known(corner=corner, is_verified=False, source="detected") for corner in found]


def _fix(row: Mapping[str, Any]) -> CornerFix:
    names = ("line", "corner", "renumber", "name", *PLACES)
    is_removed = row["action"] == "remove"
    return CornerFix(**{name: row[name] for name in names}, merge=tuple(row["merge"]), is_removed=is_removed)


def _write(context: StepContext, name: str, rows: Rows) -> Path:
    output = context.paths.table(context.session, name)
    write_table(pa.Table.from_pylist(rows, schema=TABLES[name].arrow_schema()), output, TABLES[name])
    return output


def _line_rows(line: Line) -> Rows:
    columns = ("distance_m", "x_m", "y_m", "curvature_per_m", "speed_kmh")
    frame = pd.DataFrame({name: getattr(line, name) for name in columns})
    rows: Rows = frame.to_dict("records")  # type: ignore[assignment]
    return rows


def _corner_row(number: int, measured: FieldCorner, known: _Known, line: Line, length_m: float) -> dict[str, object]:
    corner = known.corner
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
        "apex_spread_m": finite(measured.apex_spread_m),
        "apex_share": finite(measured.apex_share),
        "brake_onset_m": finite(measured.onset_m % length_m),
        "brake_onset_spread_m": finite(measured.onset_spread_m),
        "full_throttle_m": finite(measured.full_throttle_m % length_m),
        "is_verified": known.is_verified,
        "source": known.source,
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
