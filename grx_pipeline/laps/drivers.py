"""Every car of the timing with its driver, its place in the result and its ids.

A car is a number counted from 0 within the session, since no text of the files tells all cars apart.
"""

import hashlib
from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy

from grx_pipeline.laps.matching import as_integer
from grx_pipeline.paths import path_ids

# DRIVER_NUMBER of a car that is only in the results, which do not carry it; it is 1 in every file of the series.
_ONLY_DRIVER = 1
_NO_TIME_MS = 1e12
_HASH_LENGTH = 8


def place_results(results: pd.DataFrame, timing: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `results` with `car`, and all cars: car, car_number, car_index (1 is the first of its NUMBER).

    `timing` has car, car_number, car_index and elapsed_ms. Where a NUMBER stands for several cars or rows, the rows of
    a file go to the cars so that TOTAL_TIME and last ELAPSED differ least in all. A row that is left over is a car of
    its own, without laps.
    """
    cars = timing.groupby("car", as_index=False).agg(
        car_number=("car_number", "first"), car_index=("car_index", "first"), elapsed_ms=("elapsed_ms", "max")
    )
    known = {(number, index): car for car, number, index in cars[["car", "car_number", "car_index"]].to_numpy()}
    placed = pd.Series(-1, index=results.index)
    for (_, number), rows in results.groupby(["file", "car_number"], sort=True):
        own = cars[cars["car_number"] == number]
        apart = np.abs(rows["total_time_ms"].to_numpy()[:, None] - own["elapsed_ms"].to_numpy()[None, :])
        row, column = scipy.optimize.linear_sum_assignment(np.nan_to_num(apart, nan=_NO_TIME_MS))
        placed[rows.index[row]] = own["car"].to_numpy()[column]
        left_over = rows.index.delete(row)
        for index, at in enumerate(left_over, len(own) + 1):
            placed[at] = known.setdefault((number, index), len(known))
    everyone = pd.DataFrame([(car, *key) for key, car in known.items()], columns=["car", "car_number", "car_index"])
    return results.assign(car=placed), everyone.sort_values("car").reset_index(drop=True)


def number_drivers(timing: pd.DataFrame, cars: pd.DataFrame) -> pd.DataFrame:
    """`cars` as place_results gives them, with the DRIVER_NUMBER of each and the driver id made of it."""
    first = timing.sort_values(["car", "lap_number"]).groupby("car")["driver_number"].first()
    numbers = cars["car"].map(first).fillna(_ONLY_DRIVER).astype(int)
    ids = cars["car_number"] + "-" + numbers.astype(str) + _second(cars["car_index"])
    return cars.assign(driver_number=numbers, driver_id=_told_apart(ids, cars))


def name_vehicles(cars: pd.DataFrame, loggers: Mapping[int, str]) -> dict[int, str]:
    """The vehicle id of each car: its logger's, or car-<NUMBER>, or car-<NUMBER>-2 for a second car of one NUMBER.

    `loggers` are the logger ids of the cars that have one. A name that is taken gets a short hash of the car's own.
    """
    with_logger = cars["car"].isin(list(loggers))
    ordered = pd.concat([cars[with_logger], cars[~with_logger]])
    names = "car-" + ordered["car_number"] + _second(ordered["car_index"])
    names = ordered["car"].map(loggers).fillna(names) if loggers else names
    return dict(zip(ordered["car"], _told_apart(names, ordered), strict=True))


def driver_rows(
    timing: pd.DataFrame,
    results: pd.DataFrame,
    cars: pd.DataFrame,
    vehicle_ids: Mapping[int, str],
    *,
    names: Mapping[int, str],
    with_logger: set[int],
    vehicles: pd.DataFrame,
) -> pd.DataFrame:
    """Rows of `drivers`.

    `timing` are official laps with car, `results` as place_results gives them, `cars` as number_drivers does,
    `vehicles` the rows of `telemetry_vehicles`. A name or team missing in the laps is taken from the results, the used
    file first; `names` of the team stand before both.
    """
    laps = timing.sort_values(["car", "lap_number"]).groupby("car").first()
    laps["laps"] = timing.groupby("car").size()
    rows = cars.set_index("car")
    rows = rows.join(laps[["vehicle_class", "vehicle_group", "laps"]])
    used = results[results["is_used"]].set_index("car")
    listed = (
        results.sort_values(["is_used", "file", "row_number"], ascending=[False, True, True]).groupby("car").first()
    )
    for column in ("driver_name", "team"):
        rows[column] = laps[column].reindex(rows.index).combine_first(listed[column].reindex(rows.index))
    given = pd.Series(rows.index.map(names), index=rows.index, dtype=object)
    rows["driver_name"] = given.combine_first(rows["driver_name"])
    rows = rows.join(used[["position", "status", "total_time_ms", "gap_first"]])
    rows["vehicle_class"] = rows["vehicle_class"].fillna(listed["vehicle_class"])
    rows = rows.fillna({"laps": 0}).reset_index()
    rows["vehicle_id"] = rows["car"].map(vehicle_ids)
    rows["vehicle_number"] = pd.array(rows["car_number"].map(as_integer).tolist(), dtype="Int64")
    rows["has_logger"] = rows["car"].isin(with_logger)
    rows["has_telemetry"] = rows["vehicle_id"].isin(vehicles.loc[vehicles["samples"] > 0, "vehicle_id"])
    rows["path"] = rows["vehicle_id"].map(path_ids(rows["vehicle_id"]))
    return rows.drop(columns=["car", "car_index"])


def _second(car_index: pd.Series) -> pd.Series:
    """`-2` for the second car of a NUMBER, nothing for the first."""
    return ("-" + car_index.astype(str)).where(car_index > 1, "")


def _told_apart(names: pd.Series, cars: pd.DataFrame) -> pd.Series:
    """`names` with a short hash of NUMBER and car behind those that repeat an earlier one."""
    keys = cars["car_number"] + "/" + cars["car_index"].astype(str)
    hashes = [hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH] for key in keys]
    return names.where(~names.duplicated(), names + "-" + pd.Series(hashes, index=names.index))
