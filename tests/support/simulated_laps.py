"""Laps as matrices whose truth is known: speed over distance as given, time its exact integral between grid points."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.methods.driving.tiles import Tile, read_tiles
from grx_pipeline.track.field import CHANNEL_NAMES, FieldTraces

Array = npt.NDArray[np.float64]

GRID_M = 2.0


def laps_of(
    speeds_kmh: Array,
    *,
    length_m: float,
    vehicle: str = "a",
    first_lap: int = 2,
    channels: Mapping[str, Array] | None = None,
    clean: bool = True,
    lines_m: tuple[float, ...] = (),
) -> FieldTraces:
    """Laps (n) of one car from speeds (n, k) on the grid; other channels (n, k) or (k,), at rest where not given.

    `lines_m` are sector lines: the official times there are whole milliseconds, as a timing prints them.
    """
    speeds = np.atleast_2d(np.asarray(speeds_kmh, dtype=float))
    n, k = speeds.shape
    grid = np.arange(k) * GRID_M
    assert grid[-1] < length_m <= grid[-1] + GRID_M
    ends = np.append(grid, length_m)
    # The speed at the line is the last one's.
    slowness = 3.6 / np.column_stack([speeds, speeds[:, -1]])
    time = np.cumsum((slowness[:, 1:] + slowness[:, :-1]) / 2 * np.diff(ends) * 1000, axis=1)
    values = {name: np.zeros((n, k)) for name in CHANNEL_NAMES}
    values |= {"gear": np.full((n, k), 3.0), "engine_rpm": np.full((n, k), 6000.0)}
    values |= {"speed_kmh": speeds, "time_ms": np.column_stack([np.zeros(n), time[:, :-1]])}
    values |= {name: np.broadcast_to(channel, (n, k)).astype(float) for name, channel in (channels or {}).items()}
    lap_time = np.round(time[:, -1]) if lines_m else time[:, -1]
    sectors = [np.interp(lines_m, ends, [0.0, *lap]) for lap in time]
    return FieldTraces(
        anchors_m=np.array(lines_m),
        anchors_ms=np.round(np.array(sectors)).reshape(n, len(lines_m)),
        vehicle_ids=np.full(n, vehicle, dtype=object),
        lap_numbers=np.arange(first_lap, first_lap + n),
        lap_time_ms=lap_time,
        is_clean=np.full(n, clean),
        length_m=length_m,
        distance_m=grid,
        channels=values,
    )


def joined(*fields: FieldTraces) -> FieldTraces:
    """Fields of the same grid as one."""
    first = fields[0]
    return FieldTraces(
        vehicle_ids=np.concatenate([f.vehicle_ids for f in fields]),
        lap_numbers=np.concatenate([f.lap_numbers for f in fields]),
        lap_time_ms=np.concatenate([f.lap_time_ms for f in fields]),
        is_clean=np.concatenate([f.is_clean for f in fields]),
        anchors_m=first.anchors_m,
        anchors_ms=np.concatenate([f.anchors_ms for f in fields]),
        length_m=first.length_m,
        distance_m=first.distance_m,
        channels={name: np.concatenate([f.channels[name] for f in fields]) for name in CHANNEL_NAMES},
    )


def tiles_of(*rows: tuple[str, int | None, int, float]) -> tuple[Tile, ...]:
    """Tiles from (phase, corner_index, sector, end_m), from 0 on."""
    starts = [0.0, *(row[3] for row in rows[:-1])]
    return read_tiles(
        pd.DataFrame(
            {
                "segment": range(1, len(rows) + 1),
                "name": [f"{phase} {number}" for number, (phase, *_) in enumerate(rows, start=1)],
                "phase": [row[0] for row in rows],
                "corner_index": [row[1] for row in rows],
                "sector": [row[2] for row in rows],
                "start_m": starts,
                "end_m": [row[3] for row in rows],
            }
        )
    )
