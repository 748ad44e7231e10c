"""Geometry of the small still chart of traces: delta and speed of one lap against another, without any script."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from grx_pipeline.reports.charts import Tick
from grx_pipeline.reports.formats import KMH_PER_MPH, Style

Array = npt.NDArray[np.float64]

_LEFT, _RIGHT, _WIDTH = 54, 592, 600
_DELTA_TOP, _DELTA_BOTTOM = 22, 112
_SPEED_TOP, _SPEED_BOTTOM = 142, 262
_HEIGHT = 290
# A point every 5 px.
_POINTS = 108
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1000.0)


@dataclass(frozen=True, kw_only=True)
class StaticLap:
    """One of the two laps."""

    label: str
    look: str
    distance_m: pa.Array = field(repr=False)
    time_ms: pa.Array = field(repr=False)
    speed_kmh: pa.Array = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class StaticLine:
    """A path with the look of its lap."""

    path: str
    look: str
    label: str


@dataclass(frozen=True, kw_only=True)
class StaticChart:
    """Two panels over distance: `delta` of the first lap against the second, and both speeds."""

    width: int
    height: int
    left: int
    right: int
    panels: tuple[tuple[int, int], ...]
    delta: StaticLine
    speeds: tuple[StaticLine, ...]
    zero_y: float
    x_ticks: tuple[Tick, ...]
    delta_ticks: tuple[Tick, ...]
    speed_ticks: tuple[Tick, ...]


def static_chart(lap: StaticLap, against: StaticLap, style: Style) -> StaticChart:
    """The chart of `lap` against `against`; laps may differ in the spacing of their points."""
    distance, time, speed = _columns(against)
    own_distance, own_time, own_speed = _columns(lap)
    shown = np.linspace(0, len(distance) - 1, min(_POINTS, len(distance))).astype(int)
    own = [np.interp(distance[shown], own_distance, values) for values in (own_time, own_speed)]
    delta = (own[0] - time[shown]) / 1000
    factor = 1 / KMH_PER_MPH if style.speed_unit == "mph" else 1.0
    low, high = _range(np.append(delta, 0.0))
    slowest, fastest = _range(np.concatenate([own[1], speed[shown]]) * factor)
    x = _LEFT + distance[shown] / float(distance[-1]) * (_RIGHT - _LEFT)

    def delta_y(values: Array) -> Array:
        # Up is lost time, as in the interactive chart.
        return _DELTA_BOTTOM - (values - low) / (high - low) * (_DELTA_BOTTOM - _DELTA_TOP)

    def speed_y(values: Array) -> Array:
        return _SPEED_BOTTOM - (values - slowest) / (fastest - slowest) * (_SPEED_BOTTOM - _SPEED_TOP)

    delta_ticks, speed_ticks = _ticks(low, high, 4), _ticks(slowest, fastest, 5)
    decimals = 2 if len(delta_ticks) > 1 and delta_ticks[1] - delta_ticks[0] < 0.1 else 1
    return StaticChart(
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_RIGHT,
        panels=((_DELTA_TOP, _DELTA_BOTTOM), (_SPEED_TOP, _SPEED_BOTTOM)),
        delta=StaticLine(path=_path(x, delta_y(delta)), look=lap.look, label=lap.label),
        speeds=(
            StaticLine(path=_path(x, speed_y(speed[shown] * factor)), look=against.look, label=against.label),
            StaticLine(path=_path(x, speed_y(own[1] * factor)), look=lap.look, label=lap.label),
        ),
        zero_y=round(float(delta_y(np.zeros(1))[0]), 1),
        x_ticks=tuple(
            Tick(at=round(_LEFT + at / float(distance[-1]) * (_RIGHT - _LEFT), 1), label=style.number(at))
            for at in _ticks(0, float(distance[-1]), 6)
        ),
        delta_ticks=tuple(
            Tick(at=round(float(delta_y(np.array([at]))[0]), 1), label=style.signed(at, decimals)) for at in delta_ticks
        ),
        speed_ticks=tuple(
            Tick(at=round(float(speed_y(np.array([at]))[0]), 1), label=style.number(at)) for at in speed_ticks
        ),
    )


def _columns(lap: StaticLap) -> tuple[Array, Array, Array]:
    distance, time, speed = (
        column.to_numpy(zero_copy_only=False).astype(float) for column in (lap.distance_m, lap.time_ms, lap.speed_kmh)
    )
    return distance, time, speed


def _range(values: Array) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    margin = max((high - low) * 0.06, 0.01)
    return low - margin, high + margin


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of the finest step that gives at most `most` of them."""
    for step in _STEPS:
        first, last = int(np.ceil(low / step)), int(np.floor(high / step))
        if last - first < most:
            break
    return [round(number * step, 2) for number in range(first, last + 1)]


def _path(x: Array, y: Array) -> str:
    """An SVG path in halves of the chart's unit, relative and so short; a point that is not known ends a stroke."""
    strokes, at, is_drawing = [], (0, 0), False
    for place, height in zip(x.tolist(), y.tolist(), strict=True):
        if not np.isfinite(height):
            is_drawing = False
            continue
        to = round(place * 2), round(height * 2)
        strokes.append(f"{'l' if is_drawing else 'm'}{to[0] - at[0]} {to[1] - at[1]}")
        at, is_drawing = to, True
    return "".join(strokes).replace(" -", "-")
