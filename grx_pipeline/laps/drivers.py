"""Every car of the timing with its driver, its place in the result and its ids."""

import pandas as pd

from grx_pipeline.laps.matching import as_integer
from grx_pipeline.paths import path_ids

# DRIVER_NUMBER of a car that is only in the results, which do not carry it; it is 1 in every file of the series.
_ONLY_DRIVER = 1


def result_cars(results: pd.DataFrame, timing: pd.DataFrame) -> pd.DataFrame:
    """Rows of `results` with `car`, the car of the timing each belongs to; its NUMBER where it drove no lap.

    Where two cars share a NUMBER, the row goes to the car whose last ELAPSED is nearest to its TOTAL_TIME.
    """
    cars = timing.groupby("car", sort=False).agg(car_number=("car_number", "first"), elapsed=("elapsed_ms", "max"))
    pairs = results.merge(cars.reset_index(), on="car_number", how="left")
    pairs["car"] = pairs["car"].fillna(pairs["car_number"])
    pairs["distance"] = (pairs["total_time_ms"] - pairs["elapsed"]).abs()
    pairs = pairs.sort_values(["distance", "file", "row_number"], kind="stable")
    pairs = pairs.drop_duplicates(["file", "row_number"]).drop_duplicates(["file", "car"])
    return pairs.drop(columns=["distance", "elapsed"]).sort_values(["file", "row_number"]).reset_index(drop=True)


def driver_rows(
    timing: pd.DataFrame, results: pd.DataFrame, vehicle_ids: dict[str, str], vehicles: pd.DataFrame
) -> pd.DataFrame:
    """Rows of `drivers`.

    `timing` are official laps with car and car_index, `results` rows with car, `vehicle_ids` the id of each car and
    `vehicles` the rows of `telemetry_vehicles`. A name or team missing in the laps is taken from the results, the
    used file first.
    """
    laps = timing.sort_values(["car", "lap_number"]).groupby("car", sort=False).first()
    laps["laps"] = timing.groupby("car").size()
    rows = pd.DataFrame(index=pd.Index(list(vehicle_ids), name="car"))
    rows = rows.join(laps[["car_number", "car_index", "driver_number", "vehicle_class", "vehicle_group", "laps"]])
    used = results[results["is_used"]].set_index("car")
    listed = results.sort_values(["is_used", "file", "row_number"], ascending=[False, True, True])
    listed = listed.groupby("car", sort=False).first()
    for column in ("driver_name", "team"):
        rows[column] = laps[column].reindex(rows.index).combine_first(listed[column].reindex(rows.index))
    rows = rows.join(used[["position", "status", "total_time_ms", "gap_first"]])
    rows["car_number"] = rows["car_number"].fillna(listed["car_number"])
    rows["vehicle_class"] = rows["vehicle_class"].fillna(listed["vehicle_class"])
    rows = rows.fillna({"car_index": 1, "driver_number": _ONLY_DRIVER, "laps": 0})
    rows["vehicle_id"] = pd.Series(vehicle_ids)
    second = rows["car_index"].astype(int).map(lambda index: "" if index == 1 else f"-{index}")
    rows["driver_id"] = rows["car_number"] + "-" + rows["driver_number"].astype(int).astype(str) + second
    rows["vehicle_number"] = pd.array(rows["car_number"].map(as_integer).tolist(), dtype="Int64")
    with_samples = vehicles.loc[vehicles["samples"] > 0, "vehicle_id"]
    rows["has_logger"] = rows["vehicle_id"] != "car-" + rows.index.to_series()
    rows["has_telemetry"] = rows["vehicle_id"].isin(with_samples)
    rows["path"] = rows["vehicle_id"].map(path_ids(rows["vehicle_id"]))
    return rows.drop(columns="car_index").reset_index(drop=True)
