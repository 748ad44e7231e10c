"""The session's segments and corners as the methods use them: borders, and the stretches that belong to a corner."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.track.circuits import Corner

Array = npt.NDArray[np.float64]

STRAIGHT = "straight"


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One row of `segments`; `corner_index` is None on a lap without corners."""

    segment: int
    name: str
    phase: str
    corner_index: int | None
    sector: int
    start_m: float
    end_m: float

    @property
    def is_straight(self) -> bool:
        return self.phase == STRAIGHT


@dataclass(frozen=True, kw_only=True)
class CornerSpan:
    """A corner as a lap drives it: [start_m, end_m] are its tiles around the field's apex, in the lap.

    `approach_m` is where the corner before ends and `following_m` where the next one begins, 0 and the length at the
    ends of the lap. `rows` are all its tiles, those on the other side of start/finish included.
    """

    corner_index: int
    corner: str
    start_m: float
    apex_m: float
    end_m: float
    approach_m: float
    following_m: float
    rows: tuple[int, ...]


def read_tiles(segments: pd.DataFrame) -> tuple[Tile, ...]:
    """The tiles in the order of the lap, from rows of the table `segments`."""
    ordered = segments.sort_values("segment")
    columns = ("segment", "name", "phase", "corner_index", "sector", "start_m", "end_m")
    return tuple(
        Tile(
            segment=int(segment),
            name=name,
            phase=phase,
            corner_index=None if pd.isna(corner) else int(corner),
            sector=int(sector),
            start_m=float(start),
            end_m=float(end),
        )
        for segment, name, phase, corner, sector, start, end in zip(*(ordered[c] for c in columns), strict=True)
    )


def borders_of(tiles: Sequence[Tile]) -> Array:
    """Places (m) of the borders of m tiles, (m + 1,); just [0] without tiles."""
    return np.array([0.0, *(tile.end_m for tile in tiles)])


def read_corners(corners: pd.DataFrame) -> tuple[Corner, ...]:
    """The corners in lap order, from rows of the table `corners`."""
    ordered = corners.sort_values("corner_index")
    columns = ("corner", "direction", "start_m", "apex_m", "end_m")
    return tuple(
        Corner(corner=corner, name=None, direction=direction, start_m=start, apex_m=apex, end_m=end)
        for corner, direction, start, apex, end in zip(*(ordered[c] for c in columns), strict=True)
    )


def corner_spans(tiles: Sequence[Tile], corners: Sequence[Corner]) -> tuple[CornerSpan, ...]:
    """The spans of the corners that have tiles, in lap order. Corners are numbered from 1 in their order."""
    pieces = []
    for index, corner in enumerate(corners, start=1):
        rows = tuple(row for row, tile in enumerate(tiles) if tile.corner_index == index and not tile.is_straight)
        if rows:
            main = _piece_at(tiles, rows, corner.apex_m)
            pieces.append((index, corner, tiles[main[0]].start_m, tiles[main[-1]].end_m, rows))
    pieces.sort(key=lambda piece: piece[2])
    length = tiles[-1].end_m if tiles else 0.0
    ends = [0.0, *(piece[3] for piece in pieces)]
    starts = [*(piece[2] for piece in pieces[1:]), length]
    return tuple(
        CornerSpan(
            corner_index=index,
            corner=corner.corner,
            start_m=start,
            apex_m=corner.apex_m,
            end_m=end,
            approach_m=ends[number],
            following_m=starts[number],
            rows=rows,
        )
        for number, (index, corner, start, end, rows) in enumerate(pieces)
    )


def _piece_at(tiles: Sequence[Tile], rows: tuple[int, ...], apex_m: float) -> tuple[int, ...]:
    """Of a corner's tiles, the connected ones that hold its apex, or the nearest to it."""
    breaks = np.flatnonzero(np.diff(rows) > 1) + 1
    connected = [tuple(int(row) for row in part) for part in np.split(np.array(rows), breaks)]

    def distance_to_apex(part: tuple[int, ...]) -> float:
        return max(tiles[part[0]].start_m - apex_m, apex_m - tiles[part[-1]].end_m, 0.0)

    return min(connected, key=distance_to_apex)
