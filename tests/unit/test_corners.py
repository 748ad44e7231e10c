"""Corner detection on lines that are made of known arcs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.demo.circuit import TURNS, build_circuit
from grx_pipeline.settings import TrackSettings
from grx_pipeline.track.corners import detect_corners, turn_of
from grx_pipeline.track.line import Line

LENGTH_M = 3000.0
GRID_M = 2.0
SETTINGS = TrackSettings()

# (start, end, radius): + radius turns left.
Arc = tuple[float, float, float]


def line_of(*arcs: Arc, speed_kmh: np.ndarray | float = 150.0, shift_m: float = 0.0) -> Line:
    """A line of arcs and straights whose curvature starts and ends within 10 m, `shift_m` further along the lap."""
    distance = np.arange(0.0, LENGTH_M, GRID_M)
    curvature = np.zeros(distance.size)
    for start, end, radius in arcs:
        along = (distance - start - shift_m) % LENGTH_M
        curvature += np.clip(np.minimum(along, end - start - along) / 10, 0, 1) / radius
    speed = np.roll(np.broadcast_to(speed_kmh, distance.shape), round(shift_m / GRID_M))
    return Line(
        distance_m=distance,
        x_m=np.zeros(distance.size),
        y_m=np.zeros(distance.size),
        curvature_per_m=curvature,
        speed_kmh=speed,
        laps=5,
        sources=(),
    )


def speed_with_minima(*places: float, depth_kmh: float) -> np.ndarray:
    distance = np.arange(0.0, LENGTH_M, GRID_M)
    dips = [np.clip(1 - np.abs(distance - place) / 60, 0, None) for place in places]
    return 150.0 - depth_kmh * np.sum(dips, axis=0)


def test_arcs_are_found_in_order_with_direction_and_range() -> None:
    corners = detect_corners(line_of((500, 620, 60), (900, 1000, -90), (1500, 1800, 100)), LENGTH_M, SETTINGS)
    assert [c.corner for c in corners] == ["T1", "T2", "T3"]
    assert [c.direction for c in corners] == ["left", "right", "left"]
    assert [c.start_m for c in corners] == pytest.approx([500, 900, 1500], abs=4)
    assert [c.end_m for c in corners] == pytest.approx([620, 1000, 1800], abs=4)


@pytest.mark.parametrize(
    ("arc", "reason"),
    [((500, 700, 350), "wider than 300 m"), ((500, 524, 60), "shorter than 25 m"), ((500, 550, 290), "under 12 deg")],
)
def test_what_asks_nothing_of_the_driver_is_no_corner(arc: Arc, reason: str) -> None:
    assert detect_corners(line_of(arc), LENGTH_M, SETTINGS) == (), reason


def test_a_dip_of_curvature_makes_two_corners_and_a_ripple_one() -> None:
    deep = line_of((500, 600, 80), (600, 700, 500), (700, 800, 80))
    shallow = line_of((500, 600, 80), (590, 710, 90), (700, 800, 80))
    assert [c.direction for c in detect_corners(deep, LENGTH_M, SETTINGS)] == ["left", "left"]
    assert len(detect_corners(shallow, LENGTH_M, SETTINGS)) == 1


def test_one_arc_with_two_slow_places_is_two_corners_where_speed_peaks_between() -> None:
    arc = (500.0, 900.0, 80.0)
    twice = line_of(arc, speed_kmh=speed_with_minima(600, 800, depth_kmh=20))
    first, second = detect_corners(twice, LENGTH_M, SETTINGS)
    assert first.end_m == second.start_m == pytest.approx(700, abs=40)
    assert (first.apex_m, second.apex_m) == (600, 800)
    ripple = line_of(arc, speed_kmh=speed_with_minima(600, 800, depth_kmh=3))
    assert len(detect_corners(ripple, LENGTH_M, SETTINGS)) == 1


def test_the_apex_is_the_slowest_place_or_the_sharpest_where_speed_only_rises() -> None:
    arc = (500.0, 900.0, 80.0)
    (slowest,) = detect_corners(line_of(arc, speed_kmh=speed_with_minima(640, depth_kmh=30)), LENGTH_M, SETTINGS)
    assert slowest.apex_m == 640
    rising = np.linspace(80.0, 200.0, round(LENGTH_M / GRID_M))
    (sharpest,) = detect_corners(line_of(arc, (700, 760, 120), speed_kmh=rising), LENGTH_M, SETTINGS)
    assert 700 < sharpest.apex_m < 760


def test_a_corner_over_start_and_finish_is_one() -> None:
    line = line_of((2900, 3100, 70), (1000, 1100, -80))
    first, second = detect_corners(line, LENGTH_M, SETTINGS)
    assert (first.corner, first.direction) == ("T1", "right")
    assert (second.start_m, second.end_m) == (pytest.approx(2900, abs=4), pytest.approx(100, abs=4))
    assert second.end_after_start_m(LENGTH_M) - second.start_m == pytest.approx(200, abs=8)
    assert turn_of(line, second, LENGTH_M) == pytest.approx(190 / 70, rel=0.02)


@given(shift=st.integers(0, round(LENGTH_M / GRID_M) - 1))
def test_where_the_line_is_does_not_change_the_corners(shift: int) -> None:
    arcs = ((500, 620, 60), (640, 740, -90), (1500, 1800, 100))
    moved = shift * GRID_M
    still = detect_corners(line_of(*arcs), LENGTH_M, SETTINGS)
    found = detect_corners(line_of(*arcs, shift_m=moved), LENGTH_M, SETTINGS)
    places = {(c.direction, (c.start_m - moved) % LENGTH_M, (c.end_m - moved) % LENGTH_M) for c in found}
    assert places == {(c.direction, c.start_m, c.end_m) for c in still}


def test_all_turns_of_the_demo_circuit_are_found_from_its_curvature() -> None:
    circuit = build_circuit()
    line = Line(
        distance_m=np.arange(circuit.length_m),
        x_m=circuit.x_m,
        y_m=circuit.y_m,
        curvature_per_m=-circuit.curvature_per_m,
        speed_kmh=np.full(circuit.curvature_per_m.size, 120.0),
        laps=5,
        sources=(),
    )
    found = detect_corners(line, circuit.length_m, SETTINGS)
    assert [c.direction for c in found] == ["right" if turn.angle_deg > 0 else "left" for turn in TURNS]
    middles = np.array([(a + b) / 2 for a, b in zip(circuit.corner_starts_m, circuit.corner_ends_m, strict=True)])
    assert np.abs(np.array([(c.start_m + c.end_m) / 2 for c in found]) - middles).max() < 12


def test_without_a_line_there_are_no_corners() -> None:
    none = np.empty(0)
    line = Line(distance_m=none, x_m=none, y_m=none, curvature_per_m=none, speed_kmh=none, laps=0, sources=())
    assert detect_corners(line, 0.0, SETTINGS) == ()
