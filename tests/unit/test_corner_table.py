"""Laps through corners: what each figure says of a lap whose truth is known."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from support.simulated_laps import joined, laps_of, tiles_of

from grx_pipeline.methods.driving.corner_summary import corner_driver_rows, corner_field_rows
from grx_pipeline.methods.driving.corner_table import FIGURES, corner_figures, corner_lap_rows
from grx_pipeline.methods.driving.segment_times import border_times, segment_lap_rows
from grx_pipeline.methods.driving.tiles import corner_spans
from grx_pipeline.methods.features import LapSamples, count_steering_reversals
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import CornerSettings, FeatureSettings
from grx_pipeline.storage.parquet import conform
from grx_pipeline.track.circuits import Corner
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]

LENGTH = 1000.0
GRID = np.arange(0.0, LENGTH, 2.0)
APEX = 500.0
CORNERS = (Corner(corner="T1", name=None, direction="left", start_m=440.0, apex_m=APEX, end_m=560.0),)
TILES = tiles_of(
    ("straight", 1, 1, 380.0), ("braking", 1, 1, 460.0), ("entry", 1, 1, APEX), ("exit", 1, 2, 580.0),
    ("straight", 1, 3, LENGTH),
)  # fmt: skip


def ramp(*points: tuple[float, float]) -> Array:
    """A channel (k,) linear between (place, value) points."""
    places, values = zip(*points, strict=True)
    return np.interp(GRID, places, values)


SPEED = ramp((0, 180), (400, 180), (APEX, 72), (600, 150), (1000, 180))
BRAKE = ramp((0, 0), (399, 0), (409, 50), (440, 50), (480, 0), (1000, 0))
THROTTLE = ramp((0, 100), (390, 100), (396, 0), (484, 0), (524, 100), (1000, 100))
STEERING = ramp((0, 0), (440, 0), (APEX, 90), (560, 0), (1000, 0))
ACCEL_Y = ramp((0, 0), (430, 0), (450, 1.2), (540, 1.2), (560, 0), (1000, 0))


def lap(**changes: Array) -> FieldTraces:
    channels = {"brake_bar": BRAKE, "throttle_pct": THROTTLE, "steering_deg": STEERING, "accel_y_g": ACCEL_Y}
    speed = changes.pop("speed_kmh", SPEED)
    return laps_of(speed, length_m=LENGTH, channels=channels | changes)


def figures_of(field: FieldTraces, *, is_blade: bool = False) -> Mapping[str, Array]:
    laps = field.lap_numbers.size
    borders = border_times(field, TILES)
    return corner_figures(
        field,
        corner_spans(TILES, CORNERS),
        CORNERS,
        np.diff(borders, axis=1),
        np.full(laps, is_blade),
        settings=CornerSettings(),
        features=FeatureSettings(),
    )


def figure(name: str, *, is_blade: bool = False, **changes: Array) -> float:
    return float(figures_of(lap(**changes), is_blade=is_blade)[name][0, 0])


def with_gap(channel: Array, start: float, end: float) -> Array:
    return np.where((start <= GRID) & (end >= GRID), np.nan, channel)


def test_braking_is_measured_from_the_crossing_to_the_release() -> None:
    assert figure("brake_onset_m") == pytest.approx(400.0)
    assert figure("brake_peak_bar") == pytest.approx(50.0)
    assert figure("brake_release_m") == pytest.approx(476.0, abs=2.0)
    assert figure("entry_speed_kmh") == pytest.approx(180.0)


def test_brush_of_the_pedal_is_no_braking() -> None:
    brush = ramp((0, 0), (440, 0), (450, 8), (460, 0), (1000, 0))
    assert np.isnan(figure("brake_onset_m", brake_bar=brush))
    assert figure("brake_peak_bar", brake_bar=brush) == pytest.approx(8.0)
    assert figure("entry_speed_kmh", brake_bar=brush) == pytest.approx(180.0)


def test_onset_that_a_gap_may_hide_is_unknown() -> None:
    assert np.isnan(figure("brake_onset_m", brake_bar=with_gap(BRAKE, 390, 410)))
    assert np.isnan(figure("min_speed_kmh", speed_kmh=SPEED) - figures_of(gapped())["min_speed_kmh"][0, 0])


def gapped() -> FieldTraces:
    field = lap()
    speed = with_gap(field.channels["speed_kmh"], 490, 510)
    return replace(field, channels={**field.channels, "speed_kmh": speed})


def test_apex_and_speeds_are_where_the_car_is_slowest_and_leaves() -> None:
    assert figure("apex_m") == APEX
    assert figure("min_speed_kmh") == pytest.approx(72.0)
    assert figure("exit_speed_kmh") == pytest.approx(72 + 78 * 0.8)


def test_throttle_that_opens_before_the_apex_counts_from_where_it_opened() -> None:
    assert figure("throttle_on_m") == pytest.approx(492.0)
    assert figure("full_throttle_m") == pytest.approx(522.0)
    assert figure("exit_steering_deg") == pytest.approx(78.0)


def test_blip_of_the_throttle_on_the_brake_is_not_throttle_on() -> None:
    blip = THROTTLE + ramp((0, 0), (440, 0), (446, 60), (452, 0), (1000, 0))
    assert figure("throttle_on_m", throttle_pct=blip) == pytest.approx(492.0)


def test_blade_is_not_looked_at_around_a_change_of_gear() -> None:
    dip = THROTTLE - ramp((0, 0), (546, 0), (550, 60), (554, 0), (1000, 0))
    gear = np.where(GRID < 550, 2.0, 3.0)
    assert figure("throttle_lifts", throttle_pct=dip, gear=gear) == 1
    assert figure("throttle_lifts", throttle_pct=dip, gear=gear, is_blade=True) == 0


def test_lift_before_the_next_corner_is_not_one_of_this_corner() -> None:
    lifted = THROTTLE - ramp((0, 0), (800, 0), (830, 100), (1000, 100))
    assert figure("throttle_lifts", throttle_pct=lifted) == 0


def test_coasting_is_the_time_without_either_pedal_if_it_lasts() -> None:
    # Off the throttle and off the brake from some 396 to 399 m at 180 km/h is too short to count; 478 to 486 m is not.
    # Good to a grid point.
    assert figure("coasting_s") == pytest.approx(7.6 / (91 / 3.6), abs=2 / (91 / 3.6))
    late = ramp((0, 100), (390, 100), (396, 0), (520, 0), (540, 100), (1000, 100))
    assert figure("coasting_s", throttle_pct=late) == pytest.approx(42 / (78 / 3.6), abs=0.1)


def test_trail_braking_is_pressure_while_cornering() -> None:
    # From |a_y| = 0.4 g at 436.7 m to 5 bar at 476 m.
    speed = np.interp([436.7, 476.0], GRID, SPEED).mean() / 3.6
    assert figure("trail_braking_s") == pytest.approx(39.3 / speed, rel=0.06)


def test_reapplication_needs_a_release_and_a_rise_over_a_quarter_of_the_peak() -> None:
    again = ramp((0, 0), (399, 0), (409, 60), (425, 60), (435, 30), (445, 55), (480, 0), (1000, 0))
    modulated = ramp((0, 0), (399, 0), (409, 60), (425, 60), (435, 50), (445, 60), (480, 0), (1000, 0))
    assert figure("brake_reapplications", brake_bar=again) == 1
    assert figure("brake_reapplications", brake_bar=modulated) == 0


def test_reversals_of_a_corner_that_is_the_whole_lap_are_those_of_the_lap() -> None:
    settings = FeatureSettings()
    speed = np.full(GRID.size, 36.0)
    field = laps_of(speed, length_m=LENGTH, channels={"steering_deg": 30 * np.sin(GRID / 9)})
    tiles = tiles_of(("entry", 1, 1, 500.0), ("exit", 1, 1, LENGTH))
    corner = Corner(corner="T1", name=None, direction="left", start_m=0.0, apex_m=500.0, end_m=LENGTH)
    borders = border_times(field, tiles)
    counted = corner_figures(
        field,
        corner_spans(tiles, (corner,)),
        (corner,),
        np.diff(borders, axis=1),
        np.zeros(1, dtype=bool),
        settings=CornerSettings(),
        features=settings,
    )["steering_reversals"][0, 0]
    ticks = np.arange(0, 100, 1 / settings.rate_hz)
    angle = np.interp(ticks * 10, GRID, 30 * np.sin(GRID / 9))
    still = np.zeros(ticks.size)
    samples = LapSamples(
        rate_hz=settings.rate_hz,
        speed_kmh=still,
        throttle_pct=still,
        brake_bar=still,
        steering_deg=angle,
        accel_y_g=still,
    )
    assert counted == count_steering_reversals(samples, settings)
    assert counted == pytest.approx(2 * LENGTH / (2 * np.pi * 9), abs=2)


def test_corner_without_a_least_speed_of_its_own_has_no_apex_but_its_lowest_speed() -> None:
    rising = ramp((0, 100), (1000, 190))
    figures = figures_of(lap(speed_kmh=rising))
    assert np.isnan(figures["apex_m"][0, 0])
    assert figures["min_speed_kmh"][0, 0] == pytest.approx(100 + 0.09 * 380)


def test_corner_over_the_line_is_judged_on_the_side_of_its_apex() -> None:
    tiles = tiles_of(
        ("entry", 1, 1, 30.0), ("exit", 1, 1, 120.0), ("straight", 1, 2, 800.0), ("braking", 1, 3, LENGTH)
    )  # fmt: skip
    corner = Corner(corner="T1", name=None, direction="left", start_m=940.0, apex_m=30.0, end_m=100.0)
    (span,) = corner_spans(tiles, (corner,))
    assert (span.start_m, span.end_m, span.approach_m, span.following_m) == (0.0, 120.0, 0.0, LENGTH)
    assert span.rows == (0, 1, 3)
    speed = ramp((0, 90), (30, 70), (150, 150), (800, 180), (1000, 95))
    field = laps_of(speed, length_m=LENGTH, channels={"brake_bar": ramp((0, 0), (840, 0), (850, 60), (1000, 60))})
    borders = border_times(field, tiles)
    times = np.diff(borders, axis=1)
    figures = corner_figures(
        field, (span,), (corner,), times, np.zeros(1, dtype=bool), settings=CornerSettings(), features=FeatureSettings()
    )
    assert figures["apex_m"][0, 0] == 30.0
    assert np.isnan(figures["brake_onset_m"][0, 0])
    assert figures["time_ms"][0, 0] == pytest.approx(times[0, [0, 1, 3]].sum())


def test_rows_fit_their_tables_and_summaries_are_over_clean_laps() -> None:
    own = laps_of(SPEED + np.array([[0.0], [4.0], [10.0]]), length_m=LENGTH, channels={"brake_bar": BRAKE})
    other = laps_of(SPEED + 30, length_m=LENGTH, vehicle="b")
    unclean = laps_of(SPEED + 300, length_m=LENGTH, first_lap=9, clean=False)
    field = joined(own, unclean, other)
    spans, figures = corner_spans(TILES, CORNERS), figures_of(field)
    rows = conform(corner_lap_rows(field, spans, figures), TABLES["corner_laps"])
    assert rows.num_rows == 5
    drivers = corner_driver_rows(field, spans, figures, min_spread_laps=3)
    found = conform(drivers, TABLES["corner_drivers"]).to_pandas().set_index(["vehicle_id", "figure"])
    assert found.loc[("a", "min_speed_kmh"), ["laps", "median"]].tolist() == [3, 76.0]
    assert found.loc[("a", "min_speed_kmh"), "spread"] == pytest.approx(1.4826 * 4)
    assert np.isnan(found.loc[("b", "min_speed_kmh"), "spread"])
    assert ("b", "brake_onset_m") not in found.index
    quartiles = conform(corner_field_rows(drivers, {"a": "Am", "b": "Am"}), TABLES["corner_field"]).to_pandas()
    speed = quartiles.set_index("figure").loc["min_speed_kmh"]
    assert speed[["vehicle_class", "drivers", "quartile_1", "median", "quartile_3"]].tolist() == [
        *("Am", 2, 82.5, 89.0, 95.5)
    ]


def test_session_without_laps_gives_empty_tables() -> None:
    field = lap().of(np.zeros(1, dtype=bool))
    spans = corner_spans(TILES, CORNERS)
    figures = figures_of(field)
    drivers = corner_driver_rows(field, spans, figures, min_spread_laps=3)
    borders = border_times(field, TILES)
    for rows, table in (
        (corner_lap_rows(field, spans, figures), "corner_laps"),
        (drivers, "corner_drivers"),
        (corner_field_rows(drivers, {}), "corner_field"),
        (segment_lap_rows(field, TILES, borders), "segment_laps"),
    ):
        assert conform(rows, TABLES[table]).num_rows == 0


def test_every_figure_has_a_column() -> None:
    assert set(figures_of(lap())) == set(FIGURES)
