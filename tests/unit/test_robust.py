"""Medians among gaps against those of what is there, and where a half goes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grx_pipeline.robust import column_medians, half_up

VALUES = st.floats(-1e6, 1e6) | st.just(float("nan"))
TABLES = arrays.arrays(float, st.tuples(st.integers(0, 6), st.integers(1, 4)), elements=VALUES)


@given(table=TABLES, least=st.integers(1, 4))
def test_a_columns_median_is_that_of_its_known_values_and_unknown_under_the_least(
    table: np.ndarray, least: int
) -> None:
    for column, found in zip(table.T, column_medians(table, least), strict=True):
        known = column[np.isfinite(column)]
        assert found == pytest.approx(np.median(known)) if known.size >= least else np.isnan(found)


def test_a_half_goes_up_and_what_is_not_known_stays_so() -> None:
    assert half_up(np.array([2.5, 2.49, -2.5, 3.5])).tolist() == [3.0, 2.0, -2.0, 4.0]
    assert np.isnan(half_up(float("nan")))
