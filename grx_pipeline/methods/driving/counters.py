"""What happens more than once in a corner: brake re-applications, lifts, steering reversals."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.methods.features import count_rises
from grx_pipeline.settings import FeatureSettings
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]


def count_reapplications(brake_bar: Array, where: Flags, peak_bar: Array, share: float) -> Counts:
    """Per lap (n,): rises of the pressure after a release, both by over `share` of the peak (n,), among `where` (n, k).

    The rise is counted over the lowest pressure since the release.
    """
    n, k = brake_bar.shape
    count = np.zeros(n, dtype=np.int64)
    high, low = np.zeros(n), np.full(n, np.inf)
    step = np.where(np.isfinite(peak_bar), share * peak_bar, np.inf)
    for column in range(k):
        value = brake_bar[:, column]
        use = where[:, column] & np.isfinite(value)
        high = np.where(use, np.maximum(high, value), high)
        is_released = use & ((value < high - step) | np.isfinite(low))
        low = np.where(is_released, np.minimum(low, value), low)
        is_again = is_released & (value > low + step)
        count += is_again
        high, low = np.where(is_again, value, high), np.where(is_again, np.inf, low)
    return count


def count_lifts(
    throttle_pct: Array, brake_bar: Array, where: Flags, *, from_pct: float, lift_pct: float, braking_bar: float
) -> Counts:
    """Per lap (n,): falls by `lift_pct` from over `from_pct` that come back over it without braking between.

    Only among `where` (n, k). A lift that ends in braking, or that lasts until the next corner, is how a straight
    ends and is not counted.
    """
    n, k = throttle_pct.shape
    count = np.zeros(n, dtype=np.int64)
    high = np.zeros(n)
    is_lifted = np.zeros(n, dtype=bool)
    for column in range(k):
        value = throttle_pct[:, column]
        use = where[:, column] & np.isfinite(value)
        is_braked = where[:, column] & (brake_bar[:, column] > braking_bar)
        is_back = use & is_lifted & (value >= from_pct)
        count += is_back
        high = np.where(is_back, value, np.where(use, np.maximum(high, value), high))
        is_lifted = (is_lifted & ~is_back) | (use & (high >= from_pct) & (value <= high - lift_pct))
        high, is_lifted = np.where(is_braked, 0.0, high), is_lifted & ~is_braked
    return count


@dataclass(frozen=True, kw_only=True)
class SteadySteering:
    """Steering angle of n laps every `tick_ms` (n, t), low-passed, and its turning points (n, t).

    A lap without steering is NaN. Beyond a lap's end the last value is held.
    """

    tick_ms: float
    angle_deg: Array
    is_turn: Flags


def steady_steering(field: FieldTraces, settings: FeatureSettings) -> SteadySteering:
    """The steering as the reversals of a whole lap see it (features.py). Gaps are bridged for the filter."""
    angle, time = field.channels["steering_deg"], field.channels["time_ms"]
    tick = 1000 / settings.rate_hz
    ticks = np.arange(int(np.ceil(np.max(field.lap_time_ms, initial=0.0) / tick))) * tick
    smooth = np.full((angle.shape[0], ticks.size), np.nan)
    for lap in range(angle.shape[0]):
        known = np.isfinite(angle[lap])
        if known.any():
            smooth[lap] = np.interp(ticks, time[lap, known], angle[lap, known])
    low_pass = scipy.signal.butter(2, settings.correction_low_pass_hz, fs=settings.rate_hz, output="sos")
    has_steering = np.isfinite(smooth).all(axis=1)
    if has_steering.any():
        smooth[has_steering] = scipy.signal.sosfiltfilt(low_pass, smooth[has_steering], axis=1)
    slope = np.diff(smooth, axis=1)
    is_turn = np.zeros(smooth.shape, dtype=bool)
    is_turn[:, 1:-1] = slope[:, 1:] * slope[:, :-1] <= 0
    return SteadySteering(tick_ms=tick, angle_deg=smooth, is_turn=is_turn)


def count_reversals(steering: SteadySteering, start_ms: Array, end_ms: Array, gap_deg: float) -> Array:
    """Per lap (n,): reversals of at least `gap_deg` between the two times, both ways (SAE J2944, as over a lap).

    NaN without steering or without times.
    """
    outcome = np.full(start_ms.size, np.nan)
    known = np.isfinite(start_ms) & np.isfinite(end_ms) & np.isfinite(steering.angle_deg).all(axis=1)
    for lap in np.flatnonzero(known):
        first, last = int(np.ceil(start_ms[lap] / steering.tick_ms)), int(end_ms[lap] // steering.tick_ms)
        is_kept = steering.is_turn[lap, first : last + 1].copy()
        if is_kept.size:
            is_kept[[0, -1]] = True
            turns = steering.angle_deg[lap, first : last + 1][is_kept]
            outcome[lap] = count_rises(turns, gap_deg) + count_rises(-turns, gap_deg)
    return outcome
