"""What a slower exit costs down the straight, against a car of known power and drag."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulated_laps import laps_of

from grx_pipeline.methods.driving.exit_loss import FullThrottle, carried_loss_ms, fit_full_throttle
from grx_pipeline.settings import LedgerSettings

Array = npt.NDArray[np.float64]

# 120 kW at the wheels and 1350 kg, rolling resistance of 15 mm/m, CdA of 0.55 m2 in air of 1.2 kg/m3.
TRUTH = FullThrottle(power=120_000 / 1350, rolling=0.147, drag=0.5 * 1.2 * 0.55 / 1350, samples=0)
STEP_M = 0.1


def full_throttle(entry_mps: float, length_m: float) -> tuple[Array, Array]:
    """Speed (m/s) every STEP_M and the time (s) of a car that accelerates from `entry_mps` for `length_m`."""
    places = np.arange(0.0, length_m + STEP_M / 2, STEP_M)
    squared = np.empty(places.size)
    squared[0] = entry_mps**2
    for number in range(1, places.size):
        speed = np.sqrt(squared[number - 1 : number])
        squared[number] = squared[number - 1] + 2 * float(TRUTH.acceleration(speed)[0]) * STEP_M
    speed = np.sqrt(squared)
    return speed, np.concatenate([[0.0], np.cumsum(2 * STEP_M / (speed[1:] + speed[:-1]))])


@pytest.mark.parametrize(("entry", "length"), [(20.0, 300.0), (30.0, 800.0), (45.0, 500.0)])
@pytest.mark.parametrize("slower", [0.2, 1.0, -0.5])
def test_carried_loss_is_what_a_slower_car_loses_on_the_straight(entry: float, length: float, slower: float) -> None:
    speed, time = full_throttle(entry, length)
    _, other = full_throttle(entry - slower, length)
    places = np.arange(speed.size) * STEP_M
    grid = np.arange(0.0, length + 1, 2.0)
    loss = carried_loss_ms(TRUTH, grid, np.interp(grid, places, speed), (entry - slower) ** 2 - entry**2, 0.0)
    assert loss == pytest.approx(1000 * (other[-1] - time[-1]), rel=0.04)


def test_parts_of_a_straight_add_up() -> None:
    speed, _ = full_throttle(30.0, 400.0)
    grid = np.arange(0.0, 401.0, 2.0)
    on_grid = np.interp(grid, np.arange(speed.size) * STEP_M, speed)
    first = carried_loss_ms(TRUTH, grid[:101], on_grid[:101], -40.0, 0.0)
    rest = carried_loss_ms(TRUTH, grid, on_grid, -40.0, 200.0)
    assert first + rest == pytest.approx(carried_loss_ms(TRUTH, grid, on_grid, -40.0, 0.0))
    assert carried_loss_ms(TRUTH, grid, on_grid, -40.0, 400.0) == 0.0


@given(du=st.floats(-3000, 3000), speed=st.floats(10, 70))
@settings(max_examples=60, deadline=None)
def test_loss_has_the_sign_of_the_slower_exit_and_stays_finite(du: float, speed: float) -> None:
    grid = np.arange(0.0, 501.0, 2.0)
    loss = carried_loss_ms(TRUTH, grid, np.full(grid.size, speed), du, 0.0)
    assert np.isfinite(loss)
    assert loss * du <= 0


def test_curve_is_found_again_from_laps_at_full_throttle() -> None:
    grid = np.arange(0.0, 900.0, 2.0)
    speeds = []
    for entry in (20.0, 24.0, 31.0, 38.0):
        speed, _ = full_throttle(entry, 900.0)
        speeds.append(3.6 * np.interp(grid, np.arange(speed.size) * STEP_M, speed))
    field = laps_of(np.array(speeds), length_m=900.0, channels={"throttle_pct": np.full(grid.size, 100.0)})
    curve = fit_full_throttle(field, LedgerSettings())
    assert curve is not None
    probe = np.array([25.0, 35.0, 45.0, 55.0])
    assert curve.acceleration(probe) == pytest.approx(TRUTH.acceleration(probe), rel=0.03)
    assert (np.diff(curve.acceleration(np.linspace(20, 60, 30))) < 0).all()
    assert (curve.fading(probe) < 0).all()


def test_cornering_braking_and_half_throttle_tell_nothing_of_full_throttle() -> None:
    grid = np.arange(0.0, 900.0, 2.0)
    speed, _ = full_throttle(20.0, 900.0)
    field = laps_of(
        3.6 * np.interp(grid, np.arange(speed.size) * STEP_M, speed)[np.newaxis].repeat(4, axis=0),
        length_m=900.0,
        channels={"throttle_pct": np.full(grid.size, 100.0)},
    )
    assert fit_full_throttle(field, LedgerSettings()) is not None
    for name, value in (("throttle_pct", 80.0), ("brake_bar", 10.0), ("accel_y_g", -0.8), ("speed_kmh", np.nan)):
        changed = replace(field, channels={**field.channels, name: np.full(field.channels[name].shape, value)})
        assert fit_full_throttle(changed, LedgerSettings()) is None
