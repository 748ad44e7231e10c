"""A lap while a fault is put into it: pedals as driven and as changed, and the speed that follows from them.

Which faults there are stands in faults.py.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.methods.validation.car_model import CarModel
from grx_pipeline.settings import StudySettings

Array = npt.NDArray[np.float64]

LEAST_SPEED_MPS = 8.0
BRAKING_BAR = 5.0
_HARD_BAR = 25.0
_MEET_MPS = 0.05
_HARDER = 1.12
_RAMP_S = 0.1


@dataclass(frozen=True, kw_only=True)
class BrakingZone:
    """One braking of the lap, as grid places: over 5 bar from `onset` to `release`, slowest at `apex`."""

    onset: int
    release: int
    apex: int


@dataclass(kw_only=True)
class ChangedLap:
    """The lap being changed. Arrays (k,): speed in m/s, throttle 0..1, brake in bar; `old` ones stay as driven."""

    step_m: float
    model: CarModel
    limits: StudySettings
    old_speed: Array
    old_throttle: Array
    old_brake: Array
    steering: Array
    accel_y: Array
    speed: Array
    throttle: Array
    brake: Array

    def rolls(self, i: int, speed: float, throttle: float, brake: float) -> float:
        """Speed one step on, with these pedals instead of those that were driven here."""
        old_u, new_u = self.old_speed[i] ** 2, speed * speed
        driven = (self.old_speed[i + 1] ** 2 - old_u) / (2 * self.step_m)
        was = self.model.acceleration(self.old_speed[i], self.old_throttle[i], self.old_brake[i], self.accel_y[i])
        now = self.model.acceleration(speed, throttle, brake, self.accel_y[i])
        after = new_u + 2 * self.step_m * (driven + now - was)
        return float(max(after, LEAST_SPEED_MPS**2) ** 0.5)

    def drive(self, start: int, end: int) -> None:
        """Speed from `start` to `end` with the pedals that stand there."""
        for i in range(start, min(end, self.speed.size - 1)):
            self.speed[i + 1] = self.rolls(i, self.speed[i], self.throttle[i], self.brake[i])

    def settle(self, start: int) -> int:
        """Drive on from `start` as the driver would until he has his own speed again; gives that place."""
        last, held = int(self.speed.size) - 1, self.throttle[max(start - 1, 0)]
        for i in range(start, last):
            ahead = self.old_speed[i] - self.speed[i]
            brakes = self.old_brake[i] > 2.0
            if abs(ahead) < _MEET_MPS:
                return i
            if ahead > 0 and (brakes or self.old_throttle[i] < held - 0.3) and held > 0.9:
                self.throttle[i], self.brake[i] = held, 0.0
            elif ahead < 0 and brakes:
                self.throttle[i], self.brake[i] = 0.0, self.old_brake[i] * _HARDER + 3.0
            else:
                more = min(0.3, 0.15 * max(ahead, 0.0)) if self.old_throttle[i] > 0.1 and not brakes else 0.0
                self.throttle[i], self.brake[i] = min(self.old_throttle[i] + more, 1.0), self.old_brake[i]
                held = self.old_throttle[i]
            after = self.rolls(i, self.speed[i], self.throttle[i], self.brake[i])
            crosses = (self.old_speed[i + 1] - after) * ahead < 0
            self.speed[i + 1] = self.old_speed[i + 1] if crosses else after
        return last

    def metres(self, place: int, seconds: float) -> int:
        """Grid steps that the car covers in `seconds` at `place`, at least one."""
        return max(1, round(float(seconds * self.old_speed[place] / self.step_m)))

    def shape(self, start: int, end: int) -> Array:
        """0 to 1 and back from `start` to `end`, with ramps of a tenth of a second at the speed there."""
        ramp = min(self.metres(start, _RAMP_S), max((end - start) // 2, 1))
        steps = np.arange(1, end - start + 1)
        return np.clip(np.minimum(steps, steps[::-1]) / ramp, 0.0, 1.0)

    def brake_longer(self, start: int, zone: BrakingZone, *, under_mps: float) -> int:
        """Brake harder and longer from `start` until the speed is `under_mps` below the usual; gives that place."""
        limit = min(zone.apex + 10, int(self.speed.size) - 2)
        for i in range(start, limit):
            if self.speed[i] <= self.old_speed[i] - under_mps:
                return i
            self.throttle[i], self.brake[i] = 0.0, max(self.old_brake[i] * _HARDER + 3.0, 12.0)
            self.speed[i + 1] = min(self.rolls(i, self.speed[i], 0.0, self.brake[i]), self.speed[i])
        return limit


def braking_zones(brake_bar: Array, speed_kmh: Array) -> list[BrakingZone]:
    """Brakings of at least `_HARD_BAR` in one lap, in its order; without NaN."""
    is_braking = brake_bar > BRAKING_BAR
    edges = np.flatnonzero(np.diff(is_braking.astype(np.int8), prepend=0, append=0))
    spans = [
        (int(a), int(b))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
        if b - a > 4 and brake_bar[a:b].max() > _HARD_BAR
    ]
    zones = []
    for number, (onset, release) in enumerate(spans):
        limit = spans[number + 1][0] if number + 1 < len(spans) else brake_bar.size
        end = min(limit, release + 60)
        zones.append(BrakingZone(onset=onset, release=release, apex=release + int(np.argmin(speed_kmh[release:end]))))
    return zones
