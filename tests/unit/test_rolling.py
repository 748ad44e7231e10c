"""The best rolling lap."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulated_laps import laps_of

from grx_pipeline.methods.driving.rolling import best_rolling_lap
from grx_pipeline.methods.siwtl import CleanLaps, rolling_best

LENGTH = 400.0
GRID = np.arange(0.0, LENGTH, 2.0)
LINES = (120.0, 260.0)
KNOTS = st.lists(st.floats(60, 200), min_size=5, max_size=5)


def laps(knots: list[list[float]]) -> np.ndarray:
    return np.array([np.interp(GRID, np.linspace(0, LENGTH, len(k)), k) for k in knots])


@given(knots=st.lists(KNOTS, min_size=2, max_size=5))
@settings(max_examples=60, deadline=None)
def test_never_slower_than_a_lap_or_than_the_rolling_lap_of_the_timing_lines(knots: list[list[float]]) -> None:
    field = laps_of(laps(knots), length_m=LENGTH, lines_m=LINES)
    found = best_rolling_lap(field, field.anchors_m, field.anchors_ms)
    assert found is not None
    ends = np.column_stack([field.anchors_ms, field.lap_time_ms])
    sectors = np.diff(ends, axis=1, prepend=0).astype(np.int64)
    timed = rolling_best(CleanLaps(lap_numbers=field.lap_numbers, times_ms=sectors))
    assert timed is not None
    assert found.time_ms <= timed + 1e-6
    assert found.time_ms <= field.lap_time_ms.min() + 1e-6


def test_is_the_end_of_one_lap_and_the_beginning_of_the_next() -> None:
    fast, slow = np.full(GRID.size // 2, 180.0), np.full(GRID.size // 2, 90.0)
    field = laps_of(np.vstack([np.concatenate([slow, fast]), np.concatenate([fast, slow])]), length_m=LENGTH)
    found = best_rolling_lap(field, np.empty(0), np.empty((2, 0)))
    assert found is not None
    assert abs(found.start_m - 200.0) <= 2.0
    assert found.lap_number == field.lap_numbers[0]
    assert abs(found.time_ms - 1000 * LENGTH / 50) < 40


def test_needs_two_clean_laps_running() -> None:
    field = laps_of(np.full((3, GRID.size), 100.0), length_m=LENGTH)
    unclean = replace(field, is_clean=np.array([True, False, True]))
    apart = replace(field, lap_numbers=np.array([2, 4, 6]))
    one = field.of(np.array([True, False, False]))
    assert [best_rolling_lap(f, np.empty(0), np.empty((len(f.lap_numbers), 0))) for f in (unclean, apart, one)] == [
        *(None, None, None)
    ]


def test_whole_lap_starts_at_the_line_of_its_own_number() -> None:
    field = laps_of(np.vstack([np.full(GRID.size, 90.0), np.full(GRID.size, 180.0)]), length_m=LENGTH)
    found = best_rolling_lap(field, np.empty(0), np.empty((2, 0)))
    assert found is not None
    assert (found.start_m, found.lap_number, found.time_ms) == (0.0, 3, field.lap_time_ms[1])
