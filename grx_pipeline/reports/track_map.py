"""Geometry of the track map: the circuit's line, its corners' numbers and any stretch of it, in SVG coordinates."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.reports.corner_table import anchor
from grx_pipeline.reports.driving_records import Corner, Segment, Track

Array = npt.NDArray[np.float64]

_WIDTH, _MAX_HEIGHT, _MARGIN = 600, 460, 34
_LABEL_OFF = 19
_LETTER_WIDTH, _LETTER_HEIGHT = 8, 15
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
    """`start` is a short stroke across start/finish. North (or left of the start straight) is up."""

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


def _labels(frame: MapFrame, corners: Iterable[Corner]) -> tuple[MapLabel, ...]:
    """Every number outside of its bend, where the line does not come back; inside where another stands there."""
    placed: list[MapLabel] = []
    for corner in corners:
        outside, inside = _label(frame, corner, side=1), _label(frame, corner, side=-1)
        is_free = not any(_touch(outside, other) for other in placed)
        placed.append(outside if is_free or any(_touch(inside, other) for other in placed) else inside)
    return tuple(placed)


def _touch(one: MapLabel, other: MapLabel) -> bool:
    width = _LETTER_WIDTH * (len(one.text) + len(other.text)) / 2
    return abs(one.x - other.x) < width + _LETTER_WIDTH and abs(one.y - other.y) < _LETTER_HEIGHT


def _label(frame: MapFrame, corner: Corner, *, side: int) -> MapLabel:
    (x,), (y,) = frame.at(np.array([corner.apex_m]))
    right = frame.normal(corner.apex_m)
    off = side * _LABEL_OFF * (1 if corner.direction == "left" else -1)
    return MapLabel(
        corner=corner.corner,
        text=corner.corner.removeprefix("T").replace("-T", "–"),
        anchor=anchor(corner.corner),
        x=round(float(x) + off * right[0], 1),
        y=round(float(y) + off * right[1], 1),
    )
