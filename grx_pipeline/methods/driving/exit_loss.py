"""What a slower exit costs down the straight that follows.

A car that leaves a corner slower than another stays slower until the next braking, less and less: at full throttle
both accelerate, the slower one more. With u = v^2 and du its difference, d(du)/ds = g'(u) du where g(u) = 2 a(v) is
the gain of u per metre at full throttle; the loss is the integral of 1/sqrt(u + du) - 1/sqrt(u) over the straight.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.settings import LedgerSettings
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FullThrottle:
    """Acceleration (m/s2) at full throttle: a(v) = power / v - rolling - drag v^2, v in m/s, no coefficient under 0.

    It decreases in v: power is shared over more distance and drag grows. `samples` are the points it rests on.
    """

    power: float
    rolling: float
    drag: float
    samples: int

    def acceleration(self, speed_mps: Array) -> Array:
        outcome: Array = self.power / speed_mps - self.rolling - self.drag * speed_mps**2
        return outcome

    def fading(self, speed_mps: Array) -> Array:
        """g'(u) (1/m), never above 0: how a difference of u fades per metre."""
        outcome: Array = -self.power * speed_mps**-3 - 2 * self.drag
        return outcome


def fit_full_throttle(field: FieldTraces, settings: LedgerSettings) -> FullThrottle | None:
    """One curve for the session, from all laps where throttle is full, the brake off and the car straight.

    The gain of v^2 over `step_m` gives the acceleration; its median in bins of speed is fitted by least squares
    without negative coefficients. None under `min_bins` bins of `min_bin_samples` samples.
    """
    speed, gain = _full_throttle_samples(field, settings)
    bins = np.floor(speed * 3.6 / settings.bin_kmh)
    centres, medians, counts = [], [], []
    for number in np.unique(bins):
        inside = bins == number
        if inside.sum() >= settings.min_bin_samples:
            centres.append(np.median(speed[inside]))
            medians.append(np.median(gain[inside]))
            counts.append(int(inside.sum()))
    if len(centres) < settings.min_bins:
        return None
    v = np.array(centres)
    design = np.column_stack([1 / v, -np.ones_like(v), -(v**2)])
    scale = np.abs(design).max(axis=0)
    power, rolling, drag = scipy.optimize.nnls(design / scale, np.array(medians))[0] / scale
    return FullThrottle(power=float(power), rolling=float(rolling), drag=float(drag), samples=sum(counts))


def carried_loss_ms(curve: FullThrottle, distance_m: Array, speed_mps: Array, du: float, start_m: float) -> float:
    """Time (ms) lost from `start_m` to the end of the straight by a car whose v^2 differs by `du` (m2/s2) at its begin.

    `distance_m` and `speed_mps` (p,) are the other car's, from the begin of the straight to its end; `start_m` leaves
    out a part that was counted before. Positive where `du` is negative.
    """
    fading = curve.fading(speed_mps)
    step = np.diff(distance_m)
    exponent = np.concatenate([[0.0], np.cumsum((fading[:-1] + fading[1:]) / 2 * step)])
    u = speed_mps**2
    # A car cannot be slower than standing: the difference is held off u where the model would go below it.
    slower = np.maximum(u + du * np.exp(exponent), 0.01 * u)
    rate = 1 / np.sqrt(slower) - 1 / speed_mps
    part = distance_m >= start_m
    return float(np.trapezoid(rate[part], distance_m[part]) * 1000) if part.sum() > 1 else 0.0


def _full_throttle_samples(field: FieldTraces, settings: LedgerSettings) -> tuple[Array, Array]:
    """Speed (m/s) and acceleration (m/s2) where the whole step of `step_m` is at full throttle, straight, off brake."""
    channels = field.channels
    is_full = (channels["throttle_pct"] >= settings.full_throttle_pct) & (channels["brake_bar"] < settings.off_bar)
    is_full &= np.abs(channels["accel_y_g"]) < settings.straight_g
    if field.distance_m.size < 2:
        return np.empty(0), np.empty(0)
    width = max(1, round(settings.step_m / float(field.distance_m[1] - field.distance_m[0])))
    if field.distance_m.size <= width:
        return np.empty(0), np.empty(0)
    speed = channels["speed_kmh"] / 3.6
    run = np.cumsum(np.column_stack([np.zeros(len(speed)), is_full]), axis=1)
    is_whole = run[:, width + 1 :] - run[:, : -width - 1] == width + 1
    length = field.distance_m[width:] - field.distance_m[:-width]
    gain = (speed[:, width:] ** 2 - speed[:, :-width] ** 2) / (2 * length)
    middle = (speed[:, width:] + speed[:, :-width]) / 2
    known = is_whole & np.isfinite(gain) & (middle > 0)
    return middle[known], gain[known]
