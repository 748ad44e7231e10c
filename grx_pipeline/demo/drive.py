"""One step of driving: pedals, gears and speed of all cars at once, at the logger's fast step.

The driver looks ahead by a preview time, compares speed with the plan, and moves pedals that have lags and limited
rates. Every car is there twice: once as it is driven, and once as it would be driven without fault and traffic (its
twin), so that the time a fault costs is the difference of two drives and not an estimate.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.demo import car as model
from grx_pipeline.demo.driver import Field
from grx_pipeline.demo.faults import Overrides
from grx_pipeline.demo.plan import Float32, Plans
from grx_pipeline.demo.race import FAST_STEP_S, Array

Bools = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

_FEEDBACK_PER_S = 2.6
_PLAN_BRAKES_MPS2, _STILL_FREE_MPS = -3.0, 0.5
_STAY_ON_MPS2 = 9.0
_BRAKE_ABOVE_MPS2, _BRAKE_UNTIL_MPS2 = 0.9, 0.15
_BRAKE_RATE_BAR_PER_S, _MOST_BAR = 520.0, 104.0
_THROTTLE_LAG_S, _LIFT_PER_S, _CORNER_RATE_PER_S = 0.05, 11.0, 0.17
_FOOT_OFF, _LEAST_THROTTLE, _PICK_UP_MPS2, _LIFT_MPS2 = 0.06, 0.04, 2.2, -0.3
_PRESSED_BAR = 2.0
_DOWN_BRAKING_RPM, _LUGGING_RPM, _DOWN_PULLING_RPM, _DOWN_SHIFT_S = 5900.0, 4300.0, 6500.0, 0.3
_HELD_MPS2 = 6.0


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What is looked up by metre, flattened from (metres, columns): plans, grip, pedal overrides, patience."""

    plan_columns: int
    speed_mps: Float32
    slope_mps2: Float32
    base_columns: int
    grip_mps2: Float32
    override_columns: int
    throttle_cap: Float32
    brake_gain: Float32
    twins: int
    throttle_rate_per_s: Float32
    curvature_per_m: Array  # without sign

    @classmethod
    def of(cls, plans: Plans, overrides: Overrides, *, curvature_per_m: Array, patience: Array) -> "Tables":
        """`curvature_per_m` (metres,) and `patience` (metres, cars) reach as far as the plans do."""
        twice = np.concatenate([patience, patience], axis=1)
        return cls(
            plan_columns=plans.speed_mps.shape[1] + overrides.speed_mps.shape[1],
            speed_mps=np.concatenate([plans.speed_mps, overrides.speed_mps], axis=1).ravel(),
            slope_mps2=np.concatenate([plans.slope_mps2, overrides.slope_mps2], axis=1).ravel(),
            base_columns=plans.grip_mps2.shape[1],
            grip_mps2=plans.grip_mps2.ravel(),
            override_columns=overrides.throttle_cap.shape[1],
            throttle_cap=overrides.throttle_cap.ravel(),
            brake_gain=overrides.brake_gain.ravel(),
            twins=twice.shape[1],
            throttle_rate_per_s=(_CORNER_RATE_PER_S / twice).astype(np.float32).ravel(),
            curvature_per_m=np.abs(curvature_per_m),
        )


@dataclass(kw_only=True)
class Cars:
    """All cars and after them their twins, arrays (2 x cars,). Throttle 0..1, distances m, speeds m/s."""

    place_m: Array
    speed_mps: Array
    throttle: Array
    brake_bar: Array
    gear: Index
    shift_s: Array  # time until the gear is in
    is_upshift: Bools
    is_braking: Bools
    off_brake_s: Array
    accel_mps2: Array
    lap: Index
    plan_row: Index
    base_row: Index
    override: Index
    pace: Array
    speed_cap_mps: Array
    accel_cap_mps2: Array
    throttle_cap: Array
    is_held: Bools
    mass_kg: Array
    preview_s: Array
    brake_lag_s: Array
    throttle_rate_per_s: Array
    coast_s: Array
    shift_rpm: Array

    @classmethod
    def on_grid(cls, field: Field, *, place_m: Array) -> "Cars":
        """All cars at rest at `place_m` (cars,), before the formation lap."""
        count = 2 * place_m.size
        return cls(
            place_m=np.tile(place_m, 2),
            speed_mps=np.zeros(count),
            throttle=np.zeros(count),
            brake_bar=np.zeros(count),
            gear=np.ones(count, dtype=np.int64),
            shift_s=np.zeros(count),
            is_upshift=np.zeros(count, dtype=bool),
            is_braking=np.zeros(count, dtype=bool),
            off_brake_s=np.full(count, 10.0),
            accel_mps2=np.zeros(count),
            lap=np.zeros(count, dtype=np.int64),
            plan_row=np.zeros(count, dtype=np.int64),
            base_row=np.zeros(count, dtype=np.int64),
            override=np.zeros(count, dtype=np.int64),
            pace=np.ones(count),
            speed_cap_mps=np.full(count, np.inf),
            accel_cap_mps2=np.full(count, np.inf),
            throttle_cap=np.ones(count),
            is_held=np.zeros(count, dtype=bool),
            mass_kg=np.full(count, model.MASS_KG + model.FUEL_KG),
            preview_s=np.tile(field.preview_s, 2),
            brake_lag_s=np.tile(field.brake_lag_s, 2),
            throttle_rate_per_s=np.tile(field.throttle_rate_per_s, 2),
            coast_s=np.tile(field.coast_s, 2),
            shift_rpm=np.tile(field.shift_rpm, 2),
        )

    def reset_twins(self, where: Bools) -> None:
        """Puts the twins of the cars `where` (cars,) to where the cars are."""
        half = where.size
        for values in (
            self.place_m,
            self.speed_mps,
            self.throttle,
            self.brake_bar,
            self.gear,
            self.shift_s,
            self.is_upshift,
            self.is_braking,
            self.off_brake_s,
            self.lap,
            self.base_row,
        ):
            np.copyto(values[half:], values[:half], where=where)
        np.copyto(self.plan_row[half:], self.base_row[half:], where=where)


def drive_step(cars: Cars, tables: Tables, *, speed_noise: Array, brake_noise: Array, twin: Index) -> None:
    """Moves all cars by one fast step. Noises (2 x cars,) are factors on planned speed and pressure."""
    speed, place = cars.speed_mps, cars.place_m.astype(np.int64)
    metre_row = place * tables.base_columns + cars.base_row
    lateral = speed * speed * tables.curvature_per_m.take(place) / tables.grip_mps2.take(metre_row)
    lateral_use = np.minimum(lateral, 1.0)
    rpm = model.engine_rpm(speed, cars.gear)
    resistance = model.resistance_mps2(speed, lateral_use, cars.throttle, rpm)
    wanted = _wanted_mps2(cars, tables, speed_noise)
    override = place * tables.override_columns + cars.override
    need = -wanted - resistance
    cars.is_braking = need > np.where(cars.is_braking, _BRAKE_UNTIL_MPS2, _BRAKE_ABOVE_MPS2)
    _press_brake(cars, need, tables.brake_gain.take(override) * brake_noise)
    engine = model.full_throttle_mps2(speed, rpm, cars.mass_kg)
    cap = np.minimum(tables.throttle_cap.take(override), cars.throttle_cap)
    rate = tables.throttle_rate_per_s.take(place * tables.twins + twin)
    is_on = wanted > np.where(cars.throttle > 0, _LIFT_MPS2, _PICK_UP_MPS2)
    asked = np.where(is_on, (wanted + resistance) / (engine + 0.05), 0.0)
    _press_throttle(cars, asked, cap, lateral_use, rate)
    _shift(cars, rpm, speed)
    is_cut = (cars.shift_s > 0) & cars.is_upshift
    pull = np.where(is_cut, 0.0, cars.throttle * engine)
    accel = pull - resistance - model.braking_mps2(cars.brake_bar)
    accel = np.where(cars.is_held, -_HELD_MPS2, accel)
    cars.speed_mps = np.maximum(speed + accel * FAST_STEP_S, 0.0)
    cars.accel_mps2 = (cars.speed_mps - speed) * (1.0 / FAST_STEP_S)
    cars.place_m += (speed + cars.speed_mps) * (0.5 * FAST_STEP_S)


def _wanted_mps2(cars: Cars, tables: Tables, speed_noise: Array) -> Array:
    """The acceleration that the driver asks for: the plan's slope ahead and a correction of the speed."""
    speed = cars.speed_mps
    seen = (cars.place_m + speed * cars.preview_s + 0.5).astype(np.int64) * tables.plan_columns + cars.plan_row
    pace = cars.pace
    target = tables.speed_mps.take(seen) * (pace * speed_noise)
    slope = tables.slope_mps2.take(seen) * (pace * pace)
    slope = np.where(target > cars.speed_cap_mps, 0.0, slope)
    ahead = np.minimum(target, cars.speed_cap_mps) - speed
    wanted = slope + _FEEDBACK_PER_S * ahead
    is_before_braking = (slope < _PLAN_BRAKES_MPS2) & (ahead > _STILL_FREE_MPS)
    wanted = np.where(is_before_braking, _STAY_ON_MPS2, wanted)
    return np.minimum(wanted, cars.accel_cap_mps2)


def _press_brake(cars: Cars, need: Array, gain: Array) -> None:
    asked = np.where(cars.is_braking & (cars.throttle < _FOOT_OFF), model.pressure_for_bar(np.maximum(need, 0)), 0.0)
    asked = np.minimum(asked * gain, _MOST_BAR)
    rate = (asked - cars.brake_bar) / cars.brake_lag_s
    rate = np.minimum(np.maximum(rate, -_BRAKE_RATE_BAR_PER_S), _BRAKE_RATE_BAR_PER_S)
    cars.brake_bar = cars.brake_bar + rate * FAST_STEP_S
    cars.brake_bar[cars.brake_bar < 0.3] = 0.0
    cars.off_brake_s += FAST_STEP_S
    cars.off_brake_s[cars.brake_bar > _PRESSED_BAR] = 0.0


def _press_throttle(cars: Cars, asked: Array, cap: Array, lateral_use: Array, corner_rate: Float32) -> None:
    """Up as fast as the corner allows, down at once; the foot needs `coast_s` from the brake to the throttle."""
    asked = np.minimum(np.minimum(np.maximum(asked, 0.0), 1.0), cap)
    is_off = cars.is_braking | (cars.off_brake_s < cars.coast_s) | (asked < _LEAST_THROTTLE)
    asked[is_off] = 0.0
    straight = 1.0 - lateral_use * lateral_use
    rate = np.minimum(
        (asked - cars.throttle) * (1.0 / _THROTTLE_LAG_S), corner_rate + straight * cars.throttle_rate_per_s
    )
    rate = np.maximum(rate, -_LIFT_PER_S)
    cars.throttle = cars.throttle + rate * FAST_STEP_S
    cars.throttle[cars.throttle < 0.004] = 0.0


def _shift(cars: Cars, rpm: Array, speed: Array) -> None:
    cars.shift_s -= FAST_STEP_S
    is_free = cars.shift_s <= 0
    up = is_free & (rpm > cars.shift_rpm) & (cars.gear < model.RPM_PER_KMH.size) & (cars.throttle > 0.3)
    lower = model.engine_rpm(speed, np.maximum(cars.gear - 1, 1))
    wants_down = (cars.is_braking & (lower < _DOWN_BRAKING_RPM)) | ((rpm < _LUGGING_RPM) & (lower < _DOWN_PULLING_RPM))
    down = is_free & (cars.gear > 1) & wants_down
    cars.gear = cars.gear + up - down
    cars.is_upshift = np.where(up | down, up, cars.is_upshift)
    cars.shift_s = np.where(up, model.SHIFT_S, np.where(down, _DOWN_SHIFT_S, cars.shift_s))
