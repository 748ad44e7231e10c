"""References on Indianapolis race 1, the shared session with the most clean laps with telemetry."""

import numpy as np
import pandas as pd
import pytest
from support.contexts import context_of
from support.real_data import NEEDS_REAL_DATA, REAL_DATA

from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

pytestmark = NEEDS_REAL_DATA

LAST = "core_references"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> StepContext:
    context = context_of(
        REAL_DATA / "indianapolis", tmp_path_factory.mktemp("references"), session="indianapolis-2025-r1"
    )
    names = list(STEPS)
    wanted = {LAST, *STEPS[LAST].reads, *(before for name in STEPS[LAST].reads for before in STEPS[name].reads)}
    for name in names[: names.index(LAST) + 1]:
        if name in wanted:
            run_step(STEPS[name], context)
    return context


def frame(context: StepContext, table: str, part: str | None = None) -> pd.DataFrame:
    return read_frame(context.paths.table(context.session, table, part=part))


def own_times(context: StepContext, vehicle: str, lap: int) -> pd.Series:
    traces = frame(context, "lap_traces", vehicle)
    return traces[traces["lap_number"] == lap].set_index("distance_m")["time_ms"]


def test_every_car_has_each_reference_or_a_reason(context: StepContext) -> None:
    references = frame(context, "reference_laps")
    assert (references.groupby("vehicle_id").size() == 5).all()
    assert (references["reason"].isna() == references["lap_time_ms"].notna()).all()
    found = references[references["reason"].isna()].groupby("reference").size()
    assert found["target"] == 3
    assert found["own_best"] == 6


def test_targets_are_siwtls_and_close_on_its_gain_along_the_lap(context: StepContext) -> None:
    targets = frame(context, "siwtl").set_index("vehicle_id")
    references = frame(context, "reference_laps")
    drawn = references[(references["reference"] == "target") & references["reason"].isna()]
    assert len(drawn) > 0
    for vehicle, time in zip(drawn["vehicle_id"], drawn["lap_time_ms"], strict=True):
        assert time == targets.loc[vehicle, "siwtl_lap_ms"]
        traces = frame(context, "reference_traces", vehicle)
        target = traces[traces["reference"] == "target"].set_index("distance_m")["time_ms"]
        best = own_times(context, vehicle, int(targets.loc[vehicle, "best_lap_number"]))
        delta = (best - target).dropna()
        # 2 m before the line a lap differs from its end by some 40 ms of driving, the delta by next to nothing.
        assert delta.iloc[-1] == pytest.approx(targets.loc[vehicle, "potential_gain_ms"], abs=1.5)
        assert (np.diff(target.dropna()) > 0).all()


def test_medians_ascend_and_end_on_the_median_lap_time(context: StepContext) -> None:
    laps = frame(context, "laps").set_index(["vehicle_id", "lap_number"])["lap_time_ms"]
    sources = frame(context, "reference_sources")
    references = frame(context, "reference_laps").set_index(["vehicle_id", "reference"])["lap_time_ms"]
    medians = sources[sources["reference"] == "median"].groupby("vehicle_id")
    assert len(medians) == 3
    for vehicle, rows in medians:
        times = [laps.loc[vehicle, lap] for lap in rows["lap_number"]]
        assert abs(references.loc[vehicle, "median"] - np.median(times)) <= 0.5
        traces = frame(context, "reference_traces", str(vehicle))
        median = traces[traces["reference"] == "median"]["time_ms"].dropna()
        assert (np.diff(median) > 0).all()
