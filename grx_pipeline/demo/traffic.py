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
_TUCK_IN_M, _FOLLOW_REACH_M, _QUEUE_REACH_M, _MOST_LIFT_MPS2 = 9.0, 80.0, 60.0, 5.0
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


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where the cars are now, arrays (cars,).

    `distance_m` is since the start, `place_m` in the lap; `pace_s` is the lap each car can do, `draws` are 0..1.
    """

    now_s: float
    step_s: float
    distance_m: Array
    place_m: Array
    speed_mps: Array
    is_on_track: Bools
    is_racing: Bools
    pace_s: Array
    draws: Array


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Every running car (index) in the order of the lap, the one ahead of it, and the gap between them (m)."""

    cars: Index
    ahead: Index
    gap_m: Array


def look(traffic: Traffic, moment: Moment, reference: Reference) -> None:
    """Renews `traffic` for the moment."""
    traffic.accel_mps2[:] = _FREE
    target = np.ones_like(traffic.pace)
    running = np.flatnonzero(moment.is_on_track)
    if running.size > 1:
        pairs = _pair(running, moment.place_m, length_m=reference.speed_mps.size)
        _queue(traffic, pairs, moment)
        target[pairs.cars] = _follow(traffic, pairs, moment, reference)
        _pass(traffic, pairs, moment, length_m=reference.speed_mps.size)
    is_yielding = traffic.yielding_until_s > moment.now_s
    target[is_yielding] = np.minimum(target[is_yielding], _YIELD_PACE)
    traffic.throttle[:] = np.where(is_yielding, _YIELD_THROTTLE, 1.0)
    traffic.pace += np.clip(target - traffic.pace, -_EASE, _EASE)


def _pair(running: Index, place_m: Array, *, length_m: int) -> Pairs:
    cars = running[np.argsort(place_m[running], kind="stable")]
    ahead = np.concatenate([cars[1:], cars[:1]])
    return Pairs(cars=cars, ahead=ahead, gap_m=(place_m[ahead] - place_m[cars]) % length_m - CAR_M)


def _queue(traffic: Traffic, pairs: Pairs, moment: Moment) -> None:
    """Formation lap and yellow: keep a distance that grows with speed."""
    own, ahead = moment.speed_mps[pairs.cars], moment.speed_mps[pairs.ahead]
    follow = 1.1 * (ahead - own) + 0.25 * (pairs.gap_m - _QUEUE_M - _QUEUE_S * own)
    is_queueing = ~moment.is_racing[pairs.cars] & (pairs.gap_m < _QUEUE_REACH_M)
    traffic.accel_mps2[pairs.cars] = np.where(is_queueing, np.maximum(follow, -_MOST_LIFT_MPS2), _FREE)


def _follow(traffic: Traffic, pairs: Pairs, moment: Moment, reference: Reference) -> Array:
    """Factors on the plan's speed: close behind, a driver leaves a little of the corners; nose to tail he lifts."""
    cars, size = pairs.cars, reference.speed_mps.size
    at_s = reference.time_s[moment.place_m.astype(np.int64) % size]
    own = moment.speed_mps[cars]
    behind_s = (at_s[pairs.ahead] - at_s[cars]) % reference.lap_s - CAR_M / np.maximum(own, 10.0)
    is_following = (
        moment.is_racing[cars] & (traffic.passing_until_s[cars] < moment.now_s) & (pairs.gap_m < _FOLLOW_REACH_M)
    )
    closing = moment.speed_mps[pairs.ahead] - own
    is_tight = is_following & (pairs.gap_m < _TUCK_IN_M) & (closing < 0)
    lift = np.maximum(1.5 * closing + 0.5 * (pairs.gap_m - 3.0), -_MOST_LIFT_MPS2)
    traffic.accel_mps2[cars] = np.where(is_tight, lift, traffic.accel_mps2[cars])
    slowed = np.clip((_FOLLOW_S - behind_s) / (_FOLLOW_S - _CLOSEST_S), 0.0, 1.0) * _MOST_SLOWED
    return np.where(is_following, 1.0 - slowed, 1.0)


def _pass(traffic: Traffic, pairs: Pairs, moment: Moment, *, length_m: int) -> None:
    """A quicker car that has followed for a while passes; a car that is a lap down is passed sooner."""
    cars, ahead, now = pairs.cars, pairs.ahead, moment.now_s
    is_close = moment.is_racing[cars] & moment.is_racing[ahead]
    is_close &= pairs.gap_m < _PASS_WITHIN_S * moment.speed_mps[cars]
    traffic.followed_s[cars] = np.where(is_close, traffic.followed_s[cars] + moment.step_s, 0.0)
    is_lapping = moment.distance_m[cars] - moment.distance_m[ahead] > length_m / 2
    is_quicker = moment.pace_s[cars] < moment.pace_s[ahead] - _PACE_MARGIN_S
    may = is_close & (traffic.passing_until_s[cars] < now) & (traffic.yielding_until_s[cars] < now)
    draws = moment.draws[cars]
    has_waited = (traffic.followed_s[cars] > _PASS_WAIT_S) & is_quicker & (draws < _PASS_CHANCE)
    passes = may & (has_waited | (is_lapping & (draws < _LAP_CHANCE)))
    traffic.passing_until_s[cars[passes]] = now + _PASS_S
    traffic.yielding_until_s[ahead[passes]] = now + _YIELD_S
