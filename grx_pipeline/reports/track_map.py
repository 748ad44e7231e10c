"""Geometry of the track map: the circuit's line, its corners' numbers and any stretch of it, in SVG coordinates."""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.reports.corner_table import anchor
from grx_pipeline.reports.driving_records import Corner, Segment, Track

Array = npt.NDArray[np.float64]

_WIDTH, _MAX_HEIGHT, _MARGIN = 600, 460, 34
# The largest letters that a map is shown with, and the radius of the cursor's dot with its rim.
_LETTER_WIDTH, _LETTER_HEIGHT = 12.5, 15
_DOT = 9.8
# Where a number may stand: so far from its apex, in so many directions. What counts against a place, in units of how
# far it is: to stand wholly inside the bend, to be nearer to another apex, each unit that the dot would lack.
_RADII = (20, 22, 26, 31, 37, 44, 52, 61, 71, 82)
_TURNS = 37
_ASIDE, _ASTRAY, _TIGHT = 24.0, 60.0, 8.0
_POINTS = 300


@dataclass(frozen=True, kw_only=True)
class MapLabel:
    """A corner's number beside its apex."""

    corner: str
    text: str
    anchor: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A part of the lap as a path, with what is to be said of it."""

    path: str
    kind: str
    title: str


@dataclass(frozen=True, kw_only=True)
class TrackMap:
    """`start` is a short stroke where the metres of a lap begin. North (or left of the start straight) is up."""

    width: int
    height: int
    path: str
    start: str
    labels: tuple[MapLabel, ...]
    is_approximate: bool


class MapFrame:
    """Metres of the circuit's line -> SVG coordinates."""

    def __init__(self, track: Track) -> None:
        line = track.line
        self._distance, x, y = (
            column.to_numpy(zero_copy_only=False).astype(float) for column in (line.distance_m, line.x_m, line.y_m)
        )
        known = ~(np.isnan(x) | np.isnan(y))
        self._distance, x, y = self._distance[known], x[known], y[known]
        self.is_known = len(x) > 1 and float(np.ptp(x)) > 0 and float(np.ptp(y)) > 0
        if not self.is_known:
            return
        inner = _WIDTH - 2 * _MARGIN
        scale = min(inner / float(np.ptp(x)), (_MAX_HEIGHT - 2 * _MARGIN) / float(np.ptp(y)))
        self.height = round(float(np.ptp(y)) * scale + 2 * _MARGIN)
        self._x = _MARGIN + (inner - float(np.ptp(x)) * scale) / 2 + (x - x.min()) * scale
        self._y = _MARGIN + (y.max() - y) * scale

    def at(self, distance_m: Array) -> tuple[Array, Array]:
        """The places of distances."""
        return np.interp(distance_m, self._distance, self._x), np.interp(distance_m, self._distance, self._y)

    def path(self, start_m: float, end_m: float, *, is_closed: bool = False) -> str:
        """The line from one distance to a later one."""
        share = (end_m - start_m) / max(float(self._distance[-1]), 1.0)
        x, y = self.at(np.linspace(start_m, end_m, max(int(share * _POINTS), 2)))
        # Steps between rounded places: half the bytes of places, and no drift.
        tenths = np.rint(10 * np.column_stack([x, y])).astype(int)
        steps = " ".join(f"{a / 10:g} {b / 10:g}" for a, b in np.diff(tenths, axis=0).tolist())
        return f"M{tenths[0, 0] / 10:g} {tenths[0, 1] / 10:g}l{steps}{'z' if is_closed else ''}"

    def normal(self, distance_m: float) -> tuple[float, float]:
        """The unit vector to the right of the direction of travel, as drawn."""
        x, y = self.at(np.array([distance_m - 12.0, distance_m + 12.0]))
        along = np.array([x[1] - x[0], y[1] - y[0]])
        length = float(np.hypot(*along)) or 1.0
        return float(-along[1] / length), float(along[0] / length)

    @property
    def length_m(self) -> float:
        return float(self._distance[-1])


def track_map(track: Track) -> TrackMap | None:
    """The map of a session's circuit; None where its line is not known."""
    frame = MapFrame(track)
    if not frame.is_known:
        return None
    return TrackMap(
        width=_WIDTH,
        height=frame.height,
        path=frame.path(0, frame.length_m, is_closed=True),
        start=_start_stroke(frame),
        labels=_labels(frame, track.corners),
        is_approximate=any(source.is_used and source.is_approximate for source in track.sources),
    )


def stretches(track: Track, kinds: Iterable[tuple[Segment, str, str]]) -> tuple[Stretch, ...]:
    """Segments as paths, each with its kind and title."""
    frame = MapFrame(track)
    if not frame.is_known:
        return ()
    return tuple(
        Stretch(path=frame.path(segment.start_m, segment.end_m), kind=kind, title=title)
        for segment, kind, title in kinds
    )


def _start_stroke(frame: MapFrame) -> str:
    (x,), (y,) = frame.at(np.array([0.0]))
    right = frame.normal(12.0)
    ends = [(x + side * right[0], y + side * right[1]) for side in (-9, 9)]
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in ends)


def _labels(frame: MapFrame, corners: Sequence[Corner]) -> tuple[MapLabel, ...]:
    """Every number near its apex, on the outside of its bend where there is room."""
    texts = [corner.corner.removeprefix("T").replace("-T", "–") for corner in corners]
    apexes = np.array([corner.apex_m for corner in corners], dtype=float)
    outward = [frame.normal(corner.apex_m) for corner in corners]
    signs = [1.0 if corner.direction == "left" else -1.0 for corner in corners]
    wanted = tuple(
        (text, float(x), float(y), sign * right[0], sign * right[1])
        for text, x, y, right, sign in zip(texts, *frame.at(apexes), outward, signs, strict=True)
    )
    line = np.column_stack(frame.at(np.linspace(0, frame.length_m, _POINTS)))
    places = _label_places(line.tobytes(), wanted, frame.height)
    return tuple(
        MapLabel(corner=corner.corner, text=text, anchor=anchor(corner.corner), x=x, y=y)
        for corner, text, (x, y) in zip(corners, texts, places, strict=True)
    )


@functools.lru_cache(maxsize=4)
def _label_places(
    line: bytes, wanted: tuple[tuple[str, float, float, float, float], ...], height: int
) -> tuple[tuple[float, float], ...]:
    """Middles of the texts of `wanted` = (text, x, y, outward x, outward y), one after the other.

    A text covers no other and is off the line (points as float64 pairs) by more than the cursor's dot where that can be
    had, and else by what can; near its apex, on the outside of the bend rather than inside.
    """
    points = np.frombuffer(line).reshape(-1, 2)
    turns = np.linspace(0, 2 * np.pi, _TURNS)[:-1]
    shifts = np.array([(radius * np.cos(turn), radius * np.sin(turn)) for radius in _RADII for turn in turns])
    far = np.hypot(*shifts.T)
    apexes = np.array([(x, y) for _, x, y, _, _ in wanted])
    taken: list[tuple[float, float, float]] = []
    for text, x, y, out_x, out_y in wanted:
        half = _LETTER_WIDTH * len(text) / 2
        middles = np.array([x, y]) + shifts
        room = np.minimum(_clearances(middles, half, points), _DOT)
        for left, top, width in taken:
            beside = np.abs(middles - (left, top)) - (half + width + _LETTER_WIDTH / 2, _LETTER_HEIGHT)
            room[(beside < 0).all(axis=1)] -= 2 * _DOT
        edge = (_WIDTH / 2 - half, (height - _LETTER_HEIGHT) / 2)
        inside = (np.abs(middles - (_WIDTH / 2, height / 2)) < edge).all(axis=1)
        room[~inside] -= 2 * _DOT
        is_astray = np.hypot(*(middles[:, None, :] - apexes).transpose(2, 0, 1)).min(axis=1) < far - 1e-9
        turned = (1 - (shifts @ np.array([out_x, out_y])) / far) / 2
        best = int(np.argmin(far + _ASIDE * turned + _ASTRAY * is_astray + _TIGHT * (_DOT - room)))
        taken.append((*middles[best].tolist(), half))
    return tuple((round(x, 1), round(y, 1)) for x, y, _ in taken)


def _clearances(middles: Array, half_width: float, points: Array) -> Array:
    """How far each box is from the nearest of the points; 0 where it covers one."""
    apart = np.abs(middles[:, None, :] - points[None, :, :]) - (half_width, _LETTER_HEIGHT / 2)
    across, down = np.maximum(apart, 0).transpose(2, 0, 1)
    nearest: Array = np.hypot(across, down).min(axis=1)
    return nearest
