"""What hands and feet did in a lap: means, spikes, drops, corrections, reversals, smoothness.

Every figure is of a uniform grid in time, so that counts do not depend on the logger's rate, and of the lap alone.
Judging a lap by its features does not belong here.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.settings import FeatureSettings

Array = npt.NDArray[np.float64]
Figure = float | int | None

# A channel is continued by three times the filter's length before it is filtered: one section with two delays.
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
    _low_passed: dict[tuple[str, float], Array | None] = field(default_factory=dict, init=False, repr=False)

    def low_passed(self, channel: str, cutoff_hz: float) -> Array | None:
        """The channel of that name, low-passed once for all features that use it."""
        if (channel, cutoff_hz) not in self._low_passed:
            self._low_passed[channel, cutoff_hz] = low_pass(getattr(self, channel), cutoff_hz, self.rate_hz)
        return self._low_passed[channel, cutoff_hz]


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
        "brake_smoothness": smoothness(lap, "brake_bar", unused=settings.unused_bar, settings=settings),
        "throttle_smoothness": smoothness(lap, "throttle_pct", unused=settings.unused_pct, settings=settings),
        "steering_smoothness": smoothness(lap, "steering_deg", unused=settings.unused_deg, settings=settings),
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
    rate = _rate(lap, "brake_bar", settings)
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
    rate = _rate(lap, "throttle_pct", settings)
    if rate is None:
        return None
    falls = _events(
        np.where(np.isfinite(lap.throttle_pct), -rate, 0.0),
        above=settings.drop_pct_per_s,
        rearm=settings.drop_rearm_pct_per_s,
        refractory=settings.refractory_s * lap.rate_hz,
    )
    brake = lap.low_passed("brake_bar", settings.low_pass_hz)
    if brake is None:
        return len(falls)
    ahead = round(settings.drop_brake_s * lap.rate_hz) + 1
    return sum(bool(brake[fall : fall + ahead].max() <= settings.braking_bar) for fall in falls)


def count_steering_corrections(lap: LapSamples, settings: FeatureSettings) -> int | None:
    """Times the wheel was unwound and applied again inside one cornering phase.

    A cornering phase is a stretch with |a_y| over `cornering_g`; a correction is a minimum of |steering| in it with a
    prominence, within the phase, of `correction_deg` or more. Both channels low-passed at `correction_low_pass_hz`.
    """
    angle = lap.low_passed("steering_deg", settings.correction_low_pass_hz)
    accel = lap.low_passed("accel_y_g", settings.correction_low_pass_hz)
    if angle is None or accel is None:
        return None
    is_cornering = (np.abs(accel) > settings.cornering_g) & np.isfinite(lap.steering_deg) & np.isfinite(lap.accel_y_g)
    edges = np.flatnonzero(np.diff(is_cornering.astype(np.int8), prepend=0, append=0))
    phases = zip(edges[::2], edges[1::2], strict=True)
    unwound = -np.abs(angle)
    return sum(len(scipy.signal.find_peaks(unwound[a:b], prominence=settings.correction_deg)[0]) for a, b in phases)


def count_steering_reversals(lap: LapSamples, settings: FeatureSettings) -> int | None:
    """Steering reversals of at least `reversal_gap_deg` (Markkula and Engstroem 2006; SAE J2944), both ways.

    Turning points of the angle low-passed at `correction_low_pass_hz`; a rise by the gap over the lowest point since
    the last counted rise is a reversal, and starts the next. A long turn of the wheel in steps thus counts each step.
    """
    angle = lap.low_passed("steering_deg", settings.correction_low_pass_hz)
    if angle is None:
        return None
    slope = np.diff(angle)
    inner = np.flatnonzero((slope[1:] * slope[:-1] <= 0) & np.isfinite(lap.steering_deg[1:-1])) + 1
    turns = angle[np.concatenate([[0], inner, [angle.size - 1]])]
    return count_rises(turns, settings.reversal_gap_deg) + count_rises(-turns, settings.reversal_gap_deg)


def smoothness(lap: LapSamples, channel: str, *, unused: float, settings: FeatureSettings) -> float | None:
    """1 - E_hf/E in [0, 1]: the share of the channel's movement that is slower than `smoothness_split_hz`.

    E is the energy of the derivative of the low-passed channel, E_hf that of its part above the split, both outside
    gaps. None where the channel is not there or moved by less than `unused`.
    """
    smooth, rate = lap.low_passed(channel, settings.low_pass_hz), _rate(lap, channel, settings)
    if smooth is None or rate is None or np.ptp(smooth) < unused:
        return None
    slow = _forward_and_back(rate, settings.smoothness_split_hz, lap.rate_hz)
    known = np.isfinite(getattr(lap, channel))
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
    return _forward_and_back(bridged, cutoff_hz, rate_hz)


def _forward_and_back(values: Array, cutoff_hz: float, rate_hz: float) -> Array:
    """scipy.signal.sosfiltfilt, which spends half its time on finding the filter's first state again."""
    filter_, state = _butterworth(cutoff_hz, rate_hz)
    before = 2 * values[0] - values[_FILTER_EDGE:0:-1]
    after = 2 * values[-1] - values[-2 : -_FILTER_EDGE - 2 : -1]
    result = np.concatenate([before, values, after])
    for _ in range(2):
        result = scipy.signal.sosfilt(filter_, result, zi=state * result[0])[0][::-1]
    return np.asarray(result[_FILTER_EDGE:-_FILTER_EDGE])


@functools.cache
def _butterworth(cutoff_hz: float, rate_hz: float) -> tuple[Array, Array]:
    """Second order, with the state that it has after an endless 1."""
    filter_ = np.asarray(scipy.signal.butter(2, cutoff_hz, fs=rate_hz, output="sos"))
    return filter_, np.asarray(scipy.signal.sosfilt_zi(filter_))


def _rate(lap: LapSamples, channel: str, settings: FeatureSettings) -> Array | None:
    smooth = lap.low_passed(channel, settings.low_pass_hz)
    return None if smooth is None else np.gradient(smooth) * lap.rate_hz


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


def count_rises(turns: Array, gap: float) -> int:
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
