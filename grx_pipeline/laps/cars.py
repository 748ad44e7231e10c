"""Which rows of the timing belong to one car. Names no logger; that is matching.py's work.

NUMBER names a car, but the anonymised files lost the zero of `03`: two cars then share NUMBER 3, and only the
running race time tells their laps apart.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd


def split_cars(laps: pd.DataFrame) -> pd.Series:
    """Number of the car (1, 2, ...) within its NUMBER, for each row of `timing_laps`.

    A row continues the row whose ELAPSED plus its own LAP_TIME is its ELAPSED. Chains that share no lap are one
    car (a missing time breaks a chain); the first car is the one that comes first in the file.
    """
    rows = laps.reset_index(drop=True)
    roots = _chain_roots(rows)
    car = np.ones(len(rows), dtype=np.int64)
    counts = rows.groupby(["car_number", "lap_number"])["row_number"].transform("size")
    for number in rows.loc[counts > 1, "car_number"].unique():
        of_number = np.flatnonzero(rows["car_number"] == number)
        car[of_number] = _pack_chains(roots[of_number], rows["lap_number"].to_numpy()[of_number])
    return pd.Series(car, index=laps.index, name="car_index")


def _chain_roots(rows: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Position of the first row of each row's chain, by pointer doubling."""
    ends = pd.DataFrame(
        {
            "car_number": rows["car_number"],
            "lap_number": rows["lap_number"] + 1,
            "elapsed_ms": rows["elapsed_ms"],
            "parent": np.arange(len(rows)),
        }
    ).dropna()
    starts = rows[["car_number", "lap_number"]].assign(elapsed_ms=rows["elapsed_ms"] - rows["lap_time_ms"])
    ends = ends.drop_duplicates(["car_number", "lap_number", "elapsed_ms"])
    found = starts.merge(ends, how="left", on=["car_number", "lap_number", "elapsed_ms"])["parent"].to_numpy()
    parent = np.where(np.isnan(found), np.arange(len(rows)), found).astype(np.int64)
    while not np.array_equal(parent, parent[parent]):
        parent = parent[parent]
    return parent


def _pack_chains(roots: npt.NDArray[np.int64], lap_numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Give each chain, in file order, the first car that has none of its laps yet."""
    car = np.zeros(len(roots), dtype=np.int64)
    driven: list[set[int]] = []
    for root in sorted(set(roots.tolist())):
        chain = roots == root
        wanted = set(lap_numbers[chain].tolist())
        index = next((i for i, taken in enumerate(driven) if not taken & wanted), len(driven))
        if index == len(driven):
            driven.append(set())
        driven[index] |= wanted
        car[chain] = index + 1
    return car
