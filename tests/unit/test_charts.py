"""The geometry of the stint chart and the map."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from support.lap_records import YELLOW, make_lap, make_laps, make_siwtl
from support.page_records import make_track

from grx_pipeline.reports.charts import LapChart, lap_chart
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.records import Laps, Neutralisation
from grx_pipeline.reports.track_map import stretches, track_map
from grx_pipeline.settings import ReportSettings


def chart_of(laps: Laps, *phases: Neutralisation, field: tuple[tuple[int, int], ...] = ()) -> LapChart | None:
    return lap_chart(laps, make_siwtl((10, 10, 10)), phases, field, style=Style(), settings=ReportSettings())


def phase_of(begin: int, end: int) -> Neutralisation:
    return Neutralisation(
        phase=1,
        green_until_ms=None,
        yellow_from_ms=begin,
        yellow_until_ms=end,
        green_from_ms=None,
        crossings=1,
        cars=1,
    )


@given(
    st.lists(st.tuples(st.integers(30_000, 400_000), st.booleans(), st.booleans()), min_size=2, max_size=30),
    st.integers(0, 1_500_000),
    st.integers(0, 2_000_000),
)
def test_every_lap_and_every_yellow_lies_inside_the_chart(
    laps: list[tuple[int, bool, bool]], begin: int, length: int
) -> None:
    made = make_laps(
        make_lap(n, time, reasons=() if is_clean else (YELLOW,), is_valid=is_valid)
        for n, (time, is_clean, is_valid) in enumerate(laps, start=1)
    )
    chart = chart_of(made, phase_of(begin, begin + length))
    if made.best_lap_ms is None:
        assert chart is None
        return
    assert chart is not None
    frame = chart.frame
    assert len(chart.points) == len(laps)
    for point in chart.points:
        assert frame.left <= point.x <= frame.right
        assert frame.top <= point.y <= frame.bottom
    for band in chart.bands:
        assert frame.left <= band.x <= band.x + band.width <= frame.right + 0.1
    assert sum(point.is_best for point in chart.points) == 1
    assert len(chart.y_ticks) <= 6


def test_a_slow_lap_stands_at_the_edge_and_off_the_line() -> None:
    times = {1: 98_000, 2: 98_500, 3: 190_000, 4: 98_200, 5: 98_100}
    laps = make_laps(make_lap(n, time, reasons=(YELLOW,) if n == 3 else ()) for n, time in times.items())
    chart = chart_of(laps)
    assert chart is not None
    assert [point.is_slow for point in chart.points] == [n == 3 for n in times]
    assert chart.points[2].y == chart.frame.top
    assert re.sub(r"[0-9. ]", "", chart.line) == "MLML"


def test_one_lap_makes_no_chart() -> None:
    assert chart_of(make_laps([make_lap(1, 98_000)])) is None


def test_the_fields_median_is_drawn_to_scale_and_breaks_where_it_is_slow() -> None:
    laps = make_laps(make_lap(n, 98_000 + 100 * n) for n in range(1, 6))
    field = tuple((100_000 * n, 160_000 if n == 3 else 97_500) for n in range(1, 8))
    chart = chart_of(laps, field=field)
    assert chart is not None
    assert re.sub(r"[0-9. ]", "", chart.field_line) == "MLML"
    heights = [float(text) for text in re.findall(r"[ML][\d.]+ ([\d.]+)", chart.field_line)]
    assert max(heights) < chart.frame.bottom
    assert all(height > point.y for height in heights for point in chart.points)


def test_labels_of_close_yellows_do_not_touch() -> None:
    laps = make_laps(make_lap(n, 98_000 + 10 * n) for n in range(1, 31))
    phases = [replace(phase_of(begin, begin + 20_000), green_from_ms=begin + 20_000) for begin in (300_000, 360_000)]
    chart = chart_of(laps, *phases)
    assert chart is not None
    assert [band.label for band in chart.bands if band.is_certain] == ["FCY", ""]


def places_of(path: str) -> np.ndarray:
    """The places of a path `Mx yldx dy dx dy ...`."""
    start, _, steps = path.strip("Mz").partition("l")
    numbers = np.array([float(number) for number in f"{start} {steps}".split(" ")])
    return np.cumsum(numbers.reshape(-1, 2), axis=0)


def test_the_map_keeps_the_shape_and_every_number_stands_outside_the_bend() -> None:
    chart = track_map(make_track())
    assert chart is not None
    points = places_of(chart.path)
    width, height = np.ptp(points, axis=0)
    assert abs(width - height) < 2
    centre = points.mean(axis=0)
    radius = np.hypot(*(points - centre).T).mean()
    for label in chart.labels:
        assert np.hypot(label.x - centre[0], label.y - centre[1]) > radius + 10
        assert 0 < label.x < chart.width
        assert 0 < label.y < chart.height
    assert [label.text for label in chart.labels] == ["1", "2", "3", "4"]
    assert chart.is_approximate


def test_a_track_without_a_line_has_no_map() -> None:
    track = make_track()
    empty = replace(track, line=replace(track.line, **{n: pa.array([], pa.float64()) for n in vars(track.line)}))
    assert track_map(empty) is None
    assert stretches(empty, [(track.segments[0], "a", "")]) == ()


def test_a_stretch_ends_where_its_segment_ends() -> None:
    track = make_track()
    whole = track_map(track)
    first, second = track.segments[:2]
    paths = stretches(track, [(first, "a", "one"), (second, "b", "two")])
    assert whole is not None
    one, two = places_of(paths[0].path), places_of(paths[1].path)
    assert np.allclose(one[0], places_of(whole.path)[0])
    assert np.allclose(one[-1], two[0])
