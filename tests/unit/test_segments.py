"""Tiles of the lap: exact, in order, none across a sector line."""

from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from grx_pipeline.settings import TrackSettings
from grx_pipeline.track.segments import CornerPhases, Segment, tile_lap

LENGTH_M = 3000.0
SETTINGS = TrackSettings()
SECTORS = {"S1": 1050.0, "S2": 2040.0}


def corner(
    name: str, begin: float, apex: float, end: float, *, released: float | None = None, fastest: float | None = None
) -> CornerPhases:
    return CornerPhases(
        corner=name,
        begin_m=begin,
        released_m=released,
        apex_m=apex,
        end_m=end,
        fastest_before_m=begin if fastest is None else fastest,
    )


def tiles(*corners: CornerPhases, lines: dict[str, float] | None = None) -> list[tuple[str, float, float]]:
    found = tile_lap(corners, SECTORS if lines is None else lines, LENGTH_M, SETTINGS)
    return [(tile.name, tile.start_m, tile.end_m) for tile in found]


def test_a_corner_has_braking_entry_and_exit_with_straights_around() -> None:
    assert tiles(corner("T1", 300, 420, 500, released=400), lines={}) == [
        ("line to T1", 0, 300),
        ("T1 braking", 300, 400),
        ("T1 entry", 400, 420),
        ("T1 exit", 420, 500),
        ("T1 to line", 500, 3000),
    ]


def test_where_nobody_brakes_there_is_no_braking() -> None:
    named = tiles(corner("T1", 300, 420, 500), corner("T2", 1200, 1300, 1400), lines={})
    assert [name for name, _, _ in named] == [
        *("line to T1", "T1 entry", "T1 exit", "T1 to T2", "T2 entry", "T2 exit", "T2 to line"),
    ]


def test_linked_corners_meet_where_the_next_braking_begins() -> None:
    named = tiles(corner("T1", 300, 420, 600, released=400), corner("T2", 550, 640, 700, released=620), lines={})
    assert ("T1 exit", 420, 550) in named
    assert ("T2 braking", 550, 620) in named


def test_linked_corners_without_braking_meet_where_speed_peaks_between() -> None:
    named = tiles(corner("T1", 300, 420, 600), corner("T2", 550, 640, 700, fastest=570), lines={})
    assert ("T1 exit", 420, 570) in named
    assert ("T2 entry", 570, 640) in named


def test_a_short_way_between_two_corners_is_the_exit_of_the_first() -> None:
    named = tiles(corner("T1", 300, 420, 500), corner("T2", 530, 640, 700), lines={})
    assert ("T1 exit", 420, 530) in named


def test_tiles_are_cut_at_the_sector_lines_and_say_so() -> None:
    named = tiles(corner("T1", 900, 1000, 1100, released=980), corner("T2", 1500, 1600, 1700))
    assert [name for name, _, _ in named] == [
        *("line to T1", "T1 braking", "T1 entry", "T1 exit to S1", "T1 exit from S1", "T1 to T2"),
        *("T2 entry", "T2 exit", "T2 to S2", "S2 to line"),
    ]


def test_a_corner_over_start_and_finish_is_cut_there() -> None:
    named = tiles(corner("T1", -60, 40, 120, released=20), corner("T2", 1500, 1600, 1700), lines={})
    assert named == [
        ("T1 braking from line", 0, 20),
        ("T1 entry", 20, 40),
        ("T1 exit", 40, 120),
        ("T1 to T2", 120, 1500),
        ("T2 entry", 1500, 1600),
        ("T2 exit", 1600, 1700),
        ("T2 to T1", 1700, 2940),
        ("T1 braking to line", 2940, 3000),
    ]


def test_a_tile_too_short_to_time_goes_to_its_own_corner() -> None:
    named = tiles(corner("T1", 300, 420, 500, released=412), lines={})
    assert [name for name, _, _ in named] == ["line to T1", "T1 braking", "T1 exit", "T1 to line"]
    assert ("T1 braking", 300, 420) in named


def test_a_lap_without_corners_is_its_sectors() -> None:
    assert tiles() == [("line to S1", 0, 1050), ("S1 to S2", 1050, 2040), ("S2 to line", 2040, 3000)]


@st.composite
def laps(draw: st.DrawFn) -> tuple[list[CornerPhases], dict[str, float]]:
    """Corners in lap order whose phases may overlap, one of them perhaps over the line, and two sector lines."""
    apexes = sorted(draw(st.lists(st.floats(0, LENGTH_M - 0.01), min_size=1, max_size=12, unique=True)))
    corners = []
    for number, apex in enumerate(apexes):
        room = apex - apexes[number - 1] if number else apex - apexes[-1] + LENGTH_M
        begin = apex - draw(st.floats(0, min(room, 400.0)))
        fastest = apex - draw(st.floats(0, room))
        released = draw(st.none() | st.floats(begin, apex + 30))
        end = apex + draw(st.floats(0, 400))
        corners.append(corner(f"T{number + 1}", begin, apex, end, released=released, fastest=fastest))
    first = draw(st.floats(1, LENGTH_M - 2))
    return corners, {"S1": first, "S2": draw(st.floats(first + 0.5, LENGTH_M - 0.5))}


@given(lap=laps())
def test_tiles_cover_the_lap_exactly_and_none_crosses_a_sector_line(
    lap: tuple[list[CornerPhases], dict[str, float]],
) -> None:
    corners, lines = lap
    found = tile_lap(corners, lines, LENGTH_M, SETTINGS)
    assert (found[0].start_m, found[-1].end_m) == (0.0, LENGTH_M)
    assert [tile.end_m for tile in found[:-1]] == [tile.start_m for tile in found[1:]]
    assert all(tile.end_m > tile.start_m for tile in found)
    for place in lines.values():
        assert not any(tile.start_m < place < tile.end_m for tile in found)


@given(lap=laps())
def test_no_tile_is_too_short_unless_its_sector_is(lap: tuple[list[CornerPhases], dict[str, float]]) -> None:
    corners, lines = lap
    found = tile_lap(corners, lines, LENGTH_M, SETTINGS)
    edges = {0.0, LENGTH_M, *lines.values()}

    def fills_its_sector(tile: Segment) -> bool:
        return tile.start_m in edges and tile.end_m in edges

    assert all(t.end_m - t.start_m >= SETTINGS.min_tile_m or fills_its_sector(t) for t in found)


@given(lap=laps())
def test_tiles_of_a_corner_are_in_the_order_of_its_phases(lap: tuple[list[CornerPhases], dict[str, float]]) -> None:
    corners, lines = lap
    assume(len(corners) > 1)
    order = ("braking", "entry", "exit", "straight")
    for tile, following in pairwise(tile_lap(corners, lines, LENGTH_M, SETTINGS)):
        if tile.corner == following.corner and following.start_m not in lines.values():
            assert order.index(tile.phase) < order.index(following.phase)
