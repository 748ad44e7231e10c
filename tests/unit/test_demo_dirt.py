"""What a logger makes of a car's truth: clocks, sensors, ticks and crossings."""

from collections.abc import Collection
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.demo_race import LENGTH_M, START_MS, make_car, make_race

from grx_pipeline.demo.dirt import EXPORT_S, LoggerDirt, Ticks, draw_dirt, exported, record
from grx_pipeline.demo.logger_files import NO_LAP, ChannelSet, LoggedCrossings, log_crossings, lose_triggers
from grx_pipeline.demo.race import TrueChannels
from grx_pipeline.demo.telemetry_file import count_rows, make_rows

RACE = make_race(cars=5, laps=2)
CAR = make_car(1, laps=5, has_logger=True)
SLOW = ("nmot", "Laptrigger_lapdist_dls", "speed")


def crossings(car_laps: int = 5, *, seed: int = 3, offset: int = 2, lost_laps: Collection[int] = ()) -> LoggedCrossings:
    car = make_car(1, laps=car_laps, has_logger=True)
    return log_crossings(
        RACE,
        car,
        logger_id="GR86-002-12",
        lap_offset=offset,
        bias_ms=200,
        lost_laps=np.array(sorted(lost_laps), dtype=np.int64),
        rng=np.random.default_rng(seed),
    )


def recorded(
    dirt: LoggerDirt, *, seed: int = 4, channel_set: ChannelSet = "pedal", lost_laps: Collection[int] = ()
) -> Ticks:
    assert CAR.channels is not None
    return record(
        CAR.channels,
        crossings(lost_laps=lost_laps),
        dirt,
        start_ms=START_MS,
        lap_length_m=LENGTH_M,
        channel_set=channel_set,
        rng=np.random.default_rng(seed),
    )


def sound_dirt(*, is_reversed: bool = False, seed: int = 2) -> LoggerDirt:
    return draw_dirt(clock_fault="none", is_reversed=is_reversed, rng=np.random.default_rng(seed))


def test_steps_are_42_to_44_ms_and_slow_channels_come_on_every_fifth_tick() -> None:
    ticks = recorded(sound_dirt())
    steps = np.diff(ticks.stamp_ms)
    single = steps[(steps > 0) & (steps < 60)]
    assert set(single.tolist()) == {42, 43, 44}
    slow = {name: np.flatnonzero(ticks.present[name]) for name in SLOW}
    assert np.array_equal(slow["nmot"], slow["Laptrigger_lapdist_dls"])
    assert not set(slow["nmot"]) & set(slow["speed"])
    assert all(places.size == pytest.approx(ticks.stamp_ms.size / 5, rel=0.05) for places in slow.values())


def test_a_collapsed_tick_follows_a_gap_of_as_many_steps() -> None:
    ticks = recorded(sound_dirt())
    stamps, counts = np.unique(ticks.stamp_ms, return_counts=True)
    gaps = np.diff(stamps, prepend=stamps[0] - 43)[counts > 1]
    steps = counts[counts > 1]
    assert ticks.collapsed == steps.size > 0
    assert np.array_equal(ticks.is_crowded, np.isin(ticks.stamp_ms, stamps[counts > 1]))
    assert (gaps >= 43 * steps - 3).all()
    assert np.median(gaps / steps) == pytest.approx(43.1, abs=1.0)


@given(seed=st.integers(0, 2**32))
def test_nothing_is_received_before_it_was_sent_and_receipts_come_in_batches(seed: int) -> None:
    dirt = sound_dirt(seed=seed)
    ticks = recorded(dirt, seed=seed)
    late = ticks.receipt_ms - ticks.stamp_ms - dirt.ecu_behind_ms
    batches = np.unique(ticks.receipt_ms[~ticks.is_crowded], return_counts=True)[1]
    assert late.min() > -2
    assert (np.diff(ticks.receipt_ms) >= 0).all()
    assert 1 <= batches.min() <= batches.max() <= 20
    assert late.max() - late.min() < 128_000


def test_a_frozen_clock_gives_one_stamp_and_a_paused_one_runs_on_by_one_tick() -> None:
    rng = np.random.default_rng(8)
    frozen = recorded(draw_dirt(clock_fault="frozen", is_reversed=False, rng=rng))
    paused_dirt = draw_dirt(clock_fault="pauses", is_reversed=False, rng=rng)
    paused = recorded(paused_dirt)
    assert np.unique(frozen.stamp_ms).size == 1
    assert np.diff(paused.stamp_ms).max() < 5000
    span = paused.receipt_ms[-1] - paused.receipt_ms[0]
    assert span - (paused.stamp_ms[-1] - paused.stamp_ms[0]) > paused_dirt.pause_ms - 128_000
    parked = paused.stamp_ms < paused.stamp_ms[0] + 100_000
    assert not paused.values["speed"][parked].any()
    assert (paused.lap[parked] == NO_LAP).all()


def test_sensors_have_their_gain_zero_sign_and_lag() -> None:
    assert CAR.channels is not None
    for is_reversed in (False, True):
        dirt = sound_dirt(is_reversed=is_reversed)
        ticks = recorded(dirt)
        at_s = (ticks.stamp_ms + dirt.ecu_behind_ms - START_MS) / 1000
        alone = ~ticks.is_crowded
        for channel, true, gain, zero in (
            ("accx_can", CAR.channels.accel_x_g, dirt.accel_x_gain, dirt.accel_x_zero_g),
            ("accy_can", CAR.channels.accel_y_g, dirt.accel_y_gain, dirt.accel_y_zero_g),
        ):
            logged = ticks.values[channel][alone] * 0.001
            slope, intercept = np.polyfit(np.interp(at_s[alone], CAR.channels.at_s, true), logged, 1)
            assert slope == pytest.approx(gain, abs=0.02)
            assert intercept == pytest.approx(zero, abs=0.01)
            assert (slope < 0) == is_reversed
        has_speed = alone & ticks.present["speed"]
        delayed = np.interp(at_s[has_speed] - dirt.speed_lag_s, CAR.channels.at_s, CAR.channels.speed_kmh)
        assert np.median(np.abs(ticks.values["speed"][has_speed] * 0.01 - delayed)) < 0.05


@given(seed=st.integers(0, 2**32), share=st.floats(0.0, 0.9))
def test_copies_add_rows_but_no_samples(seed: int, share: float) -> None:
    ticks = recorded(sound_dirt())
    once = count_rows(ticks, make_rows(ticks, copied_share=0.0, rng=np.random.default_rng(seed)))
    copied = count_rows(ticks, make_rows(ticks, copied_share=share, rng=np.random.default_rng(seed)))
    assert once.copied == 0
    assert copied.rows == once.rows + copied.copied
    assert (copied.distinct, copied.samples) == (once.distinct, once.samples)
    assert copied.samples <= copied.distinct <= copied.rows


@given(laps=st.integers(1, 30), seed=st.integers(0, 2**32), offset=st.integers(0, 3))
def test_crossings_without_ghosts_are_the_official_ones(laps: int, seed: int, offset: int) -> None:
    car = make_car(1, laps=laps, has_logger=True)
    logged = crossings(laps, seed=seed, offset=offset)
    is_ghost = np.diff(logged.at_ms, prepend=-10_000) < 5000
    assert logged.ghosts == is_ghost.sum() == 2 * (np.diff(logged.at_ms) <= 5).sum()
    official = logged.official_lap[~is_ghost]
    assert official[1:-1].tolist() == list(range(1, laps + 1))
    delays = logged.at_ms[~is_ghost][1:-1] - car.laps.finished_at_ms
    assert np.abs(delays - 200).max() <= 300
    ahead = logged.ended[~is_ghost][1:-1] - official[1:-1]
    assert ahead[0] == offset
    assert np.isin(np.diff(ahead), (0, 1)).all()
    assert ahead[-1] == offset + logged.slips
    assert logged.ended[0] == logged.ended[-1] == logged.began[-1] == NO_LAP


@given(laps=st.integers(3, 30), seed=st.integers(0, 2**32), data=st.data())
def test_a_lost_trigger_leaves_no_crossing_and_the_counter_behind(laps: int, seed: int, data: st.DataObject) -> None:
    lost = data.draw(st.sets(st.integers(2, laps - 1)))
    logged = crossings(laps, seed=seed, lost_laps=lost)
    is_ghost = np.diff(logged.at_ms, prepend=-10_000) < 5000
    official = logged.official_lap[~is_ghost][1:-1]
    assert official.tolist() == [lap for lap in range(1, laps + 1) if lap not in lost]
    assert logged.ended[~is_ghost][-2] == 2 + laps + logged.slips - len(lost)
    counts_on = ~is_ghost[1:]
    assert logged.began[:-1][counts_on].tolist() == logged.ended[1:][counts_on].tolist()


def test_lap_distance_runs_on_until_the_next_trigger() -> None:
    ticks, through = recorded(sound_dirt()), recorded(sound_dirt(), lost_laps={2, 3})
    metres, run_on = (found.values["Laptrigger_lapdist_dls"] for found in (ticks, through))
    assert metres.max() <= LENGTH_M
    assert set(np.unique(run_on - metres).tolist()) == {0, LENGTH_M, 2 * LENGTH_M}
    assert LENGTH_M * 2.9 < run_on.max() <= LENGTH_M * 3


def test_some_laps_of_a_session_lose_their_trigger_but_no_first_or_last_one() -> None:
    cars = [make_car(place, laps=27, has_logger=True) for place in range(18)]
    lost = lose_triggers(cars, np.random.default_rng(4))
    laps = np.concatenate(list(lost.values()))
    assert laps.size == pytest.approx(0.015 * 27 * 18, rel=0.1)
    assert laps.min() > 1
    assert laps.max() < 27
    few = lose_triggers(cars[:2], np.random.default_rng(4))
    assert sum(own.size for own in few.values()) == 1


@pytest.mark.parametrize("channel_set", ["pedal", "blade"])
def test_the_export_of_the_pedal_family_is_cut_to_minutes(channel_set: ChannelSet) -> None:
    channels = make_car(1, laps=80, has_logger=True).channels
    assert channels is not None
    part = exported(channels, channel_set)
    assert all(getattr(part, field.name).size == part.at_s.size for field in fields(TrueChannels))
    if channel_set == "pedal":
        assert part.at_s[0] == channels.at_s[0]
        assert part.at_s[-1] == pytest.approx(-60 + EXPORT_S, abs=0.05)
    else:
        assert np.array_equal(part.at_s, channels.at_s)


def test_a_logger_of_the_blade_family_stands_for_minutes_before_it_drives() -> None:
    dirt = sound_dirt()
    stands, drives = recorded(dirt, channel_set="blade"), recorded(dirt)
    begin = drives.stamp_ms[0] - 1000
    waits = stands.stamp_ms < begin
    assert stands.stamp_ms[waits].min() == pytest.approx(begin - 480_000, abs=10_000)
    assert not stands.values["speed"][waits].any()
    assert (stands.lap[waits] == NO_LAP).all()
