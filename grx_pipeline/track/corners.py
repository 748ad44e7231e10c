"""Corners of a line: found where the field's median curvature peaks.

Detection proposes; a circuit's corner table (circuits.py) overrides it. What laps do in corners does not belong here
(corner_points.py).
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.settings import TrackSettings
from grx_pipeline.track.circuits import Corner
from grx_pipeline.track.line import Line
from grx_pipeline.track.loop import stretch

Array = npt.NDArray[np.float64]


def detect_corners(line: Line, length_m: float, settings: TrackSettings) -> tuple[Corner, ...]:
    """The corners in lap order, numbered T1, T2, ... as they come; none without a line.

    Stretches of one direction over `corner_edge_per_m` with a peak over `corner_curvature_per_m`, parted at dips of
    curvature and at maxima of speed between two minima of it. Short ones and slight ones are dropped.
    """
    found = [_place(piece, length_m) for piece in _pieces(line, length_m, settings)]
    found.sort(key=lambda corner: corner.apex_m)
    return tuple(
        Corner(
            corner=f"T{number}",
            name=None,
            direction=corner.direction,
            start_m=corner.start_m,
            apex_m=corner.apex_m,
            end_m=corner.end_m,
        )
        for number, corner in enumerate(found, start=1)
    )


def turn_of(line: Line, corner: Corner, length_m: float) -> float:
    """Change of heading (rad, + to the left) from the corner's start to its end."""
    columns, places = stretch(line.distance_m, corner.start_m, corner.end_after_start_m(length_m), length_m)
    return float(np.trapezoid(line.curvature_per_m[columns], places))


class _Piece:
    """A stretch of one direction: places that may run over the line, curvature (without sign) and speed."""

    def __init__(self, places: Array, bend: Array, speed: Array, *, is_left: bool) -> None:
        self.places, self.bend, self.speed, self.is_left = places, bend, speed, is_left

    def parted(self, borders: list[int]) -> Iterator["_Piece"]:
        edges = [0, *borders, self.places.size - 1]
        for first, last in pairwise(edges):
            inside = slice(first, last + 1)
            yield _Piece(self.places[inside], self.bend[inside], self.speed[inside], is_left=self.is_left)


def _pieces(line: Line, length_m: float, settings: TrackSettings) -> Iterator[_Piece]:
    if not line.distance_m.size:
        return
    # The lap is cut where it is straightest, so that no corner lies across the cut.
    start = float(line.distance_m[np.argmin(np.abs(line.curvature_per_m))])
    columns, places = stretch(line.distance_m, start, start + length_m - 1e-6, length_m)
    for is_left in (True, False):
        bend = line.curvature_per_m[columns] * (1 if is_left else -1)
        for first, last in _runs(bend > settings.corner_edge_per_m):
            inside = slice(first, last + 1)
            whole = _Piece(places[inside], bend[inside], line.speed_kmh[columns][inside], is_left=is_left)
            if whole.bend.max() < settings.corner_curvature_per_m:
                continue
            for part in whole.parted(_dips(whole.bend, settings)):
                yield from (p for p in part.parted(_speed_peaks(part.speed, settings)) if _is_corner(p, settings))


def _runs(inside: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each run of True."""
    edges = np.diff(np.concatenate([[0], inside.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def _dips(bend: Array, settings: TrackSettings) -> list[int]:
    """Where curvature is least between two peaks, if that is under `split_ratio` of the smaller one."""
    peaks, _ = scipy.signal.find_peaks(np.concatenate([[0.0], bend, [0.0]]), height=settings.corner_curvature_per_m)
    borders: list[int] = []
    if not peaks.size:
        return borders
    before, *others = (peaks - 1).tolist()
    for peak in others:
        dip = before + int(np.argmin(bend[before : peak + 1]))
        if bend[dip] < settings.split_ratio * min(bend[before], bend[peak]):
            borders.append(dip)
            before = peak
        elif bend[peak] > bend[before]:
            before = peak
    return borders


def _speed_peaks(speed: Array, settings: TrackSettings) -> list[int]:
    """Where speed is greatest between two minima of it with a prominence over `split_speed_kmh`."""
    minima, _ = scipy.signal.find_peaks(-speed, prominence=settings.split_speed_kmh)
    return [int(a + np.argmax(speed[a : b + 1])) for a, b in pairwise(minima)]


def _is_corner(piece: _Piece, settings: TrackSettings) -> bool:
    is_long = piece.places[-1] - piece.places[0] >= settings.min_corner_m
    turned = np.degrees(np.trapezoid(piece.bend, piece.places))
    return bool(is_long and turned >= settings.min_corner_deg and piece.bend.max() >= settings.corner_curvature_per_m)


def _place(piece: _Piece, length_m: float) -> Corner:
    """The piece as a corner, its apex where the field is slowest, or sharpest where it is slowest at an end."""
    slowest = int(np.argmin(piece.speed))
    if slowest in (0, piece.speed.size - 1):
        slowest = int(np.argmax(piece.bend))
    start, apex, end = (float(piece.places[index] % length_m) for index in (0, slowest, -1))
    return Corner(
        corner="",
        name=None,
        direction="left" if piece.is_left else "right",
        start_m=start,
        apex_m=apex,
        end_m=end,
    )
