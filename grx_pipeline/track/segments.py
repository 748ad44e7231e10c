"""The lap in tiles that all drivers share: braking, entry and exit of every corner, and the straights between.

Tiles are made on the closed lap and cut at start/finish and at the sector lines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from grx_pipeline.schemas.columns import PHASES
from grx_pipeline.settings import TrackSettings

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CornerPhases:
    """A corner on the lap, in metres that grow over start/finish: begin <= apex <= end.

    `released_m` is where the field has released the brake, None where it does not brake; braking begins at `begin_m`.
    `fastest_before_m` is where the field is fastest between the apex before and this one.
    """

    corner: str
    begin_m: float
    released_m: float | None
    apex_m: float
    end_m: float
    fastest_before_m: float


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A tile. `corner` is the index of the corner it is part of, or of the one before a straight; None without any."""

    name: str
    phase: str
    corner: int | None
    start_m: float
    end_m: float


def tile_lap(
    corners: Sequence[CornerPhases], sector_lines: dict[str, float], length_m: float, settings: TrackSettings
) -> tuple[Segment, ...]:
    """Tiles of [0, length_m] in order, without gap or overlap, none across a line of `sector_lines` (name to m).

    `corners` are in lap order with apexes in [0, length_m). Less than `min_straight_m` between two corners is the way
    out of the first. Tiles under `min_tile_m` go to a neighbour on the same side of the line, of the same corner where
    there is one.
    """
    whole = Segment(name="", phase="straight", corner=None, start_m=0.0, end_m=length_m)
    loop = _loop(_linked(corners, length_m, settings.min_straight_m), length_m) or [whole]
    lines = {"start": 0.0, **dict(sorted(sector_lines.items(), key=lambda line: line[1])), "line": length_m}
    tiles: list[list[Segment]] = []
    for start, end in pairwise(lines.values()):
        inside = [piece for tile in loop for piece in _clipped(tile, start, end, length_m)]
        tiles.append(_merged(_chained(inside, start, end), settings.min_tile_m))
    return tuple(_named(tiles, list(lines), [corner.corner for corner in corners]))


def _linked(corners: Sequence[CornerPhases], length_m: float, min_straight_m: float) -> list[CornerPhases]:
    """Corners that neither overlap nor leave less than a straight between them.

    Where they overlap they meet at the next braking, or where speed peaks between them.
    """
    linked = list(corners)
    for number, corner in enumerate(linked):
        lap = length_m if number == 0 else 0.0
        before = linked[number - 1]
        meet = corner.begin_m
        if before.end_m - lap > meet and corner.released_m is None:
            meet = corner.fastest_before_m
        meet = float(np.clip(meet, before.apex_m - lap, corner.apex_m))
        if before.end_m - lap > meet - min_straight_m:
            linked[number] = replace(linked[number], begin_m=meet)
            linked[number - 1] = replace(linked[number - 1], end_m=meet + lap)
    return linked


def _loop(corners: Sequence[CornerPhases], length_m: float) -> list[Segment]:
    """Tiles of one whole lap from the first corner's begin, which may be before the line."""
    tiles = []
    for number, corner in enumerate(corners):
        is_last = number + 1 == len(corners)
        following = corners[0].begin_m + length_m if is_last else corners[number + 1].begin_m
        released = corner.begin_m if corner.released_m is None else corner.released_m
        released = float(np.clip(released, corner.begin_m, corner.apex_m))
        edges = (corner.begin_m, released, corner.apex_m, min(corner.end_m, following), following)
        for phase, start, end in zip((*PHASES, "straight"), edges[:-1], edges[1:], strict=True):
            if end > start:
                tiles.append(Segment(name="", phase=phase, corner=number, start_m=start, end_m=end))
    return tiles


def _clipped(tile: Segment, start_m: float, end_m: float, length_m: float) -> list[Segment]:
    """The tile's parts in [start_m, end_m], wherever the laps before and after put it."""
    parts = []
    for lap in (-1, 0, 1):
        low = max(tile.start_m + lap * length_m, start_m)
        high = min(tile.end_m + lap * length_m, end_m)
        if high > low:
            parts.append(replace(tile, start_m=low, end_m=high))
    return parts


def _chained(tiles: list[Segment], start_m: float, end_m: float) -> list[Segment]:
    """In order from start to end, each beginning exactly where the one before ends: adding whole laps rounds."""
    ordered = sorted(tiles, key=lambda tile: (tile.start_m, tile.end_m))
    edges = [start_m, *(tile.end_m for tile in ordered[:-1]), end_m]
    joined = [
        replace(tile, start_m=low, end_m=high) for tile, (low, high) in zip(ordered, pairwise(edges), strict=True)
    ]
    return [tile for tile in joined if tile.end_m > tile.start_m]


def _merged(tiles: list[Segment], min_tile_m: float) -> list[Segment]:
    """Without tiles under `min_tile_m`, the shortest first; a sector that is shorter than that keeps one."""
    merged = list(tiles)
    while len(merged) > 1:
        number = int(np.argmin([tile.end_m - tile.start_m for tile in merged]))
        short = merged[number]
        if short.end_m - short.start_m >= min_tile_m:
            break
        other = _neighbour(merged, number)
        kept = replace(
            merged[other],
            start_m=min(short.start_m, merged[other].start_m),
            end_m=max(short.end_m, merged[other].end_m),
        )
        merged[min(number, other) : max(number, other) + 1] = [kept]
    return merged


def _neighbour(tiles: list[Segment], number: int) -> int:
    """The tile that takes a short one in: of the same corner and no straight, else no straight, else the one before."""
    around = [n for n in (number - 1, number + 1) if 0 <= n < len(tiles)]
    short = tiles[number]
    return min(around, key=lambda n: (tiles[n].corner != short.corner, tiles[n].phase == "straight"))


def _named(tiles: list[list[Segment]], lines: Sequence[str], corners: Sequence[str]) -> list[Segment]:
    """All tiles, with names that tell the pieces of a tile apart that a line cuts."""
    named = []
    for sector, inside in enumerate(tiles):
        before, behind = tiles[sector - 1][-1], tiles[(sector + 1) % len(tiles)][0]
        for number, tile in enumerate(inside):
            is_cut_before = number == 0 and _is_same(before, tile)
            is_cut_behind = number == len(inside) - 1 and _is_same(tile, behind)
            start = lines[sector].replace("start", "line") if is_cut_before else None
            named.append(replace(tile, name=_name(tile, corners, start, lines[sector + 1] if is_cut_behind else None)))
    return named


def _is_same(tile: Segment, other: Segment) -> bool:
    return (tile.corner, tile.phase) == (other.corner, other.phase)


def _name(tile: Segment, corners: Sequence[str], start: str | None, end: str | None) -> str:
    """As T5 entry or T5 to T6; of a tile that is cut: T5 exit from S1, T5 to S1, S1 to T6."""
    if tile.corner is None:
        return f"{start or 'line'} to {end or 'line'}"
    if tile.phase == "straight":
        return f"{start or corners[tile.corner]} to {end or corners[(tile.corner + 1) % len(corners)]}"
    cuts = [f"{word} {line}" for word, line in (("from", start), ("to", end)) if line]
    return " ".join([corners[tile.corner], tile.phase, *cuts])
