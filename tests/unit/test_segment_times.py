"""Time in the tiles: whatever the tiles are, a lap's add up to its lap time and a sector's to the sector's."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulated_laps import joined, laps_of, tiles_of

from grx_pipeline.methods.driving.noise import measure_delta_error
from grx_pipeline.methods.driving.segment_times import border_times, pinned_laps, sector_edges, segment_lap_rows

LENGTH = 301.3
GRID = np.arange(0.0, LENGTH, 2.0)
LINES = (100.7, 200.0)
SPEEDS = st.lists(st.floats(40, 220), min_size=4, max_size=4)


def speeds_of(knots: list[float]) -> np.ndarray:
    return np.interp(GRID, np.linspace(0, LENGTH, len(knots)), knots)


@given(
    knots=st.lists(SPEEDS, min_size=1, max_size=4),
    borders=st.lists(st.floats(0.5, LENGTH - 0.5), max_size=8, unique=True),
)
@settings(max_examples=60, deadline=None)
def test_tiles_add_up_to_the_lap_and_to_its_sectors(knots: list[list[float]], borders: list[float]) -> None:
    field = laps_of(np.array([speeds_of(k) for k in knots]), length_m=LENGTH, lines_m=LINES)
    edges = sorted({*borders, *LINES, LENGTH})
    tiles = tiles_of(*(("entry", 1, 1 + sum(end > line for line in LINES), end) for end in edges))
    times = np.diff(border_times(field, tiles), axis=1)
    assert times.sum(axis=1) == pytest.approx(field.lap_time_ms, abs=1e-6)
    sector = np.array([tile.sector for tile in tiles])
    ends = np.column_stack([np.zeros(len(knots)), field.anchors_ms, field.lap_time_ms])
    for number in (1, 2, 3):
        official = ends[:, number] - ends[:, number - 1]
        assert times[:, sector == number].sum(axis=1) == pytest.approx(official, abs=1e-6)


def test_border_in_a_gap_is_unknown_but_at_a_sector_line_it_is_the_official_time() -> None:
    field = laps_of(np.full((1, GRID.size), 90.0), length_m=LENGTH, lines_m=LINES)
    time = np.where((GRID > 90) & (GRID < 120), np.nan, field.channels["time_ms"])
    holed = replace(field, channels={**field.channels, "time_ms": time})
    tiles = tiles_of(("entry", 1, 1, LINES[0]), ("exit", 1, 2, 110.0), ("exit", 1, 2, LINES[1]), ("exit", 1, 3, LENGTH))
    borders = border_times(holed, tiles)
    assert np.isnan(borders[0]).tolist() == [False, False, True, False, False]
    assert borders[0, 1] == field.anchors_ms[0, 0]
    assert segment_lap_rows(holed, tiles, borders)["time_ms"].isna().tolist() == [False, True, True, False]


def test_sectors_are_unknown_where_the_tiles_do_not_name_three() -> None:
    assert sector_edges(tiles_of(("entry", 1, 1, 100.0), ("exit", 1, 1, LENGTH))) is None
    assert sector_edges(
        tiles_of(("entry", 1, 1, 9.0), ("exit", 1, 2, 20.0), ("exit", 1, 2, 30.0), ("exit", 1, 3, 40.0))
    )
    assert not pinned_laps(laps_of(np.full((1, GRID.size), 90.0), length_m=LENGTH)).any()


@given(first=SPEEDS, second=SPEEDS, borders=st.lists(st.floats(0.5, LENGTH - 0.5), max_size=6, unique=True))
@settings(max_examples=60, deadline=None)
def test_what_one_lap_loses_to_another_in_stretches_adds_up_to_their_official_gap(
    first: list[float], second: list[float], borders: list[float]
) -> None:
    field = laps_of(np.array([speeds_of(first), speeds_of(second)]), length_m=LENGTH, lines_m=LINES)
    tiles = tiles_of(*(("entry", 1, 1, end) for end in sorted({*borders, LENGTH})))
    delta = np.diff(border_times(field, tiles), axis=0)[0]
    gap = field.lap_time_ms[1] - field.lap_time_ms[0]
    assert (delta[0], delta[-1]) == (0.0, gap)
    assert np.diff(delta).sum() == pytest.approx(gap, abs=1e-6)


def test_delta_error_is_that_of_pairs_of_one_car_at_lines_that_pin_no_lap() -> None:
    own = laps_of(np.full((3, GRID.size), 90.0), length_m=LENGTH, lines_m=LINES)
    other = laps_of(np.full((1, GRID.size), 150.0), length_m=LENGTH, lines_m=LINES, vehicle="b")
    field = joined(own, other)
    places = np.array([50.0, LINES[0], np.nan, LINES[1]])
    exact = 50 / (90 / 3.6) * 1000
    # The timing is 10 ms and 30 ms later than two of the traces; a lap of another car is in no pair.
    official = np.column_stack([[exact, exact + 10, exact + 30, 0.0], np.zeros((4, 3))])
    error = measure_delta_error(field, places, official)
    assert error is not None
    assert (error.pairs, error.median_ms) == (3, pytest.approx(20.0))
    assert error.p95_ms == pytest.approx(29.0)
    assert measure_delta_error(other, places, official[3:]) is None
    assert measure_delta_error(field, places[1:], official[:, 1:]) is None
