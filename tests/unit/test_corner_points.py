"""Where laps brake, are slowest and open the throttle, on laps drawn by hand."""

import numpy as np
import pytest

from grx_pipeline.settings import CornerSettings, Settings
from grx_pipeline.track.circuits import Corner
from grx_pipeline.track.corner_field import driver_median, driver_spread, field_corners, phases_of
from grx_pipeline.track.corner_points import corner_points, find_brakings, slowest_places
from grx_pipeline.track.field import CHANNEL_NAMES, FieldTraces
from grx_pipeline.track.line import Line

LENGTH_M = 1000.0
GRID = np.arange(0.0, LENGTH_M, 2.0)
SETTINGS = CornerSettings()
CORNER = Corner(corner="T1", name=None, direction="left", start_m=380, apex_m=430, end_m=520)


def field_of(vehicles: tuple[str, ...] = ("A",), **channels: np.ndarray) -> FieldTraces:
    """Laps at 36 km/h (10 m a second: the time is the distance x 100 ms) unless channels say otherwise."""
    count = len(vehicles)
    values = {name: np.full((count, GRID.size), np.nan) for name in CHANNEL_NAMES}
    values |= {"time_ms": np.tile(GRID * 100, (count, 1)), "speed_kmh": np.full((count, GRID.size), 36.0)}
    values |= {name: np.broadcast_to(value, (count, GRID.size)) for name, value in channels.items()}
    return FieldTraces(
        vehicle_ids=np.array(vehicles, dtype=object),
        lap_numbers=np.arange(1, count + 1),
        lap_time_ms=np.full(count, LENGTH_M * 100),
        is_clean=np.ones(count, dtype=bool),
        anchors_ms=np.empty((count, 0)),
        anchors_m=np.empty(0),
        length_m=LENGTH_M,
        distance_m=GRID,
        channels=values,
    )


def trapezium(start: float, top: float, fall: float, end: float, height: float) -> np.ndarray:
    return height * np.interp(GRID, [start, top, fall, end], [0, 1, 1, 0], left=0, right=0)


def dip(place: float, depth: float = 40.0) -> np.ndarray:
    return 100.0 - depth * np.clip(1 - np.abs(GRID - place) / 60, 0, None)


def onsets(brake_bar: np.ndarray, corner: Corner = CORNER) -> np.ndarray:
    return corner_points(field_of(brake_bar=brake_bar), [corner], SETTINGS).onset_m[:, 0]


def test_braking_begins_where_pressure_crosses_between_grid_points() -> None:
    assert onsets(trapezium(301, 321, 340, 400, 40)) == pytest.approx([303.5])


def test_braking_is_released_where_a_tenth_of_the_peak_is_left_or_it_ends() -> None:
    high, low = trapezium(300, 310, 340, 400, 80), trapezium(300, 310, 340, 400, 20)
    points = [corner_points(field_of(brake_bar=bar), [CORNER], SETTINGS) for bar in (high, low)]
    assert points[0].release_m[0, 0] == pytest.approx(394, abs=2)
    assert points[1].release_m[0, 0] == pytest.approx(385, abs=2)


@pytest.mark.parametrize("bar", [trapezium(300, 310, 340, 350, 9.5), trapezium(300, 300.5, 300.6, 301, 60)])
def test_a_brush_of_the_pedal_is_no_braking(bar: np.ndarray) -> None:
    assert np.isnan(onsets(bar)).all()


def test_the_hardest_braking_before_the_apex_counts() -> None:
    assert onsets(trapezium(200, 205, 220, 225, 20) + trapezium(300, 305, 330, 340, 50)) == pytest.approx([300.5])


def test_a_braking_behind_the_last_apex_is_for_the_first_corner_of_the_next_lap() -> None:
    assert onsets(trapezium(500, 505, 520, 530, 50)) == pytest.approx([500.5 - LENGTH_M])


def test_a_braking_belongs_to_the_corner_whose_apex_comes_next() -> None:
    second = Corner(corner="T2", name=None, direction="left", start_m=600, apex_m=650, end_m=700)
    bar = trapezium(540, 545, 560, 570, 30)
    points = corner_points(field_of(brake_bar=bar), [CORNER, second], SETTINGS)
    assert np.isnan(points.onset_m[0, 0])
    assert points.onset_m[0, 1] == pytest.approx(540.8, abs=0.1)


def test_braking_that_begins_before_start_and_finish_is_whole() -> None:
    early = Corner(corner="T1", name=None, direction="left", start_m=20, apex_m=60, end_m=120)
    other = Corner(corner="T2", name=None, direction="left", start_m=400, apex_m=460, end_m=520)
    bar = np.where((GRID >= 960) | (GRID < 30), 40.0, 0.0)
    points = corner_points(field_of(brake_bar=bar), [early, other], SETTINGS)
    assert points.onset_m[0, 0] == pytest.approx(-42, abs=2)
    assert points.release_m[0, 0] == pytest.approx(28, abs=2)


def test_brakings_of_laps_do_not_run_into_one_another() -> None:
    bar = np.vstack([trapezium(940, 945, 1100, 1200, 40), trapezium(500, 505, 520, 530, 40)])
    brakings = find_brakings(field_of(("A", "B"), brake_bar=bar), SETTINGS)
    assert brakings.onset_m[brakings.lap == 1] == pytest.approx([500.6, 1500.6], abs=0.1)


def test_the_apex_is_the_slowest_place_of_each_lap() -> None:
    speed = np.vstack([dip(420), dip(444)])
    assert slowest_places(field_of(("A", "B"), speed_kmh=speed), CORNER, SETTINGS).tolist() == [420, 444]


def test_a_corner_in_which_speed_only_rises_has_no_slowest_place() -> None:
    assert np.isnan(slowest_places(field_of(speed_kmh=dip(300)), CORNER, SETTINGS)).all()


def test_a_lap_with_a_gap_in_the_corner_has_no_apex() -> None:
    speed = np.vstack([dip(420), dip(444)])
    speed[1, 205] = np.nan
    apexes = slowest_places(field_of(("A", "B"), speed_kmh=speed), CORNER, SETTINGS)
    assert apexes[0] == 420
    assert np.isnan(apexes[1])


def test_an_apex_on_the_far_side_of_start_and_finish_lies_beside_the_corner() -> None:
    over = Corner(corner="T1", name=None, direction="left", start_m=950, apex_m=990, end_m=50)
    speed = np.vstack(
        [100 - 40 * np.clip(1 - np.abs((GRID - place + 500) % 1000 - 500) / 60, 0, 1) for place in (980, 8)]
    )
    assert slowest_places(field_of(("A", "B"), speed_kmh=speed), over, SETTINGS).tolist() == [980, 1008]


def test_full_throttle_is_the_first_after_the_laps_own_apex() -> None:
    throttle = np.where((GRID < 300) | (GRID >= 471), 100.0, 30.0)
    points = corner_points(field_of(speed_kmh=dip(420), throttle_pct=throttle), [CORNER], SETTINGS)
    assert points.full_throttle_m[0, 0] == 472
    assert np.isnan(
        corner_points(field_of(speed_kmh=dip(420), throttle_pct=GRID * 0), [CORNER], SETTINGS).full_throttle_m[0, 0]
    )


def test_every_driver_has_one_vote() -> None:
    drivers = np.array(["A", "A", "A", "A", "B", "C"], dtype=object)
    assert driver_median(np.array([1.0, 1.0, 1.0, 1.0, 5.0, np.nan]), drivers) == 3.0
    assert np.isnan(driver_median(np.full(6, np.nan), drivers))
    assert driver_spread(np.array([1.0, 2.0, 3.0, 4.0, 9.0, 9.0]), drivers, min_laps=3) == pytest.approx(1.4826)
    assert np.isnan(driver_spread(np.array([1.0, np.nan, np.nan, 2.0, 5.0, 7.0]), drivers, min_laps=3))


def test_a_corner_has_a_braking_where_most_laps_of_most_drivers_brake() -> None:
    brake, none = trapezium(301, 321, 340, 400, 40), np.zeros(GRID.size)
    speed = np.vstack([dip(420)] * 3)
    line = Line(distance_m=GRID, x_m=GRID, y_m=GRID, curvature_per_m=GRID * 0, speed_kmh=dip(420), laps=3, sources=())

    def measured(bars: list[np.ndarray]) -> float:
        field = field_of(("A", "B", "C"), speed_kmh=speed, brake_bar=np.vstack(bars), throttle_pct=GRID * 0)
        (corner,) = field_corners(field, line, [CORNER], Settings())
        assert (phases_of(corner, LENGTH_M).released_m is None) == np.isnan(corner.onset_m)
        return corner.onset_m

    assert measured([brake, brake, none]) == pytest.approx(303.5)
    assert np.isnan(measured([brake, none, none]))
