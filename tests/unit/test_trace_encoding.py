"""Laps as text: what is decoded is what was encoded, and nothing in it can end a script element."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.reports.trace_encoding import CODINGS, encode_integers, encode_lap, script_json


def decode(text: str, order: int) -> list[int]:
    """The decoder of static/traces_model.js."""
    values, value, shift = [], 0, 0
    for character in text:
        digit = ord(character) - 63
        value += (digit & 31) << shift
        shift += 5
        if not digit & 32:
            values.append(-(value + 1) // 2 if value % 2 else value // 2)
            value, shift = 0, 0
    for _ in range(order):
        values = np.cumsum(values).tolist()
    return values


@given(st.lists(st.integers(-(2**40), 2**40)), st.integers(0, 2))
def test_integers_come_back(values: list[int], order: int) -> None:
    text = encode_integers(np.array(values, dtype=np.int64), order)
    assert decode(text, order) == values
    assert all("?" <= character <= "~" for character in text)


def columns(**values: list[float | None]) -> dict[str, pa.Array]:
    count = len(next(iter(values.values())))
    return {name: pa.array(values.get(name, [0.0] * count), pa.float64()) for name in CODINGS}


@given(st.lists(st.one_of(st.none(), st.floats(0, 300)), min_size=1, max_size=60).filter(any))
def test_a_channel_comes_back_within_half_its_step_and_its_gaps_exactly(speed: list[float | None]) -> None:
    coded = encode_lap(columns(speed_kmh=speed), step=1)
    coding = CODINGS["speed_kmh"]
    shipped: list[float | None] = [value / coding.scale for value in decode(coded[coding.key], coding.order)]
    for start, end in coded["gaps"].get(coding.key, []):
        shipped[start:end] = [None] * (end - start)
    assert [value is None for value in shipped] == [value is None for value in speed]
    for was, given_ in zip(shipped, speed, strict=True):
        if was is not None and given_ is not None:
            assert was == pytest.approx(given_, abs=0.5 / coding.scale + 1e-9)


def test_a_channel_that_a_car_does_not_have_is_left_out() -> None:
    coded = encode_lap(columns(time_ms=[0.0, 40.0, 80.0], brake_bar=[None, None, None]), step=1)
    assert "b" not in coded
    assert decode(coded["t"], 2) == [0, 40, 80]


def test_only_every_step_th_point_is_shipped() -> None:
    coded = encode_lap(columns(time_ms=[float(10 * n) for n in range(7)]), step=3)
    assert decode(coded["t"], 2) == [0, 30, 60]


@given(st.text())
def test_no_text_can_end_a_script_element(text: str) -> None:
    written = script_json({"name": text})
    assert "<" not in written
    assert "\u2028" not in written
    assert "\u2029" not in written
    assert json.loads(written) == {"name": text}
