"""Channels at any time, and laps over distance."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import TraceSettings
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.track.channels import Channel, SpeedCurve, VehicleChannels, fit_speed, read_channels
from grx_pipeline.track.distance import Anchors, anchored_distance, grid_of, trace_laps

Array = npt.NDArray[np.float64]

SETTINGS = TraceSettings()
GAP_S = 0.5
START, END = 1000.0, 101_000.0
WHOLE_LAP = Anchors(time_ms=np.array([START, END]), distance_m=np.array([0.0, 5000.0]))


def car(speed_of: Array | float = 180.0) -> VehicleChannels:
    """A car with samples from 0 to 102 s; throttle rises by 1 % a second, a gear lasts 10 s, the rest is constant."""
    fast = np.arange(0.0, 102_000, 40.0)
    slow = fast[::5]

    def constant(value: float) -> Channel:
        return Channel(time_ms=fast, values=np.full(fast.size, value))

    return VehicleChannels(
        sample_ms=fast,
        speed_kmh=Channel(time_ms=slow, values=np.broadcast_to(np.asarray(speed_of, dtype=float), slow.shape)),
        throttle_pct=Channel(time_ms=fast, values=fast / 1000),
        brake_bar=constant(10.0),
        steering_deg=constant(5.0),
        accel_x_g=constant(0.1),
        accel_y_g=constant(0.5),
        gear=Channel(time_ms=fast, values=np.floor(fast / 10_000)),
        engine_rpm=Channel(time_ms=slow, values=np.full(slow.size, 6000.0)),
    )


def without(channel: Channel, begin_ms: float, end_ms: float) -> Channel:
    kept = (channel.time_ms < begin_ms) | (channel.time_ms > end_ms)
    return Channel(time_ms=channel.time_ms[kept], values=channel.values[kept])


def curve_of(channels: VehicleChannels) -> SpeedCurve:
    curve = fit_speed(channels.speed_kmh)
    assert curve is not None
    return curve


def trace(channels: VehicleChannels, anchors: Anchors = WHOLE_LAP) -> tuple[Array, dict[str, Array]]:
    """The grid and the one lap's channels on it."""
    grid = grid_of(float(anchors.distance_m[-1]), SETTINGS)
    values = trace_laps(channels, curve_of(channels), [anchors], grid, gap_s=GAP_S)
    return grid, {name: rows[0] for name, rows in values.items()}


def test_channel_is_linear_between_samples_and_unknown_in_gaps() -> None:
    channel = Channel(time_ms=np.array([0.0, 100.0, 200.0, 1200.0]), values=np.array([0.0, 1.0, 2.0, 12.0]))
    values = channel.at(np.array([50.0, 200.0, 700.0, 1200.0, 1600.0, 1701.0, -400.0, -501.0]), gap_ms=500.0)
    assert values.tolist() == pytest.approx([0.5, 2.0, np.nan, 12.0, 12.0, np.nan, 0.0, np.nan], nan_ok=True)


def test_last_value_holds_until_the_next_sample_and_is_unknown_before_the_first() -> None:
    channel = Channel(time_ms=np.array([0.0, 100.0, 200.0, 1200.0]), values=np.array([1.0, 2.0, 3.0, 4.0]))
    values = channel.last_at(np.array([-1.0, 0.0, 99.0, 100.0, 700.0, 1200.0, 1701.0]), gap_ms=500.0)
    assert values.tolist() == pytest.approx([np.nan, 1.0, 1.0, 2.0, np.nan, 4.0, np.nan], nan_ok=True)


@settings(deadline=None, max_examples=50)
@given(
    steps=st.lists(st.floats(1, 2000), min_size=1, max_size=20),
    asked=st.lists(st.floats(-3000, 45_000), min_size=1, max_size=20),
)
def test_gap_is_where_no_neighbours_are_near_enough(steps: list[float], asked: list[float]) -> None:
    stamps = np.concatenate([[0.0], np.cumsum(steps)])
    channel = Channel(time_ms=stamps, values=np.zeros(stamps.size))
    found = channel.is_gap(np.array(asked), gap_ms=500.0)
    for time, is_gap in zip(asked, found, strict=True):
        before, behind = stamps[stamps <= time], stamps[stamps >= time]
        if before.size and behind.size:
            expected = behind[0] - before[-1] > 500.0
        else:
            expected = float(np.abs(stamps - time).min()) > 500.0
        if min(np.abs(np.abs(stamps - time) - 500.0)) > 1e-6:
            assert is_gap == expected


def test_channel_that_is_not_there_is_unknown_everywhere() -> None:
    empty = Channel(time_ms=np.empty(0), values=np.empty(0))
    assert np.isnan(empty.at(np.array([0.0, 1.0]), gap_ms=500.0)).all()
    assert np.isnan(empty.last_at(np.array([0.0, 1.0]), gap_ms=500.0)).all()
    assert empty.is_gap(np.array([0.0, 1.0]), gap_ms=500.0).all()
    assert fit_speed(empty) is None


def test_speed_is_held_beyond_its_samples() -> None:
    curve = fit_speed(Channel(time_ms=np.array([0.0, 1000.0, 2000.0]), values=np.array([36.0, 72.0, 108.0])))
    assert curve is not None
    assert curve.speed_kmh(np.array([-5000.0, 0.0, 2000.0, 7000.0])).tolist() == pytest.approx([36, 36, 108, 108])
    travelled = np.diff(curve.distance_m(np.array([2000.0, 3000.0, 7000.0])))
    assert travelled.tolist() == pytest.approx([30.0, 120.0])


def test_grid_starts_at_the_line_and_ends_before_it() -> None:
    assert grid_of(10.0, SETTINGS).tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]
    assert grid_of(10.5, SETTINGS).tolist() == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]


def test_constant_speed_goes_with_time_between_the_ends() -> None:
    grid, lap = trace(car(180.0))
    assert lap["time_ms"] == pytest.approx(grid / 0.05)
    assert lap["speed_kmh"] == pytest.approx(180.0)


def test_lap_is_stretched_to_the_length_of_the_circuit() -> None:
    grid, lap = trace(car(180.0), replace(WHOLE_LAP, distance_m=np.array([0.0, 5100.0])))
    assert grid[-1] == pytest.approx(5098.0)
    assert lap["time_ms"] == pytest.approx(100_000 * grid / 5100)


def test_lap_passes_its_anchors_at_their_times() -> None:
    anchors = Anchors(time_ms=START + np.array([0.0, 30_300.0, 100_000]), distance_m=np.array([0.0, 1500.0, 5000.0]))
    grid, lap = trace(car(180.0), anchors)
    assert lap["time_ms"][grid == 1500.0] == pytest.approx([30_300.0], abs=1e-6)
    assert lap["time_ms"][grid == 750.0] == pytest.approx([15_150.0])
    assert lap["time_ms"][grid == 3250.0] == pytest.approx([65_150.0])
    assert lap["speed_kmh"] == pytest.approx(180.0)


def test_channels_stand_where_they_were_logged() -> None:
    _, lap = trace(car(180.0))
    assert lap["throttle_pct"] == pytest.approx((START + lap["time_ms"]) / 1000)
    # Samples lie 40 ms apart, so that a change of gear shows up to 40 ms late.
    late = (START + lap["time_ms"]) % 40
    assert lap["gear"] == pytest.approx(np.floor((START + lap["time_ms"] - late + 1e-6) / 10_000))
    assert lap["engine_rpm"] == pytest.approx(6000.0)


def test_gap_of_speed_masks_every_channel_but_not_the_distance() -> None:
    channels = car(180.0)
    grid, lap = trace(replace(channels, speed_kmh=without(channels.speed_kmh, 50_000, 51_000)))
    is_gap = (grid > 2450) & (grid < 2500)
    for values in lap.values():
        assert np.isnan(values[is_gap]).all()
        assert np.isfinite(values[np.abs(grid - 2475) > 50]).all()
    assert lap["time_ms"][-1] == pytest.approx(grid[-1] / 0.05)


def test_gap_of_one_channel_masks_that_channel_only() -> None:
    channels = car(180.0)
    _, lap = trace(replace(channels, brake_bar=without(channels.brake_bar, 50_000, 51_000)))
    assert np.isnan(lap["brake_bar"]).any()
    assert all(np.isfinite(values).all() for name, values in lap.items() if name != "brake_bar")


def test_short_gap_is_bridged() -> None:
    channels = car(180.0)
    _, lap = trace(replace(channels, brake_bar=without(channels.brake_bar, 50_000, 50_300)))
    assert np.isfinite(lap["brake_bar"]).all()


def test_laps_of_one_car_are_rows() -> None:
    channels = car(180.0)
    halves = [
        Anchors(time_ms=np.array([begin, begin + 50_000]), distance_m=np.array([0.0, 2500.0]))
        for begin in (START, START + 50_000)
    ]
    values = trace_laps(channels, curve_of(channels), halves, grid_of(2500.0, SETTINGS), gap_s=GAP_S)
    assert values["time_ms"][0] == pytest.approx(values["time_ms"][1])
    assert values["throttle_pct"][1] - values["throttle_pct"][0] == pytest.approx(50.0)


@settings(deadline=None, max_examples=50)
@given(
    speeds=st.lists(st.floats(30, 230), min_size=5, max_size=30),
    length=st.floats(3000, 7000),
    pinned=st.floats(0.2, 0.8),
    off=st.floats(-0.01, 0.01),
)
def test_trace_is_monotone_and_the_anchored_distance_is_its_inverse(
    speeds: list[float], length: float, pinned: float, off: float
) -> None:
    slow = np.arange(0.0, 102_000, 200.0)
    channels = car(np.interp(slow, np.linspace(0, 102_000, len(speeds)), speeds))
    curve = curve_of(channels)
    times = np.array([START, START + pinned * (END - START), END])
    passed = curve.distance_m(times) - curve.distance_m(times[:1])
    anchors = Anchors(time_ms=times, distance_m=passed * length / passed[-1] + [0.0, off * length, 0.0])
    grid, lap = trace(channels, anchors)
    assert lap["time_ms"][0] == pytest.approx(0.0, abs=1e-6)
    assert (np.diff(lap["time_ms"]) > 0).all()
    assert lap["time_ms"][-1] < END - START
    assert lap["speed_kmh"].min() >= min(speeds) - 1e-6
    assert lap["speed_kmh"].max() <= max(speeds) + 1e-6
    assert anchored_distance(curve, times, anchors) == pytest.approx(anchors.distance_m)
    # Times are linear between fast samples 40 ms apart: braking at 20 m/s2 that is 4 mm.
    assert anchored_distance(curve, START + lap["time_ms"], anchors) == pytest.approx(grid, abs=0.05)


def test_corrections_are_applied_to_what_was_logged(tmp_path: Path) -> None:
    table = TABLES["telemetry"]
    samples = pd.DataFrame(
        {
            "sample_ms": [1000.0, 1040.0, 1065.0],
            "ecu_ms": [1000, 1040, 1080],
            "received_at_ms": [5000, 5040, 5080],
            "tick_values": [1, 1, 2],
            "steering_deg": [10.0, 12.0, 14.0],
            "accel_x_g": [0.2, 0.3, 0.4],
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
            "accel_x_sign": 1,
            "accel_x_zero_g": 0.1,
            "accel_y_sign": -1,
            "accel_y_zero_g": np.nan,
        },
    )
    assert channels.steering_deg.values.tolist() == [6.0, 8.0, 10.0]
    assert channels.accel_x_g.values.tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert channels.accel_y_g.values.tolist() == [-0.5, -0.6, -0.7]
    assert channels.throttle_pct.time_ms.tolist() == [1000.0, 1065.0]
    assert channels.speed_kmh.time_ms.tolist() == [830.0]
    assert channels.brake_bar.time_ms.tolist() == [1000.0, 1040.0, 1065.0]
    assert channels.gear.values.size == 0
