"""Drivers in order, category by category. Only those whose figure is known are ranked."""

import math
from dataclasses import dataclass

import pandas as pd

from grx_pipeline.settings import Settings


@dataclass(frozen=True, kw_only=True)
class _Category:
    """What a ranking is made of: a column of siwtl or dptad_drivers, its unit, and whether less is better."""

    name: str
    column: str
    unit: str
    is_less_better: bool = False


_OF_LAPS = (_Category(name="pace", column="best_lap_ms", unit="ms", is_less_better=True),)
_OF_ENOUGH_LAPS = (
    _Category(name="consistency", column="consistency_score", unit="%"),
    _Category(name="gain", column="potential_gain_ms", unit="ms", is_less_better=True),
)
_OF_DRIVING = (
    _Category(name="brake", column="brake_smoothness", unit="1"),
    _Category(name="throttle", column="throttle_smoothness", unit="1"),
    _Category(name="steering", column="steering_smoothness", unit="1"),
    _Category(name="speed", column="speed_consistency", unit="1"),
)


def rank_drivers(targets: pd.DataFrame, driving: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Rows of the table rankings, from the tables siwtl and dptad_drivers; categories of too few drivers have none.

    Drivers with fewer laps than a category takes are left out: a single lap is perfectly consistent, has nothing to
    gain, and its smoothness is one lap's; who stops early has not driven on worn tyres, or in a tired car.
    """
    most = int(targets["clean_laps"].max()) if len(targets) else 0
    half = math.ceil(settings.opportunities.min_ranked_share * most)
    least, traced = max(half, settings.siwtl.low_confidence_laps), settings.dptad.min_ranked_laps
    often = driving[driving["own_laps"] >= traced]
    often = often[often["vehicle_id"].isin(targets.loc[targets["clean_laps"] >= least, "vehicle_id"])]
    sure = targets[(targets["confidence"] == "normal") & (targets["clean_laps"] >= least)]
    parts = [_ranked(targets, category, 1, 0) for category in _OF_LAPS]
    parts += [_ranked(sure, category, least, 0) for category in _OF_ENOUGH_LAPS]
    parts += [_ranked(often, category, least, traced) for category in _OF_DRIVING]
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["drivers"] >= settings.opportunities.min_ranked_drivers].reset_index(drop=True)


def _ranked(drivers: pd.DataFrame, category: _Category, least_laps: int, least_traced: int) -> pd.DataFrame:
    known = drivers.dropna(subset=category.column)
    values = known[category.column].astype(float)
    ranks = values.rank(method="min", ascending=category.is_less_better)
    return pd.DataFrame(
        {
            "category": pd.Series(category.name, index=known.index, dtype="str"),
            "rank": ranks.astype("int64"),
            "vehicle_id": known["vehicle_id"],
            "value": values,
            "unit": pd.Series(category.unit, index=known.index, dtype="str"),
            "drivers": pd.Series(len(known), index=known.index, dtype="int64"),
            "least_laps": pd.Series(least_laps, index=known.index, dtype="int64"),
            "least_traced": pd.Series(least_traced, index=known.index, dtype="int64"),
        }
    )
