"""Lap statistics per driver and figures of the field."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.methods.siwtl import compute_siwtl
from grx_pipeline.methods.statistics import fleet_statistics, lap_statistics
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import SiwtlSettings
from grx_pipeline.storage.parquet import conform

NO_TELEMETRY = pd.DataFrame({"vehicle_id": ["a"], "is_complete": [False]})
SECTIONS = ("im1a_ms", "im1_ms", "im2a_ms", "im2_ms", "im3a_ms", "fl_ms")


def lap(vehicle: str, number: int, time_ms: float, *, valid: bool = True, clean: bool = True) -> dict[str, Any]:
    """A lap whose first two sectors take 30 s and 40 s; `time_ms` is NaN where the timing has none."""
    sectors = (30_000, 40_000, time_ms - 70_000)
    return {
        "vehicle_id": vehicle,
        "lap_number": number,
        "lap_time_ms": time_ms,
        "is_valid": valid,
        "is_clean": valid and clean,
        **{f"sector_{n}_ms": ms for n, ms in enumerate(sectors, start=1)},
        **dict.fromkeys(SECTIONS, np.nan),
        "top_speed_kmh": 200.0 + number,
    }


def drivers(**classes: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        {"vehicle_id": classes.keys(), "vehicle_class": classes.values(), "has_logger": True, "has_telemetry": False}
    )


def statistics_of(
    cars: pd.DataFrame, laps: list[dict[str, Any]], telemetry: pd.DataFrame = NO_TELEMETRY
) -> pd.DataFrame:
    frame = lap_statistics(cars, pd.DataFrame(laps), telemetry)
    return conform(frame, TABLES["lap_statistics"]).to_pandas().set_index("vehicle_id")


def fleet_of(cars: pd.DataFrame, rows: list[dict[str, Any]]) -> pd.DataFrame:
    laps = pd.DataFrame(rows)
    statistics = lap_statistics(cars, laps, NO_TELEMETRY)
    targets = compute_siwtl(laps, cars["vehicle_id"], SiwtlSettings()).targets.to_pandas()
    fleet = conform(fleet_statistics(cars, laps, statistics, targets), TABLES["fleet_statistics"])
    return fleet.to_pandas().set_index("figure")


def test_times_are_over_valid_laps_and_best_sectors_over_clean_laps() -> None:
    laps = [
        lap("a", 1, 105_000, clean=False),
        lap("a", 2, 99_000),
        lap("a", 3, 98_000, clean=False),
        lap("a", 4, 97_000, valid=False),
    ]
    row = statistics_of(drivers(a="Am"), laps).loc["a"]
    assert row[["laps", "valid_laps", "clean_laps", "telemetry_laps"]].tolist() == [4, 3, 1, 0]
    assert row[["best_lap_ms", "best_lap_number", "median_lap_ms", "clean_median_lap_ms"]].tolist() == [
        *(98_000, 3, 99_000, 99_000),
    ]
    assert row[["best_sector_1_ms", "best_sector_2_ms", "best_sector_3_ms"]].tolist() == [30_000, 40_000, 29_000]
    assert row["top_speed_kmh"] == 203


def test_means_and_medians_are_whole_milliseconds_half_up() -> None:
    row = statistics_of(drivers(a="Am"), [lap("a", 2, 98_000), lap("a", 3, 98_001)]).loc["a"]
    assert row[["mean_lap_ms", "median_lap_ms", "clean_median_lap_ms"]].tolist() == [98_001] * 3
    assert row["std_lap_ms"] == pytest.approx(0.5**0.5)


@settings(max_examples=15)
@given(times=st.lists(st.integers(80_000, 900_000), min_size=1, max_size=30))
def test_mean_is_within_half_a_millisecond_and_rounds_up_at_the_half(times: list[int]) -> None:
    row = statistics_of(drivers(a="Am"), [lap("a", n, ms) for n, ms in enumerate(times, start=1)]).loc["a"]
    assert row["mean_lap_ms"] == (2 * sum(times) + len(times)) // (2 * len(times))


def test_best_lap_is_the_earliest_of_the_fastest() -> None:
    laps = [lap("a", 5, 98_000), lap("a", 3, 98_000), lap("a", 2, 98_500)]
    assert statistics_of(drivers(a="Am"), laps).loc["a", "best_lap_number"] == 3


def test_gap_is_to_the_best_of_the_class() -> None:
    laps = [lap("a", 2, 98_000), lap("b", 2, 98_400), lap("c", 2, 97_000), lap("d", 2, 99_000), lap("e", 2, 99_250)]
    gaps = statistics_of(drivers(a="Am", b="Am", c="Pro", d=None, e=None), laps)["gap_to_class_best_ms"]
    assert gaps.to_dict() == {"a": 0, "b": 400, "c": 0, "d": 0, "e": 250}


def test_car_without_laps_or_without_a_valid_lap_has_counts_and_nulls() -> None:
    rows = statistics_of(drivers(a="Am", b="Am", c="Am"), [lap("a", 2, 98_000), lap("b", 1, np.nan, valid=False)])
    assert rows["laps"].to_dict() == {"a": 1, "b": 1, "c": 0}
    assert rows.loc[["b", "c"], ["best_lap_ms", "best_lap_number", "mean_lap_ms", "std_lap_ms"]].isna().all(axis=None)
    assert rows.loc["a", "std_lap_ms":"std_lap_ms"].isna().all()


def test_telemetry_laps_are_those_with_complete_telemetry() -> None:
    telemetry = pd.DataFrame({"vehicle_id": ["a", "a", "a"], "is_complete": [True, False, True]})
    rows = statistics_of(drivers(a="Am"), [lap("a", n, 98_000) for n in (1, 2, 3, 4)], telemetry)
    assert rows.loc["a", "telemetry_laps"] == 2


def test_fleet_figures_name_their_car_and_lap() -> None:
    laps = [lap("a", 2, 98_000), lap("a", 3, 97_900), lap("b", 2, 97_900), lap("b", 3, 99_000, clean=False)]
    fleet = fleet_of(drivers(b="Am", a="Am"), laps)
    assert fleet.loc["best_lap_ms", ["value", "vehicle_id", "lap_number"]].tolist() == [97_900, "a", 3]
    assert fleet.loc["best_sector_3_ms", ["value", "vehicle_id", "lap_number"]].tolist() == [27_900, "a", 3]
    assert fleet.loc["ideal_lap_ms", "value"] == 97_900
    assert fleet.loc["top_speed_kmh", ["value", "vehicle_id", "lap_number"]].tolist() == [203, "a", 3]
    assert fleet.loc[["cars", "laps", "valid_laps", "clean_laps"], "value"].tolist() == [2, 4, 4, 3]
    assert fleet.loc["mean_lap_ms", "value"] == 98_200
    assert fleet.loc["median_clean_lap_ms", "value"] == 97_900


def test_largest_gain_is_among_cars_of_normal_confidence() -> None:
    unsure = [lap("a", 2, 98_000) | {"sector_1_ms": 31_000}, lap("a", 3, 99_000) | {"sector_1_ms": 29_000}]
    sure = [lap("b", n, 98_000 + n) | {"sector_1_ms": 30_000 - 10 * n} for n in range(2, 10)]
    fleet = fleet_of(drivers(a="Am", b="Am"), [*unsure, *sure])
    assert fleet.loc["largest_potential_gain_ms", "vehicle_id"] == "b"
    assert fleet.loc["cars_of_low_confidence", "value"] == 1


def test_field_without_valid_laps_has_the_same_figures_without_values() -> None:
    full = fleet_of(drivers(a="Am"), [lap("a", 2, 98_000)])
    empty = fleet_of(drivers(a="Am"), [lap("a", 1, np.nan, valid=False) | {"top_speed_kmh": np.nan}])
    assert empty.index.tolist() == full.index.tolist()
    assert empty.loc[["cars", "laps", "valid_laps", "cars_without_clean_lap"], "value"].tolist() == [1, 1, 0, 1]
    assert empty.loc[["best_lap_ms", "ideal_lap_ms", "mean_lap_ms", "top_speed_kmh"], "value"].isna().all()
