"""The steps that turn the analysis into advice: opportunities, comparisons and rankings."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from grx_pipeline.methods.advice.comparisons import Circuit, compare_drivers
from grx_pipeline.methods.advice.losses import counted
from grx_pipeline.methods.advice.opportunities import (
    Limits,
    advice_rows,
    advise,
    all_laps,
    driver_reason,
    references_of,
    usage_of,
)
from grx_pipeline.methods.advice.places import PlaceLaps, collect_places
from grx_pipeline.methods.advice.rankings import rank_drivers
from grx_pipeline.methods.advice.silent_cars import why_silent
from grx_pipeline.methods.few_crossings import few_crossings
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome

Rows = list[dict[str, Any]]


def build_opportunities(context: StepContext) -> StepOutcome:
    """What each driver should change: tables `opportunities` and `opportunity_drivers`."""
    paths, session = context.paths, context.session
    rows, driver_rows = judge_drivers(read_tables(context), context.settings)
    outputs = (paths.table(session, "opportunities"), paths.table(session, "opportunity_drivers"))
    count = write_table(_table(rows, "opportunities"), outputs[0], TABLES["opportunities"])
    write_table(_table(driver_rows, "opportunity_drivers"), outputs[1], TABLES["opportunity_drivers"])
    told = [row["reported"] for row in driver_rows]
    figures = {"drivers_told": sum(count > 0 for count in told), "opportunities": sum(told)}
    return StepOutcome(outputs=outputs, rows=count, figures=figures)


def judge_drivers(tables: Mapping[str, pd.DataFrame], settings: Settings) -> tuple[Rows, Rows]:
    """Rows of `opportunities` and of `opportunity_drivers`, from the tables that read_tables names."""
    drivers, limit = tables["drivers"], settings.opportunities
    laps, length_m = places_of(tables, gap_s=limit.traffic_gap_s)
    usage, every = usage_of(laps, limit), all_laps(laps)
    classes = dict(zip(drivers["vehicle_id"], drivers["vehicle_class"].fillna(""), strict=True))
    names = np.array(usage.vehicle_ids, dtype=object)
    of_class = np.array([classes.get(name, "") for name in usage.vehicle_ids], dtype=object)
    badly_placed = few_crossings(tables["sensors"], settings.clock)
    is_placed = np.array([name not in badly_placed for name in usage.vehicle_ids], dtype=bool)
    silent = why_silent(drivers, tables["sensors"])
    rows: Rows = []
    driver_rows: Rows = []
    for vehicle in drivers["vehicle_id"]:
        own = laps.rows_of(vehicle)
        if not own.size or not laps.places:
            driver_rows.append(_untold(vehicle, silent.get(vehicle) or _no_laps(bool(laps.places))))
            continue
        others = (of_class == classes[vehicle]) & (names != vehicle) & is_placed
        limits = _limits(settings, length_m, is_placed=vehicle not in badly_placed)
        advice = advise(
            every.of(own),
            references_of(every.of(own), others, usage, limits.opportunity),
            places=laps.places,
            spread_ms=usage.spread_ms,
            even=usage.even,
            limits=limits,
        )
        tested = advice_rows(vehicle, advice, laps, limits.opportunity)
        rows += tested
        driver_rows.append(
            {
                "vehicle_id": vehicle,
                "tested": len({(row["corner_index"], row["phase"]) for row in tested}),
                "reported": len(advice.told),
                "loss_ms": float(sum(row["loss_ms"] for row in tested if row["rank"])),
                "reason": driver_reason(
                    advice, laps, own, counted(usage.drivers.medians_ms[others]), limits.opportunity
                ),
            }
        )
    return rows, driver_rows


def _limits(settings: Settings, length_m: float, *, is_placed: bool) -> Limits:
    opportunity = settings.opportunities
    if not is_placed:
        opportunity = replace(opportunity, min_loss_s=settings.clock.few_crossings_loss_s)
    return Limits(opportunity=opportunity, corner=settings.corners, length_m=length_m)


def read_tables(context: StepContext) -> dict[str, pd.DataFrame]:
    """What opportunities are made of."""
    names = ("corners", "segments", "segment_laps", "corner_laps", "laps", "drivers", "sensors")
    return {name: read_frame(context.paths.table(context.session, name)) for name in names}


def places_of(tables: Mapping[str, pd.DataFrame], *, gap_s: float) -> tuple[PlaceLaps, float]:
    """The places of the session's circuit with all laps there, and the circuit's length.

    A car at most `gap_s` ahead is traffic.
    """
    segments = tables["segments"]
    length_m = float(segments["end_m"].max()) if len(segments) else 0.0
    names = ("corners", "segments", "segment_laps", "corner_laps", "laps")
    chosen = {name: tables[name] for name in names}
    return collect_places(**chosen, length_m=length_m, gap_s=gap_s), length_m


def _untold(vehicle: str, reason: str) -> dict[str, Any]:
    return {"vehicle_id": vehicle, "tested": 0, "reported": 0, "loss_ms": 0.0, "reason": reason}


def _no_laps(has_places: bool) -> str:
    if not has_places:
        return "There are no corners to compare: too few laps of the field have a trusted trace."
    return "No clean lap of this car has a trusted trace."


def _table(rows: Rows, name: str) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=TABLES[name].arrow_schema())


def build_compare(context: StepContext) -> StepOutcome:
    """Every pair of drivers, and drivers in order: tables `comparisons`, `comparison_lines` and `rankings`."""
    paths, session = context.paths, context.session
    names = ("corners", "segments", "segment_laps")
    circuit = Circuit(**{name: read_frame(paths.table(session, name)) for name in names})
    drivers, laps, sensors = (read_frame(paths.table(session, name)) for name in ("drivers", "laps", "sensors"))
    settings = context.settings
    uncertain = dict.fromkeys(few_crossings(sensors, settings.clock), settings.clock.few_crossings_loss_s)
    compared = compare_drivers(
        drivers,
        laps,
        circuit,
        uncertain,
        min_laps=settings.opportunities.min_laps,
        silent=why_silent(drivers, sensors),
    )
    targets, driving = (read_frame(paths.table(session, name)) for name in ("siwtl", "dptad_drivers"))
    rows = {
        "comparisons": compared.pairs,
        "comparison_lines": compared.lines,
        "rankings": rank_drivers(targets, driving, context.settings),
    }
    outputs = tuple(paths.table(session, name) for name in rows)
    for (name, table), output in zip(rows.items(), outputs, strict=True):
        write_table(table, output, TABLES[name])
    on_traces = compared.pairs.num_rows - compared.pairs.column("trace_gap_ms").null_count
    figures = {"pairs": compared.pairs.num_rows, "pairs_by_corner": on_traces}
    return StepOutcome(outputs=outputs, rows=compared.pairs.num_rows, figures=figures)
