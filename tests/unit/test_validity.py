import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.laps import validity
from grx_pipeline.laps.validity import REASONS
from grx_pipeline.settings import LapSettings, QualitySettings

TOLERANCE_MS = QualitySettings().sector_sum_tolerance_ms


def judge_laps(rows: pd.DataFrame, settings: LapSettings) -> pd.DataFrame:
    return validity.judge_laps(rows, settings, sector_sum_tolerance_ms=TOLERANCE_MS)


def stint(car: str = "A", laps: int = 10, time_ms: int = 98_000) -> pd.DataFrame:
    """A car's clean stint: lap times one hundredth apart, three sectors, green flags."""
    times = time_ms + 10 * np.arange(laps)
    return pd.DataFrame(
        {
            "car": car,
            "lap_number": np.arange(1, laps + 1),
            "lap_time_ms": times.astype(float),
            "sector_1_ms": 30_000.0,
            "sector_2_ms": 40_000.0,
            "sector_3_ms": times - 70_000.0,
            "flag": "GF",
            "is_pit_in": False,
            "pit_time_ms": np.nan,
            "logger_lap": np.arange(3, laps + 3, dtype=float),
            "has_logger": True,
        }
    )


def changed(lap: int, **values: object) -> pd.DataFrame:
    rows = stint()
    for name, value in values.items():
        rows.loc[rows["lap_number"] == lap, name] = value
    return rows


def reasons(rows: pd.DataFrame) -> dict[int, list[str]]:
    judged = judge_laps(rows, LapSettings())
    return {int(lap): found for lap, found in zip(rows["lap_number"], judged["reasons"], strict=True) if found}


def test_only_the_first_lap_of_a_green_stint_is_unclean() -> None:
    judged = judge_laps(stint(), LapSettings())
    assert reasons(stint()) == {1: ["first_lap"]}
    assert judged["is_valid"].all()
    assert judged["is_clean"].tolist() == [False] + [True] * 9


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"is_pit_in": True}, {5: ["pit_in"], 6: ["pit_out"]}),
        ({"flag": "FCY"}, {5: ["full_course_yellow"], 6: ["restart"]}),
        ({"flag": None}, {5: ["unknown_flag"]}),
        ({"sector_2_ms": np.nan}, {5: ["missing_sector"]}),
        ({"sector_1_ms": 27_000.0, "sector_3_ms": 31_040.0}, {5: ["implausible_sector"]}),
        ({"lap_time_ms": 103_000.0, "sector_2_ms": 44_960.0}, {5: ["off_pace"]}),
        ({"logger_lap": np.nan}, {5: ["no_crossing_match"]}),
    ],
)
def test_what_speaks_against_a_lap_is_named(change: dict[str, object], expected: dict[int, list[str]]) -> None:
    assert reasons(changed(5, **change)) == {1: ["first_lap"]} | expected


def test_the_finish_flag_is_green() -> None:
    assert reasons(changed(10, flag="FF")) == {1: ["first_lap"]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lap_time_ms": np.nan}, "lap_time_missing"),
        ({"lap_time_ms": 29_999.0}, "lap_time_under_30_s"),
        ({"lap_number": 32768}, "lap_number_over_1000"),
        ({"lap_number": 1001}, "lap_number_over_1000"),
    ],
)
def test_an_impossible_lap_is_not_valid_and_never_clean(change: dict[str, object], reason: str) -> None:
    rows = changed(5, **change)
    judged = judge_laps(rows, LapSettings())
    assert judged["is_valid"].tolist() == [True] * 4 + [False] + [True] * 5
    assert not judged["is_clean"][4]
    assert reason in judged["reasons"][4]


@pytest.mark.parametrize("change", [{"lap_time_ms": 30_000.0}, {"lap_number": 1000}, {"lap_time_ms": 7_200_000.0}])
def test_the_limits_themselves_and_laps_of_hours_are_valid(change: dict[str, object]) -> None:
    assert judge_laps(changed(5, sector_1_ms=np.nan, **change), LapSettings())["is_valid"].all()


@given(error_ms=st.integers(-60_000, 60_000), where=st.sampled_from(["lap_time_ms", "sector_1_ms", "sector_3_ms"]))
def test_a_lap_time_that_its_sectors_contradict_is_no_best_lap(error_ms: int, where: str) -> None:
    """Neither the time nor a sector can be told to be right."""
    rows = changed(5, **{where: stint().loc[4, where] + error_ms})
    judged = judge_laps(rows, LapSettings())
    is_contradicted = "sectors_off_lap_time" in judged["reasons"][4]
    assert is_contradicted == (abs(error_ms) > TOLERANCE_MS)
    assert judged.loc[4, "is_valid"] == (not is_contradicted)
    if is_contradicted:
        assert not judged.loc[4, "is_clean"]
        others = rows.index != 4
        pd.testing.assert_frame_equal(judged[others], judge_laps(rows[others], LapSettings()))


def test_a_yellow_of_another_car_or_of_two_laps_ago_is_no_restart() -> None:
    rows = pd.concat([stint("A"), stint("B")], ignore_index=True)
    rows.loc[(rows["car"] == "A") & (rows["lap_number"] == 10), "flag"] = "FCY"
    judged = judge_laps(rows[rows["lap_number"] != 6], LapSettings())
    assert not any("restart" in found for found in judged["reasons"])


def test_slow_laps_of_a_race_do_not_move_the_pace() -> None:
    rows = stint(laps=20)
    rows.loc[rows["lap_number"].between(2, 9), ["flag", "lap_time_ms"]] = ["FCY", 160_000.0]
    rows.loc[rows["lap_number"] == 15, "lap_time_ms"] = 103_000.0
    assert judge_laps(rows, LapSettings())["is_clean"].sum() == 9


def test_a_missing_crossing_is_noted_but_excludes_nothing() -> None:
    assert REASONS["no_crossing_match"].excludes == "none"
    assert judge_laps(changed(5, logger_lap=np.nan), LapSettings())["is_clean"][4]
    assert reasons(changed(5, logger_lap=np.nan, has_logger=False)) == {1: ["first_lap"]}


def test_every_reason_given_has_words() -> None:
    for change in ({"flag": "FCY"}, {"is_pit_in": True}, {"lap_time_ms": np.nan}, {"sector_1_ms": 1.0}):
        for found in reasons(changed(5, **change)).values():
            assert set(found) <= set(REASONS)


def test_no_laps_are_no_problem() -> None:
    assert judge_laps(stint().head(0), LapSettings()).empty
