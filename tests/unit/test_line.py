"""The line from curvature alone and from GPS: closing, gains, zeros, and laying one line over another."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.settings import TrackSettings
from grx_pipeline.track.gps import along_line, to_plane
from grx_pipeline.track.inertial import STANDARD_GRAVITY, Curvature, close_line, integrate
from grx_pipeline.track.line import overlay

Array = npt.NDArray[np.float64]

SETTINGS = TrackSettings()
LENGTH_M = 3001.0
GRID = np.arange(0.0, LENGTH_M, 2.0)
STEP = np.diff(np.append(GRID, LENGTH_M))


def circuit() -> tuple[Array, Array]:
    """Curvature (k,) of a closed circuit to the left with bends both ways, and its line (2, k)."""
    angle = 2 * np.pi * np.arange(20_000) / 20_000
    radius = 1 + 0.25 * np.cos(2 * angle) + 0.18 * np.sin(3 * angle + 1) + 0.08 * np.cos(7 * angle)
    line = np.stack([radius * np.cos(angle), radius * np.sin(angle)])
    around = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(np.column_stack([line, line[:, :1]]))))])
    line *= LENGTH_M / around[-1]
    heading = np.unwrap(np.arctan2(*np.gradient(line, axis=1)[::-1]))
    curvature = np.gradient(heading) / np.gradient(around[:-1] * LENGTH_M / around[-1])
    places = around * LENGTH_M / around[-1]
    closed = np.column_stack([line, line[:, :1]])
    on_grid = np.stack([np.interp(GRID, places, axis) for axis in closed])
    return np.interp(GRID + STEP / 2, places[:-1], curvature), on_grid


CURVATURE, LINE = circuit()
PER_G = STANDARD_GRAVITY / (40.0 + 15 * np.cos(GRID / 200)) ** 2


def off_by(curvature: Array) -> float:
    """The largest distance (m) of the closed line from the true one, once laid over it."""
    closed = close_line(Curvature(measured_per_m=curvature, per_g=PER_G), GRID, LENGTH_M, SETTINGS)
    return float(np.hypot(*(overlay(np.stack([closed.x_m, closed.y_m]), LINE) - LINE)).max())


def test_true_curvature_gives_the_true_line() -> None:
    assert off_by(CURVATURE) < 2.0


def test_constant_curvature_is_a_circle_to_the_left() -> None:
    x, y = integrate(np.full(GRID.size, 2 * np.pi / LENGTH_M), STEP)
    assert np.hypot(x[-1], y[-1]) < 0.1
    assert y.max() == pytest.approx(LENGTH_M / np.pi, rel=1e-3)
    assert abs(y.min()) < 0.1


def test_line_starts_along_x_with_left_up_and_meets_its_start() -> None:
    closed = close_line(Curvature(measured_per_m=CURVATURE, per_g=PER_G), GRID, LENGTH_M, SETTINGS)
    assert (closed.x_m[0], closed.y_m[0]) == (0.0, 0.0)
    assert closed.x_m[1] == pytest.approx(2.0, abs=0.01)
    assert STEP[-1] == pytest.approx(np.hypot(closed.x_m[-1], closed.y_m[-1]), abs=0.01)
    assert closed.turned_deg == pytest.approx(360.0, abs=1.0)
    assert STEP @ closed.curvature_per_m == pytest.approx(2 * np.pi)


@settings(deadline=None, max_examples=10)
@given(zero=st.floats(-0.08, 0.08))
def test_wrong_zero_is_taken_off(zero: float) -> None:
    measured = CURVATURE + zero * PER_G
    closed = close_line(Curvature(measured_per_m=measured, per_g=PER_G), GRID, LENGTH_M, SETTINGS)
    assert closed.gain == 1.0
    assert closed.offset_g == pytest.approx(zero, abs=0.01)
    assert off_by(measured) < 15.0


@pytest.mark.parametrize("gain", [0.55, 0.7, 1.4])
def test_wrong_gain_is_found(gain: float) -> None:
    measured = CURVATURE * gain
    closed = close_line(Curvature(measured_per_m=measured, per_g=PER_G), GRID, LENGTH_M, SETTINGS)
    assert closed.gain == pytest.approx(1 / gain, rel=0.03)
    assert off_by(measured) < 20.0


def test_gain_near_one_is_left_alone() -> None:
    measured = CURVATURE * 0.94
    assert close_line(Curvature(measured_per_m=measured, per_g=PER_G), GRID, LENGTH_M, SETTINGS).gain == 1.0
    assert off_by(measured) < 30.0


def test_clockwise_circuit_is_the_mirror_image() -> None:
    left = close_line(Curvature(measured_per_m=CURVATURE * 0.98, per_g=PER_G), GRID, LENGTH_M, SETTINGS)
    right = close_line(Curvature(measured_per_m=-CURVATURE * 0.98, per_g=PER_G), GRID, LENGTH_M, SETTINGS)
    assert right.x_m == pytest.approx(left.x_m, abs=1e-3)
    assert right.y_m == pytest.approx(-left.y_m, abs=1e-3)
    assert right.turned_deg == pytest.approx(-left.turned_deg)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-0.06, 0.06), min_size=30, max_size=30))
def test_line_closes_whatever_the_road_leans(leans: list[float]) -> None:
    lean = np.interp(GRID, np.linspace(0, LENGTH_M, 30), leans)
    measured = CURVATURE + lean * PER_G
    closed = close_line(Curvature(measured_per_m=measured, per_g=PER_G), GRID, LENGTH_M, SETTINGS)
    x, y = integrate(closed.curvature_per_m, STEP)
    assert np.hypot(x[-1], y[-1]) < 1e-3
    raw_x, raw_y = integrate(measured, STEP)
    assert closed.raw_closure_m == pytest.approx(np.hypot(raw_x[-1], raw_y[-1]))


@given(turn=st.floats(-3, 3), east=st.floats(-500, 500), north=st.floats(-500, 500))
def test_overlay_undoes_a_turn_and_a_move(turn: float, east: float, north: float) -> None:
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    assert overlay(rotation @ LINE + np.array([[east], [north]]), LINE) == pytest.approx(LINE, abs=1e-6)


def test_plane_is_metres_east_and_north() -> None:
    """One degree of latitude is 110.95 km at 33.5 degrees north, one of longitude 92.9 km (WGS 84)."""
    origin = np.array([33.5, -86.6])
    east, north = to_plane(np.array([[33.51, 33.5], [-86.6, -86.59]]), origin)
    assert north.tolist() == pytest.approx([1109.2, 0.0], abs=0.5)
    assert east.tolist() == pytest.approx([0.0, 929.1], abs=0.5)


def test_lap_ahead_of_the_field_is_ahead_along_the_line() -> None:
    ahead = np.array([-2.0, 0.0, 0.0, 3.0])
    places = (GRID + ahead[:, np.newaxis]) % LENGTH_M
    closed = np.column_stack([LINE, LINE[:, :1]])
    positions = np.stack([np.interp(places, np.append(GRID, LENGTH_M), axis) for axis in closed])
    found = along_line(positions, GRID, LENGTH_M)
    assert np.median(found, axis=1).tolist() == pytest.approx(ahead.tolist(), abs=0.05)
