"""One vehicle's values to its samples: a row a stamp, collapsed ticks decided by rule, every value counted.

In numpy, not SQL: a vehicle's values nearly stand in the order of their stamps, and sorting them costs a quarter of
the CPU time of the hash aggregates that would find the stamps again. Which rows can become samples is staging's word.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from grx_pipeline.schemas import CHANNELS, TABLES

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Stands for a missing logger lap: over every INTEGER, so that it is never the least of a stamp's laps.
NO_LAP = 1 << 31

# A cell, all values of a channel on a stamp, is numbered stamp << _CHANNEL_BITS | channel.
_CHANNEL_BITS = 4
_IS_FAST = np.array([pace == "fast" for _, _, _, pace, _ in CHANNELS])
_IS_STATE = np.array([pace == "state" for _, _, _, pace, _ in CHANNELS])


@dataclass(frozen=True, kw_only=True)
class Values:
    """One vehicle's usable values, in any order, one or more; all arrays (n,). `channel` counts in CHANNELS."""

    ecu_ms: Integers
    received_at_ms: Integers
    logger_lap: Integers
    channel: Integers
    value: Floats


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """One vehicle's stamps (k,), ascending, and what became of its values.

    `channels` are (channels, k) with NaN where a stamp has no value. Every value is kept, an exact duplicate or
    merged; `conflict_rows` are those that share stamp and channel with another value.
    """

    ecu_ms: Integers
    received_at_ms: Integers
    logger_lap: Integers
    tick_values: Integers
    channels: Floats
    kept: int
    exact_duplicates: int
    merged: int
    conflict_rows: int


@dataclass(frozen=True, kw_only=True)
class _Decided:
    """The values (m,) that were chosen for repeated cells, and how many there were to choose from."""

    value: Floats
    raw_rows: Integers
    value_rows: Integers
    distinct_values: Integers


def collect_ticks(values: Values) -> Ticks:
    """Group `values` by stamp and channel; a channel that stands on a stamp more than once is decided by rule."""
    cell = values.ecu_ms << _CHANNEL_BITS | values.channel
    order = np.argsort(cell)
    cell = cell[order]
    starts = _starts(cell)
    rows_of_cell = np.diff(starts, append=cell.size)
    stamp, channel = cell[starts] >> _CHANNEL_BITS, cell[starts] & (1 << _CHANNEL_BITS) - 1
    tick_starts = _starts(stamp)
    tick = np.repeat(np.arange(tick_starts.size), np.diff(tick_starts, append=stamp.size))
    chosen = values.value[order[starts]]
    is_repeated = rows_of_cell > 1
    decided = _decide(values, order[np.repeat(is_repeated, rows_of_cell)], channel=channel[is_repeated])
    chosen[is_repeated] = decided.value
    channels = np.full((len(CHANNELS), tick_starts.size), np.nan)
    channels[channel, tick] = chosen
    tick_values = np.ones(tick_starts.size, dtype=np.int64)
    is_fast = _IS_FAST[channel[is_repeated]]
    np.maximum.at(tick_values, tick[is_repeated][is_fast], decided.distinct_values[is_fast])
    first_rows = starts[tick_starts]
    return Ticks(
        ecu_ms=stamp[tick_starts],
        received_at_ms=np.minimum.reduceat(values.received_at_ms[order], first_rows),
        logger_lap=np.minimum.reduceat(values.logger_lap[order], first_rows),
        tick_values=tick_values,
        channels=channels,
        kept=starts.size,
        exact_duplicates=int((decided.raw_rows - decided.value_rows).sum()),
        merged=int((decided.value_rows - 1).sum()),
        conflict_rows=int(decided.raw_rows[decided.distinct_values > 1].sum()),
    )


def _decide(values: Values, rows: Integers, *, channel: Integers) -> _Decided:
    """The value of each repeated cell (m,), of `channel`; `rows` are places in `values`, cell after cell.

    Exact duplicates count once. Fast channels take the mean of a collapsed tick's values, slow ones their median, the
    gear a median that it had.
    """
    if not rows.size:
        none = np.empty(0, dtype=np.int64)
        return _Decided(value=np.empty(0), raw_rows=none, value_rows=none, distinct_values=none)
    fields = (values.ecu_ms << _CHANNEL_BITS | values.channel, values.value, values.received_at_ms, values.logger_lap)
    ordered = [field[rows] for field in fields]
    order = np.lexsort(ordered[::-1])
    cell, value, *others = (field[order] for field in ordered)
    is_cell, is_value = _is_new(cell), _is_new(cell) | _is_new(value)
    is_kept = np.logical_or.reduce([is_value, *(_is_new(other) for other in others)])
    all_starts = np.flatnonzero(is_cell)
    starts = np.flatnonzero(is_cell[is_kept])
    value = value[is_kept]
    counts = np.diff(starts, append=value.size)
    means = np.bincount(np.repeat(np.arange(starts.size), counts), weights=value) / counts
    lower, upper = value[starts + (counts - 1) // 2], value[starts + counts // 2]
    medians = np.where(_IS_STATE[channel], lower, (lower + upper) / 2)
    return _Decided(
        value=np.where(_IS_FAST[channel], means, medians),
        raw_rows=np.diff(all_starts, append=rows.size),
        value_rows=counts,
        distinct_values=np.add.reduceat(is_value, all_starts, dtype=np.int64),
    )


def samples_of(ticks: Ticks, *, fast_step_ms: float) -> pa.Table:
    """Rows of `telemetry`, in the order of the vehicle's clock.

    A tick of n values is placed in the middle of the n steps it stands for, and never before the middle of the gap
    that precedes it.
    """
    gap_ms = np.diff(ticks.ecu_ms, prepend=ticks.ecu_ms[:1])
    moved_ms = np.minimum((ticks.tick_values - 1) * fast_step_ms / 2, gap_ms / 2)
    columns = [
        pa.array(ticks.ecu_ms - moved_ms),
        pa.array(ticks.ecu_ms),
        pa.array(ticks.received_at_ms),
        pa.array(ticks.logger_lap, mask=ticks.logger_lap == NO_LAP),
        pa.array(ticks.tick_values),
        # NaN is no value: of the raw values only finite ones come here.
        *(pa.array(channel, from_pandas=True) for channel in ticks.channels),
    ]
    return pa.table(columns, names=list(TABLES["telemetry"].column_names))


def _is_new(sorted_values: Integers | Floats) -> Flags:
    """Whether each value differs from the one before it; the first does."""
    return np.concatenate([[True], sorted_values[1:] != sorted_values[:-1]])


def _starts(sorted_values: Integers) -> Integers:
    """Where each run of equal values begins."""
    return np.flatnonzero(_is_new(sorted_values))
