"""Values, rises and durations along laps, looked at for all laps at once."""

import numpy as np
import pytest

from grx_pipeline.methods.driving.passages import (
    lasting,
    rise_around,
    time_shares,
    value_at,
    without_gear_changes,
)

GRID = np.arange(0.0, 20.0, 2.0)


def test_value_is_linear_between_grid_points_and_unknown_beside_a_gap() -> None:
    values = np.vstack([GRID * 10, GRID * 10, GRID * 10])
    values[1, 4] = np.nan
    assert value_at(GRID, values, np.array([7.0, 7.0, np.nan])).tolist() == pytest.approx(
        [70.0, np.nan, np.nan], nan_ok=True
    )


def test_rise_is_where_the_stretch_around_the_place_began() -> None:
    throttle = np.array([[50, 50, 0, 0, 0, 40, 80, 100, 100, 100]], dtype=float)
    before, behind = (rise_around(GRID, throttle, 20.0, np.array([place])) for place in (4.0, 14.0))
    assert before.tolist() == behind.tolist() == pytest.approx([9.0])


def test_rise_is_unknown_where_the_channel_never_was_under_the_level_or_never_comes_over_it() -> None:
    flat_out, closed = np.full((1, 10), 100.0), np.zeros((1, 10))
    assert np.isnan(rise_around(GRID, flat_out, 20.0, np.array([8.0]))).all()
    assert np.isnan(rise_around(GRID, closed, 20.0, np.array([8.0]))).all()
    assert np.isnan(rise_around(GRID, closed, 20.0, np.array([np.nan]))).all()


def test_run_counts_only_if_it_lasts() -> None:
    time = np.arange(10.0)[np.newaxis] * 50
    flags = np.array([[0, 1, 1, 0, 0, 1, 1, 1, 1, 1]], dtype=bool)
    assert lasting(flags, time, 150.0).tolist() == [[*[False] * 5, *[True] * 5]]


def test_time_shares_add_up_to_the_lap() -> None:
    time = np.array([[0.0, 100.0, 250.0, 300.0]])
    assert time_shares(time, np.array([360.0])).sum() == pytest.approx(360.0)


def test_throttle_is_hidden_around_changes_of_gear_only() -> None:
    time = np.arange(10.0)[np.newaxis] * 100
    gear = np.array([[2, 2, 2, 2, 2, 3, 3, 3, 3, 3]], dtype=float)
    hidden = np.isnan(without_gear_changes(np.full((1, 10), 60.0), gear, time, 0.2))
    assert hidden.tolist() == [[False, False, False, True, True, True, True, True, False, False]]
