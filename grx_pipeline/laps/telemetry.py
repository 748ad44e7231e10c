"""One vehicle's telemetry put in order: its clock, its sensors, and where it crossed the line.

Files are read and written in steps.py.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.laps.clocks import ClockPiece, fit_clock, misdated, utc_of
from grx_pipeline.laps.sensors import (
    Longitudinal,
    Motion,
    Straight,
    fit_longitudinal,
    fit_straight,
    lateral_sign,
    sample_rate,
)
from grx_pipeline.laps.windows import Crossings, lap_changes, match_crossings, summarise_crossings
from grx_pipeline.schemas import CHANNELS, TABLES
from grx_pipeline.settings import ClockSettings, Settings

Array = npt.NDArray[np.float64]

# The pedal before the blade: the blade also closes at gear changes.
THROTTLE_CHANNELS = {raw: column for name in ("aps", "ath") for raw, column, *_ in CHANNELS if raw == name}
SAMPLE_COLUMNS = (
    *("sample_ms", "ecu_ms", "received_at_ms", "logger_lap", "accel_x_g", "accel_y_g", "steering_deg"),
    *("speed_kmh", *THROTTLE_CHANNELS.values()),
)


@dataclass(frozen=True, kw_only=True)
class VehicleTelemetry:
    """What was found out about one vehicle's telemetry. None is what its channels do not tell."""

    sample_ms: Array
    misdated_ms: Array
    pieces: tuple[ClockPiece, ...]
    throttle_channel: str | None
    sample_rate_hz: float | None
    longitudinal: Longitudinal | None
    lateral_sign: int | None
    straight: Straight | None
    crossings: Crossings


def examine_vehicle(
    samples: pd.DataFrame, finished_at_ms: Array, *, race_bias_ms: float, settings: Settings
) -> VehicleTelemetry:
    """Clock, sensors and crossings of one vehicle.

    `samples` are rows of `telemetry` (SAMPLE_COLUMNS, one or more); `finished_at_ms` are the car's official
    crossings, UTC, ascending (empty for a logger without a car); `race_bias_ms` is logger - official crossing.
    """
    throttle = next((name for name, column in THROTTLE_CHANNELS.items() if samples[column].notna().any()), None)
    motion = _motion(samples, throttle)
    ecu_ms, received_at_ms = samples["ecu_ms"].to_numpy(float), samples["received_at_ms"].to_numpy(float)
    pieces = fit_clock(ecu_ms, received_at_ms, settings.clock)
    longitudinal = fit_longitudinal(motion, settings.sensors)
    sample_ms = samples["sample_ms"].to_numpy(float)
    changes = lap_changes(sample_ms, samples["logger_lap"].to_numpy(float), settings.clock)
    delays = match_crossings(
        np.sort(utc_of(pieces, changes)), finished_at_ms, bias_ms=race_bias_ms, settings=settings.clock
    )
    return VehicleTelemetry(
        sample_ms=sample_ms,
        misdated_ms=misdated(pieces, ecu_ms, received_at_ms, settings.clock),
        pieces=pieces,
        throttle_channel=throttle,
        sample_rate_hz=sample_rate(motion.sample_s),
        longitudinal=longitudinal,
        lateral_sign=lateral_sign(motion, settings.sensors),
        straight=fit_straight(motion, settings.sensors, lag_s=longitudinal.lag_s if longitudinal else 0.0),
        crossings=summarise_crossings(delays),
    )


def _motion(samples: pd.DataFrame, throttle: str | None) -> Motion:
    origin = float(samples["ecu_ms"].iloc[0])
    has_speed = samples["speed_kmh"].notna().to_numpy()
    no_throttle = np.full(len(samples), np.nan)
    return Motion(
        sample_s=(samples["sample_ms"].to_numpy(float) - origin) / 1000,
        accel_x_g=samples["accel_x_g"].to_numpy(float),
        accel_y_g=samples["accel_y_g"].to_numpy(float),
        steering_deg=samples["steering_deg"].to_numpy(float),
        throttle_pct=samples[THROTTLE_CHANNELS[throttle]].to_numpy(float) if throttle else no_throttle,
        speed_s=(samples["ecu_ms"].to_numpy(float)[has_speed] - origin) / 1000,
        speed_kmh=samples["speed_kmh"].to_numpy(float)[has_speed],
    )


def field_bias(vehicles: Iterable[VehicleTelemetry], settings: ClockSettings) -> float | None:
    """Median over cars of telemetry lap change - official crossing (ms), of cars with enough crossings if any has."""
    known = [(v.crossings.count, v.crossings.bias_ms) for v in vehicles if v.crossings.bias_ms is not None]
    sure = [bias for count, bias in known if count >= settings.min_crossings]
    chosen = sure or [bias for _, bias in known]
    return float(np.median(chosen)) if chosen else None


def clock_rows(vehicle_id: str, vehicle: VehicleTelemetry) -> list[dict[str, object]]:
    """The vehicle's rows of `clock_pieces`."""
    return [
        {"vehicle_id": vehicle_id, "piece": number, **asdict(piece)} for number, piece in enumerate(vehicle.pieces, 1)
    ]


def sensor_row(
    vehicle_id: str, vehicle: VehicleTelemetry, *, field_bias_ms: float | None, has_car: bool, settings: ClockSettings
) -> dict[str, object]:
    """The vehicle's row of `sensors`. What could not be measured is null, and the note says what follows."""
    longitudinal, straight, crossings = vehicle.longitudinal, vehicle.straight, vehicle.crossings
    source = "own" if crossings.count else "field" if field_bias_ms is not None else "none"
    return {
        **empty_sensor_row(vehicle_id, note=_note(vehicle, source, has_car=has_car, settings=settings)),
        "throttle_channel": vehicle.throttle_channel,
        "sample_rate_hz": vehicle.sample_rate_hz,
        "accel_x_sign": longitudinal.sign if longitudinal else 1,
        "accel_y_sign": vehicle.lateral_sign or 1,
        "accel_x_zero_g": longitudinal.zero_g if longitudinal else None,
        "accel_y_zero_g": straight.accel_y_zero_g if straight else None,
        "steering_zero_deg": straight.steering_zero_deg if straight else None,
        "speed_lag_s": longitudinal.lag_s if longitudinal else None,
        "crossings": crossings.count,
        "crossing_bias_ms": crossings.bias_ms if crossings.count else field_bias_ms if has_car else None,
        "crossing_residual_ms": crossings.residual_ms,
        "crossing_source": source if has_car else None,
    }


def empty_sensor_row(vehicle_id: str, *, note: str | None) -> dict[str, object]:
    """The row of `sensors` of a vehicle of which nothing is known but the note."""
    row: dict[str, object] = dict.fromkeys(TABLES["sensors"].column_names)
    return row | {"vehicle_id": vehicle_id, "accel_x_sign": 1, "accel_y_sign": 1, "crossings": 0, "note": note}


def _note(vehicle: VehicleTelemetry, source: str, *, has_car: bool, settings: ClockSettings) -> str | None:
    claim = f"no loss under {settings.few_crossings_loss_s:g} s is claimed from them"
    count = vehicle.crossings.count
    placed = {
        "own": f"Its laps are placed by {count} of its own line crossings: {claim}.",
        "field": f"None of its own line crossings is in its telemetry; the field's median places its laps: {claim}.",
        "none": "No line crossing of any car is in the telemetry, so its laps could not be placed.",
    }[source]
    sentences = [
        (not has_car, "No car in the timing was found for this logger."),
        (has_car and count < settings.min_crossings, placed),
        (len(vehicle.pieces) > 1, f"Pauses or steps of the logger's clock: {len(vehicle.pieces) - 1}."),
        (vehicle.misdated_ms.size > 0, "The logger's clock was set back; laps with stamps of two times are left out."),
        (vehicle.longitudinal is None, "How far speed lags could not be measured; it is used as logged."),
        (vehicle.straight is None, "The zero of the steering could not be measured; the angle is used as logged."),
        (vehicle.throttle_channel is None, "There is no throttle channel."),
    ]
    return " ".join(text for applies, text in sentences if applies) or None
