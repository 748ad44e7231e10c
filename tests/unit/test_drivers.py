import numpy as np
import pandas as pd

from grx_pipeline.laps.drivers import driver_rows, name_vehicles, number_drivers, place_results


def timing(*cars: tuple[str, int, float]) -> pd.DataFrame:
    """NUMBER, place within its NUMBER and race time of each car, counted from 0: two laps each."""
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
        for car, (number, index, elapsed) in enumerate(cars)
        for lap in (1, 2)
    ]
    return pd.DataFrame(rows).astype({"driver_name": object, "team": object})


_RESULT_COLUMNS = (
    *("file", "row_number", "is_used", "position", "car_number", "status", "total_time_ms", "gap_first"),
    *("vehicle_class", "driver_name", "team"),
)


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
        ],
        columns=list(_RESULT_COLUMNS),
    ).astype({"is_used": bool, "total_time_ms": float})


def drivers_of(
    laps: pd.DataFrame,
    listed: pd.DataFrame,
    *,
    loggers: dict[int, str] | None = None,
    samples: dict[str, int] | None = None,
    names: dict[int, str] | None = None,
) -> pd.DataFrame:
    """Rows of `drivers` by vehicle_id."""
    loggers, samples = loggers or {}, samples or {}
    vehicles = pd.DataFrame({"vehicle_id": list(samples), "samples": list(samples.values())})
    placed, cars = place_results(listed, laps)
    cars = number_drivers(laps, cars)
    ids = name_vehicles(cars, loggers)
    rows = driver_rows(laps, placed, cars, ids, names=names or {}, with_logger=set(loggers), vehicles=vehicles)
    return rows.set_index("vehicle_id")


def test_a_number_keeps_its_zero_as_text_and_loses_it_as_integer() -> None:
    laps = timing(("3", 1, 200.0), ("03", 1, 210.0))
    listed = results(("3", 200.0, 1), ("03", 210.0, 2))
    drivers = drivers_of(laps, listed, loggers={1: "GR86-040-3"}, samples={"GR86-040-3": 5})
    assert drivers["car_number"].to_dict() == {"car-3": "3", "GR86-040-3": "03"}
    assert drivers["vehicle_number"].tolist() == [3, 3]
    assert drivers["driver_id"].tolist() == ["3-1", "03-1"]
    assert drivers["has_logger"].tolist() == drivers["has_telemetry"].tolist() == [False, True]
    assert drivers["laps"].tolist() == [2, 2]


def test_two_cars_of_one_number_get_the_results_that_fit_their_race_times() -> None:
    laps = timing(("3", 1, 200.0), ("3", 2, 230.0))
    drivers = drivers_of(laps, results(("3", 230.0, 1), ("3", 200.0, 2)))
    assert drivers["position"].to_dict() == {"car-3": 2, "car-3-2": 1}
    assert drivers["driver_id"].to_dict() == {"car-3": "3-1", "car-3-2": "3-1-2"}


def test_a_result_without_a_time_goes_to_the_car_that_no_other_result_fits() -> None:
    laps = timing(("3", 1, 200.0), ("3", 2, 230.0))
    drivers = drivers_of(laps, results(("3", None, 15), ("3", 200.0, 18)))
    assert drivers["position"].to_dict() == {"car-3": 18, "car-3-2": 15}


def test_a_result_row_that_no_car_is_left_for_is_a_car_without_laps() -> None:
    drivers = drivers_of(timing(("7", 1, 200.0)), results(("7", 200.0, 1), ("7", None, None), ("99", None, None)))
    assert drivers[["status", "laps", "driver_id"]].to_dict("index") == {
        "car-7": {"status": "Classified", "laps": 2, "driver_id": "7-1"},
        "car-7-2": {"status": "Not started", "laps": 0, "driver_id": "7-1-2"},
        "car-99": {"status": "Not started", "laps": 0, "driver_id": "99-1"},
    }


def test_a_name_is_taken_from_a_file_that_is_not_used_where_the_used_one_has_none() -> None:
    provisional = results(("7", 205.0, 3), file="03_Provisional.CSV", name="A. Driver")
    listed = pd.concat([results(("7", 200.0, 1)), provisional], ignore_index=True)
    drivers = drivers_of(timing(("7", 1, 200.0)), listed)
    assert drivers[["driver_name", "position"]].values.tolist() == [["A. Driver", 1]]


def test_a_number_that_looks_like_a_second_cars_name_keeps_both_cars_apart() -> None:
    laps = timing(("3", 1, 200.0), ("3", 2, 230.0), ("3-2", 1, 240.0), ("3-1", 2, 250.0))
    drivers = drivers_of(laps, results())
    assert drivers.index.is_unique
    assert drivers["driver_id"].is_unique
    assert {"car-3", "car-3-2"} < set(drivers.index)


def test_ids_that_are_no_file_names_get_one() -> None:
    drivers = drivers_of(timing(("7/A", 1, 200.0)), results(("7/A", 200.0, 1)))
    assert drivers["vehicle_number"].isna().all()
    assert "/" not in drivers.loc["car-7/A", "path"]


def test_without_a_results_file_every_car_is_there_without_a_place() -> None:
    drivers = drivers_of(timing(("7", 1, 200.0), ("8", 1, 201.0)), results())
    assert drivers["position"].isna().all()
    assert len(drivers) == 2


def test_a_name_that_the_team_gives_stands_before_the_files() -> None:
    laps = timing(("7", 1, 200.0), ("13", 1, 210.0))
    named = drivers_of(laps, results(("7", 200.0, 1), ("13", 210.0, 2), name="Driver"), names={1: "Zoë"})
    assert named["driver_name"].to_dict() == {"car-7": "Driver", "car-13": "Zoë"}
