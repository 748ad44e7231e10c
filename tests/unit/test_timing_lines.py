"""Where timing lines are, which laps are trusted, and how far a lap's crossings are off, from integrals alone."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.settings import TraceSettings
from grx_pipeline.track.channels import Channel, SpeedCurve, fit_speed
from grx_pipeline.track.checks import lap_distances_at, time_errors
from grx_pipeline.track.placing import PlacedLaps, place_laps, stop_times
from grx_pipeline.track.timing_lines import (
    IS_ANCHOR,
    LINES,
    FieldDistances,
    compare_with_field,
    line_times,
    places_of,
    reason_of,
    time_shifts,
)

Array = npt.NDArray[np.float64]

SETTINGS = TraceSettings()
LENGTH_M = 4000.0
LINES_M = np.array([600.0, 1100.0, 1900.0, 2700.0, 3200.0])


def integrals(laps: int, *, scale: float | Array = 1.0, off_m: float | Array = 0.0) -> Array:
    """Integrals at the stops (n, 7) of laps that measure the lines at LINES_M + off_m, all times `scale`."""
    stops = np.tile(np.concatenate([[0.0], LINES_M, [LENGTH_M]]), (laps, 1))
    stops[:, 1:-1] += np.broadcast_to(off_m, (laps, len(LINES)))
    return stops * np.broadcast_to(scale, (laps,))[:, np.newaxis]


def compare(stops: Array, *, is_clean: Array | None = None, length: float | None = LENGTH_M) -> FieldDistances:
    clean = np.ones(len(stops), dtype=bool) if is_clean is None else np.asarray(is_clean, dtype=bool)
    return compare_with_field(stops, clean, map_length_m=length, settings=SETTINGS)


def test_lines_of_a_lap_are_sums_of_its_sections() -> None:
    laps = pd.DataFrame(
        {"sector_1_ms": [30_000], "sector_2_ms": [40_000], "im1a_ms": [12_000], "im2a_ms": [15_000], "im3a_ms": [None]}
    )
    assert line_times(laps)[0].tolist() == pytest.approx([12_000, 30_000, 45_000, 70_000, np.nan], nan_ok=True)


def test_lines_lie_at_the_median_of_the_scaled_integrals() -> None:
    off = np.array([[-3.0], [-1.0], [0.5], [1.0], [20.0]])
    field = compare(integrals(5, scale=np.array([0.995, 1.0, 1.001, 1.002, 1.003]), off_m=off))
    assert field.place_m == pytest.approx(LINES_M + 0.5)
    assert field.residual_m[4] == pytest.approx(19.5)
    assert field.spread_m == pytest.approx(1.4826 * 1.5)
    assert field.is_anchored.all()


def test_without_a_map_the_median_integral_is_the_length() -> None:
    field = compare(integrals(3, scale=np.array([0.999, 1.0, 1.004])), length=None)
    assert field.length_m == pytest.approx(LENGTH_M)
    assert field.scale == pytest.approx([1 / 0.999, 1.0, 1 / 1.004])


def test_length_without_a_map_is_of_the_clean_laps_where_there_are_any() -> None:
    stops = integrals(3, scale=np.array([0.95, 0.96, 1.0]))
    assert compare(stops, is_clean=np.array([False, False, True]), length=None).length_m == pytest.approx(4000.0)
    assert compare(stops, is_clean=np.zeros(3), length=None).length_m == pytest.approx(3840.0)


def test_lap_of_another_length_is_not_trusted_and_says_so() -> None:
    field = compare(integrals(5, scale=np.array([1.0, 1.0, 1.0, 1.015, 1.07])))
    assert field.is_trusted.tolist() == [True, True, True, False, False]
    reasons = [reason_of(field, row, 7, SETTINGS) for row in range(5)]
    assert reasons[:3] == [None] * 3
    assert "1.5 % longer than the field's" in str(reasons[3])
    assert "7.0 % longer than the circuit" in str(reasons[4])
    assert "green flag" in str(reason_of(field, 4, 1, SETTINGS))


def test_lap_with_a_hole_shows_at_a_sector_line() -> None:
    off = np.zeros((5, len(LINES)))
    off[4] = [0.0, -45.0, 0.0, 0.0, 0.0]
    field = compare(integrals(5, off_m=off))
    assert field.is_trusted.tolist() == [True] * 4 + [False]
    assert "S1 its distance is 45 m short of" in str(reason_of(field, 4, 3, SETTINGS))


def test_lap_without_sector_times_is_trusted_but_not_anchored() -> None:
    stops = integrals(4)
    stops[3, 1:-1] = np.nan
    field = compare(stops)
    assert field.is_trusted.all()
    assert field.is_anchored.tolist() == [True] * 3 + [False]
    assert "no sector times" in str(reason_of(field, 3, 3, SETTINGS))


def test_places_need_one_lap_and_spreads_need_more() -> None:
    place, spread, p95, count = places_of(np.array([[100.0, np.nan], [102.0, np.nan]]), SETTINGS)
    assert place.tolist() == pytest.approx([101.0, np.nan], nan_ok=True)
    assert np.isnan([*spread, *p95]).all()
    assert count.tolist() == [2, 0]


SPEEDS = np.array([48.0, 38.0, 30.0, 40.0, 36.0, 38.0, 48.0])


def test_shift_follows_the_speed_at_the_lines() -> None:
    """0.1 s late at a line passed 18 m/s slower than the start reads 1.8 m short there."""
    late_s = np.array([[0.1], [0.0], [-0.1], [0.0], [0.0]])
    field = compare(integrals(5, off_m=-late_s * (SPEEDS[0] - SPEEDS[1:-1])))
    shift = time_shifts(field, np.tile(SPEEDS, (5, 1)), SETTINGS)
    assert shift[1] == shift[3] == shift[4] == 0.0
    assert -100 < shift[0] < -20
    assert shift[2] == pytest.approx(-shift[0])


def test_shift_is_what_a_sure_path_leaves_over() -> None:
    late_s = np.array([[0.1], [0.0], [0.0]])
    field = compare(integrals(3, off_m=-late_s * (SPEEDS[0] - SPEEDS[1:-1])))
    sure = replace(SETTINGS, path_sd_m_per_root_km=1e-4)
    assert time_shifts(field, np.tile(SPEEDS, (3, 1)), sure) == pytest.approx([-100.0, 0.0, 0.0], abs=0.1)


def test_lap_that_is_not_anchored_is_not_shifted() -> None:
    stops = integrals(4, off_m=np.array([[5.0], [0.0], [0.0], [0.0]]))
    stops[1, 1:-1] = np.nan
    shift = time_shifts(compare(stops), np.tile(SPEEDS, (4, 1)), SETTINGS)
    assert shift[0] != 0.0
    assert shift[1] == 0.0


def oval(laps: int, late_ms: Array) -> tuple[pd.DataFrame, dict[str, SpeedCurve]]:
    """Laps of 100 s at 144 km/h on average, slow at S1 and S2; `late_ms` is how late each lap's window lies."""
    time = np.arange(-5000.0, 100_000 * laps + 5000, 40.0)
    speed = 144 + 50 * np.cos(6 * np.pi * time / 100_000)
    curve = fit_speed(Channel(time_ms=time, values=speed))
    assert curve is not None
    start = 100_000.0 * np.arange(laps)
    rows = pd.DataFrame({"vehicle_id": "car", "lap_number": np.arange(2, laps + 2), "is_clean": True})
    times = {"im1a_ms": 9000, "sector_1_ms": 16_500, "im2a_ms": 17_000, "sector_2_ms": 33_500, "im3a_ms": 25_000}
    return rows.assign(start_ms=start + late_ms, end_ms=start + late_ms + 100_000, **times), {"car": curve}


def place(laps: pd.DataFrame, curves: dict[str, SpeedCurve], length: float | None = LENGTH_M) -> PlacedLaps:
    placed = place_laps(laps, curves, map_length_m=length, settings=SETTINGS)
    assert placed is not None
    return placed


def test_anchors_are_passed_at_the_official_times() -> None:
    placed = place(*oval(5, np.array([0.0, 60.0, -30.0, 0.0, 0.0])))
    anchors = placed.anchors_of(1)
    assert anchors.time_ms - anchors.time_ms[0] == pytest.approx([0, 16_500, 50_000, 100_000])
    assert anchors.distance_m == pytest.approx([0.0, *placed.field.place_m[IS_ANCHOR], LENGTH_M])
    assert anchors.time_ms[0] == pytest.approx(100_060 + placed.shift_ms[1])


def test_late_window_is_moved_back() -> None:
    placed = place(*oval(5, np.array([0.0, 60.0, -30.0, 0.0, 0.0])))
    assert placed.shift_ms[1] < -10
    assert placed.shift_ms[2] > 5
    assert np.abs(placed.field.residual_m[:, IS_ANCHOR]).max() < np.abs(placed.before.residual_m[:, IS_ANCHOR]).max()


def test_held_out_lines_lie_where_the_anchored_laps_pass_them() -> None:
    laps, curves = oval(3, np.zeros(3))
    placed = place(laps, curves)
    true = curves["car"].distance_m(stop_times(laps)[0])
    assert placed.field.place_m == pytest.approx((true - true[0])[1:-1], abs=0.01)


def test_lap_of_a_parked_car_is_left_out() -> None:
    laps, curves = oval(2, np.zeros(2))
    parked = fit_speed(Channel(time_ms=np.array([0.0, 300_000.0]), values=np.zeros(2)))
    assert parked is not None
    both = pd.concat([laps, laps.assign(vehicle_id="parked")])
    assert place(both, curves | {"parked": parked}).laps["vehicle_id"].unique().tolist() == ["car"]
    assert place_laps(laps, {"car": parked}, map_length_m=LENGTH_M, settings=SETTINGS) is None
    assert place_laps(laps[:0], curves, map_length_m=LENGTH_M, settings=SETTINGS) is None


@settings(deadline=None, max_examples=50)
@given(
    late=st.lists(st.floats(-100, 100), min_size=3, max_size=6),
    length=st.one_of(st.none(), st.floats(3900, 4100)),
    missing=st.sampled_from([None, "sector_1_ms", "sector_2_ms"]),
)
def test_start_sector_lines_and_end_are_exact_for_every_lap(
    late: list[float], length: float | None, missing: str | None
) -> None:
    laps, curves = oval(len(late), np.array(late))
    if missing:
        laps[missing] = laps[missing].astype(float)
        laps.loc[0, missing] = np.nan
    placed = place(laps, curves, length)
    for row in range(len(laps)):
        anchors = placed.anchors_of(row)
        assert anchors.distance_m[0] == 0.0
        assert anchors.distance_m[-1] == placed.field.length_m
        assert anchors.time_ms[-1] - anchors.time_ms[0] == pytest.approx(100_000)
        known = np.isfinite(stop_times(laps)[row, 1:-1]) & IS_ANCHOR
        assert anchors.time_ms.size == 2 + known.sum()
        assert anchors.distance_m[1:-1].tolist() == placed.field.place_m[known].tolist()


def test_time_errors_are_the_traces_against_the_timing() -> None:
    grid = np.arange(0.0, 4000.0, 2.0)
    times = np.stack([grid * 25.0, grid * 25.0 + 40.0, grid * 25.0 - 10.0])
    official = np.tile(LINES_M * 25.0, (3, 1))
    official[:, 4] = np.nan
    errors = time_errors(grid, times, np.where(np.arange(5) == 3, np.nan, LINES_M), official)
    assert errors.median_ms.tolist() == pytest.approx([10.0, 10.0, 10.0, np.nan, np.nan], nan_ok=True)
    assert errors.p95_ms[0] == pytest.approx(37.0)


def test_lap_distance_is_carried_over_its_reset_at_the_line() -> None:
    time = np.arange(0.0, 20_000, 200)
    curve = fit_speed(Channel(time_ms=time, values=np.full(time.size, 180.0)))
    assert curve is not None
    logged = np.where(time < 9900, 3500 + time * 0.05, (time - 9900) * 0.05)
    samples = pd.DataFrame({"ecu_ms": time, "lap_distance_m": logged})
    found = lap_distances_at(samples, curve, np.array([[5000.0, 10_000.0, 19_000.0]]), gap_ms=500.0)
    assert found[0].tolist() == pytest.approx([3750.0, 4000.0, 455.0])
    nothing = lap_distances_at(samples.assign(lap_distance_m=np.nan), curve, np.array([[5000.0]]), gap_ms=500.0)
    assert np.isnan(nothing).all()
