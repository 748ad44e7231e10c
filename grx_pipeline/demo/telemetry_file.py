"""Ticks to the rows of a telemetry file: their order, their text, and how many of each kind there are.

A car's rows are put together in memory (some 0.6 million at full size), their text in chunks. What a logger loses or
collapses is decided in dirt.py; here rows are copied and lines made unreadable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from grx_pipeline.demo.dirt import BoolArray, Ticks, channel_step
from grx_pipeline.demo.logger_files import NO_LAP, iso_times, vehicle_number
from grx_pipeline.demo.race import IntArray

HEADER = (
    b"expire_at,lap,meta_event,meta_session,meta_source,meta_time,original_vehicle_id,outing,telemetry_name,"
    b"telemetry_value,timestamp,vehicle_id,vehicle_number\r\n"
)
_CHANNEL_FIELD, _VALUE_FIELD = 8, 9
_CHUNK_ROWS = 200_000


@dataclass(frozen=True, kw_only=True)
class Rows:
    """One vehicle's rows in the order of the file, arrays (n,).

    `tick` counts into the ticks, `value` into `texts` (`name,value`), `channel` into the channels. `unreadable` maps
    a row to what is wrong with its line.
    """

    tick: IntArray
    channel: IntArray
    value: IntArray
    is_copy: BoolArray
    texts: pa.Array
    unreadable: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """How one vehicle's readable rows fall apart.

    `distinct` rows differ in stamp, channel, receipt, lap or value; `samples` are stamps and channels; rows
    `in_conflict` share both with another value.
    """

    rows: int
    copied: int
    distinct: int
    samples: int
    in_conflict: int
    no_lap: int


def make_rows(ticks: Ticks, *, copied_share: float, rng: np.random.Generator) -> Rows:
    """The rows of all values: by lap (no lap last), newest first, some of them twice."""
    order = np.lexsort((-np.arange(ticks.lap.size), ticks.lap))
    position, channel = np.nonzero(np.column_stack(list(ticks.present.values()))[order])
    tick = order[position]
    codes, texts = _value_texts(ticks)
    is_copied = rng.random(tick.size) < copied_share
    repeats = 1 + is_copied
    is_copy = np.zeros(int(repeats.sum()), dtype=np.bool_)
    is_copy[np.cumsum(repeats)[is_copied] - 1] = True
    return Rows(
        tick=np.repeat(tick, repeats),
        channel=np.repeat(channel, repeats),
        value=np.repeat(codes[tick, channel], repeats),
        is_copy=is_copy,
        texts=texts,
    )


def _value_texts(ticks: Ticks) -> tuple[npt.NDArray[np.int32], pa.Array]:
    """For each tick and channel the place of its text, and the texts `name,value` with the value as Python's repr."""
    codes = np.empty((ticks.stamp_ms.size, len(ticks.values)), dtype=np.int32)
    texts: list[str] = []
    for number, (name, values) in enumerate(ticks.values.items()):
        distinct, inverse = np.unique(values, return_inverse=True)
        codes[:, number] = len(texts) + inverse
        step = channel_step(name)
        numbers = (distinct.astype(np.float64) * (step or 1.0)).tolist()
        texts += [f"{name},{int(value) if value.is_integer() else value!r}" for value in numbers]
    return codes, pa.array(texts, type=pa.string())


def count_rows(ticks: Ticks, rows: Rows) -> RowCounts:
    """The counts of the rows whose lines can be read."""
    is_read = np.ones(rows.tick.size, dtype=np.bool_)
    is_read[list(rows.unreadable)] = False
    is_crowded = ticks.is_crowded[rows.tick] & is_read
    plain = is_read & ~is_crowded
    once = int((plain & ~rows.is_copy).sum())
    distinct, samples, in_conflict = _count_crowded(ticks, rows, np.flatnonzero(is_crowded))
    return RowCounts(
        rows=int(is_read.sum()),
        copied=int((rows.is_copy & is_read).sum()),
        distinct=once + distinct,
        samples=once + samples,
        in_conflict=in_conflict,
        no_lap=int((ticks.lap[rows.tick[is_read]] == NO_LAP).sum()),
    )


def _count_crowded(ticks: Ticks, rows: Rows, crowded: IntArray) -> tuple[int, int, int]:
    """Distinct rows, cells of stamp and channel, and rows in cells with two values, of rows on shared stamps."""
    if not crowded.size:
        return 0, 0, 0
    tick, value = rows.tick[crowded], rows.value[crowded]
    keys = (value, ticks.lap[tick], ticks.receipt_ms[tick], rows.channel[crowded], ticks.stamp_ms[tick])
    order = np.lexsort(keys)
    value, lap, receipt, channel, stamp = (key[order] for key in keys)
    is_new_cell = np.concatenate([[True], (np.diff(stamp) != 0) | (np.diff(channel) != 0)])
    is_new_row = is_new_cell | np.concatenate(
        [[True], (np.diff(receipt) != 0) | (np.diff(lap) != 0) | (np.diff(value) != 0)]
    )
    cells = np.flatnonzero(is_new_cell)
    sizes = np.diff(np.append(cells, value.size))
    has_conflict = np.minimum.reduceat(value, cells) != np.maximum.reduceat(value, cells)
    return int(is_new_row.sum()), cells.size, int(sizes[has_conflict].sum())


def plain_rows(ticks: Ticks, rows: Rows) -> IntArray:
    """The rows that no other one repeats or contradicts."""
    has_copy = np.append(rows.is_copy[1:], False)
    return np.flatnonzero(~(rows.is_copy | has_copy | ticks.is_crowded[rows.tick]))


def write_rows(file: IO[bytes], ticks: Ticks, rows: Rows, *, logger_id: str, event: str, session: str) -> None:
    """Append one vehicle's lines to the telemetry file."""
    starts, ends = _tick_texts(ticks, logger_id=logger_id, event=event, session=session)
    broken = sorted(rows.unreadable)
    for begin in range(0, rows.tick.size, _CHUNK_ROWS):
        part = slice(begin, begin + _CHUNK_ROWS)
        tick = pa.array(rows.tick[part])
        values = pc.take(rows.texts, pa.array(rows.value[part]))
        lines = pc.binary_join_element_wise(pc.take(starts, tick), values, pc.take(ends, tick), "")
        inside = [row for row in broken if begin <= row < begin + _CHUNK_ROWS]
        _write_lines(file, lines, {row - begin: rows.unreadable[row] for row in inside})


def _tick_texts(ticks: Ticks, *, logger_id: str, event: str, session: str) -> tuple[pa.Array, pa.Array]:
    """What stands before and after the channel and its value in every row of a tick."""
    laps, lap_index = np.unique(ticks.lap, return_inverse=True)
    heads = pa.array([f",{lap},{event},{session},kafka:gr-raw," for lap in laps.tolist()], type=pa.string())
    receipts = pa.array(iso_times(ticks.receipt_ms), type=pa.string())
    stamps = pa.array(iso_times(ticks.stamp_ms), type=pa.string())
    starts = pc.binary_join_element_wise(pc.take(heads, pa.array(lap_index)), receipts, f",{logger_id},0,", "")
    ends = pc.binary_join_element_wise(",", stamps, f",{logger_id},{vehicle_number(logger_id)}\r\n", "")
    return starts, ends


def _write_lines(file: IO[bytes], lines: pa.Array, unreadable: Mapping[int, str]) -> None:
    """Write the texts one after the other, as they lie in the array's buffer, but for the unreadable ones."""
    _, offset_buffer, text = lines.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int32, count=len(lines) + 1)
    data = memoryview(text)
    written = int(offsets[0])
    for row, fault in sorted(unreadable.items()):
        begin, end = int(offsets[row]), int(offsets[row + 1])
        file.write(data[written:begin])
        file.write(break_line(bytes(data[begin:end]), fault))
        written = end
    file.write(data[written : int(offsets[-1])])


def break_line(line: bytes, fault: str) -> bytes:
    """The line as a bad transmission leaves it."""
    fields = line.removesuffix(b"\r\n").split(b",")
    if fault == "too_few_fields":
        fields = fields[:_VALUE_FIELD]
    elif fault == "bad_number":
        fields[_VALUE_FIELD] += b"."
        fields[_VALUE_FIELD] += b".7"
    else:
        fields[_CHANNEL_FIELD] = b"\xff" + fields[_CHANNEL_FIELD][1:]
    return b",".join(fields) + b"\r\n"


UNREADABLE: Sequence[str] = ("too_few_fields", "bad_number", "not_utf8", "too_few_fields", "bad_number")
