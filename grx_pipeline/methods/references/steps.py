"""The step of this package: traces, laps and targets in; the laps that a driver is compared with out."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from grx_pipeline.methods.references.choice import Driver, Field, Reference, field_estimate, references_of
from grx_pipeline.methods.references.stitching import CHANNELS
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import read_frame, remove_other_parts, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome
from grx_pipeline.track.field import read_field

_LINES = ("S1", "S2")


def build_references(context: StepContext) -> StepOutcome:
    """Tables `reference_laps`, `reference_sources` and `reference_traces` (a part per vehicle with a made trace)."""
    paths, session = context.paths, context.session
    field = _field(context)
    settings = context.settings.reference
    field_median = field_estimate(field, settings)
    references = {
        driver.vehicle_id: references_of(driver, field, field_median, settings) for driver in _drivers(context)
    }
    outputs = _write_traces(context, references, field.traces.distance_m)
    remove_other_parts(paths.table_folder(session, "reference_traces"), outputs)
    counts = {}
    for name, rows in (("reference_laps", _lap_rows(references)), ("reference_sources", _source_rows(references))):
        outputs.append(paths.table(session, name))
        arrow = pa.Table.from_pylist(rows, schema=TABLES[name].arrow_schema())
        counts[name] = write_table(arrow, outputs[-1], TABLES[name])
    found = [reference.name for of_car in references.values() for reference in of_car if reference.reason is None]
    figures = {f"cars_with_{name}": found.count(name) for name in ("own_best", "target", "median")}
    return StepOutcome(outputs=tuple(outputs), rows=counts["reference_laps"], figures=figures)


def _field(context: StepContext) -> Field:
    paths, session = context.paths, context.session
    traces = read_field(context)
    lines = read_frame(paths.table(session, "timing_lines")).set_index("line")["distance_m"]
    drivers = read_frame(
        paths.table(session, "drivers"), columns=["vehicle_id", "car_number", "driver_name", "vehicle_class"]
    )
    classes = drivers["vehicle_class"].astype(object).where(drivers["vehicle_class"].notna(), None)
    names = ("#" + drivers["car_number"] + (" " + drivers["driver_name"]).fillna("")).tolist()
    return Field(
        traces=traces.of(traces.is_clean),
        edges_m=_edges(lines, traces.length_m),
        cars=dict(zip(drivers["vehicle_id"], names, strict=True)),
        classes=dict(zip(drivers["vehicle_id"], classes, strict=True)),
    )


def _edges(lines: "pd.Series[float]", length_m: float) -> npt.NDArray[np.float64] | None:
    if not set(_LINES) <= set(lines.index):
        return None
    return np.array([0.0, *(lines[name] for name in _LINES), length_m])


def _drivers(context: StepContext) -> Iterable[Driver]:
    paths, session = context.paths, context.session
    drivers = read_frame(paths.table(session, "drivers"), columns=["vehicle_id", "car_number", "vehicle_class"])
    sectors = read_frame(paths.table(session, "siwtl_sectors"))
    sectors = sectors[sectors["sector_count"] == len(_LINES) + 1].sort_values(["vehicle_id", "sector"])
    targets = read_frame(paths.table(session, "siwtl")).set_index("vehicle_id")["best_lap_number"]
    for vehicle, number, group in drivers.sort_values("vehicle_id").itertuples(index=False, name=None):
        best = targets.get(vehicle)
        yield Driver(
            vehicle_id=vehicle,
            car_number=number,
            vehicle_class=group if isinstance(group, str) else None,
            best_lap=None if best is None or pd.isna(best) else int(best),
            sectors=sectors[sectors["vehicle_id"] == vehicle],
        )


def _write_traces(
    context: StepContext, references: Mapping[str, tuple[Reference, ...]], distance_m: npt.NDArray[np.float64]
) -> list[Path]:
    paths, session = context.paths, context.session
    drivers = read_frame(paths.table(session, "drivers"), columns=["vehicle_id", "path"])
    outputs = []
    for vehicle, path in zip(drivers["vehicle_id"], drivers["path"], strict=True):
        made = [
            pd.DataFrame(
                {
                    "vehicle_id": vehicle,
                    "reference": reference.name,
                    "distance_m": distance_m,
                    "time_ms": reference.trace.time_ms,
                    **{name: reference.trace.channels[name] for name in CHANNELS},
                }
            )
            for reference in references[vehicle]
            if reference.trace is not None
        ]
        if made:
            outputs.append(paths.table(session, "reference_traces", part=path))
            write_table(pd.concat(made), outputs[-1], TABLES["reference_traces"])
    return outputs


def _lap_rows(references: Mapping[str, tuple[Reference, ...]]) -> list[dict[str, object]]:
    return [
        {
            "vehicle_id": vehicle,
            "reference": reference.name,
            "lap_time_ms": reference.lap_time_ms,
            "text": reference.text,
            "reason": reference.reason,
        }
        for vehicle, of_car in references.items()
        for reference in of_car
    ]


def _source_rows(references: Mapping[str, tuple[Reference, ...]]) -> list[dict[str, object]]:
    return [
        {
            "vehicle_id": vehicle,
            "reference": reference.name,
            "source": number,
            "source_vehicle_id": source.vehicle_id,
            "lap_number": source.lap_number,
            "sector": source.sector,
            "weight": source.weight,
        }
        for vehicle, of_car in references.items()
        for reference in of_car
        for number, source in enumerate(reference.sources, start=1)
    ]
