"""Laps made of laps: medians that stay laps, targets that close to the millisecond, estimates on official times."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.methods.references.choice import (
    Driver,
    Field,
    class_best,
    estimate_base,
    field_estimate,
    own_best,
    own_median,
    references_of,
    target,
)
from grx_pipeline.methods.references.stitching import TargetSector, median_trace, stitch_target, stretch, trace_of
from grx_pipeline.settings import ReferenceSettings
from grx_pipeline.track.field import CHANNEL_NAMES, FieldTraces

LENGTH_M = 1000.0
GRID = np.arange(0.0, LENGTH_M, 2.0)
EDGES = np.array([0.0, 301.0, 644.5, LENGTH_M])
SETTINGS = ReferenceSettings()


def time_over(sectors_ms: Sequence[int], places: np.ndarray, *, wave: float = 0.0) -> np.ndarray:
    """Time at places of a lap with these sector times; inside a sector its pace goes up and down by `wave`."""
    starts = np.concatenate([[0.0], np.cumsum(sectors_ms)])
    number = np.clip(np.searchsorted(EDGES, places, side="right") - 1, 0, 2)
    share = (places - EDGES[number]) / np.diff(EDGES)[number]
    bent = share + wave * np.sin(2 * np.pi * share) / (2 * np.pi)
    return starts[number] + bent * np.asarray(sectors_ms)[number]


def make_field(laps: Sequence[tuple[str, int, Sequence[int]]], *, waves: Sequence[float] = ()) -> FieldTraces:
    """Clean laps: vehicle, number and sector times of each; throttle is the lap number throughout."""
    wave_of = [*waves, *[0.0] * (len(laps) - len(waves))]
    times = [time_over(sectors, GRID, wave=wave) for (_, _, sectors), wave in zip(laps, wave_of, strict=True)]
    shape = (len(laps), GRID.size)
    channels = {name: np.zeros(shape) for name in CHANNEL_NAMES}
    channels["time_ms"] = np.array(times).reshape(shape)
    channels["speed_kmh"] = np.full(shape, 100.0)
    channels["throttle_pct"] = np.array([[number] * GRID.size for _, number, _ in laps], dtype=float).reshape(shape)
    return FieldTraces(
        vehicle_ids=np.array([vehicle for vehicle, _, _ in laps], dtype=object),
        lap_numbers=np.array([number for _, number, _ in laps], dtype=np.int64),
        lap_time_ms=np.array([sum(sectors) for _, _, sectors in laps], dtype=float),
        is_clean=np.ones(len(laps), dtype=bool),
        anchors_ms=np.array([np.cumsum(sectors)[:2] for _, _, sectors in laps], dtype=float).reshape(-1, 2),
        anchors_m=EDGES[1:3],
        length_m=LENGTH_M,
        distance_m=GRID,
        channels=channels,
    )


def with_gap(field: FieldTraces, row: int, start: int, end: int) -> FieldTraces:
    channels = {name: values.copy() for name, values in field.channels.items()}
    for values in channels.values():
        values[row, start:end] = np.nan
    return replace(field, channels=channels)


def make_driver(best: int | None, donors: Sequence[int], sectors: Sequence[tuple[int, int, int]]) -> Driver:
    """`sectors` are (best, in best lap, gain) in ms."""
    rows = pd.DataFrame(sectors, columns=["best_ms", "in_best_lap_ms", "gain_ms"]).assign(donor_lap=list(donors))
    return Driver(vehicle_id="a", car_number="7", vehicle_class="Am", best_lap=best, sectors=rows)


def whole(field: FieldTraces) -> Field:
    return Field(
        traces=field,
        edges_m=EDGES,
        cars={"a": "#7", "b": "#13 Ada Byron", "c": "#2"},
        classes={"a": "Am", "b": "Am", "c": "Pro"},
    )


OWN = [("a", 3, (30_000, 34_000, 36_000)), ("a", 4, (29_800, 34_500, 36_200)), ("a", 6, (30_100, 33_900, 36_500))]
SECTORS = [(29_800, 30_000, 120), (33_900, 34_000, 71), (36_000, 36_000, 0)]

sector_times = st.tuples(*[st.integers(20_000, 40_000)] * 3)
laps_of_one = st.lists(sector_times, min_size=3, max_size=7)
wave = st.floats(-0.8, 0.8)


@given(laps_of_one, st.lists(wave, min_size=7, max_size=7))
def test_a_median_is_a_lap_that_only_goes_forward(sectors: list[tuple[int, ...]], waves: list[float]) -> None:
    field = make_field([("a", n, lap) for n, lap in enumerate(sectors, start=1)], waves=waves[: len(sectors)])
    trace = median_trace(field, min_laps=3)
    assert trace.time_ms[0] == 0
    assert (np.diff(trace.time_ms) > 0).all()
    assert trace.time_ms[-1] < trace.lap_time_ms
    assert abs(trace.lap_time_ms - np.median([sum(lap) for lap in sectors])) <= 0.5


@given(laps_of_one, st.integers(0, 2), st.integers(1, 400), st.integers(1, 60))
def test_a_gap_in_one_lap_neither_stops_nor_turns_the_median(
    sectors: list[tuple[int, ...]], row: int, start: int, length: int
) -> None:
    laps = [("a", n, lap) for n, lap in enumerate([*sectors, sectors[0]], start=1)]
    field = with_gap(make_field(laps), row, start, start + length)
    trace = median_trace(field, min_laps=3)
    assert np.isfinite(trace.time_ms).all()
    assert (np.diff(trace.time_ms) > 0).all()


def test_where_too_few_laps_are_known_the_median_is_not() -> None:
    field = with_gap(make_field(OWN), 1, 100, 120)
    trace = median_trace(field, min_laps=3)
    assert np.isnan(trace.time_ms[100:120]).all()
    assert np.isnan(trace.channels["speed_kmh"][100:120]).all()
    assert np.isfinite(np.delete(trace.time_ms, np.s_[100:120])).all()


@given(sector_times, sector_times, st.tuples(*[st.floats(0, 1)] * 3), wave, wave)
def test_a_target_ends_each_sector_on_its_time_and_the_gain_shows_at_the_line(
    best: tuple[int, ...], other: tuple[int, ...], weights: tuple[float, ...], wave_best: float, wave_other: float
) -> None:
    field = make_field([("a", 1, best), ("a", 2, other)], waves=[wave_best, wave_other])
    sectors, donors = [], []
    for own, faster, weight in zip(best, other, weights, strict=True):
        gap = max(own - faster, 0)
        sectors.append(TargetSector(donor_ms=own - gap, best_lap_ms=own, gain_ms=int(np.floor(weight * gap + 0.5))))
        donors.append(trace_of(field, 1 if faster < own else 0, EDGES))
    trace = stitch_target(trace_of(field, 0, EDGES), donors, sectors, distance_m=GRID, edges_m=EDGES)
    gains = [sector.gain_ms for sector in sectors]
    assert trace.lap_time_ms == sum(best) - sum(gains)
    steps = np.diff(np.append(trace.time_ms, trace.lap_time_ms))
    assert (steps > -1e-6).all()
    # 300 m and 302 m lie on either side of the first line: the target's time there is between theirs.
    first, after = trace.time_ms[150], trace.time_ms[151]
    assert first - 1e-6 <= best[0] - gains[0] <= after + 1e-6


def test_a_target_has_the_channels_of_the_lap_that_gave_the_sector() -> None:
    reference = target(make_driver(3, [4, 6, 3], SECTORS), make_field(OWN), whole(make_field(OWN)))
    assert reference.trace is not None
    throttle = reference.trace.channels["throttle_pct"]
    assert set(throttle[GRID < 301]) == {4}
    assert set(throttle[(GRID >= 301) & (GRID < 644.5)]) == {6}
    assert set(throttle[GRID >= 644.5]) == {3}
    assert reference.lap_time_ms == 100_000 - 120 - 71
    assert [(source.sector, source.lap_number) for source in reference.sources] == [(1, 4), (2, 6), (3, 3)]
    assert [source.weight for source in reference.sources] == [pytest.approx(0.6), pytest.approx(0.71), 0.0]
    assert reference.text is not None
    assert "S1 of lap 4, S2 of lap 6, S3 of lap 3" in reference.text


def test_a_target_without_a_trace_of_a_donor_says_which_laps_lack_one() -> None:
    field = make_field(OWN)
    reference = target(make_driver(5, [4, 9, 5], SECTORS), field, whole(field))
    assert reference.trace is None
    assert reference.reason == (
        "The target cannot be drawn: lap 5 (best lap and best S3) and lap 9 (best S2) have no trace."
    )


def test_a_target_is_refused_where_a_lap_is_unknown_at_a_sector_line_or_the_lines_are_not_known() -> None:
    driver, field = make_driver(3, [4, 6, 3], SECTORS), make_field(OWN)
    gap = with_gap(field, 0, 148, 155)
    assert "gap at a sector line" in str(target(driver, gap, whole(gap)).reason)
    assert "where the sector lines are" in str(target(driver, field, replace(whole(field), edges_m=None)).reason)
    assert target(make_driver(None, [], []), field, whole(field)).reason == "No lap is clean, so there is no target."


def test_a_target_that_asks_for_nothing_is_the_best_lap_itself() -> None:
    field = make_field(OWN)
    same = [(30_000, 30_000, 0), (34_000, 34_000, 0), (36_000, 36_000, 0)]
    reference = target(make_driver(3, [3, 3, 3], same), field, whole(field))
    assert reference.trace is not None
    assert reference.trace.time_ms == pytest.approx(field.channels["time_ms"][0])
    assert str(reference.text).startswith("The best lap itself")


@given(sector_times, sector_times)
def test_an_estimate_crosses_every_sector_line_at_the_official_time(
    base: tuple[int, ...], official: tuple[int, ...]
) -> None:
    field = make_field([("a", 1, base)], waves=[0.4])
    trace = stretch(trace_of(field, 0, EDGES), official, distance_m=GRID, edges_m=EDGES)
    assert trace.lap_time_ms == sum(official)
    assert (np.diff(np.append(trace.time_ms, trace.lap_time_ms)) > 0).all()
    assert trace.time_ms[150] <= official[0] <= trace.time_ms[151]
    factor = base[0] / official[0]
    assert trace.channels["speed_kmh"][10] == pytest.approx(100 * factor, rel=1e-9)
    assert (trace.channels["throttle_pct"] == field.channels["throttle_pct"][0]).all()


def test_own_best_is_the_fastest_with_a_trace_and_says_where_it_is_not_the_best() -> None:
    field = make_field(OWN)
    assert own_best(make_driver(3, [], []), field).text == "Lap 3, the best clean lap."
    late = own_best(make_driver(8, [], []), field)
    assert late.text == "Lap 3, the best clean lap with a trace; lap 8, the best clean lap, has none."
    assert late.lap_time_ms == 100_000
    assert own_best(make_driver(3, [], []), make_field([])).reason == "No clean lap of this car has a trace."


def test_class_best_is_another_cars_lap_of_the_same_class() -> None:
    rivals = [("b", 9, (29_000, 34_000, 36_000)), ("b", 11, (29_500, 34_000, 36_000)), ("c", 2, (20_000,) * 3)]
    reference = class_best(make_driver(3, [], []), whole(make_field([*OWN, *rivals])))
    assert [(source.vehicle_id, source.lap_number) for source in reference.sources] == [("b", 9)]
    assert "Lap 9 of #13 Ada Byron, the best" in str(reference.text)
    alone = class_best(make_driver(3, [], []), whole(make_field(OWN)))
    assert alone.reason == "No other car of class Am has a clean lap with a trace."


def test_a_median_takes_three_laps() -> None:
    driver = make_driver(3, [], [])
    for count, have in ((0, "there is none"), (1, "there is one"), (2, "there are 2")):
        reference = own_median(driver, make_field(OWN[:count]), SETTINGS)
        assert reference.reason == f"A median takes 3 clean laps with a trace; {have}."
    assert own_median(driver, make_field(OWN), SETTINGS).lap_time_ms == 100_500


def test_estimates_rest_on_the_drivers_median_or_else_on_the_fields() -> None:
    field = whole(make_field([*OWN, ("b", 1, (30_000,) * 3)]))
    of_field = field_estimate(field, SETTINGS)
    assert "4 clean laps of 2 cars" in str(of_field.text)
    own = own_median(make_driver(3, [], []), field.traces.of_vehicle("a"), SETTINGS)
    assert estimate_base(field, own, of_field).sources == own.sources
    none = own_median(make_driver(3, [], []), field.traces.of_vehicle("c"), SETTINGS)
    assert estimate_base(field, none, of_field) == of_field
    few = field_estimate(whole(make_field(OWN[:2])), SETTINGS)
    assert few.trace is None
    assert "fewer than 3 clean laps" in str(few.reason)


def test_every_driver_has_a_lap_or_a_reason_for_every_reference() -> None:
    for field in (whole(make_field(OWN)), whole(make_field([])), replace(whole(make_field(OWN)), edges_m=None)):
        of_field = field_estimate(field, SETTINGS)
        for driver in (make_driver(3, [4, 6, 3], SECTORS), make_driver(None, [], [])):
            references = references_of(driver, field, of_field, SETTINGS)
            assert [one.name for one in references] == ["own_best", "class_best", "target", "median", "estimate"]
            assert all((one.reason is None) == (one.lap_time_ms is not None) for one in references)
            assert all((one.reason is None) == (one.text is not None) for one in references)
