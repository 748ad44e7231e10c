"""The line without GPS: curvature from lateral acceleration and speed, integrated to heading and position, closed.

Lateral acceleration is wrong by the camber of the road, by its zero and by its gain, and a heading that is a degree
off ends a lap tens of metres away. The lap is closed by the likeliest of these errors.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.settings import TrackSettings
from grx_pipeline.track.field import FieldTraces, known_median

Array = npt.NDArray[np.float64]

STANDARD_GRAVITY = 9.80665

_MAX_ITERATIONS = 30
_CLOSED_M = 1e-6
# Grid points taken together where only the gain is looked for.
_COARSER = 5


@dataclass(frozen=True, kw_only=True)
class Curvature:
    """Medians over laps on the grid (k,), no NaN: a_y / v2 as measured (1/m, + left), and what 1 g more adds to it."""

    measured_per_m: Array
    per_g: Array


@dataclass(frozen=True, kw_only=True)
class ClosedLine:
    """A closed line on the grid (k,) from the start along its first direction, y to the left, and how it was closed.

    Curvature = gain x measured - what `offset_g` adds + what a local change with the rms `correction_g` adds.
    """

    x_m: Array
    y_m: Array
    curvature_per_m: Array
    turned_deg: float
    gain: float
    offset_g: float
    correction_g: float
    raw_closure_m: float
    closure_m: float


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """The errors of a_y that close the lap at one gain, what they cost (in variances), and the gap that is left."""

    offset_g: float
    local_g: Array
    cost: float
    gap_m: float


def field_curvature(laps: FieldTraces) -> Curvature:
    """Of n >= 1 laps. Points that no lap knows are interpolated along the lap."""
    per_g = STANDARD_GRAVITY / (laps.channels["speed_kmh"] / 3.6) ** 2
    return Curvature(measured_per_m=known_median(laps.channels["accel_y_g"] * per_g), per_g=known_median(per_g))


def close_line(raw: Curvature, distance_m: Array, length_m: float, settings: TrackSettings) -> ClosedLine:
    """The line whose heading turns once and whose end meets its start, by the likeliest errors of a_y.

    These are one zero (sd `accel_zero_sd_g`) and independent local errors (`accel_local_g_root_m`): of all changes
    that close the lap the one with the least sum of squares in these units. The gain is 1 unless the lap closes at
    the least cost with one beyond `gain_tolerance`.
    """
    step = np.diff(np.append(distance_m, length_m))
    gain = _choose_gain(raw, step, settings)
    fit = _fit(raw, step, gain, settings)
    unclosed = gain * raw.measured_per_m - fit.offset_g * raw.per_g
    curvature = unclosed + fit.local_g * raw.per_g
    x, y = integrate(curvature, step)
    share = np.append(distance_m, length_m) / length_m
    return ClosedLine(
        x_m=(x - share * x[-1])[:-1],
        y_m=(y - share * y[-1])[:-1],
        curvature_per_m=curvature,
        turned_deg=float(np.degrees(step @ raw.measured_per_m)),
        gain=gain,
        offset_g=fit.offset_g,
        correction_g=float(np.sqrt(step @ fit.local_g**2 / length_m)),
        raw_closure_m=_gap(raw.measured_per_m, step),
        closure_m=_gap(unclosed, step),
    )


def integrate(curvature_per_m: Array, step_m: Array) -> tuple[Array, Array]:
    """Positions (k + 1,) from curvature (k,) on steps (k,), from the origin along x; heading is taken mid-step."""
    heading = np.cumsum(curvature_per_m * step_m) - curvature_per_m * step_m / 2
    x, y = np.cumsum(np.cos(heading) * step_m), np.cumsum(np.sin(heading) * step_m)
    return np.concatenate([[0.0], x]), np.concatenate([[0.0], y])


def _choose_gain(raw: Curvature, step: Array, settings: TrackSettings) -> float:
    tried = settings.gain_max ** np.linspace(-1, 1, 57)
    coarse = np.arange(0, step.size, _COARSER)
    width = np.add.reduceat(step, coarse)
    measured, per_g = (np.add.reduceat(v * step, coarse) / width for v in (raw.measured_per_m, raw.per_g))
    thinned = Curvature(measured_per_m=measured, per_g=per_g)
    fits = [_fit(thinned, width, float(gain), settings) for gain in tried]
    cost = np.array([fit.cost if fit.gap_m < _CLOSED_M else np.inf for fit in fits])
    best = float(tried[np.argmin(cost)])
    is_beyond = np.isfinite(cost).any() and abs(np.log(best)) > np.log1p(settings.gain_tolerance)
    return best if is_beyond else 1.0


def _fit(raw: Curvature, step: Array, gain: float, settings: TrackSettings) -> _Fit:
    """Gauss-Newton: the least change that closes heading, x and y as they go with curvature at the last estimate."""
    whole = np.copysign(2 * np.pi, float(step @ raw.measured_per_m))
    local_sd = settings.accel_local_g_root_m / np.sqrt(step)
    per_zero, per_local = -raw.per_g * settings.accel_zero_sd_g, raw.per_g * local_sd
    zero, local = 0.0, np.zeros_like(step)
    gap = np.inf
    for _ in range(_MAX_ITERATIONS):
        change = zero * per_zero + local * per_local
        curvature = gain * raw.measured_per_m + change
        x, y = integrate(curvature, step)
        missing = np.array([-x[-1], -y[-1], whole - float(step @ curvature)])
        gap = float(np.hypot(x[-1], y[-1]))
        if gap < _CLOSED_M and abs(missing[2]) < _CLOSED_M:
            break
        slope = np.stack([(y[1:] + y[:-1]) / 2 - y[-1], x[-1] - (x[1:] + x[:-1]) / 2, np.ones_like(step)]) * step
        on_zero, on_local = slope @ per_zero, slope * per_local
        weights = np.linalg.solve(np.outer(on_zero, on_zero) + on_local @ on_local.T, missing + slope @ change)
        zero, local = float(on_zero @ weights), on_local.T @ weights
    return _Fit(
        offset_g=zero * settings.accel_zero_sd_g,
        local_g=local * local_sd,
        cost=zero**2 + float(local @ local),
        gap_m=gap,
    )


def _gap(curvature_per_m: Array, step: Array) -> float:
    x, y = integrate(curvature_per_m, step)
    return float(np.hypot(x[-1], y[-1]))
