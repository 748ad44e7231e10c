import numpy as np
import pandas as pd

from grx_pipeline.laps.drivers import driver_rows, result_cars


def timing(*cars: tuple[str, str, int, float]) -> pd.DataFrame:
    """car, car_number, car_index and race time: two laps each."""
    rows = [
        {
            "car": car,
            "car_number": number,
            "car_index": index,
            "driver_number": 1,
            "lap_number": lap,
            "elapsed_ms": elapsed * lap / 2,
            "vehicle_class": "Am",
            "vehicle_group": None,
            "driver_name": None,
            "team": None,
        }
        for car, number, index, elapsed in cars
        for lap in (1, 2)
    ]
    return pd.DataFrame(rows).astype({"driver_name": object, "team": object})


def results(
    *rows: tuple[str, float | None, int | None], file: str = "03_Results.CSV", name: str | None = None
) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "file": file,
                "row_number": n,
                "is_used": file == "03_Results.CSV",
                "position": place,
                "car_number": number,
                "status": "Classified" if place else "Not started",
                "total_time_ms": total if total is not None else np.nan,
                "gap_first": "-",
                "vehicle_class": "Am",
                "driver_name": name,
                "team": None,
            }
            for n, (number, total, place) in enumerate(rows, 1)
        ]
    )


def vehicles(**samples: int) -> pd.DataFrame:
    return pd.DataFrame({"vehicle_id": list(samples), "samples": list(samples.values())})


def test_a_number_keeps_its_zero_as_text_and_loses_it_as_integer() -> None:
    laps = timing(("3", "3", 1, 200.0), ("03", "03", 1, 210.0))
    placed = result_cars(results(("3", 200.0, 1), ("03", 210.0, 2)), laps)
    drivers = driver_rows(laps, placed, {"3": "car-3", "03": "GR86-040-3"}, vehicles(**{"GR86-040-3": 5}))
    assert drivers["car_number"].tolist() == ["3", "03"]
    assert drivers["vehicle_number"].tolist() == [3, 3]
    assert drivers["driver_id"].tolist() == ["3-1", "03-1"]
    assert drivers["has_logger"].tolist() == drivers["has_telemetry"].tolist() == [False, True]
    assert drivers["laps"].tolist() == [2, 2]


def test_two_cars_of_one_number_get_the_results_that_fit_their_race_times() -> None:
    laps = timing(("3", "3", 1, 200.0), ("3-2", "3", 2, 230.0))
    placed = result_cars(results(("3", 230.0, 1), ("3", 200.0, 2)), laps)
    drivers = driver_rows(laps, placed, {"3": "car-3", "3-2": "car-3-2"}, vehicles())
    assert drivers.set_index("vehicle_id")["position"].to_dict() == {"car-3": 2, "car-3-2": 1}
    assert drivers["driver_id"].is_unique


def test_a_car_that_did_not_start_is_listed_without_laps() -> None:
    laps = timing(("7", "7", 1, 200.0))
    placed = result_cars(results(("7", 200.0, 1), ("99", None, None)), laps)
    ids = {car: f"car-{car}" for car in dict.fromkeys([*laps["car"], *placed["car"]])}
    drivers = driver_rows(laps, placed, ids, vehicles()).set_index("vehicle_id")
    assert drivers.loc["car-99", ["status", "laps", "driver_id"]].tolist() == ["Not started", 0, "99-1"]


def test_a_name_is_taken_from_a_file_that_is_not_used_where_the_used_one_has_none() -> None:
    laps = timing(("7", "7", 1, 200.0))
    both = pd.concat([results(("7", 200.0, 1)), results(("7", 205.0, 3), file="03_Provisional.CSV", name="A. Driver")])
    drivers = driver_rows(laps, result_cars(both, laps), {"7": "car-7"}, vehicles())
    assert drivers[["driver_name", "position"]].values.tolist() == [["A. Driver", 1]]


def test_ids_that_are_no_file_names_get_one() -> None:
    laps = timing(("7/A", "7/A", 1, 200.0))
    drivers = driver_rows(laps, result_cars(results(("7/A", 200.0, 1)), laps), {"7/A": "car-7/A"}, vehicles())
    assert drivers["vehicle_number"].isna().all()
    assert "/" not in drivers["path"][0]
