"""Drivers in order, per category."""

from dataclasses import replace

import pandas as pd

from grx_pipeline.methods.advice.rankings import rank_drivers
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import OpportunitySettings, Settings
from grx_pipeline.storage.parquet import conform

TARGETS = pd.DataFrame(
    {
        "vehicle_id": ["a", "b", "c", "d", "e"],
        "confidence": ["normal", "normal", "normal", "low", "none"],
        "clean_laps": [10, 12, 12, 3, 0],
        "best_lap_ms": [99_000.0, 98_000.0, 98_000.0, 97_000.0, None],
        "consistency_score": [99.0, 98.5, 99.5, 100.0, None],
        "potential_gain_ms": [300.0, 100.0, 200.0, 0.0, None],
    }
)
DRIVING = pd.DataFrame(
    {
        "vehicle_id": ["a", "b", "c", "d", "e"],
        "brake_smoothness": [0.5, 0.7, None, 0.6, None],
        "throttle_smoothness": None,
        "steering_smoothness": [0.5, 0.5, 0.5, 0.5, 0.5],
        "own_laps": [3, 9, 4, 3, 12],
        "speed_consistency": [0.98, 0.99, None, None, None],
    }
)


ALL = replace(Settings(), opportunities=OpportunitySettings(min_ranked_share=0.0, min_ranked_drivers=1))
EVERYBODY = TARGETS.assign(clean_laps=12)


def order(category: str, targets: pd.DataFrame = TARGETS) -> list[tuple[str, int]]:
    rows = rank_drivers(targets, DRIVING, ALL)
    chosen = rows[rows["category"] == category].sort_values(["rank", "vehicle_id"])
    return list(zip(chosen["vehicle_id"], chosen["rank"], strict=True))


def test_equal_values_share_a_rank_and_the_next_one_is_left_out() -> None:
    assert order("pace") == [("d", 1), ("b", 2), ("c", 2), ("a", 4)]
    assert order("steering", EVERYBODY) == [(vehicle, 1) for vehicle in "abcde"]


def test_few_laps_say_nothing_of_consistency_and_gain() -> None:
    assert order("consistency") == [("c", 1), ("a", 2), ("b", 3)]
    assert order("gain") == [("b", 1), ("c", 2), ("a", 3)]


def test_only_drivers_with_a_value_are_ranked_and_counted() -> None:
    assert order("brake", EVERYBODY) == [("b", 1), ("d", 2), ("a", 3)]
    assert order("brake") == [("b", 1), ("a", 2)]
    assert order("throttle") == []
    rows = rank_drivers(TARGETS, DRIVING, ALL)
    assert set(rows.loc[rows["category"] == "speed", "drivers"]) == {2}


def test_a_driver_of_fewer_laps_has_no_place_in_driving_and_the_ranking_says_how_many_it_takes() -> None:
    few = DRIVING.assign(own_laps=[3, 2, 0, 3, 12])
    rows = rank_drivers(EVERYBODY, few, ALL).set_index("category")
    assert rows.loc["brake", "vehicle_id"].tolist() == ["a", "d"]
    assert set(rows.loc["brake", "least_traced"]) == {3}
    assert set(rows.loc["pace", "least_traced"]) == {0}
    assert set(rows.loc["pace", "least_laps"]) == {1}


def test_who_drove_less_than_half_the_most_clean_laps_is_ranked_by_pace_only() -> None:
    half = replace(ALL, opportunities=OpportunitySettings(min_ranked_share=0.5, min_ranked_drivers=1))
    rows = rank_drivers(TARGETS.assign(clean_laps=[10, 21, 20, 11, 0]), DRIVING, half)
    first = rows[rows["vehicle_id"] == "a"]
    assert set(first["category"]) == {"pace"}
    assert set(rows.loc[rows["category"] == "brake", "vehicle_id"]) == {"b", "d"}
    assert set(rows.loc[rows["category"] == "consistency", "least_laps"]) == {11}


def test_a_category_of_few_drivers_is_no_ranking() -> None:
    assert set(rank_drivers(TARGETS, DRIVING, Settings())["category"]) == {"pace"}


def test_rows_fit_the_table_also_without_any_driver() -> None:
    for rows in (
        rank_drivers(TARGETS, DRIVING, Settings()),
        rank_drivers(TARGETS.iloc[:0], DRIVING.iloc[:0], Settings()),
    ):
        assert conform(rows, TABLES["rankings"]).num_rows == len(rows)
