"""What the UI shows of a step at a glance: right figures, small, and nothing where there is nothing."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.glance import Plot, Rows, glance_at
from grx_pipeline.glance.content import bars, circuit, lines
from grx_pipeline.schemas import TABLES
from grx_pipeline.steps import STEPS

# The UI shows longer markdown only after a click.
SHOWN_AT_ONCE = 1000


def _empty(table: str, columns: list[str]) -> pd.DataFrame:
    frame: pd.DataFrame = TABLES[table].arrow_schema().empty_table().select(columns).to_pandas()
    return frame


@pytest.mark.parametrize("step", [name for name, step in STEPS.items() if step.tables])
def test_every_step_with_tables_has_a_glance_also_where_they_are_empty(step: str) -> None:
    glance = glance_at(step, lambda table, columns: _empty(table, list(columns)))
    assert glance
    for content in glance.values():
        rows = [] if isinstance(content, Plot) else content.records(20)
        assert not any(cell for row in rows for cell in row.values() if isinstance(cell, int | float))


def test_a_step_without_tables_has_none() -> None:
    assert glance_at("out_warehouse", lambda table, columns: _empty(table, list(columns))) == {}


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60))
def test_bars_keep_order_value_and_proportion(values: list[int]) -> None:
    named = pd.Series({f"car {n}": value for n, value in enumerate(values)})
    rows = bars(named, what="car", unit="ms").records(60)
    assert [row["ms"] for row in rows] == values
    lengths = [len(str(row[""])) for row in rows]
    assert all(a >= b for a, b, x, y in zip(lengths, lengths[1:], values, values[1:], strict=False) if x >= y)
    assert max(lengths) <= 20


@given(st.lists(st.floats(-500, 500), min_size=2, max_size=800), st.integers(0, 20))
def test_a_drawing_is_shown_at_once(values: list[float], corners: int) -> None:
    marks = [(str(n + 1), n % len(values)) for n in range(corners)]
    across = [float(n) for n in range(len(values))]
    assert len(circuit(across, values, marks, text="The circuit").markdown) < SHOWN_AT_ONCE
    two = {"air": values, "track": [value + 10 for value in values]}
    assert len(lines(two, text="Temperatures", unit="°C").markdown) < SHOWN_AT_ONCE + 100


def test_a_drawing_with_gaps_leaves_them_out() -> None:
    plot = lines({"air": [20.0, float("nan"), 22.0]}, text="Temperature", unit="°C")
    assert "nan" not in plot.svg
    assert "20.0 to 22.0 °C" in plot.svg


def test_cells_are_words_and_numbers_a_person_reads() -> None:
    frame = pd.DataFrame({"a": [True, False], "b": [1.0, float("nan")], "c": [0.12349, 2.5], "d": ["x", None]})
    assert Rows(frame=frame).records(20) == [
        {"a": "yes", "b": 1, "c": 0.123, "d": "x"},
        {"a": "no", "b": "", "c": 2.5, "d": ""},
    ]
    assert len(Rows(frame=frame).records(1)) == 1


def test_laps_are_counted_by_what_speaks_against_them() -> None:
    laps = pd.DataFrame({"is_clean": [True, False, False], "reasons": [[], ["pit_in"], ["pit_in", "off_pace"]]})
    tables = {"laps": laps, "logger_matches": _empty("logger_matches", list(TABLES["logger_matches"].column_names))}
    rows = glance_at("core_laps", lambda table, columns: tables[table][list(columns)])["clean laps and reasons"]
    assert isinstance(rows, Rows)
    assert {row["clean, or what speaks against it"]: row["laps"] for row in rows.records(20)} == {
        "clean": 1,
        "pit in": 2,
        "off pace": 1,
    }
