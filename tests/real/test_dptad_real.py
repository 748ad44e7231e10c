"""DPTAD on a real race: Indianapolis, two cars with enough laps for a verdict, one with five, three with one."""

import numpy as np
import pandas as pd
import pytest
from support.chain_part import run_up_to
from support.contexts import context_of
from support.real_data import NEEDS_REAL_DATA, REAL_DATA

from grx_pipeline.methods.dptad.kinds import FALLBACKS, RULES
from grx_pipeline.methods.validation.dptad_laps import collect_drivers
from grx_pipeline.methods.validation.dptad_study import run_dptad_study
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

pytestmark = NEEDS_REAL_DATA

SESSION = "indianapolis-2025-r1"
JUDGED = {"GR86-025-47", "GR86-006-7"}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> StepContext:
    context = context_of(REAL_DATA / "indianapolis" / "race1", tmp_path_factory.mktemp("dptad"), session=SESSION)
    run_up_to("out_dptad", context)
    return context


def rows(context: StepContext, table: str) -> pd.DataFrame:
    return read_frame(context.paths.table(SESSION, table))


def test_cars_with_six_clean_laps_are_judged_and_the_others_told_why_not(context: StepContext) -> None:
    drivers = rows(context, "dptad_drivers")
    assert set(drivers["vehicle_id"]) == set(rows(context, "drivers")["vehicle_id"])
    assert set(drivers.loc[drivers["reason"].isna(), "vehicle_id"]) == JUDGED
    few = drivers.set_index("vehicle_id").loc["GR86-016-55"]
    assert few["reason"] == ("Only 5 clean laps with a trusted trace: it takes 6 to say what is usual for this driver.")
    assert drivers.set_index("vehicle_id").loc["GR86-025-47", "speed_consistency"] > 0.97


def test_clean_laps_keep_the_budget(context: StepContext) -> None:
    events = rows(context, "dptad_events").merge(rows(context, "laps"), on=["vehicle_id", "lap_number"])
    clean = rows(context, "dptad_drivers")["own_laps"][rows(context, "dptad_drivers")["reason"].isna()].sum()
    assert 0.25 * clean <= events["is_clean"].sum() <= context.settings.dptad.budget * clean


def test_every_event_is_named_placed_timed_and_said(context: StepContext) -> None:
    events = rows(context, "dptad_events")
    laps = rows(context, "laps").set_index(["vehicle_id", "lap_number"])
    assert set(events["type"]) <= {rule.type for rule in (*RULES, *FALLBACKS.values())}
    assert (events["start_m"] <= events["peak_m"]).all()
    assert (events["peak_m"] <= events["end_m"]).all()
    assert events[["corner_index", "phase", "sector"]].notna().all(axis=None)
    keys = pd.MultiIndex.from_frame(events[["vehicle_id", "lap_number"]])
    lap = laps.loc[keys].reset_index()
    started = lap["finished_at_ms"] - lap["lap_time_ms"]
    assert (events["at_ms"] - started - 1000 * events["time_in_lap_s"]).abs().max() <= 0.5
    assert (events["is_costly"] == (events["time_lost_ms"] >= 50)).all()
    assert events["text"].str.endswith(".").all()


def test_the_slide_that_anyone_sees_in_the_trace_is_told(context: StepContext) -> None:
    """Lap 17 of #47 goes from full throttle to a third and back on the way out of T4, with 80 deg of correction."""
    events = rows(context, "dptad_events")
    slide = events[
        (events["vehicle_id"] == "GR86-025-47")
        & (events["lap_number"] == 17)
        & (events["type"] == "oversteer_suspected")
    ]
    assert slide["peak_m"].tolist() == [pytest.approx(1125, abs=20)]


def test_braking_early_belongs_to_the_corner_that_is_braked_for(context: StepContext) -> None:
    """#47 brakes on the straight to T7 and at the end of T3, which nobody brakes for, for T4."""
    events = rows(context, "dptad_events")
    early = events[(events["vehicle_id"] == "GR86-025-47") & (events["type"] == "early_braking")].set_index("event_id")
    assert early.loc["19-1", "peak_m"] == pytest.approx(1912, abs=5)
    assert early.loc["19-1", "text"].startswith("T7 braking: braked 42 m earlier")
    assert early.loc["7-1", "peak_m"] == pytest.approx(960, abs=5)
    assert (early.loc["7-1", "corner_index"], early.loc["7-1", "phase"]) == (4, "braking")
    insights = rows(context, "dptad_drivers").set_index("vehicle_id").loc["GR86-025-47", "insights"]
    at_t7 = int((early["corner_index"] == 7).sum())
    assert insights[1] == f"Most often: early braking, {len(early)} times, {at_t7} of them at T7."


def test_scores_are_percentiles_of_the_field(context: StepContext) -> None:
    laps, scores = rows(context, "dptad_laps"), rows(context, "dptad_scores")
    assert set(laps["category"]) == {"brake", "throttle", "steering", "speed"}
    for _, part in laps.groupby("category"):
        assert np.median(part["p_value"]) == pytest.approx(0.5, abs=0.1)
        assert part.sort_values("z_max")["score"].is_monotonic_increasing
    worst = laps.groupby(["vehicle_id", "category"])["score"].max()
    assert np.allclose(scores.set_index(["vehicle_id", "category"])["worst_score"], worst)


def test_on_faults_of_a_new_seed_it_beats_the_earlier_detectors(context: StepContext) -> None:
    drivers = [one for one in collect_drivers(context.settings, [SESSION], least=6) if one.vehicle_id == "GR86-006-7"]
    study = run_dptad_study(drivers, context.settings, per_kind=3, seed=99)
    whole = study.outcomes[(study.outcomes["group"] == "real") & (study.outcomes["kind"] != "counter_steer_snap")]
    recall = whole.groupby("detector")["is_found"].mean()
    assert recall["dptad"] > 0.75
    assert recall["dptad"] > recall[["zone", "envelope"]].max() + 0.05
    clean = study.clean[study.clean["detector"] == "dptad"]
    assert (clean["events"] <= 0.5 * clean["laps"]).all()
