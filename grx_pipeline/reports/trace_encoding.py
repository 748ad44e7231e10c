"""A lap over distance as short text: scaled integers, delta-coded, five bits a character.

What is drawn with it stands in trace_data.py, the decoder in static/traces_model.js.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from grx_pipeline.robust import half_up

Array = npt.NDArray[np.float64]

_BITS = 5
_CONTINUED = 1 << _BITS
# "?" to "~": no quote and no "<".
_FIRST_CHARACTER = 63


@dataclass(frozen=True, kw_only=True)
class Coding:
    """How a channel is shipped: values x `scale` as integers, differenced `order` times, under the name `key`."""

    key: str
    scale: int
    order: int


# Finer than a pixel of the chart, and as fine as the last digit of the value table.
CODINGS = {
    "time_ms": Coding(key="t", scale=1, order=2),
    "speed_kmh": Coding(key="v", scale=5, order=2),
    "throttle_pct": Coding(key="p", scale=1, order=1),
    "brake_bar": Coding(key="b", scale=1, order=1),
    "steering_deg": Coding(key="s", scale=1, order=1),
}


def encode_lap(columns: Mapping[str, pa.Array], *, step: int) -> dict[str, Any]:
    """Every `step`th point of the channels of CODINGS as text by key, and under "gaps" where they are unknown.

    A gap is [first, last + 1]; inside it the text holds the value before. A channel without any value is left out.
    """
    coded: dict[str, Any] = {}
    gaps: dict[str, list[list[int]]] = {}
    for name, coding in CODINGS.items():
        values = columns[name].to_numpy(zero_copy_only=False).astype(float)[::step]
        is_known = np.isfinite(values)
        if not is_known.any():
            continue
        coded[coding.key] = encode_integers(_held(half_up(values * coding.scale), is_known), coding.order)
        if not is_known.all():
            gaps[coding.key] = runs(~is_known)
    return {**coded, "gaps": gaps}


def _held(values: Array, is_known: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Integers; an unknown one takes the value before it, at the start the first known one."""
    places = np.where(is_known, np.arange(values.size), -1)
    held = np.maximum.accumulate(places)
    held[held < 0] = int(np.flatnonzero(is_known)[0])
    return values[held].astype(np.int64)


def runs(flags: npt.NDArray[np.bool_]) -> list[list[int]]:
    """The stretches of set flags as [first, last + 1]."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [[int(start), int(end)] for start, end in zip(edges[::2], edges[1::2], strict=True)]


def encode_integers(values: npt.NDArray[np.int64], order: int) -> str:
    """Differences of that order, folded to 0, 1, 2 ... for 0, -1, 1 ..., five bits a character, low bits first."""
    for _ in range(order):
        values = np.diff(values, prepend=0)
    folded = np.where(values < 0, -2 * values - 1, 2 * values)
    lengths = np.ones(folded.size, dtype=np.int64)
    rest = folded >> _BITS
    while rest.any():
        lengths += rest > 0
        rest >>= _BITS
    ends = np.cumsum(lengths)
    text = np.zeros(int(ends[-1]) if folded.size else 0, dtype=np.uint8)
    for place in range(int(lengths.max(initial=0))):
        has_digit = lengths > place
        digit = (folded[has_digit] >> (_BITS * place)) & (_CONTINUED - 1)
        more = np.where(lengths[has_digit] > place + 1, _CONTINUED, 0)
        text[(ends - lengths)[has_digit] + place] = digit + more + _FIRST_CHARACTER
    return text.tobytes().decode("ascii")


def script_json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """JSON that can stand inside a script element, or be its code: no "<", no U+2028 and U+2029."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
