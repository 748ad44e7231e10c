"""Numbers on the map of a circuit: off the line by more than the cursor's dot, none over another, all inside."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from support.page_records import make_corner, make_track

from grx_pipeline.reports.driving_records import Track
from grx_pipeline.reports.track_map import MapFrame, MapLabel, track_map

# As the styles draw them: width of a letter and height of a line in the largest size, radius of the dot.
LETTER, LINE, DOT = 12.2, 15, 7.5


def snake(legs: int, apart_m: float) -> Track:
    """Straights side by side, joined by hairpins that are the corners, and a long way back."""
    x: list[float] = []
    y: list[float] = []
    turn = np.linspace(-np.pi / 2, np.pi / 2, 12)[1:-1]
    for leg in range(legs):
        side = 1 if leg % 2 == 0 else -1
        along = np.arange(0, 400, 10.0)[::side]
        x += [*along, *(along[-1] + side * apart_m / 2 * np.cos(turn))]
        y += [*np.full(len(along), leg * apart_m), *((leg + 0.5) * apart_m + apart_m / 2 * np.sin(turn))]
    back = np.linspace(y[-1], 0, 60)
    x += [*np.full(60, -120.0)]
    y += [*back]
    line = np.column_stack([x, y])
    distance = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    size = len(along) + len(turn)
    apexes = [float(distance[leg * size + len(along) + len(turn) // 2]) for leg in range(legs)]
    corners = tuple(
        replace(make_corner(n + 1), apex_m=apex, direction="left" if n % 2 == 0 else "right")
        for n, apex in enumerate(apexes)
    )
    track = make_track()
    columns = {"distance_m": pa.array(distance), "x_m": pa.array(line[:, 0]), "y_m": pa.array(line[:, 1])}
    return replace(track, corners=corners, line=replace(track.line, **columns), length_m=float(distance[-1]))


def box(label: MapLabel) -> tuple[float, float]:
    return LETTER * len(label.text) / 2, LINE / 2


def from_line(label: MapLabel, line: np.ndarray) -> float:
    apart = np.abs(line - (label.x, label.y)) - box(label)
    return float(np.hypot(*np.maximum(apart, 0).T).min())


@pytest.mark.parametrize(("legs", "apart_m"), [(4, 80.0), (6, 60.0), (9, 45.0)])
def test_numbers_stand_clear_of_the_line_of_each_other_and_of_the_edge(legs: int, apart_m: float) -> None:
    track = snake(legs, apart_m)
    chart = track_map(track)
    assert chart is not None
    assert len(chart.labels) == legs
    line = np.column_stack(MapFrame(track).at(np.linspace(0, MapFrame(track).length_m, 2000)))
    for i, label in enumerate(chart.labels):
        width, height = box(label)
        assert from_line(label, line) > DOT, label
        assert width < label.x < chart.width - width
        assert height < label.y < chart.height - height
        for other in chart.labels[:i]:
            is_beside = abs(label.x - other.x) >= width + box(other)[0]
            assert is_beside or abs(label.y - other.y) >= LINE, (label, other)


def test_where_nothing_is_free_a_number_still_stands_within_the_map() -> None:
    chart = track_map(snake(24, 16.0))
    assert chart is not None
    assert len({(label.x, label.y) for label in chart.labels}) == 24
    assert all(0 < label.x < chart.width and 0 < label.y < chart.height for label in chart.labels)
