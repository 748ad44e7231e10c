"""What hands and feet did in a lap: means, spikes, drops, corrections, reversals, smoothness.

Every figure is of a uniform grid in time, so that counts do not depend on the logger's rate, and of the lap alone.
Judging a lap by its features does not belong here.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, find_peaks, sosfiltfilt

from grx_pipeline.settings import FeatureSettings

Array = npt.NDArray[np.float64]
Figure = float | int | None

# sosfiltfilt pads with three times the filter's length: one section of five coefficients and its two delays.
_FILTER_EDGE = 9


@dataclass(frozen=True, kw_only=True)
class LapSamples:
    """One lap on a uniform grid of `rate_hz`, all arrays (n,). NaN in gaps; a channel that is not there is all NaN."""

    rate_hz: float
    speed_kmh: Array
    throttle_pct: Array
    brake_bar: Array
    steering_deg: Array
    accel_y_g: Array


def time_grid(start_ms: float, end_ms: float, rate_hz: float) -> Array:
    """Times (ms) from the start of a lap, every 1/rate; the end is left out."""
    count = max(1, int(np.ceil((end_ms - start_ms) * rate_hz / 1000 - 1e-6)))
    return np.asarray(start_ms + np.arange(count) * (1000.0 / rate_hz), dtype=np.float64)


def lap_features(lap: LapSamples, settings: FeatureSettings) -> dict[str, Figure]:
    """All features of one lap, by their column in `telemetry_features` (the keys and the rate left out).

    Means, spreads and extremes are of the grid as it is, counts and smoothness of low-passed channels. Samples in
    gaps count nowhere. A channel that is not there gives None; one that was not used gives no smoothness.
    """
    return {
        **_mean_and_spread("speed", lap.speed_kmh),
        **_mean_and_spread("throttle", lap.throttle_pct),
        **_mean_and_spread("brake", lap.brake_bar),
        **_mean_and_spread("steering_angle", lap.steering_deg),
        "brake_spike_count": count_brake_spikes(lap, settings),
        "throttle_drop_count": count_throttle_drops(lap, settings),
        "steering_corrections": count_steering_corrections(lap, settings),
        "steering_reversals": count_steering_reversals(lap, settings),
        "brake_smoothness": smoothness(lap.brake_bar, lap.rate_hz, unused=settings.unused_bar, settings=settings),
        "throttle_smoothness": smoothness(lap.throttle_pct, lap.rate_hz, unused=settings.unused_pct, settings=settings),
        "steering_smoothness": smoothness(lap.steering_deg, lap.rate_hz, unused=settings.unused_deg, settings=settings),
        "brake_mean_braking_bar": _mean(lap.brake_bar[lap.brake_bar > settings.braking_bar]),
        "brake_std_braking_bar": _spread(lap.brake_bar[lap.brake_bar > settings.braking_bar]),
        "steering_abs_mean_deg": _mean(np.abs(lap.steering_deg)),
        "speed_min_kmh": _extreme(np.min, lap.speed_kmh),
        "speed_max_kmh": _extreme(np.max, lap.speed_kmh),
        "brake_max_bar": _extreme(np.max, lap.brake_bar),
        "full_throttle_share": _share_above(lap.throttle_pct, settings.full_throttle_pct),
    }


def count_brake_spikes(lap: LapSamples, settings: FeatureSettings) -> int | None:
    """Pressure rises faster than `spike_bar_per_s`, each counted once."""
    rate = _rate(lap.brake_bar, lap.rate_hz, settings)
    if rate is None:
        return None
    return len(
        _events(
            np.where(np.isfinite(lap.brake_bar), rate, 0.0),
            above=settings.spike_bar_per_s,
            rearm=settings.spike_rearm_bar_per_s,
            refractory=settings.refractory_s * lap.rate_hz,
        )
    )


def count_throttle_drops(lap: LapSamples, settings: FeatureSettings) -> int | None:
    """Throttle falls faster than `drop_pct_per_s` that no braking follows within `drop_brake_s`."""
    rate = _rate(lap.throttle_pct, lap.rate_hz, settings)
    if rate is None:
        return None
    falls = _events(
        np.where(np.isfinite(lap.throttle_pct), -rate, 0.0),
        above=settings.drop_pct_per_s,
        rearm=settings.drop_rearm_pct_per_s,
        refractory=settings.refractory_s * lap.rate_hz,
    )
    brake = low_pass(lap.brake_bar, settings.low_pass_hz, lap.rate_hz)
    if brake is None:
        return len(falls)
    ahead = round(settings.drop_brake_s * lap.rate_hz) + 1
    return sum(bool(brake[fall : fall + ahead].max() <= settings.braking_bar) for fall in falls)


def count_steering_corrections(lap: LapSamples, settings: FeatureSettings) -> int | None:
    """Times the wheel was unwound and applied again inside one cornering phase.

    A cornering phase is a stretch with |a_y| over `cornering_g`; a correction is a minimum of |steering| in it with a
    prominence, within the phase, of `correction_deg` or more. Both channels low-passed at `correction_low_pass_hz`.
    """
    angle = low_pass(lap.steering_deg, settings.correction_low_pass_hz, lap.rate_hz)
    accel = low_pass(lap.accel_y_g, settings.correction_low_pass_hz, lap.rate_hz)
    if angle is None or accel is None:
        return None
    is_cornering = (np.abs(accel) > settings.cornering_g) & np.isfinite(lap.steering_deg) & np.isfinite(lap.accel_y_g)
    edges = np.flatnonzero(np.diff(is_cornering.astype(np.int8), prepend=0, append=0))
    phases = zip(edges[::2], edges[1::2], strict=True)
    unwound = -np.abs(angle)
    return sum(len(find_peaks(unwound[a:b], prominence=settings.correction_deg)[0]) for a, b in phases)


def count_steering_reversals(lap: LapSamples, settings: FeatureSettings) -> int | None:
    """Steering reversals of at least `reversal_gap_deg` (Markkula and Engstroem 2006; SAE J2944), both ways.

    Turning points of the angle low-passed at `correction_low_pass_hz`; a rise by the gap over the lowest point since
    the last counted rise is a reversal, and starts the next. A long turn of the wheel in steps thus counts each step.
    """
    angle = low_pass(lap.steering_deg, settings.correction_low_pass_hz, lap.rate_hz)
    if angle is None:
        return None
    slope = np.diff(angle)
    inner = np.flatnonzero((slope[1:] * slope[:-1] <= 0) & np.isfinite(lap.steering_deg[1:-1])) + 1
    turns = angle[np.concatenate([[0], inner, [angle.size - 1]])]
    return _rises(turns, settings.reversal_gap_deg) + _rises(-turns, settings.reversal_gap_deg)


def smoothness(values: Array, rate_hz: float, *, unused: float, settings: FeatureSettings) -> float | None:
    """1 - E_hf/E in [0, 1]: the share of the channel's movement that is slower than `smoothness_split_hz`.

    E is the energy of the derivative of the low-passed channel, E_hf that of its part above the split, both outside
    gaps. None where the channel is not there or moved by less than `unused`.
    """
    smooth = low_pass(values, settings.low_pass_hz, rate_hz)
    if smooth is None or np.ptp(smooth) < unused:
        return None
    rate = np.gradient(smooth) * rate_hz
    slow = sosfiltfilt(_butterworth(settings.smoothness_split_hz, rate_hz), rate)
    known = np.isfinite(values)
    energy, fast_energy = np.sum(rate[known] ** 2), np.sum((rate - slow)[known] ** 2)
    return float(1.0 - min(fast_energy, energy) / energy)


def low_pass(values: Array, cutoff_hz: float, rate_hz: float) -> Array | None:
    """Second-order Butterworth, forwards and back (no delay). Gaps are bridged for the filter's sake only.

    None without values, or with fewer samples than the filter needs at the edges.
    """
    known = np.isfinite(values)
    if not known.any() or values.size <= _FILTER_EDGE:
        return None
    places = np.arange(values.size)
    bridged = np.interp(places, places[known], values[known])
    return np.asarray(sosfiltfilt(_butterworth(cutoff_hz, rate_hz), bridged))


@functools.cache
def _butterworth(cutoff_hz: float, rate_hz: float) -> Array:
    return np.asarray(butter(2, cutoff_hz, fs=rate_hz, output="sos"))


def _rate(values: Array, rate_hz: float, settings: FeatureSettings) -> Array | None:
    smooth = low_pass(values, settings.low_pass_hz, rate_hz)
    return None if smooth is None else np.gradient(smooth) * rate_hz


def _events(rate: Array, *, above: float, rearm: float, refractory: float) -> list[int]:
    """Samples where `rate` rises over `above`, again only after it was under `rearm` and `refractory` samples on."""
    places = np.arange(rate.size)
    last_high = np.maximum.accumulate(np.where(rate > above, places, -1))
    last_low = np.maximum.accumulate(np.where(rate < rearm, places, -1))
    is_on = last_high > last_low
    events: list[int] = []
    for place in np.flatnonzero(is_on & ~np.concatenate([[False], is_on[:-1]])):
        if not events or place - events[-1] >= refractory:
            events.append(int(place))
    return events


def _rises(turns: Array, gap: float) -> int:
    """Rises by `gap` or more over the lowest turning point since the last one counted."""
    count, lowest = 0, turns[0]
    for value in turns[1:]:
        if value - lowest >= gap:
            count += 1
            lowest = value
        elif value < lowest:
            lowest = value
    return count


def _mean_and_spread(name: str, values: Array) -> dict[str, Figure]:
    return {f"{name}_mean": _mean(values), f"{name}_std": _spread(values)}


def _mean(values: Array) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else None


def _spread(values: Array) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.std()) if known.size else None


def _extreme(pick: Callable[[Array], np.float64], values: Array) -> float | None:
    known = values[np.isfinite(values)]
    return float(pick(known)) if known.size else None


def _share_above(values: Array, limit: float) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.mean(known >= limit)) if known.size else None
