"""What hands and feet did in a lap, on laps drawn by hand."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt

from grx_pipeline.methods.features import (
    LapSamples,
    count_brake_spikes,
    count_steering_corrections,
    count_steering_reversals,
    count_throttle_drops,
    lap_features,
    low_pass,
    smoothness,
    time_grid,
)
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import FeatureSettings

Array = npt.NDArray[np.float64]

SETTINGS = FeatureSettings()
SECONDS = 100.0


def ramps(*corners: tuple[float, float], rate_hz: float = SETTINGS.rate_hz) -> Array:
    """A channel drawn through (second, value) corners, the first value held before and the last after."""
    seconds, values = zip(*corners, strict=True)
    return np.interp(np.arange(0, SECONDS, 1 / rate_hz), seconds, values)


def applications(peak: float, rise_s: float, starts: tuple[float, ...], *, rate_hz: float = SETTINGS.rate_hz) -> Array:
    """Brake applications that reach `peak` in `rise_s`, hold 1 s and release in 1 s."""
    channel = ramps((0.0, 0.0), rate_hz=rate_hz)
    for start in starts:
        stop = start + rise_s + 1
        channel = channel + ramps((start, 0), (start + rise_s, peak), (stop, peak), (stop + 1, 0), rate_hz=rate_hz)
    return channel


def lap(*, rate_hz: float = SETTINGS.rate_hz, **channels: Array) -> LapSamples:
    quiet = ramps((0.0, 0.0), rate_hz=rate_hz)
    idle = dict.fromkeys(("throttle_pct", "brake_bar", "steering_deg", "accel_y_g"), quiet)
    return LapSamples(rate_hz=rate_hz, **({"speed_kmh": quiet + 100} | idle | channels))


def steer(depth_deg: float) -> Array:
    """A right-hander held at 60 degrees, unwound by `depth_deg` and applied again once."""
    return ramps((10, 0), (12, 60), (14, 60), (15, 60 - depth_deg), (16, 60), (18, 60), (20, 0))


def test_grid_covers_the_lap_without_its_end() -> None:
    assert time_grid(1000.0, 1200.0, 20.0).tolist() == [1000.0, 1050.0, 1100.0, 1150.0]


def test_features_are_the_columns_of_their_table() -> None:
    rest = {"vehicle_id", "lap_number", "sample_rate_hz"}
    assert set(lap_features(lap(), SETTINGS)) == set(TABLES["telemetry_features"].column_names) - rest


def test_hard_brake_applications_are_spikes_and_soft_ones_are_not() -> None:
    hard = lap(brake_bar=applications(120.0, 0.15, (10, 30, 50)))
    soft = lap(brake_bar=applications(60.0, 0.5, (10, 30, 50)))
    assert count_brake_spikes(hard, SETTINGS) == 3
    assert count_brake_spikes(soft, SETTINGS) == 0


@pytest.mark.parametrize("rate_hz", [15.0, 20.0, 23.2, 40.0])
def test_spikes_do_not_depend_on_the_rate(rate_hz: float) -> None:
    brake = applications(130.0, 0.15, (10.0, 30.0, 50.0, 70.0), rate_hz=rate_hz)
    assert count_brake_spikes(lap(rate_hz=rate_hz, brake_bar=brake), SETTINGS) == 4


def test_two_spikes_within_the_refractory_time_are_one() -> None:
    brake = ramps((10, 0), (10.15, 100), (10.25, 0), (10.4, 100), (12, 0))
    assert count_brake_spikes(lap(brake_bar=brake), SETTINGS) == 1


def test_lift_without_braking_is_a_drop_and_lift_before_braking_is_not() -> None:
    throttle = ramps((10, 100), (10.2, 0), (12, 0), (13, 100), (30, 100), (30.2, 0), (33, 0), (34, 100))
    brake = ramps((30.3, 0), (30.8, 60), (32, 60), (33, 0))
    assert count_throttle_drops(lap(throttle_pct=throttle), SETTINGS) == 2
    assert count_throttle_drops(lap(throttle_pct=throttle, brake_bar=brake), SETTINGS) == 1


def test_slow_roll_off_is_no_drop() -> None:
    assert count_throttle_drops(lap(throttle_pct=ramps((10, 100), (11, 0), (13, 0), (14, 100))), SETTINGS) == 0


def test_drops_are_counted_without_a_brake_channel() -> None:
    throttle = ramps((10, 100), (10.2, 0), (12, 0), (13, 100))
    gone = np.full(throttle.size, np.nan)
    assert count_throttle_drops(lap(throttle_pct=throttle, brake_bar=gone), SETTINGS) == 1


def test_correction_is_unwinding_and_applying_again_while_cornering() -> None:
    cornering = ramps((9, 0.0), (10, 1.0), (20, 1.0), (21, 0.0))
    assert count_steering_corrections(lap(steering_deg=steer(30), accel_y_g=cornering), SETTINGS) == 1
    assert count_steering_corrections(lap(steering_deg=-steer(30), accel_y_g=-cornering), SETTINGS) == 1
    assert count_steering_corrections(lap(steering_deg=steer(5), accel_y_g=cornering), SETTINGS) == 0
    assert count_steering_corrections(lap(steering_deg=steer(30), accel_y_g=0.2 * cornering), SETTINGS) == 0


def test_change_of_direction_between_two_corners_is_no_correction() -> None:
    chicane = ramps((10, 0), (11, 60), (13, 60), (15, -60), (17, -60), (18, 0))
    assert count_steering_corrections(lap(steering_deg=chicane, accel_y_g=chicane / 60), SETTINGS) == 0


def test_reversals_are_swings_of_eight_degrees_or_more() -> None:
    seconds = np.arange(0, SECONDS, 1 / SETTINGS.rate_hz)
    wide, narrow = 10 * np.sin(2 * np.pi * 0.5 * seconds), 3 * np.sin(2 * np.pi * 0.5 * seconds)
    # 50 periods, each turns twice; one of the first half swing may fall short of a full one.
    assert count_steering_reversals(lap(steering_deg=wide), SETTINGS) == pytest.approx(100, abs=1)
    assert count_steering_reversals(lap(steering_deg=narrow), SETTINGS) == 0


def test_smoothness_falls_with_fast_movement() -> None:
    seconds = np.arange(0, SECONDS, 1 / SETTINGS.rate_hz)
    slow = 50 + 50 * np.sin(2 * np.pi * 0.1 * seconds)
    values = [
        smoothness(lap(throttle_pct=pedal), "throttle_pct", unused=4.0, settings=SETTINGS)
        for amplitude in (0.0, 1.0, 3.0, 10.0)
        for pedal in [slow + amplitude * np.sin(2 * np.pi * 2.5 * seconds)]
    ]
    assert all(value is not None for value in values)
    assert values == sorted(values, reverse=True, key=lambda value: value or 0.0)
    assert values[0] == pytest.approx(1.0, abs=0.01)


def test_channel_that_was_not_used_has_no_smoothness() -> None:
    features = lap_features(lap(), SETTINGS)
    assert features["brake_smoothness"] is None
    assert features["throttle_smoothness"] is None
    assert features["steering_smoothness"] is None
    assert features["brake_mean_braking_bar"] is None
    assert features["brake_spike_count"] == 0


def test_channel_that_is_not_there_gives_no_figures() -> None:
    gone = np.full(int(SECONDS * SETTINGS.rate_hz), np.nan)
    features = lap_features(lap(throttle_pct=gone, steering_deg=gone), SETTINGS)
    for name in ("throttle_mean", "throttle_drop_count", "throttle_smoothness", "full_throttle_share"):
        assert features[name] is None
    for name in ("steering_angle_mean", "steering_corrections", "steering_reversals", "steering_abs_mean_deg"):
        assert features[name] is None
    assert features["speed_mean"] == pytest.approx(100.0)


def test_means_are_over_time_and_braking_time() -> None:
    brake = np.where(np.arange(2000) < 500, 40.0, 0.0)
    features = lap_features(lap(brake_bar=brake), SETTINGS)
    assert features["brake_mean"] == pytest.approx(10.0)
    assert features["brake_mean_braking_bar"] == pytest.approx(40.0)
    assert features["brake_std_braking_bar"] == pytest.approx(0.0)
    assert features["brake_max_bar"] == pytest.approx(40.0)


def test_full_throttle_share_is_of_known_time() -> None:
    throttle = np.where(np.arange(2000) < 1500, 100.0, 20.0)
    throttle[1000:1500] = np.nan
    features = lap_features(lap(throttle_pct=throttle), SETTINGS)
    assert features["full_throttle_share"] == pytest.approx(2 / 3)


def test_nothing_is_counted_in_gaps() -> None:
    brake = applications(120.0, 0.15, (10, 30, 50))
    seconds = np.arange(0, SECONDS, 1 / SETTINGS.rate_hz)
    brake[(seconds > 29) & (seconds < 34)] = np.nan
    assert count_brake_spikes(lap(brake_bar=brake), SETTINGS) == 2


def test_low_pass_is_the_forward_and_backward_filter_of_scipy() -> None:
    values = np.random.default_rng(7).normal(0, 30, 400)
    whole = sosfiltfilt(butter(2, 4.0, fs=20.0, output="sos"), values)
    np.testing.assert_array_equal(low_pass(values, 4.0, 20.0), whole)


def test_low_pass_keeps_a_ramp_in_place() -> None:
    values = ramps((0, 0), (100, 100))
    smooth = low_pass(values, 4.0, 20.0)
    assert smooth is not None
    assert smooth == pytest.approx(values, abs=0.05)


def test_lap_shorter_than_the_filter_has_no_counts() -> None:
    short = {name: np.zeros(5) for name in ("speed_kmh", "throttle_pct", "brake_bar", "steering_deg", "accel_y_g")}
    features = lap_features(LapSamples(rate_hz=20.0, **short), SETTINGS)
    assert features["brake_spike_count"] is None
    assert features["speed_mean"] == 0.0


@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-20, 20))
def test_steering_counts_do_not_depend_on_side_or_zero(seed: int, shift: float) -> None:
    steps = np.random.default_rng(seed).normal(0, 6, 2000)
    angle = np.cumsum(steps - 0.02 * np.cumsum(steps) / 10)
    here = lap(steering_deg=angle, accel_y_g=np.clip(angle / 40, -1.2, 1.2))
    mirrored = replace(here, steering_deg=-here.steering_deg, accel_y_g=-here.accel_y_g)
    assert count_steering_reversals(here, SETTINGS) == count_steering_reversals(mirrored, SETTINGS)
    assert count_steering_corrections(here, SETTINGS) == count_steering_corrections(mirrored, SETTINGS)
    shifted = replace(here, steering_deg=here.steering_deg + shift)
    assert count_steering_reversals(shifted, SETTINGS) == count_steering_reversals(here, SETTINGS)


@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(5, 100))
def test_smoothness_is_a_share(seed: int, scale: float) -> None:
    values = np.random.default_rng(seed).normal(0, scale, 400)
    found = smoothness(lap(throttle_pct=values), "throttle_pct", unused=0.1, settings=SETTINGS)
    assert found is not None
    assert 0.0 <= found <= 1.0
