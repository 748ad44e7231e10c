"""The study of opportunities: what two halves of one driver's laps say of each other."""

import pandas as pd
import pytest
from support.corner_session import corner_session

from grx_pipeline.methods.advice.opportunities import Limits
from grx_pipeline.methods.advice.steps import places_of
from grx_pipeline.methods.validation.opportunities_report import render_study
from grx_pipeline.methods.validation.opportunities_split import StudySession, split_study
from grx_pipeline.settings import Settings

SETTINGS = Settings()
LIMITS = Limits(opportunity=SETTINGS.opportunities, corner=SETTINGS.corners, length_m=0.0)
RIVALS: dict[str, dict[str, float]] = {f"rival-{n}": {} for n in range(6)}


def study(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    laps, length_m = places_of(tables, gap_s=1.0)
    session = StudySession(
        session="harrow-gap-2025-r1",
        is_simulated=True,
        has_traffic=False,
        laps=laps,
        vehicle_classes=dict(zip(tables["drivers"]["vehicle_id"], tables["drivers"]["vehicle_class"], strict=True)),
        badly_placed=frozenset(),
        length_m=length_m,
    )
    return split_study([session], LIMITS, draws=6, seed=4)


@pytest.fixture(scope="module")
def judged() -> pd.DataFrame:
    slower = RIVALS | {"driver": {"T1 braking": 150.0}}
    return study(corner_session(slower, figures={"driver": {"brake_onset_m": -12.0}}, laps=12))


def test_a_habit_is_told_from_every_half_and_shows_on_the_other(judged: pd.DataFrame) -> None:
    own = judged[judged["vehicle_id"] == "driver"]
    assert len(own) == 2 * 6
    assert (own["told"] == 1).all()
    assert own[["again_under_least", "again_under_half", "again_none"]].to_numpy().sum() == 0


def test_a_driver_is_told_nothing_against_himself(judged: pd.DataFrame) -> None:
    assert judged["placebo_told"].sum() == 0
    assert judged["places"].min() == 5


def test_too_few_laps_for_two_halves_are_not_judged() -> None:
    tables = corner_session(RIVALS, laps=2 * SETTINGS.opportunities.min_laps - 1)
    assert study(tables).empty


def test_the_page_states_the_shares_and_names_simulated_laps(judged: pd.DataFrame) -> None:
    text = render_study(judged, ["harrow-gap-2025-r1"], SETTINGS)
    halves = 2 * 6 * 7
    assert f"| harrow-gap-2025-r1 (simulated) | as told | 7 | {halves} | {5 * halves} | 0.0 % |" in text
    assert "On simulated laps 0.0 % of the places tested" in text


def test_the_page_says_that_laps_of_which_nothing_is_told_prove_nothing_about_what_is(judged: pd.DataFrame) -> None:
    silent = judged.assign(is_simulated=False, told=0, again_under_half=0, again_under_least=0, again_none=0)
    text = render_study(silent, ["barber-2025-r1"], SETTINGS)
    assert "real laps prove nothing here about what is told" in text
    told = render_study(silent.assign(told=1), ["barber-2025-r1"], SETTINGS)
    assert "prove nothing" not in told
    assert "opportunities told from half of the real laps" in told


def test_the_page_says_so_where_no_driver_could_be_judged() -> None:
    assert "No driver of these sessions" in render_study(pd.DataFrame(), ["barber-2025-r1"], SETTINGS)
