"""The ECU clock of a vehicle against UTC.

A sample is stamped by the ECU (wrong by days, but even) and by its receipt (UTC, but late and in bursts). No message
is received before it was sent, so the lower envelope of receipt - ECU is the ECU clock's offset. The envelope method
is that of Moon, Skelly and Towsley (1999), "Estimation and removal of clock skew from network delay measurements".
Which lap a sample belongs to is decided in windows.py.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.settings import ClockSettings

Array = npt.NDArray[np.float64]

MS_PER_HOUR = 3_600_000.0


@dataclass(frozen=True, kw_only=True)
class ClockPiece:
    """A stretch of the ECU clock without a pause: UTC = ECU + offset_ms + drift x (ECU - start_ecu_ms)."""

    start_ecu_ms: float
    end_ecu_ms: float
    offset_ms: float
    drift_ms_per_hour: float

    def utc(self, ecu_ms: Array) -> Array:
        """UTC (ms) of ECU times (ms)."""
        return ecu_ms + self.offset_ms + self.drift_ms_per_hour / MS_PER_HOUR * (ecu_ms - self.start_ecu_ms)

    def ecu(self, utc_ms: Array) -> Array:
        """ECU time (ms) of UTC times (ms); the inverse of `utc`."""
        elapsed = (utc_ms - self.offset_ms - self.start_ecu_ms) / (1.0 + self.drift_ms_per_hour / MS_PER_HOUR)
        return self.start_ecu_ms + elapsed


def fit_clock(ecu_ms: Array, received_at_ms: Array, settings: ClockSettings) -> tuple[ClockPiece, ...]:
    """The pieces of one vehicle's clock, in the order of its stamps.

    `ecu_ms` (n,) ascends, `received_at_ms` (n,) is UTC; neither has NaN, n >= 1.
    """
    offsets = received_at_ms - ecu_ms
    edges = [0, *find_pauses(ecu_ms, offsets, settings), ecu_ms.size]
    return tuple(_fit_piece(ecu_ms[a:b], offsets[a:b], settings) for a, b in itertools.pairwise(edges))


def utc_of(pieces: Sequence[ClockPiece], ecu_ms: Array) -> Array:
    """UTC (ms) of ECU times (n,), each by the piece it lies in; a time between two pieces counts to the earlier."""
    starts = np.array([piece.start_ecu_ms for piece in pieces])
    chosen = np.clip(np.searchsorted(starts, ecu_ms, side="right") - 1, 0, len(pieces) - 1)
    converted = np.stack([piece.utc(ecu_ms) for piece in pieces])
    return np.asarray(converted[chosen, np.arange(ecu_ms.size)])


def misdated(pieces: Sequence[ClockPiece], ecu_ms: Array, received_at_ms: Array, settings: ClockSettings) -> Array:
    """Of ECU times (n,) those that cannot be true, ascending: received so late that the stamp is of another time.

    A clock that was set back gives stamps that stood before; they lie among the samples of the earlier time.
    """
    lateness = received_at_ms - utc_of(pieces, ecu_ms)
    return ecu_ms[lateness > settings.misdated_s * 1000]


def find_pauses(ecu_ms: Array, offsets: Array, settings: ClockSettings) -> list[int]:
    """Indices of the samples where a new piece starts, ascending.

    A pause shows as a lasting change of receipt - ECU: the least offsets of the windows before and after differ by
    more than `pause_jump_s`. Windows are of recorded time, gaps in the data do not use them up. Where a window holds
    less than `burst_s`, all of it may be one burst of late messages, and the difference has to be above that.
    """
    recorded = np.cumsum(np.minimum(np.diff(ecu_ms, prepend=ecu_ms[:1]), settings.gap_s * 1000))
    pauses: list[int] = []
    stretches = [(0, ecu_ms.size)]
    while stretches:
        low, high = stretches.pop()
        cut = _largest_jump(recorded[low:high], offsets[low:high], settings)
        if cut is not None:
            pauses.append(low + cut)
            stretches += [(low, low + cut), (low + cut, high)]
    return sorted(pauses)


def _largest_jump(recorded: Array, offsets: Array, settings: ClockSettings) -> int | None:
    """Index where the least offset of the windows before and after differ most, or None where nowhere too much."""
    if recorded.size < 2:
        return None
    before = _least_of_last(recorded, offsets, settings)[:-1]
    after = _least_of_last(recorded[-1] - recorded[::-1], offsets[::-1], settings)[::-1][1:]
    is_short = np.minimum(recorded[:-1] - recorded[0], recorded[-1] - recorded[1:]) < settings.burst_s * 1000
    jump = after - before
    size = np.where(is_short, 0.0, np.abs(jump))
    if size.max() <= settings.pause_jump_s * 1000:
        size = np.where(is_short & (np.abs(jump) > settings.burst_s * 1000), np.abs(jump), 0.0)
    best = int(np.argmax(size))
    if size[best] == 0.0:
        return None
    # The clock falls behind from the first sample on whose difference is whole, and gets ahead with the last one.
    is_whole = (size >= size[best] - settings.pause_jump_s * 1000) & (np.sign(jump) == np.sign(jump[best]))
    whole = np.flatnonzero(is_whole & (size > 0))
    return int(whole[0] if jump[best] > 0 else whole[-1]) + 1


def _least_of_last(recorded: Array, offsets: Array, settings: ClockSettings) -> Array:
    """For each sample, the least offset of the window that ends with it."""
    series = pd.Series(offsets, index=pd.to_datetime(recorded, unit="ms"))
    window = pd.Timedelta(milliseconds=settings.pause_window_s * 1000)
    return np.asarray(series.rolling(window, closed="both").min(), dtype=np.float64)


def _fit_piece(ecu_ms: Array, offsets: Array, settings: ClockSettings) -> ClockPiece:
    elapsed = ecu_ms - ecu_ms[0]
    slope = _envelope_slope(elapsed, offsets, settings)
    return ClockPiece(
        start_ecu_ms=float(ecu_ms[0]),
        end_ecu_ms=float(ecu_ms[-1]),
        offset_ms=float(np.min(offsets - slope * elapsed)),
        drift_ms_per_hour=slope * MS_PER_HOUR,
    )


def _envelope_slope(elapsed: Array, offsets: Array, settings: ClockSettings) -> float:
    """Slope (ms per ms) through the least offsets of the piece's first and last third; 0 where it tells nothing."""
    if elapsed[-1] < settings.drift_min_s * 1000:
        return 0.0
    first = np.flatnonzero(elapsed <= elapsed[-1] / 3)
    last = np.flatnonzero(elapsed >= elapsed[-1] * 2 / 3)
    low, high = first[np.argmin(offsets[first])], last[np.argmin(offsets[last])]
    slope = float((offsets[high] - offsets[low]) / (elapsed[high] - elapsed[low]))
    return slope if abs(slope) * MS_PER_HOUR <= settings.drift_max_ms_per_hour else 0.0
