"""A circuit as SVG: the line with its corners and timing lines, and below it speed and curvature over distance.

Made so that a person can check a corner table and correct it in metres.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.track.circuits import Corner
from grx_pipeline.track.loop import stretch

Array = npt.NDArray[np.float64]

_WIDTH, _PLAN_HEIGHT, _STRIP_HEIGHT, _MARGIN = 1200.0, 760.0, 150.0, 60.0
_TITLE_HEIGHT = 56.0
_TICK_M, _NAMED_TICK_M = 100, 500
_LABEL_PX, _LINE_PX, _TICK_PX, _GAP = 28.0, 14.0, 24.0, 30.0
_COLOURS = {"left": "#0b6e99", "right": "#b5371f"}
_SPEED_STEP_KMH, _RADII_M = 50, (100, 50, 25)
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24}.title{font-size:20px;font-weight:600}.faint{fill:#6a737d}"
    ".corner{font-weight:600;text-anchor:middle;dominant-baseline:central}.middle{text-anchor:middle}"
    ".end{text-anchor:end}path,line{fill:none}"
)


def draw_circuit(
    line: pd.DataFrame,
    corners: Sequence[Corner],
    timing_lines: Mapping[str, float],
    *,
    length_m: float,
    title: str,
    note: str,
) -> str:
    """The SVG document. `line` has the columns of `track_line`; `timing_lines` are metres by name."""
    frame = _Frame(line, length_m)
    marks = _Marks(corners=tuple(corners), lines=timing_lines)
    speed_top = _TITLE_HEIGHT + _PLAN_HEIGHT + _GAP
    height = speed_top + 2 * (_STRIP_HEIGHT + _MARGIN)
    plan = [
        frame.path(frame.distance, "#c9ced4", 9),
        *(_corner_on_plan(frame, corner) for corner in corners),
        *_ticks_on_plan(frame, marks),
        *(_line_on_plan(frame, name, place) for name, place in {"S/F": 0.0, **timing_lines}.items()),
        *(_label_on_plan(frame, corner) for corner in corners),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {height:g}" role="img">',
            f"<title>{escape(title)}</title><style>{_STYLE}</style>",
            f'<rect width="{_WIDTH:g}" height="{height:g}" fill="#fff"/>',
            f'<text x="20" y="30" class="title">{escape(title)}</text>',
            f'<text x="20" y="50" class="faint">{escape(note)}</text>',
            *plan,
            *_speed_strip(frame, marks, speed_top),
            *_curvature_strip(frame, marks, speed_top + _STRIP_HEIGHT + _MARGIN),
            "</svg>",
            "",
        ]
    )


@dataclass(frozen=True, kw_only=True)
class _Marks:
    corners: tuple[Corner, ...]
    lines: Mapping[str, float]

    def turns_right_at(self, place_m: float, length_m: float) -> bool:
        return any(
            corner.direction == "right"
            and (place_m - corner.start_m) % length_m <= corner.end_after_start_m(length_m) - corner.start_m
            for corner in self.corners
        )


class _Frame:
    """The line on the page: y is turned over, x and y share one scale."""

    def __init__(self, line: pd.DataFrame, length_m: float) -> None:
        self.length_m = length_m
        self.distance = line["distance_m"].to_numpy(float)
        self.speed = line["speed_kmh"].to_numpy(float)
        self.curvature = line["curvature_per_m"].to_numpy(float)
        x, y = line["x_m"].to_numpy(float), -line["y_m"].to_numpy(float)
        width, height = _WIDTH - 2 * _MARGIN, _PLAN_HEIGHT - 2 * _MARGIN
        scale = min(width / max(np.ptp(x), 1.0), height / max(np.ptp(y), 1.0))
        self.x = _MARGIN + (width - scale * np.ptp(x)) / 2 + scale * (x - x.min())
        self.y = _TITLE_HEIGHT + _MARGIN + (height - scale * np.ptp(y)) / 2 + scale * (y - y.min())

    def at(self, place_m: float) -> tuple[float, float]:
        return tuple(float(np.interp(place_m, self.distance, v, period=self.length_m)) for v in (self.x, self.y))  # type: ignore[return-value]

    def left_of(self, place_m: float) -> tuple[float, float]:
        """The unit vector to the left of the direction of travel, on the page."""
        (x, y), (behind_x, behind_y) = self.at(place_m + 4), self.at(place_m - 4)
        length = max(float(np.hypot(x - behind_x, y - behind_y)), 1e-9)
        return (y - behind_y) / length, -(x - behind_x) / length

    def path(self, places: Array, colour: str, width: float) -> str:
        points = " ".join("{:.1f},{:.1f}".format(*self.at(float(place))) for place in places)
        closed = "Z" if places.size == self.distance.size else ""
        return f'<path d="M{points}{closed}" stroke="{colour}" stroke-width="{width:g}" stroke-linejoin="round"/>'

    def across(self, distance_m: float) -> float:
        """x of a distance on the strips."""
        return _MARGIN + (_WIDTH - 2 * _MARGIN) * distance_m / self.length_m


def _corner_on_plan(frame: _Frame, corner: Corner) -> str:
    end = corner.end_after_start_m(frame.length_m)
    _, places = stretch(frame.distance, corner.start_m, end, frame.length_m)
    return frame.path(places, _COLOURS[corner.direction], 9)


def _label_on_plan(frame: _Frame, corner: Corner) -> str:
    (x, y), (left_x, left_y) = frame.at(corner.apex_m), frame.left_of(corner.apex_m)
    out = -_LABEL_PX if corner.direction == "left" else _LABEL_PX
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#fff" stroke="#1b1f24"/>'
        f'<text class="corner" x="{x + out * left_x:.1f}" y="{y + out * left_y:.1f}">{escape(corner.corner)}</text>'
    )


def _ticks_on_plan(frame: _Frame, marks: _Marks) -> list[str]:
    """A dot every 100 m; every 500 m named, inside of a corner, as the corner's own name stands outside."""
    ticks = []
    for place in range(_TICK_M, int(frame.length_m), _TICK_M):
        (x, y), (left_x, left_y) = frame.at(place), frame.left_of(place)
        ticks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6" fill="#1b1f24"/>')
        if place % _NAMED_TICK_M == 0:
            side = -_TICK_PX if marks.turns_right_at(place, frame.length_m) else _TICK_PX
            x, y = x + side * left_x, y + side * left_y + 4
            ticks.append(f'<text class="faint middle" x="{x:.1f}" y="{y:.1f}">{place} m</text>')
    return ticks


def _line_on_plan(frame: _Frame, name: str, place: float) -> str:
    (x, y), (left_x, left_y) = frame.at(place), frame.left_of(place)
    ends = [(x + side * _LINE_PX * left_x, y + side * _LINE_PX * left_y) for side in (1, -1)]
    return (
        f'<line x1="{ends[0][0]:.1f}" y1="{ends[0][1]:.1f}" x2="{ends[1][0]:.1f}" y2="{ends[1][1]:.1f}" '
        f'stroke="#1b1f24" stroke-width="3"/>'
        f'<text class="middle" x="{x - 26 * left_x:.1f}" y="{y - 26 * left_y + 4:.1f}">{escape(name)}</text>'
    )


def _speed_strip(frame: _Frame, marks: _Marks, top: float) -> list[str]:
    highest = _SPEED_STEP_KMH * np.ceil(frame.speed.max() / _SPEED_STEP_KMH)
    values = {f"{speed:g} km/h": speed / highest for speed in np.arange(0, highest + 1, _SPEED_STEP_KMH, dtype=float)}
    return [*_corner_names(frame, marks, top), *_strip(frame, frame.speed / highest, values, marks, top)]


def _curvature_strip(frame: _Frame, marks: _Marks, top: float) -> list[str]:
    largest = float(np.abs(frame.curvature).max()) * 1.05
    shown = [radius for radius in _RADII_M if 1 / radius <= largest]
    values = {"straight": 0.5}
    for radius in shown:
        values |= {f"left {radius} m": 0.5 + 0.5 / radius / largest, f"right {radius} m": 0.5 - 0.5 / radius / largest}
    return _strip(frame, 0.5 + 0.5 * frame.curvature / largest, values, marks, top)


def _strip(frame: _Frame, heights: Array, levels: Mapping[str, float], marks: _Marks, top: float) -> list[str]:
    """A curve (0 at the bottom, 1 at the top) over distance, with corners shaded, lines, and `levels` named."""
    bottom = top + _STRIP_HEIGHT
    parts = [_shade(frame, corner, top) for corner in marks.corners]
    for text, level in levels.items():
        y = bottom - level * _STRIP_HEIGHT
        parts.append(f'<line x1="{_MARGIN:g}" x2="{_WIDTH - _MARGIN:g}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d8dde3"/>')
        parts.append(f'<text class="faint end" x="{_MARGIN - 4:g}" y="{y + 4:.1f}" style="font-size:9px">{text}</text>')
    for place in marks.lines.values():
        x = frame.across(place)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{bottom:g}" stroke="#1b1f24"/>')
    for place in range(0, int(frame.length_m) + 1, _NAMED_TICK_M):
        x = frame.across(place)
        parts.append(f'<text class="faint middle" x="{x:.1f}" y="{bottom + 18:g}">{place} m</text>')
    points = " ".join(
        f"{frame.across(place):.1f},{bottom - height * _STRIP_HEIGHT:.1f}"
        for place, height in zip(frame.distance, heights, strict=True)
    )
    return [*parts, f'<path d="M{points}" stroke="#1b1f24" stroke-width="1.5"/>']


def _corner_names(frame: _Frame, marks: _Marks, top: float) -> list[str]:
    return [
        f'<text class="middle" x="{frame.across(corner.apex_m):.1f}" y="{top - 6 - 11 * (number % 2):g}" '
        f'style="font-size:10px">{escape(corner.corner)}</text>'
        for number, corner in enumerate(marks.corners)
    ]


def _shade(frame: _Frame, corner: Corner, top: float) -> str:
    end = corner.end_after_start_m(frame.length_m)
    pieces = [(corner.start_m, min(end, frame.length_m)), (0.0, end - frame.length_m)]
    shades = [
        f'<rect x="{frame.across(low):.1f}" y="{top:g}" width="{frame.across(high) - frame.across(low):.1f}" '
        f'height="{_STRIP_HEIGHT:g}" fill="{_COLOURS[corner.direction]}" fill-opacity=".15"/>'
        for low, high in pieces
        if high > low
    ]
    x = frame.across(corner.apex_m)
    shades.append(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:g}" y2="{top + _STRIP_HEIGHT:g}" '
        f'stroke="{_COLOURS[corner.direction]}" stroke-dasharray="2 3"/>'
    )
    return "".join(shades)
