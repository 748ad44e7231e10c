"""Detectors that DPTAD is measured against, on the same laps: earlier ideas of it, and the sketch it began as.

Each gives a score at every place of every lap, (m, p); what counts as an event is the study's rule, the same for all.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from grx_pipeline.methods.dptad.evidence import LapMatrix, gather_evidence
from grx_pipeline.methods.dptad.own import Array, Index, OwnLaps
from grx_pipeline.robust import MAD_TO_SD
from grx_pipeline.schemas.columns import CATEGORIES
from grx_pipeline.settings import DptadSettings

Rival = Callable[[LapMatrix, LapMatrix, Index, DptadSettings], Array]

# The sketch counts a difference between two samples of a 20 Hz grid over these as an alarm, in bar, % and deg.
SKETCH_STEPS = {"brake_bar": 20.0, "throttle_pct": 25.0, "steering_deg": 15.0}
_SKETCH_HZ = 20.0
_ZONE_HALF_M, _ZONE_THRESHOLD = 25.0, 10.0


def zone_scores(own: LapMatrix, laps: LapMatrix, hosts: Index, settings: DptadSettings) -> Array:
    """The zone statistic: the worst residual within 25 m against the driver's other worsts there.

    z = (r - median) / (90 % quantile - median + 1), the highest of four channels; a brake dip counts 10 at twice the
    driver's own median of the lap's deepest.
    """
    width = 2 * round(_ZONE_HALF_M / own.step_m) + 1
    rows = np.arange(own.time_ms.shape[0])
    own_figures, figures = (
        gather_evidence(own, part, host, settings).figures for part, host in ((own, rows), (laps, hosts))
    )
    scores = []
    for name in CATEGORIES:
        own_worst, worst = (
            maximum_filter1d(_residual(found, name), width, axis=1, mode="nearest") for found in (own_figures, figures)
        )
        usual = OwnLaps.of(own_worst)
        median, high = usual.quantile(0.5, hosts), usual.quantile(0.9, hosts)
        scores.append((worst - median) / (high - median + 1.0))
    deepest = OwnLaps.of(own_figures["brake_dip"].max(axis=1, keepdims=True)).quantile(0.5, hosts)
    scores.append(_ZONE_THRESHOLD * figures["brake_dip"] / (2 * np.maximum(deepest, 1.0)))
    return _at_places(np.max(scores, axis=0), own, settings)


def envelope_scores(own: LapMatrix, laps: LapMatrix, hosts: Index, settings: DptadSettings) -> Array:
    """The pointwise envelope: z against median and MAD of the driver's laps at each metre, mean over 10 m."""
    floors = {
        "brake_bar": settings.floor_bar,
        "throttle_pct": settings.floor_pct,
        "steering_deg": settings.floor_deg,
        "speed_kmh": settings.floor_kmh,
    }
    scores = []
    for channel, floor in floors.items():
        values, own_values = getattr(laps, channel), getattr(own, channel)
        median = OwnLaps.of(own_values).quantile(0.5, hosts)
        off = np.abs(own_values - OwnLaps.of(own_values).quantile(0.5, np.arange(own_values.shape[0])))
        spread = MAD_TO_SD * OwnLaps.of(off).quantile(0.5, hosts)
        scores.append(uniform_filter1d(np.abs(values - median) / (spread + floor), 5, axis=1, mode="nearest"))
    return _at_places(np.max(scores, axis=0), own, settings)


def sketch_scores(own: LapMatrix, laps: LapMatrix, hosts: Index, settings: DptadSettings) -> Array:
    """Differences between samples over global thresholds: 1 and more is an alarm. Looks at no other lap."""
    del hosts
    places = np.arange(0, own.time_ms.shape[1], max(1, round(settings.place_m / own.step_m)))
    scores = np.zeros((laps.time_ms.shape[0], places.size))
    for row, time in enumerate(laps.time_ms):
        clock = np.arange(time[0], time[-1], 1000 / _SKETCH_HZ)
        at = np.searchsorted(time[places], clock[1:]).clip(max=places.size - 1)
        for channel, step in SKETCH_STEPS.items():
            change = np.diff(np.interp(clock, time, getattr(laps, channel)[row])) / step
            signed = {"brake_bar": change, "throttle_pct": -change}.get(channel, np.abs(change))
            np.maximum.at(scores[row], at, signed)
    return scores


RIVALS: Mapping[str, Rival] = {"zone": zone_scores, "envelope": envelope_scores, "sketch": sketch_scores}


def _residual(figures: Mapping[str, Array], name: str) -> Array:
    if name == "steering":
        return figures["steering_off"]
    return np.maximum(figures[f"{name}_more"], figures[f"{name}_less"])


def _at_places(scores: Array, own: LapMatrix, settings: DptadSettings) -> Array:
    """The highest score within half the distance between places."""
    stride = max(1, round(settings.place_m / own.step_m))
    return np.asarray(maximum_filter1d(scores, stride + 1 - stride % 2, axis=1, mode="nearest")[:, ::stride])
