"""A race whose truth is a formula: every lap a double sine of speed, every car a little slower than the one before."""

import numpy as np

from grx_pipeline.demo.race import FAST_STEP_S, DemoCar, DemoCircuit, DemoRace, Fault, OfficialLaps, TrueChannels

LENGTH_M = 1400.0
LAP_S = 40.0
BEFORE_S = 30.0
AFTER_S = 20.0
START_MS = 1_793_469_600_000  # 2026-10-31T18:00:00Z
LOCAL_OFFSET_MS = 4 * 3_600_000
GRAVITY = 9.80665
NUMBERS = {2: "3", 3: "03"}


def make_race(*, cars: int = 6, laps: int = 5, race: int = 1) -> DemoRace:
    """`cars` cars of `laps` laps, a last car without a logger, and one that did not start.

    The first car's logger carries 000, and the second one's the first car's number. The next two cars are 3 and 03.
    """
    field = [make_car(place, laps=laps, has_logger=place < cars - 1) for place in range(cars)]
    return DemoRace(
        circuit=_circuit(),
        session=f"R{race}",
        event="I_R01_2026-11-01",
        race=race,
        start_ms=START_MS,
        utc_offset_ms=LOCAL_OFFSET_MS,
        cars=(*field, make_car(cars, laps=0, has_logger=False)),
        yellow_phases_s=(),
        faults=(
            Fault(
                car_number="12",
                lap_number=2,
                kind="lock_up",
                s_start_m=300.0,
                s_end_m=340.0,
                corner="T1",
                time_lost_ms=120,
            ),
        ),
        air_temp_c=24.0,
        track_temp_c=36.0,
    )


def make_car(place: int, *, laps: int, has_logger: bool) -> DemoCar:
    number = NUMBERS.get(place, str(11 + place))
    suffix = {0: "000", 1: "11"}.get(place, number)
    official = _laps(place, laps)
    return DemoCar(
        number=number,
        logger_id=f"GR86-{place + 1:03d}-{suffix}" if has_logger else None,
        driver=f"Driver {number}",
        team=f"Team {number}",
        status="Classified" if laps else "Not started",
        laps=official,
        channels=_channels(official) if has_logger else None,
    )


def _laps(place: int, laps: int) -> OfficialLaps:
    number = np.arange(1, laps + 1)
    time_ms = 40_000 + 370 * place + (number * 7919 + place * 104_729) % 1300 + 1500 * (number == 1)
    shares = np.cumsum([0.1, 0.25, 0.12, 0.2, 0.13])
    ends = np.column_stack([np.round(np.outer(time_ms, shares)).astype(np.int64), time_ms])
    is_pit_in = (number == 3) & (place == 2)
    return OfficialLaps(
        lap_number=number,
        lap_time_ms=time_ms,
        sections_ms=np.diff(ends, prepend=0, axis=1),
        finished_at_ms=START_MS + np.cumsum(time_ms),
        flag=tuple("FF" if lap == laps else "GF" for lap in range(1, laps + 1)),
        is_pit_in=is_pit_in,
        pit_time_ms=np.roll(is_pit_in, 1) * 33_250,
        top_speed_kmh=np.full(laps, 181.5),
    )


def _channels(laps: OfficialLaps) -> TrueChannels:
    ends = np.concatenate([[0.0], (laps.finished_at_ms - START_MS) / 1000])
    at = np.arange(-BEFORE_S, ends[-1] + AFTER_S, FAST_STEP_S)
    edges = np.concatenate([[ends[0] - LAP_S], ends, [ends[-1] + LAP_S]])
    lap = np.searchsorted(ends, at, side="right")
    begin, duration = edges[lap], np.diff(edges)[lap]
    phase = (at - begin) / duration
    turn = 2 * np.pi * phase
    mean = LENGTH_M / duration
    speed = mean * (1 + 0.4 * np.sin(2 * turn))
    rate = np.gradient(speed, at)
    corner = np.sin(3 * turn) * (np.sin(3 * turn) ** 2 > 0.5)
    return TrueChannels(
        at_s=at,
        lap_distance_m=LENGTH_M * phase - 0.4 * LENGTH_M / (4 * np.pi) * (np.cos(2 * turn) - 1),
        lap_count=lap,
        speed_kmh=3.6 * speed,
        accel_x_g=rate / GRAVITY,
        accel_y_g=1.2 * corner,
        brake_front_bar=60 * np.clip(-rate / 5, 0, None),
        brake_rear_bar=55 * np.clip(-rate / 5, 0, None),
        gear=3 + (np.sin(2 * turn) > 0),
        steering_deg=60 * corner,
        accelerator_pct=np.where(rate > 0, 100.0, 0.0),
        throttle_blade_pct=np.where(rate > 0, 100.0, 1.5),
        engine_rpm=5500 + 1000 * np.sin(2 * turn),
        latitude_deg=38.46 + 0.002 * np.cos(turn),
        longitude_deg=-79.14 + 0.002 * np.sin(turn),
    )


def _circuit() -> DemoCircuit:
    metres = np.arange(LENGTH_M)
    turn = 2 * np.pi * metres / LENGTH_M
    radius = LENGTH_M / (2 * np.pi)
    return DemoCircuit(
        slug="test-oval",
        name="Test Oval",
        length_m=LENGTH_M,
        curvature_per_m=np.full(metres.size, 1 / radius),
        x_m=radius * np.cos(turn),
        y_m=radius * np.sin(turn),
        latitude_deg=38.46 + 0.002 * np.cos(turn),
        longitude_deg=-79.14 + 0.002 * np.sin(turn),
        splits_m=(140.0, 490.0, 658.0, 938.0, 1120.0, LENGTH_M),
        pit_entry_m=1300.0,
        pit_exit_m=100.0,
        corner_names=("T1",),
        corner_starts_m=(200.0,),
        corner_ends_m=(400.0,),
    )
