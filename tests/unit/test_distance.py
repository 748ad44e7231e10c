"""Channels at any time, and laps over distance."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import TraceSettings
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.track.channels import Channel, SpeedCurve, VehicleChannels, fit_speed, read_channels
from grx_pipeline.track.distance import LapDistance, LapTrace, measure_lap, trace_lap

Array = npt.NDArray[np.float64]

SETTINGS = TraceSettings()
GAP_S = 0.5
START, END = 1000.0, 101_000.0


def car(speed_of: Array | float = 180.0) -> VehicleChannels:
    """A car with samples from 0 to 102 s; throttle rises by 1 % a second, brake is 10 bar, steering 5 deg."""
    fast = np.arange(0.0, 102_000, 40.0)
    slow = fast[::5]
    return VehicleChannels(
        sample_ms=fast,
        speed_kmh=Channel(time_ms=slow, values=np.broadcast_to(np.asarray(speed_of, dtype=float), slow.shape)),
        throttle_pct=Channel(time_ms=fast, values=fast / 1000),
        brake_bar=Channel(time_ms=fast, values=np.full(fast.size, 10.0)),
        steering_deg=Channel(time_ms=fast, values=np.full(fast.size, 5.0)),
        accel_y_g=Channel(time_ms=fast, values=np.zeros(fast.size)),
    )


def without(channel: Channel, begin_ms: float, end_ms: float) -> Channel:
    kept = (channel.time_ms < begin_ms) | (channel.time_ms > end_ms)
    return Channel(time_ms=channel.time_ms[kept], values=channel.values[kept])


def curve_of(channels: VehicleChannels) -> SpeedCurve:
    curve = fit_speed(channels.speed_kmh)
    assert curve is not None
    return curve


def trace(channels: VehicleChannels, length_m: float | None = 5000.0) -> tuple[LapDistance, LapTrace]:
    curve = curve_of(channels)
    distance = measure_lap(curve, START, END, length_m=length_m, settings=SETTINGS)
    assert distance is not None
    return distance, trace_lap(channels, curve, START, END, distance, gap_s=GAP_S, settings=SETTINGS)


def test_channel_is_linear_between_samples_and_unknown_in_gaps() -> None:
    channel = Channel(time_ms=np.array([0.0, 100.0, 200.0, 1200.0]), values=np.array([0.0, 1.0, 2.0, 12.0]))
    values = channel.at(np.array([50.0, 200.0, 700.0, 1200.0, 1600.0, 1701.0, -400.0, -501.0]), gap_ms=500.0)
    assert values.tolist() == pytest.approx([0.5, 2.0, np.nan, 12.0, 12.0, np.nan, 0.0, np.nan], nan_ok=True)


def test_channel_that_is_not_there_is_unknown_everywhere() -> None:
    empty = Channel(time_ms=np.empty(0), values=np.empty(0))
    assert np.isnan(empty.at(np.array([0.0, 1.0]), gap_ms=500.0)).all()
    assert fit_speed(empty) is None


def test_speed_is_held_beyond_its_samples() -> None:
    curve = fit_speed(Channel(time_ms=np.array([0.0, 1000.0, 2000.0]), values=np.array([36.0, 72.0, 108.0])))
    assert curve is not None
    assert curve.speed_kmh(np.array([-5000.0, 0.0, 2000.0, 7000.0])).tolist() == pytest.approx([36, 36, 108, 108])
    travelled = np.diff(curve.distance_m(np.array([2000.0, 3000.0, 7000.0])))
    assert travelled.tolist() == pytest.approx([30.0, 120.0])


def test_constant_speed_integrates_to_speed_times_time() -> None:
    distance, _ = trace(car(180.0))
    assert distance.integral_m == pytest.approx(5000.0)
    assert distance.scale == pytest.approx(1.0)
    assert distance.is_trusted


def test_lap_is_scaled_to_the_length_of_the_circuit() -> None:
    distance, lap = trace(car(180.0), length_m=5100.0)
    assert distance.scale == pytest.approx(5100 / 5000)
    assert lap.distance_m[-1] == pytest.approx(5098.0)
    assert lap.time_ms[0] == 0.0
    assert lap.time_ms[-1] == pytest.approx(100_000 * 5098 / 5100)


def test_lap_without_a_known_length_is_not_scaled() -> None:
    distance, lap = trace(car(180.0), length_m=None)
    assert distance.scale == 1.0
    assert lap.distance_m[-1] == pytest.approx(4998.0)


def test_lap_of_another_length_is_not_trusted() -> None:
    distance, _ = trace(car(180.0), length_m=5300.0)
    assert not distance.is_trusted


def test_parked_car_has_no_distance() -> None:
    assert measure_lap(curve_of(car(0.0)), START, END, length_m=5000.0, settings=SETTINGS) is None


def test_pedals_stand_where_they_were_used() -> None:
    _, lap = trace(car(180.0))
    assert lap.throttle_pct == pytest.approx((START + lap.time_ms) / 1000)
    assert lap.speed_kmh == pytest.approx(180.0)
    assert lap.distance_m == pytest.approx(lap.time_ms * 0.05)


def test_gap_of_speed_masks_every_channel_but_not_the_distance() -> None:
    channels = car(180.0)
    channels = replace(channels, speed_kmh=without(channels.speed_kmh, 50_000, 51_000))
    distance, lap = trace(channels)
    assert distance.integral_m == pytest.approx(5000.0)
    is_gap = (lap.distance_m > 2450) & (lap.distance_m < 2500)
    for values in (lap.time_ms, lap.speed_kmh, lap.throttle_pct, lap.brake_bar, lap.steering_deg):
        assert np.isnan(values[is_gap]).all()
        assert np.isfinite(values[~is_gap & (np.abs(lap.distance_m - 2475) > 50)]).all()


def test_gap_of_one_channel_masks_that_channel_only() -> None:
    channels = car(180.0)
    _, lap = trace(replace(channels, brake_bar=without(channels.brake_bar, 50_000, 51_000)))
    assert np.isnan(lap.brake_bar).any()
    assert np.isfinite(lap.speed_kmh).all() and np.isfinite(lap.steering_deg).all()


def test_short_gap_is_bridged() -> None:
    channels = car(180.0)
    _, lap = trace(replace(channels, brake_bar=without(channels.brake_bar, 50_000, 50_300)))
    assert np.isfinite(lap.brake_bar).all()


@given(
    speeds=st.lists(st.floats(30, 230), min_size=5, max_size=30),
    length=st.one_of(st.none(), st.floats(3000, 7000)),
)
def test_trace_is_monotone_and_ends_at_the_line(speeds: list[float], length: float | None) -> None:
    slow = np.arange(0.0, 102_000, 200.0)
    channels = car(np.interp(slow, np.linspace(0, 102_000, len(speeds)), speeds))
    distance, lap = trace(channels, length_m=length)
    assert (np.diff(lap.distance_m) == SETTINGS.grid_m).all()
    assert (np.diff(lap.time_ms) > 0).all()
    assert lap.time_ms[0] == 0.0
    assert lap.time_ms[-1] < END - START
    assert lap.distance_m[-1] < distance.integral_m * distance.scale <= lap.distance_m[-1] + SETTINGS.grid_m + 1e-6
    assert lap.speed_kmh.min() >= min(speeds) - 1e-6
    assert lap.speed_kmh.max() <= max(speeds) + 1e-6


def test_corrections_are_applied_to_what_was_logged(tmp_path: Path) -> None:
    table = TABLES["telemetry"]
    samples = pd.DataFrame(
        {
            "sample_ms": [1000.0, 1040.0, 1065.0],
            "ecu_ms": [1000, 1040, 1080],
            "received_at_ms": [5000, 5040, 5080],
            "tick_values": [1, 1, 2],
            "steering_deg": [10.0, 12.0, 14.0],
            "accel_y_g": [0.5, 0.6, 0.7],
            "throttle_blade_pct": [50.0, np.nan, 60.0],
            "brake_front_bar": [1.0, 2.0, 3.0],
            "speed_kmh": [np.nan, np.nan, 100.0],
        }
    )
    missing = [name for name in table.column_names if name not in samples]
    write_table(samples.assign(**dict.fromkeys(missing, np.nan)), tmp_path / "part.parquet", table)
    channels = read_channels(
        tmp_path / "part.parquet",
        {
            "throttle_channel": "ath",
            "speed_lag_s": 0.25,
            "steering_zero_deg": 4.0,
            "accel_y_sign": -1,
            "accel_y_zero_g": np.nan,
        },
    )
    assert channels.steering_deg.values.tolist() == [6.0, 8.0, 10.0]
    assert channels.accel_y_g.values.tolist() == [-0.5, -0.6, -0.7]
    assert channels.throttle_pct.time_ms.tolist() == [1000.0, 1065.0]
    assert channels.speed_kmh.time_ms.tolist() == [830.0]
    assert channels.brake_bar.time_ms.tolist() == [1000.0, 1040.0, 1065.0]
