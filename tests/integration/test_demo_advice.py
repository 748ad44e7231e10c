"""The simulated race knows its drivers' habits: what they are told has to be about them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.contexts import context_of

from grx_pipeline.demo.build import SIZES, make_demo
from grx_pipeline.demo.circuit import TURNS
from grx_pipeline.demo.driver import Field, make_field
from grx_pipeline.errors import DiscoveryError
from grx_pipeline.methods.validation.opportunities_run import store_study
from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

SEED = 2025
BRAKING = ("early_braking", "soft_braking", "needless_braking")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> StepContext:
    folder = tmp_path_factory.mktemp("advice")
    (race,) = make_demo(folder / "raw", size="small", sessions=1, seed=SEED, progress=lambda text: None)
    context = context_of(race, folder)
    for step in STEPS.values():
        if step.name not in ("out_warehouse", "out_reports"):
            run_step(step, context)
    return context


@pytest.fixture(scope="module")
def told(context: StepContext) -> pd.DataFrame:
    """What drivers are told, with the turn (index) and the car number."""
    rows = rows_of(context, "opportunities").dropna(subset="rank")
    corners = rows_of(context, "corners")[["corner_index", "corner"]]
    cars = rows_of(context, "drivers")[["vehicle_id", "car_number"]]
    rows = rows.merge(corners, on="corner_index").merge(cars, on="vehicle_id")
    return rows.assign(turn=rows["corner"].str.extract(r"T(\d+)")[0].astype(int) - 1)


def rows_of(context: StepContext, table: str) -> pd.DataFrame:
    return read_frame(context.paths.table(context.session, table))


def habits() -> Field:
    """The drivers as the simulation draws them."""
    people, *_ = np.random.SeedSequence(SEED).spawn(4)
    return make_field(cars=SIZES["small"][0], turns=len(TURNS), rng=np.random.default_rng(people))


def test_several_drivers_are_told_something(told: pd.DataFrame) -> None:
    assert told["vehicle_id"].nunique() >= 2
    assert (told["loss_ms"] >= told["floor_ms"]).all()


def test_who_is_told_to_brake_differently_brakes_or_corners_less_than_the_field_there(told: pd.DataFrame) -> None:
    field = habits()
    skill = field.grip_use[:, None] * field.turn_grip * field.brake_use[:, None] * field.turn_braking
    chosen = told[told["pattern"].isin(BRAKING)]
    assert len(chosen) >= 2
    for car, turn in zip(chosen["car_number"], chosen["turn"], strict=True):
        assert skill[field.numbers.index(car), turn] < np.median(skill[:, turn])


def test_who_is_told_to_carry_speed_or_open_the_throttle_uses_less_of_the_grip_or_waits(told: pd.DataFrame) -> None:
    field = habits()
    grip = field.grip_use[:, None] * field.turn_grip
    eager = field.throttle_rate_per_s[:, None] / field.turn_patience
    for car, turn in told.loc[~told["pattern"].isin(BRAKING), ["car_number", "turn"]].itertuples(index=False):
        number = field.numbers.index(car)
        assert grip[number, turn] < np.median(grip[:, turn]) or eager[number, turn] < np.median(eager[:, turn])


def test_single_faults_are_no_habit(context: StepContext, told: pd.DataFrame) -> None:
    """Faults strike single laps, so that most laps that lose at a told place have none there."""
    (path,) = Path(context.paths.data).parent.rglob("faults.csv")
    faults = pd.read_csv(path, dtype={"car_number": str})
    for row in told.itertuples():
        here = (faults["car_number"] == row.car_number) & faults["corner"].str.startswith(f"T{row.turn + 1} ")
        assert here.sum() < row.laps_with_loss / 2


def test_the_study_runs_on_what_was_built_and_keeps_its_page(context: StepContext) -> None:
    text, path = store_study(context.settings)
    assert path.read_text(encoding="utf-8") == text
    assert f"| {context.session} (simulated) | as told |" in text


def test_the_study_refuses_sessions_that_were_not_built(context: StepContext) -> None:
    with pytest.raises(DiscoveryError, match="no session was built"):
        store_study(context.settings, ["barber-2025-r1"])
