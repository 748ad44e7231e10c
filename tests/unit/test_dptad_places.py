"""Which corner an event belongs to: its tile's, and in the brakes the one that is braked for."""

import pandas as pd
import pytest

from grx_pipeline.methods.dptad.places import Segments
from grx_pipeline.settings import DptadSettings

SETTINGS = DptadSettings(zone_reach_m=120.0, zone_m=30.0)
# A lap of 2 km: T1 is braked for from 1,950 m of the lap before, T2 not at all, T3 from 900 m.
CORNERS = pd.DataFrame(
    {
        "corner_index": [1, 2, 3],
        "corner": ["T1", "T2", "T3"],
        "apex_m": [60.0, 300.0, 1000.0],
        "brake_onset_m": [1950.0, float("nan"), 900.0],
    }
)
TILES = (
    ("braking", 1, 0.0),
    ("entry", 1, 20.0),
    ("exit", 1, 60.0),
    ("straight", 1, 200.0),
    ("entry", 2, 280.0),
    ("exit", 2, 300.0),
    ("straight", 2, 500.0),
    ("braking", 3, 890.0),
    ("entry", 3, 960.0),
    ("exit", 3, 1000.0),
    ("straight", 3, 1300.0),
    ("braking", 1, 1940.0),
)


def segments(corners: pd.DataFrame = CORNERS) -> Segments:
    rows = pd.DataFrame(TILES, columns=["phase", "corner_index", "start_m"])
    rows["end_m"] = rows["start_m"].shift(-1, fill_value=2000.0)
    return Segments(rows.assign(segment=range(1, len(rows) + 1), sector=1), corners, SETTINGS)


@pytest.mark.parametrize(
    ("place_m", "in_the_brakes", "otherwise"),
    [
        (800.0, "T3 braking", "After T2"),
        (751.0, "T3 braking", "After T2"),
        (749.0, "After T2", "After T2"),
        (930.0, "T3 braking", "T3 braking"),
        (970.0, "T3 entry", "T3 entry"),
        (1010.0, "T3 exit", "T3 exit"),
        # The next apex is T2's, which nobody brakes for.
        (210.0, "After T1", "After T1"),
        # The way to T1 begins before the line.
        (1850.0, "T1 braking", "After T3"),
        (1795.0, "After T3", "After T3"),
    ],
)
def test_an_event_in_the_brakes_is_the_braking_of_the_next_apex(
    place_m: float, in_the_brakes: str, otherwise: str
) -> None:
    assert segments().at(place_m, "brake").words == in_the_brakes
    assert segments().at(place_m, "throttle").words == otherwise


def test_the_corner_and_the_words_are_the_same_corners() -> None:
    where = segments().at(800.0, "brake")
    assert (where.corner_index, where.phase, where.sector, where.around) == (3, "braking", 1, "T3")
    after = segments().at(800.0, "speed")
    assert (after.corner_index, after.phase, after.around) == (2, "straight", "After T2")


def test_without_segments_a_place_is_in_metres() -> None:
    columns = ["segment", "start_m", "end_m", "phase", "corner_index", "sector"]
    where = Segments(pd.DataFrame(columns=columns), CORNERS.iloc[:0], SETTINGS).at(812.4, "brake")
    assert (where.words, where.around, where.corner_index, where.phase) == ("812 m", "812 m", None, None)
