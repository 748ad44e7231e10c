"""Corrections per car and session: signs, zeros, and how far the speed channel lags.

Gains are not corrected: they differ between cars (.5 to .94), so absolute g is not compared. What is removed here is
recorded in the table `sensors` and applied in track/channels.py: corrected = sign x (logged - zero), and speed is
moved back by its lag.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.settings import SensorSettings

Array = npt.NDArray[np.float64]

STANDARD_GRAVITY = 9.80665


@dataclass(frozen=True, kw_only=True)
class Motion:
    """One vehicle's samples as logged. Fast arrays (n,) on `sample_s`, speed (m,) on `speed_s`; NaN is no value."""

    sample_s: Array
    accel_x_g: Array
    accel_y_g: Array
    steering_deg: Array
    throttle_pct: Array
    speed_s: Array
    speed_kmh: Array


@dataclass(frozen=True, kw_only=True)
class Longitudinal:
    """How speed and a_x go together. `sign` is -1 where the axis is reversed; the zero is in logged units."""

    sign: int
    zero_g: float
    lag_s: float


@dataclass(frozen=True, kw_only=True)
class Straight:
    """What the sensors show where the car goes straight, as logged."""

    accel_y_zero_g: float
    steering_zero_deg: float


def fit_longitudinal(motion: Motion, settings: SensorSettings) -> Longitudinal | None:
    """Lag of speed, sign and zero of a_x; None with less than `min_moving_s` of driving.

    The change of speed over each speed step is compared with the integral of a_x over the same step moved back by a
    lag; the lag is that of the strongest correlation, the sign that correlation's, the zero the intercept of a_x on
    dv/dt (g) at that lag.
    """
    has_accel = np.isfinite(motion.accel_x_g)
    time, accel = motion.sample_s[has_accel], motion.accel_x_g[has_accel]
    step = np.diff(motion.speed_s)
    is_moving = np.minimum(motion.speed_kmh[1:], motion.speed_kmh[:-1]) > settings.moving_kmh
    used = is_moving & _is_whole(motion.speed_s, time, settings) if time.size > 1 and step.size else is_moving
    if step[used].sum() < settings.min_moving_s or time.size < 2:
        return None
    integral = np.concatenate([[0.0], np.cumsum(np.diff(time) * (accel[1:] + accel[:-1]) / 2)])
    speed_rate = np.diff(motion.speed_kmh)[used] / 3.6 / STANDARD_GRAVITY / step[used]
    lags = np.arange(0.0, settings.lag_max_s + settings.lag_step_s / 2, settings.lag_step_s)
    at_speed = np.interp(motion.speed_s - lags[:, None], time, integral)
    mean_accel = np.diff(at_speed)[:, used] / step[used]
    correlations = _correlations(mean_accel, speed_rate)
    if not np.isfinite(correlations).all():
        return None
    best = int(np.argmax(np.abs(correlations)))
    slope = np.cov(mean_accel[best], speed_rate)[0, 1] / np.var(speed_rate, ddof=1)
    return Longitudinal(
        sign=1 if correlations[best] >= 0 else -1,
        zero_g=float(mean_accel[best].mean() - slope * speed_rate.mean()),
        lag_s=float(lags[best]),
    )


def lateral_sign(motion: Motion, settings: SensorSettings) -> int | None:
    """-1 where a_y goes against the steering angle while driving, else 1; None where either is missing."""
    used = _speed_at_samples(motion, lag_s=0.0) > settings.moving_kmh
    used &= np.isfinite(motion.accel_y_g) & np.isfinite(motion.steering_deg)
    if used.sum() < 2:
        return None
    correlation = _correlations(motion.accel_y_g[used][None, :], motion.steering_deg[used])[0]
    return None if np.isnan(correlation) else (1 if correlation >= 0 else -1)


def fit_straight(motion: Motion, settings: SensorSettings, *, lag_s: float) -> Straight | None:
    """Zeros of a_y and steering: the densest cluster of both at full throttle and speed; None without such samples.

    Full throttle at speed is a straight or a fast bend. Bends spread over angles and accelerations, straights lie on
    one spot; the median of all such samples would be off by up to 20 degrees where a circuit has fast bends.
    """
    used = (_speed_at_samples(motion, lag_s=lag_s) > settings.straight_speed_kmh) & (
        motion.throttle_pct > settings.straight_throttle_pct
    )
    used &= np.isfinite(motion.accel_y_g) & np.isfinite(motion.steering_deg)
    if not used.any():
        return None
    angle, accel = motion.steering_deg[used], motion.accel_y_g[used]
    angle_step, accel_step = settings.straight_radius_deg / 5, settings.straight_radius_g / 5
    counts, angle_edges, accel_edges = np.histogram2d(
        angle, accel, bins=[_edges(angle, angle_step), _edges(accel, accel_step)]
    )
    density = scipy.ndimage.gaussian_filter(counts, sigma=2.0)
    row, column = np.unravel_index(int(np.argmax(density)), density.shape)
    near = np.abs(angle - angle_edges[row] - angle_step / 2) <= settings.straight_radius_deg
    near &= np.abs(accel - accel_edges[column] - accel_step / 2) <= settings.straight_radius_g
    return Straight(accel_y_zero_g=float(np.median(accel[near])), steering_zero_deg=float(np.median(angle[near])))


def sample_rate(sample_s: Array) -> float | None:
    """Median rate (Hz) of the fast channels; None under two samples."""
    return float(1.0 / np.median(np.diff(sample_s))) if sample_s.size > 1 else None


def _is_whole(speed_s: Array, accel_s: Array, settings: SensorSettings) -> npt.NDArray[np.bool_]:
    """Whether each speed step (m - 1,) is no gap, and a_x has none from the largest lag before it to its end."""
    longest = 2 * np.median(np.diff(speed_s))
    is_gap = np.diff(accel_s) > longest
    begins = np.concatenate([[-np.inf], accel_s[:-1][is_gap], accel_s[-1:]])
    ends = np.concatenate([accel_s[:1], accel_s[1:][is_gap], [np.inf]])
    touched = np.searchsorted(begins, speed_s[1:]) - np.searchsorted(
        ends, speed_s[:-1] - settings.lag_max_s, side="right"
    )
    whole: npt.NDArray[np.bool_] = (touched == 0) & (np.diff(speed_s) < longest)
    return whole


def _edges(values: Array, step: float) -> Array:
    low, high = np.floor(values.min() / step), np.floor(values.max() / step) + 1
    return np.arange(low, high + 1) * step


def _speed_at_samples(motion: Motion, *, lag_s: float) -> Array:
    if not motion.speed_s.size:
        return np.zeros_like(motion.sample_s)
    return np.interp(motion.sample_s, motion.speed_s - lag_s, motion.speed_kmh)


def _correlations(rows: Array, values: Array) -> Array:
    """Pearson correlation of each row (k, n) with `values` (n,); NaN where either does not vary."""
    centred, reference = rows - rows.mean(axis=1, keepdims=True), values - values.mean()
    scale = np.sqrt((centred**2).sum(axis=1) * (reference**2).sum())
    products = centred @ reference
    correlations: Array = np.divide(products, scale, out=np.full(len(rows), np.nan), where=scale > 0)
    return correlations
