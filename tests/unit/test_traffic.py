"""Which sectors were driven close behind another car."""

import pandas as pd

from grx_pipeline.methods.advice.traffic import sectors_in_traffic

SECTOR_MS = 30_000


def laps_of(**starts_ms: int) -> pd.DataFrame:
    """Two laps of even sectors for each car, from its first start."""
    rows = [
        {
            "vehicle_id": car,
            "lap_number": lap,
            "lap_time_ms": 3 * SECTOR_MS,
            "elapsed_ms": start + lap * 3 * SECTOR_MS,
            **{f"sector_{n}_ms": SECTOR_MS for n in (1, 2, 3)},
            "is_pit_in": False,
        }
        for car, start in starts_ms.items()
        for lap in (1, 2)
    ]
    return pd.DataFrame(rows)


def in_traffic(laps: pd.DataFrame, car: str) -> list[list[bool]]:
    return sectors_in_traffic(laps, gap_s=1.0)[(laps["vehicle_id"] == car).to_numpy()].tolist()


def test_a_car_close_behind_is_in_traffic_in_every_sector_and_the_one_ahead_is_not() -> None:
    laps = laps_of(ahead=0, behind=900)
    assert in_traffic(laps, "behind") == [[True] * 3] * 2
    assert in_traffic(laps, "ahead") == [[False] * 3] * 2


def test_a_car_further_behind_is_free() -> None:
    assert in_traffic(laps_of(ahead=0, behind=1100), "behind") == [[False] * 3] * 2


def test_closing_up_in_one_sector_marks_the_sectors_on_both_sides_of_that_line() -> None:
    laps = laps_of(ahead=0, behind=3000)
    second = (laps["vehicle_id"] == "behind") & (laps["lap_number"] == 2)
    laps.loc[second, ["sector_1_ms", "sector_2_ms"]] = [SECTOR_MS - 2500, SECTOR_MS + 2500]
    assert in_traffic(laps, "behind") == [[False, False, False], [True, True, False]]


def test_being_close_at_the_start_of_a_lap_counts_for_its_first_sector() -> None:
    laps = laps_of(ahead=0, behind=3000)
    first = (laps["vehicle_id"] == "behind") & (laps["lap_number"] == 1)
    laps.loc[first, ["sector_3_ms", "lap_time_ms", "elapsed_ms"]] -= 2500
    second = (laps["vehicle_id"] == "behind") & (laps["lap_number"] == 2)
    laps.loc[second, ["sector_1_ms", "lap_time_ms"]] += 2500
    assert in_traffic(laps, "behind") == [[False, False, True], [True, False, False]]


def test_a_car_that_enters_the_pits_is_in_nobodys_way_at_the_line() -> None:
    laps = laps_of(ahead=0, behind=900)
    laps.loc[laps["vehicle_id"] == "ahead", ["sector_1_ms", "sector_2_ms"]] = None
    laps["is_pit_in"] = laps["vehicle_id"] == "ahead"
    assert in_traffic(laps, "behind") == [[False] * 3] * 2
