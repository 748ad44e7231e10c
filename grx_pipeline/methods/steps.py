"""The method steps of a session: tables of the lake in, tables of results out."""

import numpy as np
import pyarrow as pa

from grx_pipeline.methods.features import LapSamples, lap_features, time_grid
from grx_pipeline.methods.siwtl import compute_siwtl
from grx_pipeline.methods.statistics import fleet_statistics, lap_statistics
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome
from grx_pipeline.track.channels import SpeedCurve, VehicleChannels, fit_speed
from grx_pipeline.track.vehicles import complete_laps

_LAP_COLUMNS = ("lap_number", "start_ms", "end_ms", "rate_hz")


def build_siwtl(context: StepContext) -> StepOutcome:
    """Each driver's target, sector by sector: tables `siwtl` and `siwtl_sectors`."""
    paths, session = context.paths, context.session
    drivers = read_frame(paths.table(session, "drivers"), columns=["vehicle_id"])
    laps = read_frame(paths.table(session, "laps"))
    tables = compute_siwtl(laps, drivers["vehicle_id"], context.settings.siwtl)
    outputs = (paths.table(session, "siwtl"), paths.table(session, "siwtl_sectors"))
    rows = write_table(tables.targets, outputs[0], TABLES["siwtl"])
    write_table(tables.sectors, outputs[1], TABLES["siwtl_sectors"])
    confidence = tables.targets.column("confidence").to_pylist()
    figures = {
        "drivers_with_target": rows - confidence.count("none"),
        "of_low_confidence": confidence.count("low"),
        "without_clean_lap": confidence.count("none"),
    }
    return StepOutcome(outputs=outputs, rows=rows, figures=figures)


def build_statistics(context: StepContext) -> StepOutcome:
    """Lap statistics per driver and figures of the field: tables `lap_statistics` and `fleet_statistics`."""
    paths, session = context.paths, context.session
    names = ("drivers", "laps", "telemetry_laps", "siwtl")
    drivers, laps, telemetry_laps, targets = (read_frame(paths.table(session, name)) for name in names)
    statistics = lap_statistics(drivers, laps, telemetry_laps)
    fleet = fleet_statistics(drivers, laps, statistics, targets)
    outputs = (paths.table(session, "lap_statistics"), paths.table(session, "fleet_statistics"))
    rows = write_table(statistics, outputs[0], TABLES["lap_statistics"])
    write_table(fleet, outputs[1], TABLES["fleet_statistics"])
    shown = ("cars", "laps", "clean_laps", "best_lap_ms")
    values = {row["figure"]: row["value"] for row in fleet.to_pylist()}
    figures = {name: int(values[name]) for name in shown if values[name] is not None}
    return StepOutcome(outputs=outputs, rows=rows, figures=figures)


def build_features(context: StepContext) -> StepOutcome:
    """What hands and feet did in each lap with complete telemetry: table `telemetry_features`."""
    paths, session = context.paths, context.session
    rates = read_frame(paths.table(session, "telemetry_laps"), columns=["rate_hz"])["rate_hz"]
    rows: list[dict[str, object]] = []
    for vehicle in complete_laps(context):
        context.progress(f"features of {vehicle.vehicle_id} (laps: {len(vehicle.laps)})")
        channels = vehicle.channels()
        curve = fit_speed(channels.speed_kmh)
        for number, start, end, rate in zip(*(vehicle.laps[name] for name in _LAP_COLUMNS), strict=True):
            lap = _sample_lap(channels, curve, start, end, context.settings)
            features = lap_features(lap, context.settings.features)
            rows.append({"vehicle_id": vehicle.vehicle_id, "lap_number": number, **features, "sample_rate_hz": rate})
    table = TABLES["telemetry_features"]
    output = paths.table(session, table.name)
    count = write_table(pa.Table.from_pylist(rows, schema=table.arrow_schema()), output, table)
    low = sum(bool(rate < context.settings.features.min_rate_hz) for rate in rates)
    return StepOutcome(outputs=(output,), rows=count, figures={"laps": count, "laps_of_low_rate": low})


def _sample_lap(
    channels: VehicleChannels, curve: SpeedCurve | None, start_ms: float, end_ms: float, settings: Settings
) -> LapSamples:
    """The lap on a uniform grid: speed by PCHIP, the rest linear in time, NaN in gaps."""
    time = time_grid(start_ms, end_ms, settings.features.rate_hz)
    gap_ms = settings.clock.gap_s * 1000
    speed = np.full(time.shape, np.nan) if curve is None else curve.speed_kmh(time)
    return LapSamples(
        rate_hz=settings.features.rate_hz,
        speed_kmh=np.where(channels.speed_kmh.is_gap(time, gap_ms=gap_ms), np.nan, speed),
        throttle_pct=channels.throttle_pct.at(time, gap_ms=gap_ms),
        brake_bar=channels.brake_bar.at(time, gap_ms=gap_ms),
        steering_deg=channels.steering_deg.at(time, gap_ms=gap_ms),
        accel_y_g=channels.accel_y_g.at(time, gap_ms=gap_ms),
    )
