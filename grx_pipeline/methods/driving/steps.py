"""The steps of this package: traces, corners and targets in; laps through corners and the ledger out."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from grx_pipeline.methods.driving.corner_summary import corner_driver_rows, corner_field_rows
from grx_pipeline.methods.driving.corner_table import FIGURES, corner_figures, corner_lap_rows
from grx_pipeline.methods.driving.exit_loss import fit_full_throttle
from grx_pipeline.methods.driving.ledger import Line, SectorGain
from grx_pipeline.methods.driving.ledger_lines import DriverGains, DriverLedger, Event, LedgerSession, make_ledger
from grx_pipeline.methods.driving.noise import DeltaError, measure_delta_error
from grx_pipeline.methods.driving.rolling import RollingLap, best_rolling_lap
from grx_pipeline.methods.driving.segment_times import SECTORS, border_times, pinned_laps, segment_lap_rows
from grx_pipeline.methods.driving.tiles import corner_spans, read_corners, read_tiles
from grx_pipeline.methods.few_crossings import few_crossings
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import Figure, StepContext, StepOutcome
from grx_pipeline.track.field import FieldTraces, read_field
from grx_pipeline.track.timing_lines import LINES, line_times

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_KEYS = ["vehicle_id", "lap_number"]
_BLADE = "ath"
_LEDGER_CHANNELS = ("time_ms", "speed_kmh", "throttle_pct", "brake_bar", "accel_y_g")
_CORNER_CHANNELS = (*_LEDGER_CHANNELS, "steering_deg", "gear")


def build_corners(context: StepContext) -> StepOutcome:
    """Tables `segment_laps`, `corner_laps`, `corner_drivers` and `corner_field`."""
    field = read_field(context, _CORNER_CHANNELS)
    tiles, corners = read_tiles(_frame(context, "segments")), read_corners(_frame(context, "corners"))
    spans = corner_spans(tiles, corners)
    settings = context.settings
    borders = border_times(field, tiles)
    figures = corner_figures(
        field,
        spans,
        corners,
        np.diff(borders, axis=1),
        _blades(context, field),
        settings=settings.corners,
        features=settings.features,
    )
    drivers = corner_driver_rows(field, spans, figures, min_spread_laps=settings.corners.min_spread_laps)
    known = _frame(context, "drivers")[["vehicle_id", "vehicle_class"]].dropna()
    classes = dict(zip(known["vehicle_id"], known["vehicle_class"], strict=True))
    rows: dict[str, pd.DataFrame | pa.Table] = {
        "segment_laps": segment_lap_rows(field, tiles, borders),
        "corner_laps": corner_lap_rows(field, spans, figures),
        "corner_drivers": drivers,
        "corner_field": corner_field_rows(drivers, classes),
    }
    return _write(context, rows, {"laps": int(field.lap_numbers.size), "corners": len(spans)})


def build_ledger(context: StepContext) -> StepOutcome:
    """Best clean lap - SIWTL line by line, and the best rolling lap: tables `ledger` and `ledger_drivers`."""
    session = _ledger_session(context)
    targets, gains = _frame(context, "siwtl"), _driver_gains(context)
    places, official = _official_lines(context, session.field)
    rolling = _rolling_laps(session.field, places, official)
    error = measure_delta_error(session.field, places, official)
    lines: list[dict[str, Any]] = []
    drivers = []
    for vehicle, potential in zip(targets["vehicle_id"], targets["potential_gain_ms"], strict=True):
        driver = gains.get(vehicle)
        ledger = make_ledger(session, driver) if driver else None
        if driver and ledger:
            lines += _line_rows(driver, ledger)
        drivers.append(_driver_row(vehicle, potential, ledger, rolling.get(vehicle), error))
    rows = {
        name: pa.Table.from_pylist(content, schema=TABLES[name].arrow_schema())
        for name, content in (("ledger", lines), ("ledger_drivers", drivers))
    }
    split = [row for row in drivers if row.get("segments_ms") is not None]
    whole = sum(row["note"] is None for row in split)
    return _write(context, rows, {"drivers": len(gains), "drivers_with_segments": len(split), "of_all_sectors": whole})


def _ledger_session(context: StepContext) -> LedgerSession:
    field = read_field(context, _LEDGER_CHANNELS)
    tiles = read_tiles(_frame(context, "segments"))
    corners = _frame(context, "corners")
    keys = list(zip(field.vehicle_ids, field.lap_numbers.tolist(), strict=True))
    sensors, limits = _frame(context, "sensors"), context.settings.clock
    return LedgerSession(
        field=field,
        tiles=tiles,
        corners=dict(zip(corners["corner_index"].tolist(), corners["corner"], strict=True)),
        borders_ms=border_times(field, tiles),
        is_pinned=pinned_laps(field),
        rows={key: row for row, key in enumerate(keys)},
        figures=_corner_figures(context),
        events=_events(context),
        curve=fit_full_throttle(field, context.settings.ledger),
        ill_placed=few_crossings(sensors, limits),
        least_loss_ms=1000 * limits.few_crossings_loss_s,
        settings=context.settings.ledger,
    )


def _driver_gains(context: StepContext) -> dict[str, DriverGains]:
    """The sector gains of every driver with a target."""
    targets = _frame(context, "siwtl").dropna(subset=["best_lap_number"])
    best = dict(zip(targets["vehicle_id"], targets["best_lap_number"].astype(int), strict=True))
    clean = dict(zip(targets["vehicle_id"], targets["clean_laps"].astype(int), strict=True))
    sectors = _frame(context, "siwtl_sectors")
    sectors = sectors[sectors["sector_count"] == SECTORS].sort_values(["vehicle_id", "sector"])
    columns = [*SectorGain.__dataclass_fields__]
    rows: dict[str, list[SectorGain]] = {}
    for vehicle, *values in sectors[["vehicle_id", *columns]].itertuples(index=False):
        rows.setdefault(vehicle, []).append(SectorGain(**dict(zip(columns, values, strict=True))))
    return {
        vehicle: DriverGains(
            vehicle_id=vehicle, best_lap=best[vehicle], clean_laps=clean[vehicle], sectors=tuple(gains)
        )
        for vehicle, gains in rows.items()
    }


def _corner_figures(context: StepContext) -> dict[tuple[str, int, int], Mapping[str, float]]:
    laps = _frame(context, "corner_laps")
    keys = zip(laps["vehicle_id"], laps["lap_number"].tolist(), laps["corner_index"].tolist(), strict=True)
    values = laps[list(FIGURES)].to_numpy(float).tolist()
    return {key: dict(zip(FIGURES, row, strict=True)) for key, row in zip(keys, values, strict=True)}


def _events(context: StepContext) -> dict[tuple[str, int], list[Event]]:
    events: dict[tuple[str, int], list[Event]] = {}
    columns = ["vehicle_id", "lap_number", "event_id", "start_m", "end_m"]
    frame = read_frame(context.paths.table(context.session, "dptad_events"), columns=columns)
    for vehicle, lap, event_id, start, end in frame.sort_values(["vehicle_id", "start_m"]).itertuples(index=False):
        events.setdefault((vehicle, lap), []).append(Event(event_id=event_id, start_m=start, end_m=end))
    return events


def _official_lines(context: StepContext, field: FieldTraces) -> tuple[Array, Array]:
    """Places (m) of the timing lines, (5,), and the laps' official times (ms) there, (n, 5); NaN where unknown."""
    index = pd.MultiIndex.from_arrays([field.vehicle_ids, field.lap_numbers], names=_KEYS)
    official = line_times(_frame(context, "laps").set_index(_KEYS).reindex(index))
    places = _frame(context, "timing_lines").set_index("line")["distance_m"].reindex(list(LINES))
    return places.to_numpy(float), official


def _rolling_laps(field: FieldTraces, places_m: Array, official_ms: Array) -> dict[str, RollingLap]:
    """Each driver's best rolling lap, from traces and from the official times at the timing lines."""
    laps = {}
    for vehicle in np.unique(field.vehicle_ids.astype(str)).tolist():
        own = np.asarray(field.vehicle_ids == vehicle)
        lap = best_rolling_lap(field.of(own), places_m, official_ms[own])
        if lap is not None:
            laps[vehicle] = lap
    return laps


def _line_rows(driver: DriverGains, ledger: DriverLedger) -> list[dict[str, Any]]:
    shared = {"vehicle_id": driver.vehicle_id, "best_lap_number": driver.best_lap}
    return [
        shared | {"line": number} | {name: getattr(line, name) for name in Line.__dataclass_fields__}
        for lines in (ledger.sector_lines, ledger.segment_lines)
        for number, line in enumerate(lines, start=1)
    ]


def _driver_row(
    vehicle: str,
    potential_ms: float,
    ledger: DriverLedger | None,
    rolling: RollingLap | None,
    error: DeltaError | None,
) -> dict[str, Any]:
    row: dict[str, Any] = {"vehicle_id": vehicle, "note": "No clean lap, so there is no target and no ledger."}
    if ledger is not None:
        row |= {
            "potential_gain_ms": int(potential_ms),
            "sectors_ms": sum(line.gain_ms for line in ledger.sector_lines),
            "segments_ms": sum(line.gain_ms for line in ledger.segment_lines) if ledger.segment_lines else None,
            "note": ledger.note,
        }
    if error is not None and ledger is not None and ledger.segment_lines:
        row |= {"delta_error_ms": error.median_ms, "delta_error_p95_ms": error.p95_ms}
    if rolling is not None:
        row |= {
            "rolling_best_ms": round(rolling.time_ms),
            "rolling_start_m": rolling.start_m if np.isfinite(rolling.start_m) else None,
            "rolling_lap_number": rolling.lap_number,
        }
    return row


def _blades(context: StepContext, field: FieldTraces) -> Flags:
    sensors = _frame(context, "sensors").set_index("vehicle_id")["throttle_channel"]
    return np.array([sensors.get(vehicle) == _BLADE for vehicle in field.vehicle_ids], dtype=bool)


def _frame(context: StepContext, table: str) -> pd.DataFrame:
    return read_frame(context.paths.table(context.session, table))


def _write(
    context: StepContext, rows: Mapping[str, pd.DataFrame | pa.Table], figures: Mapping[str, Figure]
) -> StepOutcome:
    """Write the tables; the first is the step's main one."""
    outputs = tuple(context.paths.table(context.session, name) for name in rows)
    counts = [write_table(table, path, TABLES[name]) for (name, table), path in zip(rows.items(), outputs, strict=True)]
    return StepOutcome(outputs=outputs, rows=counts[0], figures=figures)
