"""What is lost against a reference, and how much of it is chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grx_pipeline.methods.advice.losses import (
    Drivers,
    OwnLaps,
    chance_gap,
    class_reference,
    measure_losses,
    own_reference,
    quantile_of,
)
from grx_pipeline.methods.advice.places import FIGURES, Array
from grx_pipeline.settings import OpportunitySettings

SETTINGS = OpportunitySettings()
TIMES = arrays(float, st.tuples(st.integers(1, 9), st.just(3)), elements=st.integers(0, 900) | st.just(np.nan))


def own_laps(times_ms: Array, corner_ms: Array | None = None) -> OwnLaps:
    return OwnLaps(
        times_ms=times_ms,
        corner_ms=times_ms if corner_ms is None else corner_ms,
        figures=np.full((*times_ms.shape, len(FIGURES)), np.nan),
    )


def drivers_of(medians_ms: list[float], *, laps: int) -> Drivers:
    medians = np.array(medians_ms)[:, None]
    return Drivers(
        medians_ms=medians,
        corner_ms=medians,
        laps=np.full(medians.shape, laps),
        figures=np.full((*medians.shape, len(FIGURES)), np.nan),
    )


@given(TIMES, st.sampled_from((0.0, 0.25, 0.5, 0.8, 1.0)))
def test_quantiles_are_those_of_the_values_that_are_there(values: Array, share: float) -> None:
    found = quantile_of(values, share)
    for column in range(values.shape[1]):
        there = values[np.isfinite(values[:, column]), column]
        assert found[column] == pytest.approx(np.quantile(there, share) if there.size else np.nan, nan_ok=True)


@pytest.mark.parametrize("laps", [6, 10, 20])
def test_the_gap_that_chance_makes_is_that_of_simulated_laps(laps: int) -> None:
    drawn = np.sort(np.random.default_rng(3).standard_normal((20_000, laps)), axis=1)
    simulated = (np.median(drawn, axis=1) - drawn[:, :3].mean(axis=1)).mean()
    assert chance_gap(np.array([laps]), 3)[0] == pytest.approx(simulated, abs=0.02)


def test_laps_of_chance_alone_lose_nothing_against_the_own_best_three() -> None:
    rng = np.random.default_rng(5)
    laps = own_laps(4000 + 80 * rng.standard_normal((12, 400)))
    spread = np.full(400, 80.0)
    losses = measure_losses(laps, spread, own_reference(laps, spread, SETTINGS), SETTINGS)
    assert abs(losses.loss_ms.mean()) < 5
    assert losses.is_over_floor(SETTINGS).mean() < 0.01


def test_three_laps_far_quicker_than_the_rest_are_no_chance() -> None:
    times = np.array([3700, 3710, 3705, *[4000 + n for n in range(9)]], dtype=float)[:, None]
    losses = measure_losses(
        own_laps(times), np.array([20.0]), own_reference(own_laps(times), np.array([20.0]), SETTINGS), SETTINGS
    )
    assert losses.is_over_floor(SETTINGS).all()
    assert losses.laps_with_loss[0] == 9
    assert losses.laps_done[0] == 3


def test_the_own_best_laps_need_more_laps_than_they_are() -> None:
    laps = own_laps(np.arange(SETTINGS.min_own_laps - 1, dtype=float)[:, None])
    assert np.isnan(own_reference(laps, np.array([20.0]), SETTINGS).times_ms).all()


@given(TIMES, st.integers(-500, 500))
def test_a_loss_does_not_change_when_all_laps_and_the_reference_shift(times: Array, shift: int) -> None:
    spread = np.full(3, 40.0)
    before, after = (
        measure_losses(own_laps(moved), spread, own_reference(own_laps(moved), spread, SETTINGS), SETTINGS)
        for moved in (times, times + shift)
    )
    assert np.allclose(before.loss_ms, after.loss_ms, equal_nan=True)
    assert (before.laps_with_loss <= before.laps).all()


def test_fewer_laps_than_a_habit_are_not_tested() -> None:
    others = drivers_of([4000.0 + 10 * n for n in range(8)], laps=10)
    reference = class_reference(others, np.array([20.0]), SETTINGS)
    losses = measure_losses(own_laps(np.array([[5000.0], [5000.0]])), np.array([20.0]), reference, SETTINGS)
    assert np.isnan(losses.loss_ms).all()
    assert not losses.is_over_floor(SETTINGS).any()


def test_the_class_is_its_best_quartile_where_laps_say_who_is_quick() -> None:
    medians = [4000.0, 4100.0, 4200.0, 4300.0, 4400.0]
    reference = class_reference(drivers_of(medians, laps=20), np.array([5.0]), SETTINGS)
    assert reference.times_ms[0] == pytest.approx(4100, abs=1)


def test_the_class_is_its_middle_where_its_spread_is_that_of_single_laps() -> None:
    medians = [4000.0, 4040.0, 4080.0, 4120.0, 4160.0]
    reference = class_reference(drivers_of(medians, laps=1), np.array([80.0]), SETTINGS)
    assert reference.times_ms[0] == pytest.approx(4080)


def test_a_class_of_too_few_drivers_is_no_reference() -> None:
    medians = [4000.0 + 50 * n for n in range(SETTINGS.min_class_drivers - 1)]
    assert np.isnan(class_reference(drivers_of(medians, laps=20), np.array([5.0]), SETTINGS).times_ms).all()
