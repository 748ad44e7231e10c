"""Time of every lap at the borders of the tiles, and in each of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.methods.driving.tiles import Tile, borders_of
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]

SECTORS = 3


def border_times(field: FieldTraces, tiles: Sequence[Tile]) -> Array:
    """Time (ms) of n laps at the borders of m tiles, (n, m + 1), NaN in a gap.

    0 at the start, the official times at the sector lines of pinned laps and at the end, a gap there or not: tiles
    of a lap add up to its lap time, those of a sector to the sector's.
    """
    if not tiles or not field.lap_numbers.size:
        return np.zeros((field.lap_numbers.size, len(tiles) + 1))
    places = borders_of(tiles)
    times = field.times_at(places)
    times[:, 0], times[:, -1] = 0.0, field.lap_time_ms
    for place, official in zip(field.anchors_m, field.anchors_ms.T, strict=True):
        at_line = np.flatnonzero(np.isclose(places, place, rtol=0, atol=1e-6))
        times[:, at_line] = np.where(np.isfinite(official), official, times[:, at_line].T).T
    return times


def pinned_laps(field: FieldTraces) -> npt.NDArray[np.bool_]:
    """Laps (n,) that stand at both sector lines at their official times."""
    if field.anchors_m.size != SECTORS - 1:
        return np.zeros(field.lap_numbers.size, dtype=bool)
    return np.asarray(np.isfinite(field.anchors_ms).all(axis=1), dtype=bool)


def sector_edges(tiles: Sequence[Tile]) -> list[tuple[int, int]] | None:
    """Index of the first and the last border of each of the three sectors; None where the tiles do not know them."""
    of_tile = np.array([tile.sector for tile in tiles])
    if set(of_tile.tolist()) != set(range(1, SECTORS + 1)):
        return None
    rows = [np.flatnonzero(of_tile == sector) for sector in range(1, SECTORS + 1)]
    return [(int(row[0]), int(row[-1]) + 1) for row in rows]


def segment_lap_rows(field: FieldTraces, tiles: Sequence[Tile], borders_ms: Array) -> pd.DataFrame:
    """Rows of the table `segment_laps` from the times at the borders (n, m + 1)."""
    count = len(tiles)
    return pd.DataFrame(
        {
            "vehicle_id": np.repeat(field.vehicle_ids, count),
            "lap_number": np.repeat(field.lap_numbers, count),
            "segment": np.tile([tile.segment for tile in tiles], field.lap_numbers.size),
            "time_ms": np.diff(borders_ms, axis=1).ravel(),
        }
    ).astype({"vehicle_id": object, "lap_number": np.int64, "segment": np.int64, "time_ms": float})
