"""Counts and lap times per driver and of the whole field: the figures a session page opens with.

Plain aggregates of official laps and of the targets; judging laps (laps/validity.py) and targets (siwtl.py) do not
belong here. Means and medians of times are whole milliseconds, half up.
"""

from typing import Any

import pandas as pd
import pyarrow as pa

from grx_pipeline.methods.siwtl import SECTOR_COLUMNS
from grx_pipeline.robust import half_up
from grx_pipeline.schemas import TABLES

COUNTS = ("laps", "valid_laps", "clean_laps", "telemetry_laps")


def lap_statistics(drivers: pd.DataFrame, laps: pd.DataFrame, telemetry_laps: pd.DataFrame) -> pd.DataFrame:
    """Rows of the table `lap_statistics`, one per row of `drivers`, from the tables of the same names.

    Best, mean, median, deviation and top speed are over valid laps, best sectors over clean laps; without such laps
    they are null. The deviation is a sample's, so null under two laps. The best lap is the earliest of the fastest. The
    class's best is over cars of the same vehicle_class, those without one together.
    """
    ordered = laps.sort_values(["vehicle_id", "lap_number"])
    valid, clean = ordered[ordered["is_valid"]], ordered[ordered["is_clean"]]
    times = valid.groupby("vehicle_id")["lap_time_ms"]
    best = valid.loc[times.idxmin()].set_index("vehicle_id")
    complete = telemetry_laps[telemetry_laps["is_complete"]]
    counts = [rows.groupby("vehicle_id").size() for rows in (ordered, valid, clean, complete)]
    columns = dict(zip(COUNTS, counts, strict=True)) | {
        "best_lap_ms": best["lap_time_ms"],
        "best_lap_number": best["lap_number"],
        "mean_lap_ms": half_up(times.mean()),
        "median_lap_ms": half_up(times.median()),
        "std_lap_ms": times.std(),
        "clean_median_lap_ms": half_up(clean.groupby("vehicle_id")["lap_time_ms"].median()),
        **{f"best_{name}": clean.groupby("vehicle_id")[name].min() for name in SECTOR_COLUMNS},
        "top_speed_kmh": valid.groupby("vehicle_id")["top_speed_kmh"].max(),
    }
    table = pd.DataFrame(columns, index=pd.Index(drivers["vehicle_id"], name="vehicle_id"))
    table[list(COUNTS)] = table[list(COUNTS)].fillna(0)
    classes = drivers.set_index("vehicle_id")["vehicle_class"].fillna("")
    table["gap_to_class_best_ms"] = table["best_lap_ms"] - table["best_lap_ms"].groupby(classes).transform("min")
    return table.reset_index()


def fleet_statistics(
    drivers: pd.DataFrame, laps: pd.DataFrame, statistics: pd.DataFrame, targets: pd.DataFrame
) -> pa.Table:
    """Rows of the table `fleet_statistics`, from `drivers`, `laps`, `lap_statistics` and `siwtl`.

    The same figures in every session, null where nothing gives them. A figure that is one car's or one lap's names
    it: the earliest lap, and the first car by id, where several share it. The largest gain and the best consistency
    are among cars of normal confidence.
    """
    ordered = laps.sort_values(["vehicle_id", "lap_number"])
    clean = ordered[ordered["is_clean"]]
    sure = targets[targets["confidence"] == "normal"]
    extremes = {
        "best_lap_ms": _lowest(statistics, "best_lap_ms", lap="best_lap_number"),
        **{f"best_{name}": _lowest(clean, name, lap="lap_number") for name in SECTOR_COLUMNS},
        "best_siwtl_lap_ms": _lowest(targets, "siwtl_lap_ms"),
        "largest_potential_gain_ms": _highest(sure, "potential_gain_ms"),
        "best_consistency_score": _highest(sure, "consistency_score"),
        "top_speed_kmh": _highest(ordered[ordered["is_valid"]], "top_speed_kmh", lap="lap_number"),
    }
    figures = _counts(drivers, statistics, targets) | _field_times(ordered, statistics, targets)
    rows = [{"figure": name, "value": None if pd.isna(value) else float(value)} for name, value in figures.items()]
    rows += [{"figure": name} | extreme for name, extreme in extremes.items()]
    return pa.Table.from_pylist(rows, schema=TABLES["fleet_statistics"].arrow_schema())


def _counts(drivers: pd.DataFrame, statistics: pd.DataFrame, targets: pd.DataFrame) -> dict[str, float]:
    return {
        "cars": len(drivers),
        "cars_with_logger": drivers["has_logger"].sum(),
        "cars_with_telemetry": drivers["has_telemetry"].sum(),
        "cars_without_clean_lap": (targets["confidence"] == "none").sum(),
        "cars_of_low_confidence": (targets["confidence"] == "low").sum(),
        **{name: statistics[name].sum() for name in COUNTS},
    }


def _field_times(laps: pd.DataFrame, statistics: pd.DataFrame, targets: pd.DataFrame) -> dict[str, float]:
    """Figures of the field as a whole; `ideal_lap_ms` joins the best clean sectors of all cars."""
    clean = laps[laps["is_clean"]]
    return {
        "mean_lap_ms": half_up(laps.loc[laps["is_valid"], "lap_time_ms"].mean()),
        "median_clean_lap_ms": half_up(clean["lap_time_ms"].median()),
        "median_best_lap_ms": half_up(statistics["best_lap_ms"].median()),
        "ideal_lap_ms": clean[list(SECTOR_COLUMNS)].min().sum(skipna=False),
        "mean_potential_gain_ms": half_up(targets["potential_gain_ms"].mean()),
        "median_potential_gain_ms": half_up(targets["potential_gain_ms"].median()),
        "median_consistency_score": targets["consistency_score"].median(),
    }


def _lowest(rows: pd.DataFrame, column: str, *, lap: str | None = None) -> dict[str, Any]:
    return _named(_known(rows, column).nsmallest(1, column), column, lap)


def _highest(rows: pd.DataFrame, column: str, *, lap: str | None = None) -> dict[str, Any]:
    return _named(_known(rows, column).nlargest(1, column), column, lap)


def _known(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    return rows.dropna(subset=column).sort_values("vehicle_id", kind="stable")


def _named(row: pd.DataFrame, column: str, lap: str | None) -> dict[str, Any]:
    """The one row's value with its car and lap; nulls where there is no row."""
    if row.empty:
        return {"value": None}
    first = row.iloc[0]
    numbered = {"lap_number": int(first[lap])} if lap else {}
    return {"value": float(first[column]), "vehicle_id": first["vehicle_id"]} | numbered
