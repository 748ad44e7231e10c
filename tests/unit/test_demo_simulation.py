from dataclasses import fields

import numpy as np
import pytest

from grx_pipeline.demo.driver import make_field
from grx_pipeline.demo.race import FAST_STEP_S, DemoCar, DemoRace, TrueChannels
from grx_pipeline.demo.simulate import simulate_race
from grx_pipeline.methods.siwtl import compute_target, field_spread
from grx_pipeline.settings import Settings

CARS, LAPS, SEED = 8, 12, 7


@pytest.fixture(scope="module")
def race() -> DemoRace:
    return simulate_race(cars=CARS, laps=LAPS, seed=SEED)


def logged(race: DemoRace) -> list[tuple[DemoCar, TrueChannels]]:
    return [(car, car.channels) for car in race.cars if car.channels is not None]


def clean_laps(car: DemoCar) -> np.ndarray:
    """Lap numbers without start, yellow, restart and pit lane, and within 4 % of the quick laps."""
    laps = car.laps
    is_yellow = np.array([flag == "FCY" for flag in laps.flag])
    after = np.concatenate([[True], is_yellow[:-1] | laps.is_pit_in[:-1]])
    racing = ~is_yellow & ~after & ~laps.is_pit_in
    pace = np.quantile(laps.lap_time_ms[racing], 0.3)
    return laps.lap_number[racing & (laps.lap_time_ms <= 1.04 * pace)]


@pytest.fixture(scope="module")
def clean(race: DemoRace) -> dict[str, np.ndarray]:
    """All samples of clean laps by channel."""
    names = [field.name for field in fields(TrueChannels)]
    parts: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for car, channels in logged(race):
        inside = np.isin(channels.lap_count, clean_laps(car))
        for name in names:
            parts[name].append(getattr(channels, name)[inside])
    return {name: np.concatenate(values) for name, values in parts.items()}


def test_the_same_seed_gives_the_same_race(race: DemoRace) -> None:
    again = simulate_race(cars=CARS, laps=LAPS, seed=SEED)
    assert again.faults == race.faults
    for before, after in zip(race.cars, again.cars, strict=True):
        assert before.laps.sections_ms.tobytes() == after.laps.sections_ms.tobytes()
        if before.channels is not None and after.channels is not None:
            for field in fields(TrueChannels):
                assert getattr(before.channels, field.name).tobytes() == getattr(after.channels, field.name).tobytes()


def test_another_weekend_is_another_race_of_the_same_drivers(race: DemoRace) -> None:
    other = simulate_race(cars=5, laps=10, seed=SEED, race=4, weekend=1)
    assert other.start_ms > race.start_ms
    assert (other.race, other.session) == (4, "R4")
    assert other.air_temp_c != race.air_temp_c
    assert {car.driver for car in other.cars} <= {car.driver for car in race.cars}
    assert other.cars[0].laps.lap_time_ms[0] != race.cars[0].laps.lap_time_ms[0]


@pytest.mark.parametrize(("cars", "laps"), [(4, 12), (8, 9), (99, 12)])
def test_a_race_that_cannot_hold_its_story_is_refused(cars: int, laps: int) -> None:
    with pytest.raises(ValueError, match="cars and at least"):
        simulate_race(cars=cars, laps=laps, seed=1)


@pytest.mark.parametrize(("gear", "rpm_per_kmh"), [(1, 76.9), (2, 58.6), (3, 47.1), (4, 39.4), (5, 34.0)])
def test_revs_follow_the_measured_gearing(clean: dict[str, np.ndarray], gear: int, rpm_per_kmh: float) -> None:
    inside = clean["gear"] == gear
    ratio = np.median(clean["engine_rpm"][inside] / clean["speed_kmh"][inside])
    assert ratio == pytest.approx(rpm_per_kmh, rel=0.01)


def test_revs_and_top_speed_stay_within_the_car(clean: dict[str, np.ndarray]) -> None:
    assert clean["engine_rpm"].max() == pytest.approx(7300, rel=0.05)
    assert clean["engine_rpm"].max() <= 7300
    assert 185 <= clean["speed_kmh"].max() <= 219


def test_accelerations_are_the_measured_ones(clean: dict[str, np.ndarray]) -> None:
    assert 1.4 * 0.9 <= np.percentile(np.abs(clean["accel_y_g"]), 99) <= 1.5 * 1.1
    assert np.percentile(clean["accel_x_g"], 0.1) == pytest.approx(-1.38, rel=0.1)
    assert clean["accel_x_g"].max() == pytest.approx(0.62, rel=0.1)


def test_brakes_are_used_as_measured(clean: dict[str, np.ndarray]) -> None:
    pressure = clean["brake_front_bar"]
    assert np.percentile(pressure, 99) == pytest.approx(61, rel=0.1)
    assert pressure.max() == pytest.approx(102, rel=0.1)


@pytest.mark.parametrize(("low_bar", "high_bar", "g"), [(20, 30, 0.61), (50, 60, 1.0), (97, 107, 1.38)])
def test_deceleration_goes_with_pressure(
    clean: dict[str, np.ndarray], low_bar: float, high_bar: float, g: float
) -> None:
    inside = (clean["brake_front_bar"] > low_bar) & (clean["brake_front_bar"] < high_bar)
    assert -np.median(clean["accel_x_g"][inside]) == pytest.approx(g, rel=0.1)


def test_throttle_is_full_and_closed_for_the_measured_share(clean: dict[str, np.ndarray]) -> None:
    assert np.mean(clean["accelerator_pct"] >= 95) == pytest.approx(0.43, rel=0.1)
    assert np.mean(clean["accelerator_pct"] < 5) == pytest.approx(0.30, rel=0.1)


def test_steering_goes_with_curvature_and_lateral_acceleration(race: DemoRace, clean: dict[str, np.ndarray]) -> None:
    metres = np.arange(race.circuit.length_m)
    # The loggers count to the left, the circuit's curvature to the right.
    curvature = -np.interp(clean["lap_distance_m"], metres, race.circuit.curvature_per_m)
    terms = np.stack([curvature, clean["accel_y_g"], np.ones_like(curvature)], axis=1)
    per_curvature, per_g, zero = np.linalg.lstsq(terms, clean["steering_deg"], rcond=None)[0]
    assert per_curvature == pytest.approx(1674, rel=0.1)
    assert per_g == pytest.approx(25.4, rel=0.1)
    assert abs(zero) < 1.0


def test_hands_and_feet_are_no_switches(race: DemoRace) -> None:
    for _, channels in logged(race):
        rises = np.diff(channels.brake_front_bar) / FAST_STEP_S
        opens = np.diff(channels.accelerator_pct) / FAST_STEP_S
        assert rises.max() < 600
        assert opens.max() < 400
        assert opens.min() < -400


def test_speed_is_the_integral_of_acceleration_and_distance_of_speed(race: DemoRace) -> None:
    _, channels = logged(race)[0]
    metres = np.cumsum(channels.speed_kmh / 3.6) * FAST_STEP_S
    driven = np.unwrap(channels.lap_distance_m, period=race.circuit.length_m)
    assert metres[-1] - metres[0] == pytest.approx(driven[-1] - driven[0], rel=1e-3)
    assert np.diff(driven).min() >= 0
    lap = channels.lap_count == 2
    gained = channels.accel_x_g[lap].sum() * 9.80665 * FAST_STEP_S * 3.6
    assert gained == pytest.approx(channels.speed_kmh[lap][-1] - channels.speed_kmh[lap][0], abs=8.0)


def test_position_is_on_the_track_and_moves_as_fast_as_the_car(race: DemoRace) -> None:
    _, channels = logged(race)[0]
    north = (channels.latitude_deg - race.circuit.latitude_deg[0]) * 111_195
    east = (channels.longitude_deg - race.circuit.longitude_deg[0]) * 111_195 * np.cos(np.radians(38.4617305))
    inside = channels.lap_count == 2
    metre = channels.lap_distance_m[inside].astype(int)
    off = np.hypot(east[inside] - race.circuit.x_m[metre], north[inside] - race.circuit.y_m[metre])
    assert off.max() < 8.0
    driven = np.hypot(np.diff(east[inside]), np.diff(north[inside])).sum()
    assert driven == pytest.approx(race.circuit.length_m, rel=0.02)


def test_times_are_whole_and_sections_make_up_laps_and_laps_the_race(race: DemoRace) -> None:
    for car in race.cars:
        laps = car.laps
        assert laps.sections_ms.dtype.kind == laps.lap_time_ms.dtype.kind == "i"
        assert (laps.sections_ms > 0).all()
        assert (laps.sections_ms.sum(axis=1) == laps.lap_time_ms).all()
        assert (np.cumsum(laps.lap_time_ms) == laps.finished_at_ms - race.start_ms).all()
        assert laps.lap_number.tolist() == list(range(1, len(laps.flag) + 1))


def test_timing_and_telemetry_see_the_same_crossings(race: DemoRace) -> None:
    for car, channels in logged(race):
        begins = channels.at_s[1:][np.diff(channels.lap_count) == 1][1:]
        finished = (car.laps.finished_at_ms - race.start_ms) / 1000
        assert begins[: finished.size] == pytest.approx(finished, abs=FAST_STEP_S)


def test_telemetry_covers_the_race_from_before_the_formation_lap(race: DemoRace) -> None:
    for car, channels in logged(race):
        assert np.diff(channels.at_s) == pytest.approx(FAST_STEP_S)
        assert channels.at_s[0] < -120
        assert channels.speed_kmh[0] == 0
        assert channels.lap_count[channels.at_s < 0].max() == 0
        assert channels.speed_kmh[channels.at_s < 0].max() < 100
        if car.laps.flag[-1] == "FF":
            finished = (car.laps.finished_at_ms[-1] - race.start_ms) / 1000
            assert channels.at_s[-1] - finished == pytest.approx(40, abs=1)


def test_cars_stand_in_finishing_order(race: DemoRace) -> None:
    results = [(-car.laps.lap_number.size, car.laps.finished_at_ms[-1]) for car in race.cars]
    assert results == sorted(results)
    assert len({car.number for car in race.cars}) == CARS
    assert sum(car.logger_id is None for car in race.cars) == 1
    assert all((car.channels is None) == (car.logger_id is None) for car in race.cars)


def test_the_yellow_slows_everyone_and_ends_with_a_restart(race: DemoRace) -> None:
    (begin, end), *others = race.yellow_phases_s
    assert not others
    winner = race.cars[0].laps
    yellow = [number for number, flag in zip(winner.lap_number, winner.flag, strict=True) if flag == "FCY"]
    assert len(yellow) == 3
    assert yellow[-1] <= LAPS / 2 + 1
    best = winner.lap_time_ms.min()
    whole = winner.lap_time_ms[np.isin(winner.lap_number, yellow[1:])] / best
    assert ((whole > 1.25) & (whole < 1.6)).all()
    assert winner.lap_time_ms[yellow[-1]] > 1.1 * best
    for car in race.cars:
        finished = (car.laps.finished_at_ms - race.start_ms) / 1000
        for flag, at in zip(car.laps.flag, finished, strict=True):
            assert (flag == "FCY") == (begin <= at < end)


def test_one_car_retires_one_starts_late_and_one_stops(race: DemoRace) -> None:
    short = [car for car in race.cars if car.laps.flag[-1] != "FF"]
    assert len(short) == 1
    retired = short[0].channels
    assert retired is not None
    assert retired.speed_kmh[-500:].max() == 0
    late = [car for car in race.cars if car.laps.lap_time_ms[0] > 2 * race.cars[0].laps.lap_time_ms[1]]
    assert len(late) == 1
    assert late[0].laps.lap_number.size < LAPS
    stopped = [car for car in race.cars if car.laps.is_pit_in.any()]
    assert len(stopped) == 1
    laps = stopped[0].laps
    out = np.flatnonzero(laps.is_pit_in) + 1
    assert np.flatnonzero(laps.pit_time_ms).tolist() == out.tolist()
    assert (laps.pit_time_ms[out] > 40_000).all()
    assert (laps.lap_time_ms[out] > laps.lap_time_ms.min() + 30_000).all()


def test_faults_cost_time_in_laps_that_are_clean_of_the_race_s_course(race: DemoRace) -> None:
    laps = {car.number: car.laps for car in race.cars}
    names = {"early_braking", "missed_braking_point", "lock_up", "throttle_lift", "snap", "traffic"}
    assert {fault.kind for fault in race.faults} <= names
    for fault in race.faults:
        own, index = laps[fault.car_number], fault.lap_number - 1
        assert own.flag[index] != "FCY"
        assert index > 0
        assert own.flag[index - 1] != "FCY"
        assert not own.is_pit_in[index]
        assert 0 <= fault.s_start_m < fault.s_end_m <= race.circuit.length_m
        assert fault.corner in race.circuit.corner_names
        assert -100 < fault.time_lost_ms < 6000
    count = sum(clean_laps(car).size for car in race.cars)
    assert 0.25 <= len(race.faults) / count <= 0.8


def test_a_fault_can_be_seen_in_the_pedals(race: DemoRace) -> None:
    cars = {car.number: channels for car, channels in logged(race)}
    lifts = [fault for fault in race.faults if fault.kind == "throttle_lift" and fault.car_number in cars]
    for fault in lifts:
        channels = cars[fault.car_number]
        near = (channels.lap_distance_m > fault.s_start_m) & (channels.lap_distance_m < fault.s_end_m + 15)
        usual = [channels.accelerator_pct[near & (channels.lap_count == n)].min() for n in (2, 3)]
        assert channels.accelerator_pct[near & (channels.lap_count == fault.lap_number)].min() < max(usual) + 1


def test_laps_of_a_driver_differ_as_real_ones_do(race: DemoRace) -> None:
    spreads = []
    for car in race.cars:
        times = car.laps.lap_time_ms[clean_laps(car) - 1]
        if times.size > 3:
            spreads.append(times / np.median(times) - 1)
    assert 0.002 < np.sqrt(np.mean(np.concatenate(spreads) ** 2)) < 0.009


def test_targets_of_the_simulated_laps_are_sane(race: DemoRace) -> None:
    laps = {car.number: car.laps.sections_ms[clean_laps(car) - 1] for car in race.cars}
    sectors = {number: sections.reshape(len(sections), 3, 2).sum(axis=2) for number, sections in laps.items()}
    settings = Settings().siwtl
    field = field_spread(sectors.values(), settings)
    gains = [compute_target(times, field, settings).gains_ms.sum() for times in sectors.values() if len(times) > 3]
    assert min(gains) >= 0
    assert max(gains) < 800
    assert 20 <= np.median(gains) <= 500


def test_skills_are_within_what_drivers_use() -> None:
    field = make_field(cars=20, turns=17, rng=np.random.default_rng(3))
    assert field.grip_use.min() >= 0.93
    assert field.grip_use.max() <= 0.99
    assert field.brake_use.min() >= 0.80
    assert field.brake_use.max() <= 0.97
    assert len(set(field.numbers)) == 20
