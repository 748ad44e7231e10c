"""The circuits the package knows, and the corner tables that persons put down."""

from dataclasses import replace

import numpy as np
import pytest

from grx_pipeline.demo.circuit import SLUG, TURNS, build_circuit
from grx_pipeline.track.circuits import Corner, circuit_of, corner_problems, known_circuits

WITH_TABLE = [slug for slug, circuit in known_circuits().items() if circuit.corner_table]


def corner(number: str, start: float, apex: float, end: float) -> Corner:
    return Corner(corner=number, name=None, direction="left", start_m=start, apex_m=apex, end_m=end)


GOOD = (corner("T1", 100, 150, 200), corner("T2", 200, 260, 300), corner("T3", 950, 990, 40))


def turns_of(slug: str) -> list[int]:
    """The official numbers in the order of the table: a complex counts as each of its turns, a letter as its number."""
    table = circuit_of(slug).corner_table
    assert table is not None
    ends = [[int("".join(filter(str.isdigit, end))) for end in c.corner.split("-")] for c in table.corners]
    return [number for end in ends for number in range(end[0], end[-1] + 1)]


@pytest.mark.parametrize(("slug", "turns"), [("barber", 16), ("indianapolis", 14), ("cota", 20), ("harrow-gap", 17)])
def test_tables_have_every_official_number_once_in_lap_order(slug: str, turns: int) -> None:
    assert turns_of(slug) == list(range(1, turns + 1))


def test_sonoma_has_the_twelve_numbers_and_the_lettered_turns_of_its_map() -> None:
    table = circuit_of("sonoma").corner_table
    assert table is not None
    assert [c.corner for c in table.corners] == [
        *("T1", "T2", "T3", "T3A", "T4", "T5", "T6", "T7", "T7A", "T8", "T8A", "T9", "T10", "T11", "T12"),
    ]


def test_a_table_is_verified_only_where_the_map_has_numbers() -> None:
    verified = {slug for slug in WITH_TABLE if (table := circuit_of(slug).corner_table) and table.is_verified}
    assert verified == {"indianapolis", "cota", "sonoma", "harrow-gap"}
    assert set(WITH_TABLE) - verified == {"barber"}


def test_the_demo_table_is_the_demo_circuit() -> None:
    circuit, table = build_circuit(), circuit_of(SLUG).corner_table
    assert table is not None
    assert [f"{c.corner} {c.name}" for c in table.corners] == list(circuit.corner_names)
    assert [c.direction for c in table.corners] == ["right" if turn.angle_deg > 0 else "left" for turn in TURNS]
    assert [c.start_m for c in table.corners] == list(circuit.corner_starts_m)
    assert [c.end_m for c in table.corners] == list(circuit.corner_ends_m)


def test_good_corners_have_no_problem() -> None:
    assert corner_problems(GOOD, 1000.0) == []
    assert corner_problems(GOOD[:1], 1000.0) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ((corner("T1", 100, 250, 200),), "T1 has to lie"),
        ((corner("T1", 100, 1150, 1200),), "T1 has to lie in 0 to 1000 m"),
        ((replace(GOOD[0], direction="west"),), "turn left or right"),
        ((GOOD[0], corner("T1", 300, 350, 400)), "T1 is there twice"),
        ((GOOD[1], GOOD[0]), "T1 has to begin where T2 ends"),
        ((GOOD[0], corner("T2", 190, 260, 300)), "T2 has to begin where T1 ends"),
        ((corner("T1", 30, 50, 60), GOOD[1], GOOD[2]), "T1 has to begin where T3 ends"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(wrong: tuple[Corner, ...], words: str) -> None:
    assert any(words in problem for problem in corner_problems(wrong, 1000.0))


@pytest.mark.parametrize("slug", WITH_TABLE)
def test_sector_lines_of_a_table_lie_in_its_lap(slug: str) -> None:
    circuit = circuit_of(slug)
    assert circuit.length_m is not None
    assert np.sum(circuit.sectors_m) == pytest.approx(circuit.length_m, abs=1.0)


def test_an_unknown_circuit_has_no_corners() -> None:
    assert circuit_of("monza").corner_table is None
    assert all(circuit_of(slug).corner_table is None for slug in ("road-america", "sebring", "vir"))
