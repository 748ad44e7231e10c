"""An event as a driver reads it: where, what, how sure, and what it cost.

Which places are events is the detector's word (detector.py), what they are called the rules' (kinds.py).
"""

from dataclasses import dataclass

import numpy as np

from grx_pipeline.methods.dptad.detector import Peak
from grx_pipeline.methods.dptad.evidence import CATEGORIES, EVIDENCE, Evidence, LapMatrix
from grx_pipeline.methods.dptad.kinds import Measures, Rule, name_event
from grx_pipeline.methods.dptad.own import Array
from grx_pipeline.settings import DptadSettings


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event of one lap; `row` is the lap's row. `time_lost_ms` is None where a gap is in the way."""

    row: int
    start_m: float
    peak_m: float
    end_m: float
    rule: Rule
    category: str
    sign: int
    z: float
    log_odds: float
    time_in_lap_ms: float
    time_lost_ms: float | None
    measures: Measures


def describe_peak(
    peak: Peak,
    evidence: Evidence,
    laps: LapMatrix,
    median_ms: Array,
    *,
    has_traffic: bool,
    settings: DptadSettings,
) -> Event:
    """The event at `peak`. `median_ms` (k,) is the own median time for its lap."""
    measures = _measures(peak, evidence, has_traffic=has_traffic, settings=settings)
    rule = name_event(peak.kind, measures, settings)
    reach = max(1, round(settings.zone_m / settings.place_m))
    first, last = min(peak.first + reach, peak.place), max(peak.last - reach, peak.place)
    start, end = (float(evidence.places_m[place]) for place in (first, last))
    grid = _strongest_point(peak.lap, (start, end), evidence, rule.shown_by, settings)
    start, end = min(start, grid * laps.step_m), max(end, grid * laps.step_m)
    column = [EVIDENCE.index(name) for name in CATEGORIES[rule.category]]
    window = evidence.relative[peak.lap, max(peak.first, peak.place - reach) : peak.place + reach + 1, column[0] :]
    return Event(
        row=peak.lap,
        start_m=start,
        peak_m=grid * laps.step_m,
        end_m=end,
        rule=rule,
        category=rule.category,
        sign=rule.sign,
        z=float(window[:, : len(column)].max()),
        log_odds=peak.log_odds,
        time_in_lap_ms=float(laps.time_ms[peak.lap, grid]),
        time_lost_ms=_lost(peak.lap, (start, end), laps, median_ms, settings),
        measures=measures,
    )


def text_of(event: Event, where: str, *, lost_ms: float | None) -> str:
    """The event in a sentence; `lost_ms` is what may be claimed of its loss."""
    words = f"{where}: {event.rule.words.format(**vars(event.measures))}"
    if lost_ms is None:
        return f"{words}."
    seconds = lost_ms / 1000
    if seconds >= 0.01:
        return f"{words}; {seconds:.2f} s lost around it."
    return f"{words}; it cost no time." if seconds > -0.01 else f"{words}; {-seconds:.2f} s gained around it."


def _measures(peak: Peak, evidence: Evidence, *, has_traffic: bool, settings: DptadSettings) -> Measures:
    floors = {"brake": settings.floor_bar, "throttle": settings.floor_pct, "steering": settings.floor_deg}

    def found(name: str, floor: float) -> float:
        return float(evidence.absolute[peak.lap, peak.place, EVIDENCE.index(name)] * floor)

    is_own_most = evidence.relative[peak.lap, peak.place, EVIDENCE.index("steering_dip")] >= 1
    return Measures(
        early_m=found("onset_early", settings.floor_m),
        late_m=found("onset_late", settings.floor_m),
        dip_bar=found("brake_dip", floors["brake"]),
        more_bar=found("brake_more", floors["brake"]),
        lift_pct=found("throttle_dip", floors["throttle"]),
        late_throttle_m=found("throttle_late", settings.floor_m),
        correction_deg=found("steering_dip", floors["steering"]) * bool(is_own_most),
        slower_kmh=found("speed_less", settings.floor_kmh),
        faster_kmh=found("speed_more", settings.floor_kmh),
        has_traffic=has_traffic,
    )


def _strongest_point(
    row: int, stretch_m: tuple[float, float], evidence: Evidence, name: str, settings: DptadSettings
) -> int:
    """The grid point on the stretch (and a zone around) where the evidence `name` is highest."""
    first = max(int((stretch_m[0] - settings.zone_m) / evidence.step_m), 0)
    last = int((stretch_m[1] + settings.zone_m) / evidence.step_m) + 1
    strength = evidence.figures[name][row, first:last]
    return first + int(np.argmax(strength)) if strength.max() > 0 else round(sum(stretch_m) / 2 / evidence.step_m)


def _lost(
    row: int, stretch_m: tuple[float, float], laps: LapMatrix, median_ms: Array, settings: DptadSettings
) -> float | None:
    """Rise of the delta to the own median from before the event to behind it, less the lap's own pace."""
    last = median_ms.size - 1
    first = max(int((stretch_m[0] - settings.loss_before_m) / laps.step_m), 0)
    behind = min(int((stretch_m[1] + settings.loss_behind_m) / laps.step_m), last)
    if laps.is_gap[row, [first, behind]].any():
        return None
    delta = laps.time_ms[row] - median_ms
    length = behind - first
    usual = np.median(delta[length:] - delta[:-length]) if 0 < length < last else 0.0
    return float(delta[behind] - delta[first] - usual)
