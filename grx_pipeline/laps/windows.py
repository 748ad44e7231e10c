"""Which telemetry belongs to each official lap.

A lap starts in telemetry at the official crossing + the car's median of (telemetry lap change - official crossing)
and lasts exactly LAP_TIME. The logger's lap counter slips, so it only says when it changes; it never cuts a lap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from grx_pipeline.laps.clocks import ClockPiece
from grx_pipeline.robust import MAD_TO_SD
from grx_pipeline.settings import ClockSettings

Array = npt.NDArray[np.float64]

_MISDATED = "stamps of two times stand side by side in this lap: the logger's clock was set back"


@dataclass(frozen=True, kw_only=True)
class Crossings:
    """How telemetry lap changes lie to the official line. Bias (median) and residual (robust sd) in ms, or None."""

    count: int
    bias_ms: float | None
    residual_ms: float | None


@dataclass(frozen=True, kw_only=True)
class LapWindow:
    """The telemetry of one official lap: ECU times (ms) and how much of it is there."""

    lap_number: int
    start_ms: float
    end_ms: float
    samples: int
    coverage: float
    longest_gap_s: float
    rate_hz: float | None
    is_complete: bool
    reason: str | None


def lap_changes(sample_ms: Array, logger_lap: Array, settings: ClockSettings) -> Array:
    """ECU times (ms, ascending) at which the logger began another lap.

    `sample_ms` (n,) ascends; `logger_lap` (n,), NaN is no lap. A change between samples that follow one another is
    the first sample with the new lap. Data that begins or ends at a lap gives its edge: the first sample of a run, or
    one step after its last. A change inside a gap too short to tell its two edges apart gives nothing.
    """
    if sample_ms.size < 2:
        return np.empty(0)
    step = np.diff(sample_ms)
    is_change = np.diff(np.nan_to_num(logger_lap, nan=-1.0)) != 0
    is_run_edge = is_change & (step > 2 * settings.crossing_search_s * 1000)
    inside = sample_ms[1:][is_change & (step <= settings.gap_s * 1000)]
    begins = np.concatenate([sample_ms[:1], sample_ms[1:][is_run_edge]])
    ends = np.concatenate([sample_ms[:-1][is_run_edge], sample_ms[-1:]]) + np.median(step)
    return np.sort(np.concatenate([inside, begins, ends]))


def match_crossings(changed_utc_ms: Array, finished_at_ms: Array, *, bias_ms: float, settings: ClockSettings) -> Array:
    """Telemetry lap change - official crossing (ms) of each official crossing that has one.

    Both ascend. The first change within `crossing_search_s` of the crossing + the race's bias counts, so that the
    ghost changes that follow within 5 s do not.
    """
    low = finished_at_ms + bias_ms - settings.crossing_search_s * 1000
    first = np.searchsorted(changed_utc_ms, low)
    padded = np.append(changed_utc_ms, np.inf)
    is_near = padded[first] <= low + 2 * settings.crossing_search_s * 1000
    return padded[first][is_near] - finished_at_ms[is_near]


def summarise_crossings(delays_ms: Array) -> Crossings:
    """Count, median and robust sd (1.4826 x MAD; None under 2) of `delays_ms`."""
    if not delays_ms.size:
        return Crossings(count=0, bias_ms=None, residual_ms=None)
    bias = float(np.median(delays_ms))
    spread = float(np.median(np.abs(delays_ms - bias))) * MAD_TO_SD if delays_ms.size > 1 else None
    return Crossings(count=int(delays_ms.size), bias_ms=bias, residual_ms=spread)


def cut_laps(
    sample_ms: Array,
    pieces: Sequence[ClockPiece],
    *,
    misdated_ms: Array,
    lap_numbers: npt.NDArray[np.int64],
    finished_at_ms: Array,
    lap_time_ms: Array,
    bias_ms: float,
    settings: ClockSettings,
) -> list[LapWindow]:
    """The windows of all laps (k,) with telemetry, in the order given.

    `sample_ms` (n,) and `misdated_ms` (m,) ascend, ECU time; `finished_at_ms` and `lap_time_ms` (k,) have no NaN. A
    lap counts to the clock piece that it shares most time with; one with a misdated stamp inside is not complete.
    Laps with less than `gap_s` of telemetry have none: that much lies within the jitter of the line.
    """
    windows = []
    ends = finished_at_ms + bias_ms
    for number, start_utc, end_utc, duration in zip(lap_numbers, ends - lap_time_ms, ends, lap_time_ms, strict=True):
        piece = max(pieces, key=lambda p: _shared_ms(p, start_utc, end_utc))
        start = float(piece.ecu(np.array(start_utc)))
        low = np.searchsorted(sample_ms, max(start, piece.start_ecu_ms - 1))
        high = np.searchsorted(sample_ms, min(start + duration, piece.end_ecu_ms), side="right")
        window = _measure(int(number), sample_ms[low:high], start, start + float(duration), settings)
        if np.searchsorted(misdated_ms, start) < np.searchsorted(misdated_ms, start + duration):
            window = replace(window, is_complete=False, reason=_MISDATED)
        if window.coverage * duration >= settings.gap_s * 1000:
            windows.append(window)
    return windows


def _shared_ms(piece: ClockPiece, start_utc: float, end_utc: float) -> float:
    begin, end = piece.utc(np.array([piece.start_ecu_ms, piece.end_ecu_ms]))
    return float(min(end, end_utc) - max(begin, start_utc))


def _measure(number: int, inside: Array, start: float, end: float, settings: ClockSettings) -> LapWindow:
    steps = np.diff(np.concatenate([[start], inside, [end]]))
    missing = float(steps[steps > settings.gap_s * 1000].sum())
    coverage = max(0.0, 1.0 - missing / (end - start))
    is_complete = coverage >= settings.min_coverage
    reason = f"{missing / 1000:.1f} s of its {(end - start) / 1000:.1f} s are missing from the telemetry"
    return LapWindow(
        lap_number=number,
        start_ms=start,
        end_ms=end,
        samples=int(inside.size),
        coverage=coverage,
        longest_gap_s=float(steps.max()) / 1000,
        rate_hz=float(1000.0 / np.median(np.diff(inside))) if inside.size > 1 else None,
        is_complete=is_complete,
        reason=None if is_complete else reason,
    )
