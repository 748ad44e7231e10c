"""Cars among others: how close they follow, when they pass, and what the race director asks of them.

Works on the positions of all cars at one moment, a few times a second. How a car is driven is drive.py's.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.demo.plan import Reference
from grx_pipeline.demo.race import Array

Bools = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]

CAR_M = 5.0
_FOLLOW_S, _CLOSEST_S, _MOST_SLOWED = 0.34, 0.1, 0.045
_EASE = 0.012
_TUCK_IN_M = 9.0
_QUEUE_M, _QUEUE_S = 4.0, 0.42
_PASS_WITHIN_S, _PASS_WAIT_S, _PASS_S, _YIELD_S = 0.6, 2.5, 8.0, 2.6
_PASS_CHANCE, _LAP_CHANCE = 0.3, 0.6
_PACE_MARGIN_S = 0.05
_YIELD_PACE, _YIELD_THROTTLE = 0.955, 0.7
_FREE = 1e9


@dataclass(kw_only=True)
class Traffic:
    """What traffic does to each car, arrays (cars,), renewed by `look`.

    `pace` is the factor on the plan's speed, `throttle` a cap, `accel_mps2` a cap on the demanded acceleration.
    """

    pace: Array
    throttle: Array
    accel_mps2: Array
    followed_s: Array
    passing_until_s: Array
    yielding_until_s: Array

    @classmethod
    def of(cls, cars: int) -> "Traffic":
        """Nobody near anyone."""
        return cls(
            pace=np.ones(cars),
            throttle=np.ones(cars),
            accel_mps2=np.full(cars, _FREE),
            followed_s=np.zeros(cars),
            passing_until_s=np.full(cars, -np.inf),
            yielding_until_s=np.full(cars, -np.inf),
        )

    def is_slowed(self) -> Bools:
        """Which cars lose time to the car ahead, or to one that passes."""
        return (self.pace < 0.99) | (self.throttle < 1.0)


def look(
    traffic: Traffic,
    *,
    now_s: float,
    step_s: float,
    distance_m: Array,
    place_m: Array,
    speed_mps: Array,
    is_on_track: Bools,
    is_racing: Bools,
    pace_s: Array,
    reference: Reference,
    draws: Array,
) -> None:
    """Renews `traffic`. `distance_m` is since the start, `place_m` in the lap; `draws` (cars,) are 0..1."""
    traffic.accel_mps2[:] = _FREE
    running = np.flatnonzero(is_on_track)
    target = np.ones_like(traffic.pace)
    if running.size > 1:
        cars = running[np.argsort(place_m[running], kind="stable")]
        ahead = np.roll(cars, -1)
        gap = (place_m[ahead] - place_m[cars]) % reference.speed_mps.size - CAR_M
        _queue(traffic, cars, ahead, gap, speed_mps, ~is_racing)
        _race(traffic, cars, ahead, gap, target, speed_mps, place_m, is_racing, reference, now_s)
        _pass(traffic, cars, ahead, gap, distance_m, speed_mps, is_racing, pace_s, reference, now_s, step_s, draws)
    is_yielding = traffic.yielding_until_s > now_s
    target[is_yielding] = np.minimum(target[is_yielding], _YIELD_PACE)
    traffic.throttle[:] = np.where(is_yielding, _YIELD_THROTTLE, 1.0)
    traffic.pace += np.clip(target - traffic.pace, -_EASE, _EASE)


def _queue(traffic: Traffic, cars: Index, ahead: Index, gap: Array, speed: Array, is_queueing: Bools) -> None:
    """Formation lap and yellow: keep a distance that grows with speed."""
    wanted = gap - _QUEUE_M - _QUEUE_S * speed[cars]
    follow = 1.1 * (speed[ahead] - speed[cars]) + 0.25 * wanted
    traffic.accel_mps2[cars] = np.where(is_queueing[cars] & (gap < 60.0), np.maximum(follow, -5.0), _FREE)


def _race(
    traffic: Traffic,
    cars: Index,
    ahead: Index,
    gap: Array,
    target: Array,
    speed: Array,
    place: Array,
    is_racing: Bools,
    reference: Reference,
    now_s: float,
) -> None:
    """Under a following time the driver leaves a little of the corners; nose to tail he lifts."""
    size = reference.speed_mps.size
    behind_s = reference.time_s[place[ahead].astype(np.int64) % size] - reference.time_s[place[cars].astype(np.int64)]
    behind_s = behind_s % reference.lap_s - CAR_M / np.maximum(speed[cars], 10.0)
    follows = is_racing[cars] & (traffic.passing_until_s[cars] < now_s) & (gap < 80.0)
    slowed = np.clip((_FOLLOW_S - behind_s) / (_FOLLOW_S - _CLOSEST_S), 0.0, 1.0) * _MOST_SLOWED
    target[cars] = np.where(follows, 1.0 - slowed, 1.0)
    closing = speed[ahead] - speed[cars]
    lift = 1.5 * closing + 0.5 * (gap - 3.0)
    is_tight = follows & (gap < _TUCK_IN_M) & (closing < 0)
    traffic.accel_mps2[cars] = np.where(is_tight, np.maximum(lift, -6.0), traffic.accel_mps2[cars])


def _pass(
    traffic: Traffic,
    cars: Index,
    ahead: Index,
    gap: Array,
    distance: Array,
    speed: Array,
    is_racing: Bools,
    pace_s: Array,
    reference: Reference,
    now_s: float,
    step_s: float,
    draws: Array,
) -> None:
    """A quicker car that has followed for a while passes; a car that is a lap down is passed sooner."""
    is_close = is_racing[cars] & is_racing[ahead] & (gap < _PASS_WITHIN_S * speed[cars])
    traffic.followed_s[cars] = np.where(is_close, traffic.followed_s[cars] + step_s, 0.0)
    is_lapping = distance[cars] - distance[ahead] > reference.speed_mps.size / 2
    is_quicker = pace_s[cars] < pace_s[ahead] - _PACE_MARGIN_S
    may = is_close & (traffic.passing_until_s[cars] < now_s) & (traffic.yielding_until_s[cars] < now_s)
    waits = (traffic.followed_s[cars] > _PASS_WAIT_S) & is_quicker & (draws[cars] < _PASS_CHANCE)
    passes = may & (waits | (is_lapping & (draws[cars] < _LAP_CHANCE)))
    traffic.passing_until_s[cars[passes]] = now_s + _PASS_S
    traffic.yielding_until_s[ahead[passes]] = now_s + _YIELD_S
