"""Geometry of the static charts: records -> coordinates. Templates draw them; colours and text sizes are the CSS's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.records import Lap, Laps, Neutralisation, Siwtl
from grx_pipeline.settings import ReportSettings

_LAP_STEPS_MS = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 60_000, 120_000, 300_000)
_CLOCK_STEPS_MIN = (1, 2, 5, 10, 15, 20, 30, 60)
# Labels of yellow phases closer together than this would touch.
_BAND_LABEL_GAP = 44


@dataclass(frozen=True, kw_only=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The drawing area in the chart's own units; text sizes on a phone decide the margins."""

    width: int = 600
    height: int = 262
    left: int = 66
    right: int = 592
    top: int = 30
    bottom: int = 236


@dataclass(frozen=True, kw_only=True)
class Band:
    """A stretch of the x axis. `is_certain` is false where the crossings leave open whether it was yellow."""

    x: float
    width: float
    is_certain: bool
    label: str


@dataclass(frozen=True, kw_only=True)
class LapPoint:
    """A lap on the chart. `kind` is clean, valid or invalid; `is_slow` points stand at the top edge."""

    lap_number: int
    x: float
    y: float
    kind: str
    is_slow: bool
    is_best: bool


@dataclass(frozen=True, kw_only=True)
class LapChart:
    """Lap times over race time. `line` is a path through laps in a row that are drawn to scale, `field_line` through
    the field's medians; target is a height."""

    frame: Frame
    bands: tuple[Band, ...]
    points: tuple[LapPoint, ...]
    line: str
    field_line: str
    target_y: float | None
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """Linear map of values to coordinates."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def lap_chart(
    laps: Laps,
    siwtl: Siwtl,
    phases: Iterable[Neutralisation],
    field_laps: Iterable[tuple[int, int]],
    *,
    style: Style,
    settings: ReportSettings,
) -> LapChart | None:
    """The chart of a driver's laps, or None where there are not two laps with a time and a valid one.

    `field_laps` are (elapsed, lap time) of the field's medians.
    """
    timed = [lap for lap in laps.laps if lap.lap_time_ms is not None and lap.elapsed_ms is not None]
    if len(timed) < 2 or laps.best_lap_ms is None:
        return None
    frame = Frame()
    field_laps = list(field_laps)
    paces = [siwtl.ideal_lap_ms or laps.best_lap_ms, *(time for _, time in field_laps)]
    slowest = laps.best_lap_ms * settings.slow_ratio
    y_scale, y_ticks = _lap_time_axis(frame, timed, paces, best_ms=laps.best_lap_ms, slowest_ms=slowest, style=style)
    race_min = max(lap.elapsed_ms or 0 for lap in timed) / 60_000
    x_scale = _Scale(low=0, high=race_min, start=frame.left, end=frame.right)
    points = tuple(_lap_point(lap, x_scale, y_scale, best=laps.best_lap_number) for lap in timed)
    return LapChart(
        frame=frame,
        bands=tuple(_bands(phases, x_scale)),
        points=points,
        line=_path((point.x, None if point.is_slow else point.y) for point in points),
        field_line=_field_line(field_laps, x_scale, y_scale),
        target_y=None if siwtl.shown_target_ms is None else y_scale.at(siwtl.shown_target_ms),
        x_ticks=tuple(
            Tick(at=x_scale.at(value), label=style.number(value))
            for value in _ticks(0, race_min, _CLOCK_STEPS_MIN, most=7)
        ),
        y_ticks=y_ticks,
    )


def _field_line(field_laps: Sequence[tuple[int, int]], x_scale: _Scale, y_scale: _Scale) -> str:
    """A path through the field's medians that are to scale; nothing where no two in a row are."""
    points = [(elapsed / 60_000, time) for elapsed, time in field_laps if elapsed / 60_000 <= x_scale.high]
    path = _path((x_scale.at(x), y_scale.at(y) if y_scale.low <= y <= y_scale.high else None) for x, y in points)
    return path if "L" in path else ""


def _lap_time_axis(
    frame: Frame, laps: Sequence[Lap], paces: Sequence[int], *, best_ms: int, slowest_ms: float, style: Style
) -> tuple[_Scale, tuple[Tick, ...]]:
    """Wide enough for clean laps (or those up to `slowest_ms`), and for most of the paces near: ideal lap, field."""
    clean = [lap.lap_time_ms for lap in laps if lap.lap_time_ms is not None and lap.is_clean]
    near = [lap.lap_time_ms for lap in laps if best_ms <= (lap.lap_time_ms or 0) <= slowest_ms]
    others = sorted(time for time in paces if best_ms**2 / slowest_ms < time <= slowest_ms)
    low = min([best_ms, *others])
    high = max([time for time in clean or near if time is not None] + others[: max(3 * len(others) // 4, 1)])
    margin = max(high - low, 500) * 0.08
    scale = _Scale(low=low - margin, high=high + margin, start=frame.bottom, end=frame.top)
    ticks = _ticks(scale.low, scale.high, _LAP_STEPS_MS, most=5)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1000
    return scale, tuple(Tick(at=scale.at(value), label=style.axis_time(value, step)) for value in ticks)


def _lap_point(lap: Lap, x_scale: _Scale, y_scale: _Scale, *, best: int | None) -> LapPoint:
    time, elapsed = lap.lap_time_ms or 0, lap.elapsed_ms or 0
    is_slow = time > y_scale.high
    return LapPoint(
        lap_number=lap.lap_number,
        x=x_scale.at(elapsed / 60_000),
        y=y_scale.at(min(max(time, y_scale.low), y_scale.high)),
        kind="clean" if lap.is_clean else "valid" if lap.is_valid else "invalid",
        is_slow=is_slow,
        is_best=lap.lap_number == best,
    )


def _bands(phases: Iterable[Neutralisation], scale: _Scale) -> Iterable[Band]:
    """The yellow for sure, and on either side the time in which it may have begun or ended."""
    end, last_label = scale.high * 60_000, float("-inf")
    for phase in phases:
        stop_ms = end if phase.green_from_ms is None else phase.green_from_ms
        edges = [
            (phase.green_until_ms or 0, phase.yellow_from_ms, False),
            (phase.yellow_from_ms, phase.yellow_until_ms, True),
            (phase.yellow_until_ms, stop_ms, False),
        ]
        for begin, finish, is_certain in edges:
            left, right = scale.at(min(begin, end) / 60_000), scale.at(min(finish, end) / 60_000)
            has_label = is_certain and (left + right) / 2 - last_label >= _BAND_LABEL_GAP
            if right > left:
                last_label = (left + right) / 2 if has_label else last_label
                width = round(right - left, 1)
                yield Band(x=left, width=width, is_certain=is_certain, label="FCY" if has_label else "")


def _ticks(low: float, high: float, steps: Sequence[int], *, most: int) -> list[int]:
    """Multiples of the finest step that gives at most `most` ticks between low and high."""
    for step in steps:
        ticks = list(range(-int(-low // step) * step, int(high // step) * step + 1, step))
        if len(ticks) <= most:
            break
    return ticks


def _path(points: Iterable[tuple[float, float | None]]) -> str:
    """An SVG path through the points; one without a height ends a stroke."""
    strokes, pen = [], "M"
    for x, y in points:
        if y is None:
            pen = "M"
        else:
            strokes.append(f"{pen}{x} {y}")
            pen = "L"
    return "".join(strokes)
