"""The steps of this package: telemetry of laps in, traces over distance out."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import read_frame, remove_other_parts, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome
from grx_pipeline.track.distance import LapDistance, LapTrace, measure_lap, trace_lap
from grx_pipeline.track.vehicles import VehicleLaps, complete_laps


def build_traces(context: StepContext) -> StepOutcome:
    """Tables `lap_traces` (a part per vehicle, named as its report files) and `lap_distances`."""
    session = context.session
    length = read_frame(context.paths.table(session, "sessions"))["length_m"].iloc[0]
    length_m = None if pd.isna(length) else float(length)
    drivers = read_frame(context.paths.table(session, "drivers"), columns=["vehicle_id", "path"])
    file_names = dict(zip(drivers["vehicle_id"], drivers["path"], strict=True))
    outputs: list[Path] = []
    distances: list[dict[str, object]] = []
    for vehicle in complete_laps(context):
        name = vehicle.vehicle_id
        context.progress(f"traces of {name} ({len(vehicle.laps)} laps)")
        measured = _trace_vehicle(context, vehicle, length_m=length_m)
        if measured:
            outputs.append(context.paths.table(session, "lap_traces", part=file_names[name]))
            write_table(_trace_rows(name, measured), outputs[-1], TABLES["lap_traces"])
            distances += [{"vehicle_id": name, "lap_number": n, **asdict(d)} for n, (d, _) in measured.items()]
    remove_other_parts(context.paths.table_folder(session, "lap_traces"), outputs)
    summary = TABLES["lap_distances"]
    outputs.append(context.paths.table(session, summary.name))
    rows = write_table(pa.Table.from_pylist(distances, schema=summary.arrow_schema()), outputs[-1], summary)
    trusted = sum(bool(row["is_trusted"]) for row in distances)
    return StepOutcome(outputs=tuple(outputs), rows=rows, figures={"laps": rows, "trusted_laps": trusted})


def _trace_vehicle(
    context: StepContext, vehicle: VehicleLaps, *, length_m: float | None
) -> dict[int, tuple[LapDistance, LapTrace]]:
    """Distance and trace of each complete lap in which the car moved; none without speed."""
    settings, gap_s = context.settings.trace, context.settings.clock.gap_s
    channels, curve, laps = vehicle.channels, vehicle.curve, vehicle.laps
    measured: dict[int, tuple[LapDistance, LapTrace]] = {}
    if curve is None:
        return measured
    for number, start, end in zip(laps["lap_number"], laps["start_ms"], laps["end_ms"], strict=True):
        distance = measure_lap(curve, start, end, length_m=length_m, settings=settings)
        if distance is None:
            context.progress(f"lap {number} of {vehicle.vehicle_id} has no distance: the car did not move")
            continue
        measured[int(number)] = (
            distance,
            trace_lap(channels, curve, start, end, distance, gap_s=gap_s, settings=settings),
        )
    return measured


def _trace_rows(vehicle_id: str, measured: Mapping[int, tuple[LapDistance, LapTrace]]) -> pd.DataFrame:
    traces = {number: trace for number, (_, trace) in measured.items()}
    sizes = [trace.distance_m.size for trace in traces.values()]
    columns = {
        field.name: np.concatenate([getattr(trace, field.name) for trace in traces.values()])
        for field in fields(LapTrace)
    }
    return pd.DataFrame({"vehicle_id": vehicle_id, "lap_number": np.repeat(list(traces), sizes), **columns})
