import re
import tomllib
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.demo import car as model
from grx_pipeline.demo.circuit import SLUG, TURNS, build_circuit, turn_of_metre
from grx_pipeline.demo.race import DemoCircuit
from grx_pipeline.track.circuits import circuit_in, circuit_of


@pytest.fixture(scope="module")
def circuit() -> DemoCircuit:
    return build_circuit()


def headings(circuit: DemoCircuit) -> np.ndarray:
    """Compass heading (rad) of every metre, from the curvature alone."""
    start = np.arctan2(circuit.x_m[1] - circuit.x_m[0], circuit.y_m[1] - circuit.y_m[0])
    return start + np.cumsum(circuit.curvature_per_m) - circuit.curvature_per_m / 2


def test_the_curvature_turns_once_round_and_leads_back_to_the_line(circuit: DemoCircuit) -> None:
    assert np.degrees(circuit.curvature_per_m.sum()) == pytest.approx(360.0, abs=0.5)
    heading = headings(circuit)
    assert np.hypot(np.sin(heading).sum(), np.cos(heading).sum()) < 1.0


def test_the_line_is_one_metre_from_point_to_point_and_joins_up(circuit: DemoCircuit) -> None:
    assert circuit.x_m.size == circuit.y_m.size == circuit.curvature_per_m.size == circuit.length_m
    steps = np.hypot(np.diff(circuit.x_m, append=circuit.x_m[0]), np.diff(circuit.y_m, append=circuit.y_m[0]))
    assert steps == pytest.approx(1.0, abs=0.01)


def test_the_line_bends_as_the_curvature_says(circuit: DemoCircuit) -> None:
    heading = np.unwrap(np.arctan2(np.diff(circuit.x_m), np.diff(circuit.y_m)))
    assert np.diff(heading) == pytest.approx(circuit.curvature_per_m[1:-1], abs=2e-3)


def test_the_track_keeps_its_distance_from_itself(circuit: DemoCircuit) -> None:
    x, y = circuit.x_m[::5], circuit.y_m[::5]
    apart = np.hypot(x[:, None] - x, y[:, None] - y)
    along = np.abs(np.subtract.outer(np.arange(x.size), np.arange(x.size))) * 5
    is_elsewhere = np.minimum(along, circuit.length_m - along) > 150
    assert apart[is_elsewhere].min() > 25.0


def test_there_are_turns_of_every_kind(circuit: DemoCircuit) -> None:
    radii = [1 / np.abs(circuit.curvature_per_m[int(a) : int(b)]).max() for a, b in corners(circuit)]
    assert 14 <= len(radii) <= 17
    assert min(radii) < 25
    assert max(radii) > 200
    assert any(turn.angle_deg > 140 and turn.radius_m > 80 for turn in TURNS)
    assert any(turn.grip < 0.95 for turn in TURNS)
    assert {np.sign(turn.angle_deg) for turn in TURNS} == {-1, 1}


def corners(circuit: DemoCircuit) -> list[tuple[float, float]]:
    return list(zip(circuit.corner_starts_m, circuit.corner_ends_m, strict=True))


def test_corners_follow_one_another_and_every_metre_belongs_to_one(circuit: DemoCircuit) -> None:
    edges = np.ravel(corners(circuit))
    assert (np.diff(edges) >= 0).all()
    turns = turn_of_metre(circuit)
    assert turns.size == circuit.length_m
    assert [turns[int((a + b) / 2)] for a, b in corners(circuit)] == list(range(len(TURNS)))


def test_lines_and_pit_lane_lie_where_the_track_is_straight(circuit: DemoCircuit) -> None:
    lane = np.r_[int(circuit.pit_entry_m) : int(circuit.length_m), 0 : int(circuit.pit_exit_m)]
    assert np.abs(circuit.curvature_per_m[lane]).max() < 1 / 300
    assert len(circuit.splits_m) == 6
    assert (np.diff(circuit.splits_m) > 0).all()
    assert circuit.splits_m[-1] == circuit.length_m
    inside = [a <= m <= b for m in circuit.splits_m for a, b in corners(circuit)]
    assert not any(inside)


def test_the_circuit_table_says_what_the_circuit_is(circuit: DemoCircuit) -> None:
    known = circuit_of(SLUG)
    assert (known.name, known.length_m, known.time_zone) == (circuit.name, circuit.length_m, "America/New_York")
    assert np.cumsum(known.sectors_m).tolist() == list(circuit.splits_m[1::2])
    file = resources.files("grx_pipeline.track") / "tables" / f"{SLUG}.toml"
    finish = tomllib.loads(file.read_text(encoding="utf-8"))["finish_line_deg"]
    assert finish == pytest.approx([circuit.latitude_deg[0], circuit.longitude_deg[0]], abs=1e-9)


def test_file_names_of_the_circuit_are_recognised() -> None:
    assert circuit_in("R1_harrow_gap_telemetry_data.csv") == SLUG
    assert re.fullmatch(r"[a-z-]+", SLUG)


def test_degrees_are_the_local_plane(circuit: DemoCircuit) -> None:
    north = (circuit.latitude_deg - circuit.latitude_deg[0]) * 111_195
    east = (circuit.longitude_deg - circuit.longitude_deg[0]) * 111_195 * np.cos(np.radians(circuit.latitude_deg[0]))
    assert north == pytest.approx(circuit.y_m - circuit.y_m[0], abs=0.01)
    assert east == pytest.approx(circuit.x_m - circuit.x_m[0], abs=0.01)


@pytest.mark.parametrize(("pressure_bar", "total_g"), [(25.0, 0.61), (55.0, 1.0), (102.0, 1.38)])
def test_brakes_give_the_measured_deceleration(pressure_bar: float, total_g: float) -> None:
    speed = np.array([38.0])
    resistance = model.resistance_mps2(speed, np.zeros(1), np.zeros(1), np.array([5000.0]))
    total = (model.braking_mps2(np.array([pressure_bar])) + resistance) / model.GRAVITY
    assert total[0] == pytest.approx(total_g, rel=0.1)


@given(pressure_bar=st.floats(0.0, 110.0))
def test_pressure_and_deceleration_are_inverse(pressure_bar: float) -> None:
    given_bar = model.pressure_for_bar(model.braking_mps2(np.array([pressure_bar])))
    assert given_bar[0] == pytest.approx(pressure_bar, abs=1e-6)


@given(speed_mps=st.floats(1.0, 60.0), rpm=st.floats(800.0, 7300.0))
def test_the_engine_never_gives_more_than_its_power(speed_mps: float, rpm: float) -> None:
    accel = model.full_throttle_mps2(np.array([speed_mps]), np.array([rpm]))
    assert 0.0 < accel[0] * model.MASS_KG * speed_mps <= 120_000.0 * 1.000001


def test_nothing_pulls_over_the_limit_of_revs() -> None:
    assert model.full_throttle_mps2(np.array([50.0]), np.array([8000.0]))[0] == pytest.approx(0.0, abs=0.01)
