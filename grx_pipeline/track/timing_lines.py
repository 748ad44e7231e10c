"""Where the timing lines are along the lap, and how well each lap agrees: the field's integrals at official times.

The field's median is the place of a line, not the map: lines repeat to some 1.3 m from lap to lap, and the map is
off by up to 70 m (algorithms, section 3).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.robust import MAD_TO_SD, column_medians
from grx_pipeline.settings import TraceSettings

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# In the order of the lap. Laps are pinned at the ends of sectors; the ends of first sections are held out as a check.
LINES = ("IM1a", "S1", "IM2a", "S2", "IM3a")
ANCHORS = ("S1", "S2")
IS_ANCHOR = np.isin(LINES, ANCHORS)

_CAUSES = "telemetry is missing, or the car did not keep to the track"

# A line without an official time says nothing: its variance (m2) in the estimate of the shift.
_NOTHING_KNOWN = 1e12


@dataclass(frozen=True, kw_only=True)
class LapStops:
    """n laps at their start, each of LINES and their end, arrays (n, 7), NaN where no time is known.

    `integral_m` is the integral of speed since the start (0 in the first column), `speed_ms` the speed (m/s).
    """

    integral_m: Array
    speed_ms: Array


@dataclass(frozen=True, kw_only=True)
class FieldDistances:
    """n laps against the field. Lines (5,) are in the order of LINES.

    `scale` and `deviation` (n,) are length / integral and integral / field's median - 1; `residual_m` (n, 5) is the
    scaled integral at the official time - the place of the line, NaN where a time or a place is not known.
    """

    length_m: float
    scale: Array
    deviation: Array
    place_m: Array
    spread_m: Array
    residual_p95_m: Array
    laps: npt.NDArray[np.int64]
    residual_m: Array
    is_of_field: Flags
    is_trusted: Flags
    is_anchored: Flags


def line_times(laps: pd.DataFrame) -> Array:
    """Official times (ms) from each lap's start to each of LINES, (n, 5); NaN where a time is missing."""
    sector_1, sector_2 = laps["sector_1_ms"].to_numpy(float), laps["sector_2_ms"].to_numpy(float)
    first, second, third = (laps[f"im{n}a_ms"].to_numpy(float) for n in (1, 2, 3))
    both = sector_1 + sector_2
    return np.column_stack([first, sector_1, sector_1 + second, both, both + third])


def compare_with_field(
    integral_m: Array, is_clean: Flags, *, map_length_m: float | None, settings: TraceSettings
) -> FieldDistances:
    """Scale, trust and line residuals of n >= 1 laps from their integrals at the stops (n, 7).

    The session's length is the map's, or the field's median integral where there is no map. The field are the clean
    laps within `scale_tolerance` of the length and `field_tolerance` of each other, or all such laps where no clean
    one is.
    """
    total = integral_m[:, -1]
    chosen = is_clean if is_clean.any() else np.ones_like(is_clean)
    length = map_length_m if map_length_m is not None else float(np.median(total[chosen]))
    scale = length / total
    is_whole = np.abs(scale - 1.0) <= settings.scale_tolerance
    is_usual = is_whole & is_clean if (is_whole & is_clean).any() else is_whole
    deviation = total / (np.median(total[is_usual]) if is_usual.any() else np.nan) - 1.0
    is_near = is_whole & (np.abs(deviation) <= settings.field_tolerance)
    scaled = integral_m[:, 1:-1] * scale[:, np.newaxis]
    place, spread, p95, laps = places_of(scaled[is_usual & is_near], settings)
    residual = scaled - place
    is_off = np.abs(residual[:, IS_ANCHOR]) > settings.anchor_tolerance_m
    is_trusted = is_near & ~is_off.any(axis=1)
    return FieldDistances(
        length_m=length,
        scale=scale,
        deviation=deviation,
        place_m=place,
        spread_m=spread,
        residual_p95_m=p95,
        laps=laps,
        residual_m=residual,
        is_of_field=is_usual & is_trusted,
        is_trusted=is_trusted,
        is_anchored=is_trusted & np.isfinite(residual[:, IS_ANCHOR]).any(axis=1),
    )


def places_of(distance_m: Array, settings: TraceSettings) -> tuple[Array, Array, Array, npt.NDArray[np.int64]]:
    """Median, robust sd and 95 % of the deviation of each column of (n, m), and the laps that have it.

    NaN where no lap has it; spread and deviation are NaN under `min_line_laps`.
    """
    count = np.isfinite(distance_m).sum(axis=0)
    place, p95 = column_medians(distance_m), np.full(distance_m.shape[1], np.nan)
    off = np.abs(distance_m - place)
    spread = MAD_TO_SD * column_medians(off, settings.min_line_laps)
    is_enough = count >= settings.min_line_laps
    if is_enough.any():
        p95[is_enough] = np.nanquantile(off[:, is_enough], 0.95, axis=0)
    return place, spread, p95, count


def time_shifts(field: FieldDistances, speed_ms: Array, settings: TraceSettings) -> Array:
    """How far (ms) each lap's crossings lie off in its telemetry, (n,), from its residuals at S1 and S2.

    A shift e moves the integral at a line by e x (speed there - speed at the start); what else moves it grows like a
    random walk that is tied to both crossings (a Brownian bridge). The estimate is the mean of e given the residuals,
    with the prior `crossing_sd_s`; 0 for laps that are not anchored.
    """
    place = field.place_m[IS_ANCHOR]
    change = speed_ms[:, 1:-1][:, IS_ANCHOR] - speed_ms[:, :1] - np.diff(speed_ms[:, [0, -1]]) * place / field.length_m
    residual = field.residual_m[:, IS_ANCHOR]
    is_known = np.isfinite(residual)
    change, residual = np.where(is_known, change, 0.0), np.where(is_known, residual, 0.0)
    walk = np.minimum.outer(place, place) * (1 - np.maximum.outer(place, place) / field.length_m)
    variance = np.where(np.isfinite(walk), walk, 0.0) * settings.path_sd_m_per_root_km**2 / 1000
    prior = settings.crossing_sd_s**2
    covariance = prior * change[:, :, np.newaxis] * change[:, np.newaxis, :] + variance
    covariance += np.where(is_known, 0.0, _NOTHING_KNOWN)[:, :, np.newaxis] * np.eye(len(ANCHORS))
    weighted = np.linalg.solve(covariance, residual[:, :, np.newaxis])[:, :, 0]
    shift: Array = np.where(field.is_anchored, -1000 * prior * (change * weighted).sum(axis=1), 0.0)
    return shift


def reason_of(field: FieldDistances, row: int, lap_number: int, settings: TraceSettings) -> str | None:
    """Why a lap is not trusted, or trusted and not anchored, in a sentence; None for a lap that is both."""
    if field.is_anchored[row]:
        return None
    if lap_number == 1 and not field.is_trusted[row]:
        return "the first lap is timed from the green flag, and the car was not at the line"
    excess, deviation = 1 / field.scale[row] - 1, field.deviation[row]
    if abs(field.scale[row] - 1) > settings.scale_tolerance:
        return f"its integral of speed is {_percent(excess)} than the circuit: {_CAUSES}"
    if abs(deviation) > settings.field_tolerance:
        return f"its integral of speed is {_percent(deviation)} than the field's: {_CAUSES}"
    residual = field.residual_m[row]
    for number, line in enumerate(LINES):
        if line in ANCHORS and abs(residual[number]) > settings.anchor_tolerance_m:
            return (
                f"at the official time of {line} its distance is {abs(residual[number]):.0f} m "
                f"{'past' if residual[number] > 0 else 'short of'} where the field passes: its telemetry has a hole"
            )
    return "the timing has no sector times for it, so that only its start and its end pin it"


def _percent(share: float) -> str:
    return f"{abs(share):.1%} {'longer' if share > 0 else 'shorter'}".replace("%", " %")
