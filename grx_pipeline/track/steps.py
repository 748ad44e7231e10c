"""The step of laps over distance: telemetry of laps in; traces, timing lines and what the distance is worth out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from grx_pipeline.robust import finite
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import read_frame, remove_other_parts, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome
from grx_pipeline.track.channels import SpeedCurve
from grx_pipeline.track.checks import CheckedLaps, distance_rows, time_errors
from grx_pipeline.track.circuits import circuit_of
from grx_pipeline.track.distance import grid_of, trace_laps
from grx_pipeline.track.placing import PlacedLaps, place_laps
from grx_pipeline.track.timing_lines import ANCHORS, IS_ANCHOR, LINES, line_times, reason_of
from grx_pipeline.track.vehicles import VehicleLaps, complete_laps

Array = npt.NDArray[np.float64]
Rows = list[dict[str, object]]


def build_traces(context: StepContext) -> StepOutcome:
    """Traces (a part per vehicle, named as its report files), what each lap's distance is worth, and timing lines."""
    vehicles = {vehicle.vehicle_id: vehicle for vehicle in complete_laps(context)}
    curves = {name: curve for name, vehicle in vehicles.items() if (curve := vehicle.speed()) is not None}
    placed = place_laps(
        _official_laps(context, curves),
        curves,
        map_length_m=_map_length(context),
        settings=context.settings.trace,
    )
    outputs: list[Path] = []
    rows: dict[str, Rows] = {"lap_distances": [], "timing_lines": [], "distance_checks": []}
    if placed is not None:
        outputs, checked = _write_traces(context, vehicles, curves, placed)
        rows = {
            "lap_distances": _distance_rows(placed, context),
            "timing_lines": _line_rows(placed, checked, context),
            "distance_checks": distance_rows(checked, placed, context.settings.trace),
        }
    remove_other_parts(context.paths.table_folder(context.session, "lap_traces"), outputs)
    for name, table_rows in rows.items():
        outputs.append(context.paths.table(context.session, name))
        arrow = pa.Table.from_pylist(table_rows, schema=TABLES[name].arrow_schema())
        write_table(arrow, outputs[-1], TABLES[name])
    figures = {"laps": len(rows["lap_distances"])}
    for flag in ("trusted", "anchored"):
        figures[f"{flag}_laps"] = sum(bool(row[f"is_{flag}"]) for row in rows["lap_distances"])
    return StepOutcome(outputs=tuple(outputs), rows=figures["laps"], figures=figures)


def _official_laps(context: StepContext, curves: Mapping[str, SpeedCurve]) -> pd.DataFrame:
    """Complete laps of vehicles with a speed, with their official times."""
    windows = read_frame(context.paths.table(context.session, "telemetry_laps"))
    windows = windows[windows["is_complete"] & windows["vehicle_id"].isin(list(curves))]
    official = read_frame(context.paths.table(context.session, "laps"))
    keys = ["vehicle_id", "lap_number"]
    return windows[[*keys, "start_ms", "end_ms"]].merge(official, on=keys, how="left").sort_values(keys)


def _map_length(context: StepContext) -> float | None:
    length = read_frame(context.paths.table(context.session, "sessions"))["length_m"].iloc[0]
    return None if pd.isna(length) else float(length)


def _write_traces(
    context: StepContext, vehicles: Mapping[str, VehicleLaps], curves: Mapping[str, SpeedCurve], placed: PlacedLaps
) -> tuple[list[Path], CheckedLaps]:
    """The parts of `lap_traces`, and what the checks need of each lap."""
    settings, gap_s = context.settings.trace, context.settings.clock.gap_s
    drivers = read_frame(context.paths.table(context.session, "drivers"), columns=["vehicle_id", "path"])
    file_names = dict(zip(drivers["vehicle_id"], drivers["path"], strict=True))
    grid = grid_of(placed.field.length_m, settings)
    checked = CheckedLaps.empty(laps=len(placed.laps), grid_m=grid)
    outputs = []
    for name in sorted(vehicles):
        rows = np.flatnonzero(placed.laps["vehicle_id"] == name)
        if not rows.size:
            continue
        context.progress(f"traces of {name} (laps: {len(rows)})")
        laps = [placed.anchors_of(int(row)) for row in rows]
        values = trace_laps(vehicles[name].channels(), curves[name], laps, grid, gap_s=gap_s)
        outputs.append(context.paths.table(context.session, "lap_traces", part=file_names[name]))
        numbers = placed.laps["lap_number"].to_numpy()[rows]
        write_table(_trace_rows(name, numbers, grid, values), outputs[-1], TABLES["lap_traces"])
        checked.add(rows, values["time_ms"], vehicles[name].telemetry, curves[name], placed, gap_s=gap_s)
    return outputs, checked


def _trace_rows(
    vehicle_id: str, lap_numbers: npt.NDArray[np.int64], grid_m: Array, values: Mapping[str, Array]
) -> pa.Table:
    columns = {
        "vehicle_id": pa.repeat(vehicle_id, lap_numbers.size * grid_m.size),
        "lap_number": np.repeat(lap_numbers, grid_m.size),
        "distance_m": np.tile(grid_m, lap_numbers.size),
    }
    return pa.table(columns | {name: pa.array(rows.ravel(), from_pandas=True) for name, rows in values.items()})


def _distance_rows(placed: PlacedLaps, context: StepContext) -> Rows:
    before, field = placed.before, placed.field
    residuals = before.residual_m[:, IS_ANCHOR]
    numbers = placed.laps["lap_number"].to_numpy(int)
    return [
        {
            "vehicle_id": vehicle_id,
            "lap_number": numbers[row],
            "integral_m": field.length_m / before.scale[row],
            "scale": before.scale[row],
            "field_deviation": finite(before.deviation[row]),
            "sector_1_residual_m": finite(residuals[row, 0]),
            "sector_2_residual_m": finite(residuals[row, 1]),
            "shift_ms": placed.shift_ms[row],
            "is_anchored": bool(field.is_anchored[row]),
            "is_trusted": bool(field.is_trusted[row]),
            "reason": reason_of(before, row, int(numbers[row]), context.settings.trace),
        }
        for row, vehicle_id in enumerate(placed.laps["vehicle_id"])
    ]


def _line_rows(placed: PlacedLaps, checked: CheckedLaps, context: StepContext) -> Rows:
    before, field = placed.before, placed.field
    session = read_frame(context.paths.table(context.session, "sessions")).iloc[0]
    sectors = circuit_of(session["circuit"]).sectors_m
    maps = {"S1": sectors[0], "S2": sectors[0] + sectors[1]} if sectors else {}
    official = line_times(placed.laps)[field.is_of_field]
    errors = time_errors(checked.grid_m, checked.times_ms[field.is_of_field], field.place_m, official)
    return [
        {
            "line": line,
            "distance_m": field.place_m[number],
            "spread_m": finite(before.spread_m[number]),
            "residual_p95_m": finite(before.residual_p95_m[number]),
            "laps": int(before.laps[number]),
            "is_anchor": line in ANCHORS,
            "map_m": maps.get(line),
            "time_error_median_ms": None if line in ANCHORS else finite(errors.median_ms[number]),
            "time_error_p95_ms": None if line in ANCHORS else finite(errors.p95_ms[number]),
        }
        for number, line in enumerate(LINES)
        if np.isfinite(field.place_m[number])
    ]
