"""What is usual in a corner: medians and spread over a driver's clean laps, quartiles over the drivers of a class."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.methods.driving.corner_table import FIGURES, Figures
from grx_pipeline.methods.driving.tiles import CornerSpan
from grx_pipeline.robust import MAD_TO_SD, column_medians
from grx_pipeline.schemas import TABLES
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]


def corner_driver_rows(
    field: FieldTraces, spans: Sequence[CornerSpan], figures: Figures, *, min_spread_laps: int
) -> pd.DataFrame:
    """Rows of the table `corner_drivers`: only figures that a driver has on at least one clean lap."""
    stack = np.stack([figures[name] for name in FIGURES], axis=2)
    corner = np.repeat([span.corner_index for span in spans], len(FIGURES))
    figure = np.tile(np.array(FIGURES, dtype=object), len(spans))
    frames = []
    for vehicle in np.unique(field.vehicle_ids.astype(str)):
        own = stack[(field.vehicle_ids == vehicle) & field.is_clean]
        own = own.reshape(len(own), corner.size)
        laps = np.isfinite(own).sum(axis=0)
        has = laps > 0
        values, counts = own[:, has], laps[has]
        median = column_medians(values)
        deviation = column_medians(np.abs(values - median))
        columns = {"vehicle_id": vehicle, "corner_index": corner[has], "figure": figure[has], "laps": counts}
        spread = np.where(counts >= min_spread_laps, MAD_TO_SD * deviation, np.nan)
        frames.append(pd.DataFrame(columns | {"median": median, "spread": spread}))
    return _joined(frames, "corner_drivers")


def corner_field_rows(drivers: pd.DataFrame, classes: Mapping[str, str]) -> pd.DataFrame:
    """Rows of the table `corner_field` from rows of `corner_drivers`; `classes` has each vehicle's class, or ''."""
    named = drivers.assign(vehicle_class=drivers["vehicle_id"].map(classes).fillna(""))
    if named.empty:
        return _joined([], "corner_field")
    groups = named.groupby(["vehicle_class", "corner_index", "figure"], sort=True)["median"]
    quartiles = groups.quantile(np.array([0.25, 0.5, 0.75])).unstack()
    quartiles.columns = pd.Index(["quartile_1", "median", "quartile_3"])
    return quartiles.assign(drivers=groups.size()).reset_index()


def _joined(frames: Sequence[pd.DataFrame], table: str) -> pd.DataFrame:
    """One frame of the table's columns, typed also without rows."""
    kept = [frame for frame in frames if len(frame)]
    empty = TABLES[table].arrow_schema().empty_table().to_pandas()
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(empty)
