"""Targets from clean laps: what always holds, worked examples, and the tables."""

import statistics
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grx_pipeline.methods.siwtl import (
    SECTION_COLUMNS,
    SECTOR_COLUMNS,
    CleanLaps,
    IntArray,
    SiwtlTables,
    compute_siwtl,
    compute_target,
    consistency_score,
    doubled_median,
    field_spread,
    jackknife_range,
    rolling_best,
    sector_spread,
    sector_weights,
    siwtl_literal_s,
    whole_gains,
)
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import SiwtlSettings
from grx_pipeline.storage.parquet import conform

SETTINGS = SiwtlSettings()


def lap_times(*, least: int = 1, most: int = 12) -> st.SearchStrategy[IntArray]:
    """Laps of 3 or 6 sectors; a narrow range of times so that ties are common, and a wide one."""
    shapes = st.tuples(st.integers(least, most), st.sampled_from((3, 6)))
    spans = st.sampled_from((3, 2000))
    return st.tuples(shapes, spans).flatmap(
        lambda drawn: arrays(np.int64, drawn[0], elements=st.integers(20_000, 20_000 + drawn[1]))
    )


field_spreads = st.floats(1, 500)


def session(*, sections: bool = True, **drivers: list[list[int]]) -> pd.DataFrame:
    """Clean laps of drivers, each lap given by its three sector times; sections split a sector 60 to 40."""
    rows: list[dict[str, Any]] = []
    for vehicle, laps in drivers.items():
        for number, sectors in enumerate(laps, start=2):
            halves = [part for ms in sectors for part in (ms * 6 // 10, ms - ms * 6 // 10)]
            rows.append(
                {"vehicle_id": vehicle, "lap_number": number, "is_clean": True}
                | dict(zip(SECTOR_COLUMNS, sectors, strict=True))
                | dict(zip(SECTION_COLUMNS, halves if sections else [None] * 6, strict=True))
            )
    return pd.DataFrame(rows)


def siwtl_of(laps: pd.DataFrame, *more: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables, checked against their declarations, keyed for reading."""
    tables = compute_siwtl(laps, [*laps["vehicle_id"], *more], SETTINGS)
    return checked(tables)


def checked(tables: SiwtlTables) -> tuple[pd.DataFrame, pd.DataFrame]:
    targets = conform(tables.targets, TABLES["siwtl"]).to_pandas().set_index("vehicle_id")
    sectors = conform(tables.sectors, TABLES["siwtl_sectors"]).to_pandas()
    return targets, sectors.set_index(["vehicle_id", "sector_count", "sector"])


@given(times=lap_times(), spread=field_spreads)
def test_target_lies_between_ideal_and_best_and_gains_add_up(times: IntArray, spread: float) -> None:
    target = compute_target(times, np.full(times.shape[1], spread), SETTINGS)
    gaps = target.in_best_lap_ms - target.best_ms
    assert target.ideal_lap_ms <= target.siwtl_lap_ms <= target.best_lap_ms == times.sum(axis=1).min()
    assert ((target.gains_ms >= 0) & (target.gains_ms <= gaps)).all()
    assert target.best_lap_ms - int(target.gains_ms.sum()) == target.siwtl_lap_ms
    assert ((target.weights > 0) & (target.weights <= 1)).all()
    assert target.weights.min() <= target.achievability * (1 + 1e-12)


@given(times=lap_times(least=2, most=11), spread=field_spreads)
def test_jackknife_equals_leaving_out_lap_by_lap(times: IntArray, spread: float) -> None:
    field = np.full(times.shape[1], spread)
    left_out = [
        compute_target(np.delete(times, row, axis=0), field, SETTINGS).siwtl_lap_ms for row in range(len(times))
    ]
    assert jackknife_range(times, field, SETTINGS) == (min(left_out), max(left_out))


def test_jackknife_equals_leaving_out_lap_by_lap_over_a_long_session() -> None:
    times = np.random.default_rng(7).gamma(2, 150, size=(301, 6)).astype(np.int64) + 15_000
    field = sector_spread(times)
    left_out = [compute_target(np.delete(times, row, axis=0), field, SETTINGS).siwtl_lap_ms for row in range(301)]
    assert jackknife_range(times, field, SETTINGS) == (min(left_out), max(left_out))


def test_single_lap_has_no_jackknife_range() -> None:
    assert jackknife_range(np.array([[30_000, 40_000, 28_000]]), np.ones(3), SETTINGS) is None


@given(times=lap_times())
def test_doubled_median_is_twice_the_median(times: IntArray) -> None:
    assert doubled_median(times).tolist() == [2 * statistics.median(column) for column in times.T.tolist()]


@given(times=lap_times())
def test_spread_is_the_scaled_median_absolute_deviation(times: IntArray) -> None:
    deviations = np.abs(times - np.median(times, axis=0))
    assert sector_spread(times) == pytest.approx(1.4826 * np.median(deviations, axis=0))


@given(times=lap_times(), shift=st.integers(-5_000, 90_000))
def test_gains_do_not_depend_on_the_length_of_the_sectors(times: IntArray, shift: int) -> None:
    field = np.full(times.shape[1], 40.0)
    assert (
        compute_target(times, field, SETTINGS).gains_ms.tolist()
        == compute_target(times + shift, field, SETTINGS).gains_ms.tolist()
    )


def test_a_single_lap_is_its_own_target() -> None:
    target = compute_target(np.array([[30_000, 40_000, 28_000]]), np.full(3, 50.0), SETTINGS)
    assert target.siwtl_lap_ms == target.ideal_lap_ms == target.best_lap_ms == 98_000
    assert target.weights.tolist() == [1, 1, 1]
    assert target.achievability == 1


def test_weight_of_a_driver_who_spreads_like_the_field() -> None:
    field = np.array([100.0, 80.0, 120.0])
    weights = sector_weights(field, field, laps=20, settings=SETTINGS)
    assert weights == pytest.approx([1 / (1 + 0.45 * (3**0.5 - 1) * np.log(20))] * 3)


def test_few_laps_are_shrunk_towards_the_field_and_the_ratio_is_clipped() -> None:
    field = np.full(3, 100.0)
    spread = np.array([200.0, 0.0, 10_000.0])
    scale = 0.45 * (3**0.5 - 1) * np.log(24)
    expected = [1 / (1 + scale * v) for v in ((24 * 4 + 8) / 32, 8 / 32, 4)]
    assert sector_weights(spread, field, laps=24, settings=SETTINGS) == pytest.approx(expected)


@given(spread=st.floats(0, 1000), more=st.floats(0, 1000), laps=st.integers(1, 60))
def test_a_less_even_driver_is_asked_for_no_more(spread: float, more: float, laps: int) -> None:
    spreads = np.array([spread, spread + more, spread + more])
    weights = sector_weights(spreads, np.full(3, 90.0), laps=laps, settings=SETTINGS)
    assert weights[1] <= weights[0]


def test_gains_are_rounded_half_up_and_never_exceed_the_gap() -> None:
    weights, gaps = np.array([0.5, 0.5, 0.25, 1.0, 0.999]), np.array([1, 5, 1, 7, 2])
    assert whole_gains(weights, gaps).tolist() == [1, 3, 0, 7, 2]


def test_field_spread_is_the_median_of_drivers_with_two_laps_and_not_under_a_millisecond() -> None:
    calm, wild = np.array([[100, 100], [100, 104]]), np.array([[100, 100], [100, 120]])
    lone = np.array([[500, 900]])
    spread = field_spread([calm, wild, lone], SETTINGS)
    assert spread == pytest.approx([1, 1.4826 * (2 + 10) / 2])
    assert field_spread([lone], SETTINGS).tolist() == [1]


def test_ties_go_to_the_earliest_lap() -> None:
    laps = session(a=[[30_100, 40_000, 28_000], [30_000, 40_000, 28_100], [30_000, 40_100, 28_000]])
    targets, sectors = siwtl_of(laps)
    assert targets.loc["a", "best_lap_number"] == 2
    assert sectors.loc[("a", 3), "donor_lap"].tolist() == [3, 2, 2]


def test_sector_counts_as_done_within_half_a_percent() -> None:
    laps = session(a=[[30_000, 40_000, 20_000], [30_150, 40_200, 20_101], [30_151, 40_201, 20_100]])
    _, sectors = siwtl_of(laps)
    assert sectors.loc[("a", 3), "done_on_laps"].tolist() == [2, 2, 2]


def test_sections_are_used_only_where_every_clean_lap_has_them() -> None:
    laps = session(a=[[30_000, 40_000, 28_000]] * 3, b=[[30_000, 40_000, 28_000]] * 3)
    laps.loc[4, "im2a_ms"] = np.nan
    _, sectors = siwtl_of(laps)
    counts = sectors.reset_index().groupby("vehicle_id")["sector_count"].unique()
    assert sorted(counts["a"]) == [3, 6]
    assert sorted(counts["b"]) == [3]
    assert sectors.loc[("a", 6), "name"].tolist() == ["IM1a", "IM1", "IM2a", "IM2", "IM3a", "FL"]


def test_session_without_sections_has_targets_over_sectors() -> None:
    targets, sectors = siwtl_of(session(sections=False, a=[[30_000, 40_000, 28_000], [30_200, 39_900, 28_000]]))
    assert targets.loc["a", "ideal_lap_ms"] == 97_900
    assert sectors.index.get_level_values("sector_count").unique().tolist() == [3]


def test_laps_that_are_not_clean_do_not_count() -> None:
    laps = session(a=[[30_000, 40_000, 28_000], [29_000, 39_000, 27_000]])
    laps.loc[1, "is_clean"] = False
    targets, _ = siwtl_of(laps)
    assert targets.loc["a", ["clean_laps", "ideal_lap_ms"]].tolist() == [1, 98_000]


def test_car_without_a_clean_lap_has_a_row_of_nulls() -> None:
    targets, sectors = siwtl_of(session(a=[[30_000, 40_000, 28_000]]), "parked")
    parked = targets.loc["parked"]
    assert parked["clean_laps"] == 0
    assert parked["confidence"] == "none"
    assert parked.drop(["clean_laps", "confidence"]).isna().all()
    assert "parked" not in sectors.index.get_level_values("vehicle_id")


def test_session_without_any_clean_lap_still_lists_its_cars() -> None:
    laps = session(a=[[30_000, 40_000, 28_000]])
    laps["is_clean"] = False
    targets, sectors = siwtl_of(laps)
    assert targets["confidence"].tolist() == ["none"]
    assert sectors.empty


@pytest.mark.parametrize(("laps", "confidence"), [(4, "low"), (5, "normal")])
def test_confidence_is_low_under_five_clean_laps(laps: int, confidence: str) -> None:
    targets, _ = siwtl_of(session(a=[[30_000, 40_000, 28_000]] * laps))
    assert targets.loc["a", "confidence"] == confidence


def test_consistency_is_one_minus_the_relative_deviation_with_its_place_in_the_field() -> None:
    even, uneven = [[30_000, 40_000, 28_000]] * 3, [[30_000, 40_000, 28_000], [30_000, 40_000, 30_000]]
    targets, _ = siwtl_of(session(even=even, twin=even, uneven=uneven, once=even[:1]))
    assert targets["consistency_score"].to_dict() == pytest.approx(
        {"even": 100, "twin": 100, "uneven": 100 * (1 - 2**0.5 / 99), "once": np.nan}, nan_ok=True
    )
    assert targets["consistency_percentile"].to_dict() == pytest.approx(
        {"even": 100, "twin": 100, "uneven": 100 / 3, "once": np.nan}, nan_ok=True
    )


@given(times=lap_times(least=2))
def test_consistency_stays_between_0_and_100(times: IntArray) -> None:
    score = consistency_score(times)
    assert score is not None
    assert 0 <= score <= 100


def test_rolling_best_may_start_at_any_timing_line() -> None:
    times = np.array([[30_500, 40_000, 28_000], [30_000, 40_400, 28_500]])
    assert rolling_best(CleanLaps(lap_numbers=np.array([4, 5]), times_ms=times)) == 40_000 + 28_000 + 30_000


def test_rolling_best_needs_two_clean_laps_in_a_row() -> None:
    times = np.array([[30_500, 40_000, 28_000], [30_000, 40_400, 28_500]])
    assert rolling_best(CleanLaps(lap_numbers=np.array([4, 6]), times_ms=times)) is None


@given(times=lap_times())
def test_rolling_best_lies_between_ideal_and_best(times: IntArray) -> None:
    rolling = rolling_best(CleanLaps(lap_numbers=np.arange(len(times)), times_ms=times))
    if rolling is not None:
        assert times.min(axis=0).sum() <= rolling <= times.sum(axis=1).min()


def test_literal_formula_divides_each_best_sector_by_one_plus_its_variance() -> None:
    times = np.array([[30_000, 40_000, 28_000], [32_000, 40_000, 29_000]])
    assert siwtl_literal_s(times) == pytest.approx(30 / 2 + 40 + 28 / 1.25)


def test_order_of_rows_and_other_drivers_names_do_not_matter() -> None:
    laps = session(a=[[30_000, 40_200, 28_000], [30_300, 40_000, 28_100]], b=[[31_000, 41_000, 29_000]] * 2)
    shuffled = laps.sample(frac=1, random_state=3)
    assert compute_siwtl(laps, ["a", "b"], SETTINGS) == compute_siwtl(shuffled, ["b", "a"], SETTINGS)
