"""The ledger of one driver: best clean lap - SIWTL, sector by sector and tile by tile, to the millisecond.

In sector k the target asks for weight_k x (best lap's time - donor lap's time), in whole ms (siwtl.py). The same gap is
split over the sector's tiles by the delta between the two laps at the tiles' borders; a straight's share is parted
into what the exit before it carried along and the rest. Whole ms by largest remainder, so that lines add up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from grx_pipeline.methods.driving.tiles import Tile

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CARRIED = "carried"


@dataclass(frozen=True, kw_only=True)
class SectorGain:
    """What the target asks for in one sector: a row of siwtl_sectors of three sectors."""

    sector: int
    name: str
    best_ms: int
    in_best_lap_ms: int
    weight: float
    gain_ms: int
    donor_lap: int
    done_on_laps: int

    @property
    def gap_ms(self) -> int:
        return self.in_best_lap_ms - self.best_ms


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a sector with its share of the gap (ms, any fraction): tiles, or what an exit carried onto one."""

    name: str
    phase: str | None
    segment: int | None
    corner_index: int | None
    gap_ms: float
    tiles: tuple[Tile, ...] = ()
    is_carried: bool = False


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the ledger; its columns are those of the table `ledger`."""

    level: str
    name: str
    sector: int
    segment: int | None
    corner_index: int | None
    phase: str | None
    gain_ms: int
    gap_ms: int
    donor_lap: int
    evidence: list[str] = field(default_factory=list)
    event_ids: list[str] = field(default_factory=list)


def split_by_delta(tiles: Sequence[Tile], delta_ms: Array) -> list[Part]:
    """The parts of a sector of m tiles from the delta of best and donor lap at their borders (m + 1,).

    It is known at both ends. Tiles with a border in a gap of either lap between them are one part.
    """
    known = np.flatnonzero(np.isfinite(delta_ms)).tolist()
    return [_part(tiles[first:last], float(delta_ms[last] - delta_ms[first])) for first, last in pairwise(known)]


def with_carried(part: Part, carried_ms: float, name: str) -> list[Part]:
    """A straight parted into what the exit before it carried and the rest."""
    (tile,) = part.tiles
    carried = Part(
        name=name,
        phase=CARRIED,
        segment=tile.segment,
        corner_index=tile.corner_index,
        gap_ms=carried_ms,
        tiles=part.tiles,
        is_carried=True,
    )
    rest = Part(
        name=part.name,
        phase=part.phase,
        segment=part.segment,
        corner_index=part.corner_index,
        gap_ms=part.gap_ms - carried_ms,
        tiles=part.tiles,
    )
    return [carried, rest]


def whole_parts(parts: Sequence[Part], gain: SectorGain) -> list[tuple[int, int]]:
    """Gain and gap of each part in whole ms; they add up to the sector's."""
    gaps = np.array([part.gap_ms for part in parts])
    gains = largest_remainder(gain.weight * gaps, gain.gain_ms)
    return list(zip(gains.tolist(), largest_remainder(gaps, gain.gap_ms).tolist(), strict=True))


def largest_remainder(shares: Array, total: int) -> IntArray:
    """Whole numbers next to `shares` (m,), m >= 1, that add up to `total`.

    Shares are rounded down, and the ones with the largest fractions (the first of equals) up again. Where `total` is
    not within m of their sum, all move by the same whole number first.
    """
    low = np.floor(shares).astype(np.int64)
    every, rest = divmod(total - int(low.sum()), shares.size)
    order = np.argsort(-(shares - low), kind="stable")
    whole = low + every
    whole[order[:rest]] += 1
    return whole


def _part(tiles: Sequence[Tile], gap_ms: float) -> Part:
    first, corners = tiles[0], _shared(tile.corner_index if not tile.is_straight else None for tile in tiles)
    return Part(
        name=" + ".join(tile.name for tile in tiles),
        phase=first.phase if len(tiles) == 1 else None,
        segment=first.segment,
        corner_index=corners,
        gap_ms=gap_ms,
        tiles=tuple(tiles),
    )


def _shared(values: Iterable[int | None]) -> int | None:
    """The one value they all have, or None."""
    found = set(values)
    return found.pop() if len(found) == 1 else None
