"""What a simulated race is: the truth about every car, before it is written with the dirt of real files.

The simulation (simulate.py) makes it, the writer (write.py) turns it into raw files. Neither is known to the
pipeline, which reads those files as it reads any others.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FAST_STEP_S = 0.0431
SLOW_EVERY = 5


@dataclass(frozen=True, kw_only=True)
class DemoCircuit:
    """The invented circuit. Arrays are along the centre line, one value a metre, the last metre joins the first.

    `curvature_per_m` is + in right-handers. Distances in m from start/finish. `splits_m` are the ends of the six
    intermediate sections IM1a, IM1, IM2a, IM2, IM3a, FL; the second, fourth and sixth are the sector lines.
    """

    slug: str
    name: str
    length_m: float
    curvature_per_m: Array
    x_m: Array
    y_m: Array
    latitude_deg: Array
    longitude_deg: Array
    splits_m: tuple[float, ...]
    pit_entry_m: float
    pit_exit_m: float
    corner_names: tuple[str, ...]
    corner_starts_m: tuple[float, ...]
    corner_ends_m: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class OfficialLaps:
    """The timing's truth of one car, arrays (n_laps,). Times in whole ms, `finished_at_ms` UTC."""

    lap_number: IntArray
    lap_time_ms: IntArray
    sections_ms: IntArray  # (n_laps, 6), sum to the lap
    finished_at_ms: IntArray
    flag: tuple[str, ...]  # GF, FCY or FF at the line
    is_pit_in: npt.NDArray[np.bool_]
    pit_time_ms: IntArray  # 0 without a stop; stands on the out lap
    top_speed_kmh: Array


@dataclass(frozen=True, kw_only=True)
class TrueChannels:
    """What a perfect logger would have seen, arrays (n,) at the fast step, from before the start to after the end.

    `at_s` is seconds since the race's start (green flag), ascending by FAST_STEP_S. Signs and units as in the raw
    files: a_x + accelerating, a_y and steering + in left-handers, pressures bar, angles deg, speed km/h.
    """

    at_s: Array
    lap_distance_m: Array
    lap_count: IntArray  # laps the car has begun since the green flag; 0 before it
    speed_kmh: Array
    accel_x_g: Array
    accel_y_g: Array
    brake_front_bar: Array
    brake_rear_bar: Array
    gear: IntArray
    steering_deg: Array
    accelerator_pct: Array
    throttle_blade_pct: Array
    engine_rpm: Array
    latitude_deg: Array
    longitude_deg: Array


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A driving fault that the simulation put into a lap."""

    car_number: str
    lap_number: int
    kind: str  # early_braking, missed_braking_point, lock_up, throttle_lift, snap, traffic
    s_start_m: float
    s_end_m: float
    corner: str
    time_lost_ms: int


@dataclass(frozen=True, kw_only=True)
class DemoCar:
    """One car. `logger_id` is null for the car without a logger; its channels are then null too."""

    number: str
    logger_id: str | None
    driver: str
    team: str
    status: str  # Classified or Not started
    laps: OfficialLaps
    channels: TrueChannels | None


@dataclass(frozen=True, kw_only=True)
class DemoRace:
    """A whole race. `start_ms` is the green flag in UTC; `utc_offset_ms` turns local time into UTC."""

    circuit: DemoCircuit
    session: str
    event: str  # meta_event
    race: int
    start_ms: int
    utc_offset_ms: int
    cars: tuple[DemoCar, ...]  # in finishing order
    yellow_phases_s: tuple[tuple[float, float], ...]
    faults: tuple[Fault, ...]
    air_temp_c: float
    track_temp_c: float
