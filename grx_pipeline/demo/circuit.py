"""The invented circuit: Harrow Gap Raceway, 17 turns of every kind.

The lap is a list of arcs with straights before them. Their edges are eased with an error function, which keeps every
turn's angle, and two straights are solved for so that the lap ends where it began. Nothing about cars belongs here.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from grx_pipeline.demo.race import Array, DemoCircuit, IntArray

SLUG = "harrow-gap"
NAME = "Harrow Gap Raceway"

_EASING_SHARE, _LEAST_EASING_M, _MOST_EASING_M = 0.45, 10.0, 45.0
_FINE_STEP_M = 0.25
_START_HEADING_DEG = 63.0
_FINISH_LATITUDE_DEG, _FINISH_LONGITUDE_DEG = 38.4617305, -79.1386142
_METRES_PER_DEGREE = 111_195.0
_SPLITS_M = (735.0, 1440.0, 1830.0, 2415.0, 2870.0)
_PIT_ENTRY_BEFORE_LINE_M, _PIT_EXIT_AFTER_LINE_M = 280.0, 190.0
_RUN_TO_LINE_M = 300.0


@dataclass(frozen=True, kw_only=True)
class Turn:
    """An arc after a straight. `angle_deg` is + to the right; `grip` is the asphalt's and camber's against flat.

    `braking` is how much of the car's deceleration drivers ask for before it, 0..1: all of it at the end of a
    straight, less where the car is already turning.
    """

    name: str
    straight_m: float
    radius_m: float
    angle_deg: float
    grip: float = 1.0
    braking: float = 0.5


TURNS = (
    Turn(name="T1 Tollgate", straight_m=225, radius_m=70, angle_deg=90, braking=0.83),
    Turn(name="T2 Off-Camber", straight_m=75, radius_m=66, angle_deg=-62, grip=0.93, braking=0.26),
    Turn(name="T3 Orchard", straight_m=65, radius_m=54, angle_deg=72, braking=0.3),
    Turn(name="T4 Hairpin", straight_m=240, radius_m=21, angle_deg=165, braking=0.85),
    Turn(name="T5 Dogleg", straight_m=85, radius_m=50, angle_deg=-48, braking=0.3),
    Turn(name="T6 Millrace", straight_m=30, radius_m=40, angle_deg=54, braking=0.3),
    Turn(name="T7 Mill", straight_m=80, radius_m=46, angle_deg=-91, braking=0.28),
    Turn(name="T8 Kink", straight_m=55, radius_m=230, angle_deg=-20),
    Turn(name="T9 Esses Entry", straight_m=85, radius_m=88, angle_deg=54, braking=0.26),
    Turn(name="T10 Esses", straight_m=30, radius_m=70, angle_deg=-70, braking=0.3),
    Turn(name="T11 Esses Exit", straight_m=45, radius_m=68, angle_deg=54, braking=0.3),
    Turn(name="T12 Quarry", straight_m=85, radius_m=47, angle_deg=-108, braking=0.28),
    Turn(name="T13 Long Sweeper", straight_m=120, radius_m=95, angle_deg=150, grip=1.03, braking=0.3),
    Turn(name="T14 Chicane Entry", straight_m=155, radius_m=45, angle_deg=-56, braking=0.34),
    Turn(name="T15 Chicane Exit", straight_m=25, radius_m=38, angle_deg=60, braking=0.3),
    Turn(name="T16 Ridge", straight_m=135, radius_m=70, angle_deg=72, grip=0.94, braking=0.32),
    Turn(name="T17 Gap", straight_m=100, radius_m=74, angle_deg=44, grip=1.02, braking=0.3),
)
_SOLVED_TURN = 12  # the straight before T13 runs across the main straight: both together close the lap


def build_circuit() -> DemoCircuit:
    """The circuit, closed in position and heading, its length a whole number of metres."""
    straights = np.array([turn.straight_m for turn in TURNS] + [_RUN_TO_LINE_M])
    radii = np.array([turn.radius_m for turn in TURNS])
    angles = np.radians([turn.angle_deg for turn in TURNS])
    straights = _close(straights, radii, angles)
    raw_length = float(straights.sum() + (np.abs(angles) * radii).sum())
    length = round(raw_length)
    straights, radii = straights * length / raw_length, radii * length / raw_length
    x, y = (np.interp(np.arange(length), *path) for path in _paths(straights, radii, angles))
    starts, ends = _arcs(straights, radii, angles)
    eased = _easing(radii, angles) / 2
    between = np.concatenate([[np.inf], (starts[1:] - ends[:-1]) / 2, [np.inf]])
    return DemoCircuit(
        slug=SLUG,
        name=NAME,
        length_m=float(length),
        curvature_per_m=_curvature(np.arange(length, dtype=float), straights, radii, angles),
        x_m=x,
        y_m=y,
        latitude_deg=_FINISH_LATITUDE_DEG + y / _METRES_PER_DEGREE,
        longitude_deg=_FINISH_LONGITUDE_DEG + x / (_METRES_PER_DEGREE * np.cos(np.radians(_FINISH_LATITUDE_DEG))),
        splits_m=(*_SPLITS_M, float(length)),
        pit_entry_m=length - _PIT_ENTRY_BEFORE_LINE_M,
        pit_exit_m=_PIT_EXIT_AFTER_LINE_M,
        corner_names=tuple(turn.name for turn in TURNS),
        corner_starts_m=tuple(float(m) for m in np.round(starts - np.minimum(eased, between[:-1]), 1)),
        corner_ends_m=tuple(float(m) for m in np.round(ends + np.minimum(eased, between[1:]), 1)),
    )


def turn_of_metre(circuit: DemoCircuit) -> IntArray:
    """The turn (index) that every metre belongs to, changing half-way between turns; after the last comes the first."""
    starts, ends = np.array(circuit.corner_starts_m), np.array(circuit.corner_ends_m)
    middles = (ends[:-1] + starts[1:]) / 2
    return np.asarray(np.searchsorted(middles, np.arange(circuit.curvature_per_m.size), side="right"))


def _arcs(straights: Array, radii: Array, angles: Array) -> tuple[Array, Array]:
    ends = np.cumsum(straights[:-1] + np.abs(angles) * radii)
    return ends - np.abs(angles) * radii, ends


def _easing(radii: Array, angles: Array) -> Array:
    """How far (m) the hands take to turn in and to open up again: a share of the arc."""
    return np.clip(_EASING_SHARE * np.abs(angles) * radii, _LEAST_EASING_M, _MOST_EASING_M)


def _curvature(distance: Array, straights: Array, radii: Array, angles: Array) -> Array:
    starts, ends = _arcs(straights, radii, angles)
    easing = _easing(radii, angles)
    eased = erf((distance[:, None] - starts) / easing) - erf((distance[:, None] - ends) / easing)
    return np.asarray(eased @ (np.sign(angles) / radii / 2))


def _paths(straights: Array, radii: Array, angles: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """(distance, x east) and (distance, y north) every quarter metre; compass heading grows to the right."""
    length = straights.sum() + (np.abs(angles) * radii).sum()
    edges = np.linspace(0.0, length, round(length / _FINE_STEP_M) + 1)
    step = edges[1]
    turned = np.cumsum(_curvature(edges[:-1] + step / 2, straights, radii, angles)) * step
    heading = np.radians(_START_HEADING_DEG) + np.concatenate([[0.0], (turned[1:] + turned[:-1]) / 2])
    x = np.concatenate([[0.0], np.cumsum(np.sin(heading)) * step])
    y = np.concatenate([[0.0], np.cumsum(np.cos(heading)) * step])
    return (edges, x), (edges, y)


def _close(straights: Array, radii: Array, angles: Array) -> Array:
    """The straights with the one before `_SOLVED_TURN` and the run to the line as long as the lap needs to close."""
    (_, x), (_, y) = _paths(straights, radii, angles)
    headings = np.radians(_START_HEADING_DEG) + np.array([angles[:_SOLVED_TURN].sum(), angles.sum()])
    change = np.linalg.solve(np.array([np.sin(headings), np.cos(headings)]), [-x[-1], -y[-1]])
    closed = straights.copy()
    closed[[_SOLVED_TURN, -1]] += change
    return closed
