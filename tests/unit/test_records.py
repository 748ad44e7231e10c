"""Records as JSON, their build and their rounding."""

import json
import math
from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.publishing.manifest import SCHEMA_VERSION
from grx_pipeline.reports.encoding import Envelope, content_build, from_row, to_json
from grx_pipeline.reports.precision import DECIMALS, rounded, rounded_series, whole, whole_series
from grx_pipeline.reports.records import (
    Range,
    SiwtlSection,
    SiwtlSector,
    UnmatchedLogger,
)
from grx_pipeline.schemas import TABLES

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.dictionaries(TEXTS, inner) | st.lists(inner),
)


@dataclass(frozen=True, kw_only=True)
class Trace:
    name: str
    points: pa.Array


@given(JSON_VALUES)
def test_a_value_reads_back_as_it_was(value: object) -> None:
    assert json.loads(to_json(_tuples(value))) == value


def _tuples(value: object) -> object:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return value


@given(st.lists(st.none() | st.floats(-1e6, 1e6)))
def test_a_column_reads_back_with_its_gaps_as_null(points: list[float | None]) -> None:
    document = json.loads(to_json(Trace(name="x", points=pa.array(points, pa.float64()))))
    assert document == {"name": "x", "points": points}


def test_fields_keep_their_order_and_a_section_ends_with_its_name() -> None:
    section = SiwtlSection(
        sector=1, best_ms=2, in_best_lap_ms=3, gap_ms=1, weight=0.5, gain_ms=1, donor_lap=4, done_on_laps=1, name="IM1a"
    )
    names = list(json.loads(to_json(section)))
    assert names == [*SiwtlSector.__dataclass_fields__, "name"]


def test_texts_stay_readable_and_are_never_escaped_to_ascii() -> None:
    assert to_json("🏁 סוזי") == '"🏁 סוזי"'


def test_a_nan_outside_a_column_is_an_error() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        to_json(Range(low=math.nan, mean=1.0, high=2.0))


def test_an_envelope_is_one_line_with_its_fields_first() -> None:
    envelope = Envelope(
        schema_version=SCHEMA_VERSION, session="s", build="b", generated_at="2025-01-01T00:00:00Z", data_text='{"a":1}'
    )
    content = envelope.to_bytes()
    assert list(json.loads(content)) == ["schema_version", "session", "build", "generated_at", "data"]
    assert content.endswith(b"}\n")
    assert content.count(b"\n") == 1


def test_the_build_follows_the_content() -> None:
    assert content_build("{}") == content_build("{}")
    assert content_build("{}") != content_build("[]")


def test_a_record_takes_its_own_columns_of_a_row() -> None:
    row = {"logger_id": "a", "reason": "b", "crossings": 1, "telemetry_rows": 2, "another": 3}
    assert from_row(UnmatchedLogger, row) == UnmatchedLogger(logger_id="a", reason="b", crossings=1, telemetry_rows=2)


@given(st.floats(-1e6, 1e6), st.sampled_from(sorted(DECIMALS)))
def test_rounding_keeps_a_value_within_half_a_step_and_is_settled(value: float, unit: str) -> None:
    result = rounded(value, unit)
    assert result is not None
    assert abs(result - value) <= 0.5 * 10 ** -DECIMALS[unit] * (1 + 1e-9) + 1e-9
    assert rounded(result, unit) == result


@given(st.lists(st.floats(-1e4, 1e4) | st.just(math.nan) | st.none()))
def test_a_rounded_column_has_null_for_nan_and_no_negative_zero(values: list[float | None]) -> None:
    column = pa.array(values, pa.float64())
    result = rounded_series(column, "km/h").to_pylist()
    assert [r is None for r in result] == [v is None or math.isnan(v) for v in values]
    assert "-0" not in to_json(rounded_series(column, "km/h"))[1:-1].split(",")


def test_whole_milliseconds_round_half_up() -> None:
    assert [whole(value) for value in (0.5, 1.5, 98_325.5, None, math.nan)] == [1, 2, 98_326, None, None]
    assert whole_series(pa.array([0.5, 1.5, math.nan])).to_pylist() == [1, 2, None]


def test_every_unit_of_a_lap_feature_has_its_decimals() -> None:
    assert {column.unit for column in TABLES["telemetry_features"].columns} <= set(DECIMALS)
