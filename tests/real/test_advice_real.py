"""Opportunities and comparisons on a real race: Indianapolis, three cars with laps and three with one."""

import pandas as pd
import pytest
from support.contexts import context_of
from support.real_data import NEEDS_REAL_DATA, REAL_DATA

from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

pytestmark = NEEDS_REAL_DATA

SESSION = "indianapolis-2025-r1"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> StepContext:
    context = context_of(REAL_DATA / "indianapolis" / "race1", tmp_path_factory.mktemp("advice"), session=SESSION)
    for step in STEPS.values():
        if step.name not in ("out_warehouse", "out_reports"):
            run_step(step, context)
    return context


def rows(context: StepContext, table: str) -> pd.DataFrame:
    return read_frame(context.paths.table(SESSION, table))


def test_every_driver_is_told_something_or_why_not(context: StepContext) -> None:
    told, drivers = rows(context, "opportunity_drivers"), rows(context, "drivers")
    assert set(told["vehicle_id"]) == set(drivers["vehicle_id"])
    assert (told["reported"] <= 3).all()
    assert (told["reason"].isna() == (told["reported"] > 0)).all()


def test_a_race_in_a_train_of_cars_is_no_base_for_advice(context: StepContext) -> None:
    told = rows(context, "opportunity_drivers").set_index("vehicle_id")
    assert told.loc["GR86-025-47", "reason"].startswith(
        "On 20 of your 21 clean laps with a trusted trace a car was within 1 s ahead"
    )


def test_a_car_with_one_lap_is_compared_but_has_no_habit(context: StepContext) -> None:
    told = rows(context, "opportunity_drivers").set_index("vehicle_id")
    pairs = rows(context, "comparisons")
    assert told.loc["GR86-022-13", "reason"].startswith("Only 1 clean lap")
    with_traces = pairs[pairs["trace_gap_ms"].notna()]
    assert ((with_traces["vehicle_a"] == "GR86-022-13") | (with_traces["vehicle_b"] == "GR86-022-13")).sum() == 5


def test_segments_and_sectors_of_every_pair_end_on_its_official_gap(context: StepContext) -> None:
    keys = ["vehicle_a", "vehicle_b"]
    pairs, lines = rows(context, "comparisons").set_index(keys), rows(context, "comparison_lines")
    cars = len(rows(context, "drivers"))
    assert len(pairs) == cars * (cars - 1) // 2
    traced = pairs[pairs["trace_gap_ms"].notna()]
    tiles = lines[lines["level"] == "segment"].groupby(keys)["gap_ms"]
    has_gap = (tiles.size() != tiles.count()).reindex(traced.index)
    segments = tiles.sum().reindex(traced.index)
    sectors = lines[lines["level"] == "sector"].groupby(keys)["gap_ms"].sum(min_count=1)
    assert (~has_gap).sum() >= 3
    assert (segments - traced["trace_gap_ms"])[~has_gap].abs().max() < 0.001
    assert traced["note"][has_gap].str.contains("its telemetry has gaps").all()
    timed = pairs[pairs["gap_ms"].notna()]
    assert (sectors.reindex(timed.index) - timed["gap_ms"]).abs().max() <= 2


def test_compared_laps_are_clean_laps_with_the_official_gap(context: StepContext) -> None:
    laps = rows(context, "laps").set_index(["vehicle_id", "lap_number"])
    pairs = rows(context, "comparisons").dropna(subset=["lap_a", "lap_b"])
    first = laps.loc[list(zip(pairs["vehicle_a"], pairs["lap_a"], strict=True))]
    second = laps.loc[list(zip(pairs["vehicle_b"], pairs["lap_b"], strict=True))]
    assert first["is_clean"].all()
    assert second["is_clean"].all()
    gaps = second["lap_time_ms"].to_numpy() - first["lap_time_ms"].to_numpy()
    told = pairs["trace_gap_ms"].fillna(pairs["gap_ms"]).to_numpy()
    assert (gaps == told).all()


def test_rankings_are_dense_in_drivers_and_best_first(context: StepContext) -> None:
    pace = rows(context, "rankings").query("category == 'pace'").sort_values("rank")
    best = rows(context, "laps").query("is_clean").groupby("vehicle_id")["lap_time_ms"].min()
    assert pace["value"].is_monotonic_increasing
    assert pace["value"].tolist() == sorted(best.tolist())
    assert set(pace["drivers"]) == {len(best)}
