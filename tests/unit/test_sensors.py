"""Signs, zeros and the lag of speed, recovered from a car whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.laps.sensors import (
    STANDARD_GRAVITY,
    Motion,
    fit_longitudinal,
    fit_straight,
    lateral_sign,
    sample_rate,
)
from grx_pipeline.settings import SensorSettings

SETTINGS = SensorSettings()


def drive(*, lag_s: float = 0.3, seconds: float = 200.0) -> Motion:
    """A car that speeds up and brakes between 80 and 200 km/h and bends left and right, with perfect sensors.

    It goes straight for the fastest third of each 25 s and bends otherwise; full throttle wherever it does not brake.
    """
    time = np.arange(0.0, seconds, 0.043)
    slow_time = time[2::5]
    turn = 2 * np.pi / 25
    accel_x = 60 * turn * np.sin(turn * time) / 3.6 / STANDARD_GRAVITY
    bend = np.where(np.cos(turn * time) < -0.5, 0.0, np.sin(turn * time / 2 + 0.3) * (np.cos(turn * time) + 0.5))
    return Motion(
        sample_s=time,
        accel_x_g=accel_x,
        accel_y_g=bend * 0.9,
        steering_deg=bend * 60,
        throttle_pct=np.where(accel_x > -0.1, 100.0, 0.0),
        speed_s=slow_time,
        speed_kmh=140 - 60 * np.cos(turn * (slow_time - lag_s)),
    )


@settings(deadline=None, max_examples=30)
@given(lag=st.floats(0.05, 0.55), zero=st.floats(-0.3, 0.3), gain=st.floats(0.5, 1.0), sign=st.sampled_from([-1, 1]))
def test_lag_sign_and_zero_of_the_long_axis_are_found(lag: float, zero: float, gain: float, sign: int) -> None:
    motion = drive(lag_s=lag)
    found = fit_longitudinal(replace(motion, accel_x_g=sign * gain * motion.accel_x_g + zero), SETTINGS)
    assert found is not None
    assert found.sign == sign
    assert found.lag_s == pytest.approx(lag, abs=1.01 * SETTINGS.lag_step_s)
    assert found.zero_g == pytest.approx(zero, abs=0.01)


def test_too_little_driving_tells_nothing_of_the_lag() -> None:
    assert fit_longitudinal(drive(seconds=SETTINGS.min_moving_s * 0.9), SETTINGS) is None


def test_parked_car_tells_nothing_of_the_lag() -> None:
    motion = drive()
    assert fit_longitudinal(replace(motion, speed_kmh=np.zeros_like(motion.speed_kmh)), SETTINGS) is None


def test_missing_accelerometer_tells_nothing_of_the_lag() -> None:
    motion = drive()
    assert fit_longitudinal(replace(motion, accel_x_g=np.full_like(motion.accel_x_g, np.nan)), SETTINGS) is None


def test_stuck_accelerometer_tells_nothing_of_the_lag() -> None:
    motion = drive()
    assert fit_longitudinal(replace(motion, accel_x_g=np.zeros_like(motion.accel_x_g)), SETTINGS) is None


def test_gaps_in_speed_do_not_move_the_lag() -> None:
    motion = drive(lag_s=0.25)
    kept = (motion.speed_s % 40) < 35
    found = fit_longitudinal(replace(motion, speed_s=motion.speed_s[kept], speed_kmh=motion.speed_kmh[kept]), SETTINGS)
    assert found is not None
    assert found.lag_s == pytest.approx(0.25, abs=1.01 * SETTINGS.lag_step_s)


@pytest.mark.parametrize("sign", [-1, 1])
def test_reversed_lateral_axis_is_recognised(sign: int) -> None:
    motion = drive()
    assert lateral_sign(replace(motion, accel_y_g=sign * motion.accel_y_g), SETTINGS) == sign


def test_lateral_sign_is_unknown_without_steering() -> None:
    motion = drive()
    assert lateral_sign(replace(motion, steering_deg=np.full_like(motion.steering_deg, np.nan)), SETTINGS) is None


@settings(deadline=None, max_examples=30)
@given(angle=st.floats(-30, 30), accel=st.floats(-0.3, 0.3))
def test_zeros_are_those_of_the_straights(angle: float, accel: float) -> None:
    motion = drive()
    found = fit_straight(
        replace(motion, steering_deg=motion.steering_deg + angle, accel_y_g=motion.accel_y_g + accel),
        SETTINGS,
        lag_s=0.3,
    )
    assert found is not None
    assert found.steering_zero_deg == pytest.approx(angle, abs=1.0)
    assert found.accel_y_zero_g == pytest.approx(accel, abs=0.03)


def test_long_full_throttle_bend_does_not_move_the_zeros() -> None:
    motion = drive()
    is_bend = np.cos(2 * np.pi / 25 * motion.sample_s) > -0.6
    wander = np.random.default_rng(1).normal(0.0, 8.0, motion.sample_s.size)
    bent = replace(
        motion,
        steering_deg=np.where(is_bend, -25.0 + wander, 0.0),
        accel_y_g=np.where(is_bend, -0.6 + wander / 60, 0.0),
        throttle_pct=np.full_like(motion.throttle_pct, 100.0),
    )
    found = fit_straight(bent, SETTINGS, lag_s=0.3)
    assert found is not None
    assert found.steering_zero_deg == pytest.approx(0.0, abs=0.5)
    assert found.accel_y_zero_g == pytest.approx(0.0, abs=0.02)


def test_no_full_throttle_means_no_zeros() -> None:
    motion = drive()
    assert fit_straight(replace(motion, throttle_pct=np.zeros_like(motion.throttle_pct)), SETTINGS, lag_s=0.3) is None


def test_car_without_speed_has_no_zeros() -> None:
    motion = drive()
    silent = replace(motion, speed_s=np.empty(0), speed_kmh=np.empty(0))
    assert fit_straight(silent, SETTINGS, lag_s=0.0) is None
    assert fit_longitudinal(silent, SETTINGS) is None
    assert lateral_sign(silent, SETTINGS) is None


def test_sample_rate_is_the_median_one() -> None:
    assert sample_rate(np.array([0.0, 0.04, 0.08, 0.12, 5.0])) == pytest.approx(25.0)
    assert sample_rate(np.array([1.0])) is None
