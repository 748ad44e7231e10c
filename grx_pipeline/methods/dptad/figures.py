"""A driver's driving in figures: smoothness, consistency of speed, what corners cost and give back."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from grx_pipeline.methods.dptad.own import Array
from grx_pipeline.robust import column_medians

_SMOOTHNESS = ("brake_smoothness", "throttle_smoothness", "steering_smoothness")


def speed_consistency(speed_kmh: Array, *, min_laps: int) -> float | None:
    """1 - median over the lap of MAD / median of speed, 0 to 1, over laps (n, k) with gaps.

    Places with fewer than `min_laps` laps do not count; None without any.
    """
    known = speed_kmh[:, np.isfinite(speed_kmh).sum(axis=0) >= min_laps]
    if not known.size:
        return None
    median = column_medians(known)
    spread = column_medians(np.abs(known - median))
    return float(np.clip(1 - np.median(spread / np.maximum(median, 1.0)), 0.0, 1.0))


def smoothness_medians(features: pd.DataFrame) -> dict[str, float | None]:
    """Medians over clean laps of the three smoothness figures of telemetry_features."""
    return {name: _median(features[name]) for name in _SMOOTHNESS}


def corner_figures(
    corners: pd.DataFrame, drivers: pd.DataFrame, field: pd.DataFrame, vehicle_class: str
) -> Mapping[str, float | None]:
    """`corner_speed_loss` and `corner_exit_efficiency` of one driver.

    `corners` are the driver's clean rows of corner_laps, `drivers` his rows of corner_drivers, `field` corner_field.
    The loss of a lap is the mean over corners of 1 - minimum / entry speed; the driver's is the median over laps.
    The efficiency is the median over corners of his median exit speed over the class's upper quartile.
    """
    if corners.empty:
        return {"corner_speed_loss": None, "corner_exit_efficiency": None}
    entry = corners["entry_speed_kmh"].where(corners["entry_speed_kmh"] > 0)
    loss = (1 - corners["min_speed_kmh"] / entry).groupby(corners["lap_number"]).mean()
    own = drivers[drivers["figure"] == "exit_speed_kmh"].set_index("corner_index")["median"]
    is_class = (field["figure"] == "exit_speed_kmh") & (field["vehicle_class"] == vehicle_class)
    best = field[is_class].set_index("corner_index")["quartile_3"]
    return {"corner_speed_loss": _median(loss), "corner_exit_efficiency": _median(own / best.reindex(own.index))}


def _median(values: "pd.Series[float]") -> float | None:
    known = values.dropna()
    return float(known.median()) if len(known) else None
