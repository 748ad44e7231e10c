"""Injected faults: what they change, what they cost, and that nothing else moves."""

import numpy as np
import pytest
from support.dptad_laps import STEP_M, lap_channels

from grx_pipeline.methods.validation.car_model import CarModel, fit_car
from grx_pipeline.methods.validation.faults import FAULT_KINDS, inject
from grx_pipeline.settings import StudySettings

MODEL = CarModel(constant=-0.3, air=-0.0003, slip=-0.5, throttle=1.0, power=60.0, brake=-14.0)


def one_lap() -> dict[str, np.ndarray]:
    return {name: values[0] for name, values in lap_channels(1).items()}


def some_faults(kind: str) -> list[tuple[dict[str, np.ndarray], object]]:
    rng = np.random.default_rng(3)
    made = [inject(one_lap(), kind, model=MODEL, step_m=STEP_M, rng=rng, limits=StudySettings()) for _ in range(12)]
    return [found for found in made if found is not None]


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_a_fault_costs_the_time_it_says_and_changes_nothing_before_it(kind: str) -> None:
    lap, faults = one_lap(), some_faults(kind)
    assert faults
    for changed, fault in faults:
        assert fault.kind == kind
        assert fault.time_lost_ms > 0
        assert changed["time_ms"][-1] - lap["time_ms"][-1] == pytest.approx(fault.time_lost_ms)
        before = max(int(fault.start_m / STEP_M) - 1, 0)
        for name in ("speed_kmh", "throttle_pct", "brake_bar", "steering_deg"):
            np.testing.assert_allclose(changed[name][:before], lap[name][:before])


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_time_follows_from_speed(kind: str) -> None:
    lap = one_lap()
    for changed, _ in some_faults(kind):
        slower = 3600 * STEP_M * (1 / changed["speed_kmh"] - 1 / lap["speed_kmh"])
        late = np.concatenate([[0.0], np.cumsum((slower[1:] + slower[:-1]) / 2)])
        np.testing.assert_allclose(changed["time_ms"] - lap["time_ms"], late, atol=0.5)


def test_pedals_stay_in_their_range() -> None:
    for kind in FAULT_KINDS:
        for changed, _ in some_faults(kind):
            assert changed["throttle_pct"].min() >= -1e-9
            assert changed["throttle_pct"].max() <= 100 + 1e-9
            assert changed["brake_bar"].min() >= -1e-9


def test_a_fault_is_never_put_into_a_gap_and_gaps_stay() -> None:
    lap = one_lap()
    for values in lap.values():
        values[600:640] = np.nan
    rng = np.random.default_rng(1)
    for _ in range(30):
        made = inject(lap, "throttle_lift", model=MODEL, step_m=STEP_M, rng=rng, limits=StudySettings())
        if made is not None:
            changed, fault = made
            assert fault.end_m / STEP_M < 600 or fault.start_m / STEP_M >= 640
            assert np.isnan(changed["speed_kmh"][600:640]).all()


def test_the_model_is_found_again_in_laps_that_follow_it() -> None:
    rng = np.random.default_rng(0)
    throttle, brake = rng.uniform(0, 1, (6, 3000)), np.zeros((6, 3000))
    brake[:, ::7] = rng.uniform(0, 100, brake[:, ::7].shape)
    lateral = rng.uniform(-1.2, 1.2, (6, 3000))
    smooth = np.ones(25) / 25
    throttle, brake, lateral = (
        np.array([np.convolve(row, smooth, mode="same") for row in part]) for part in (throttle, brake, lateral)
    )
    u = np.full((6, 3000), 40.0**2)
    for i in range(2999):
        for lap in range(6):
            a = MODEL.acceleration(u[lap, i] ** 0.5, throttle[lap, i], brake[lap, i], lateral[lap, i])
            u[lap, i + 1] = max(u[lap, i] + 2 * STEP_M * a, 100.0)
    found = fit_car(np.sqrt(u) * 3.6, throttle * 100, brake, lateral, step_m=STEP_M)
    for speed in (20.0, 40.0):
        for pedals in ((1.0, 0.0), (0.0, 0.0), (0.0, 20.0)):
            expected = MODEL.acceleration(speed, *pedals, 0.5)
            assert found.acceleration(speed, *pedals, 0.5) == pytest.approx(expected, abs=1.2)


def test_pedals_give_the_acceleration_they_are_asked_for() -> None:
    for wanted in (-8.0, -2.0, 0.0, 1.0):
        throttle, brake = MODEL.pedals_for(wanted, 35.0, 0.4)
        assert MODEL.acceleration(35.0, throttle, brake, 0.4) == pytest.approx(wanted, abs=1e-6)
