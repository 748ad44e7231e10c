"""Labelled driving faults put into real laps, so that a detector's hits can be counted.

A fault changes pedals or steering; speed follows from the pedals by the car's own model (car_model.py), time from
speed. What is lost is regained at the car's own full throttle: the lap stays slower until the driver meets his own
speed again, braking later where he arrives slower and longer where he arrives faster. Judging the hits does not belong
here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.methods.validation.car_model import GRAVITY, CarModel
from grx_pipeline.methods.validation.changed_lap import (
    BRAKING_BAR,
    LEAST_SPEED_MPS,
    BrakingZone,
    ChangedLap,
    braking_zones,
)
from grx_pipeline.settings import StudySettings

Array = npt.NDArray[np.float64]

FAULT_KINDS = (
    *("early_braking", "missed_braking_point", "throttle_lift", "lock_up", "brake_reapplication"),
    *("counter_steer_snap", "traffic"),
)

SNAP_DEG = (15.0, 30.0, 45.0, 60.0)
_NEEDED = ("time_ms", "speed_kmh", "throttle_pct", "brake_bar", "steering_deg", "accel_x_g", "accel_y_g")


@dataclass(frozen=True, kw_only=True)
class InjectedFault:
    """What was put in: changed from `start_m` to `end_m`; `size` is m, s or deg, as SIZE_UNITS names it by kind."""

    kind: str
    start_m: float
    end_m: float
    size: float
    time_lost_ms: float


SIZE_UNITS = {
    "early_braking": "m",
    "missed_braking_point": "m",
    "throttle_lift": "s",
    "lock_up": "s",
    "brake_reapplication": "s",
    "counter_steer_snap": "deg",
    "traffic": "% of speed",
}


def inject(
    channels: Mapping[str, Array],
    kind: str,
    *,
    model: CarModel,
    step_m: float,
    rng: np.random.Generator,
    limits: StudySettings,
) -> tuple[dict[str, Array], InjectedFault] | None:
    """A copy of one lap (arrays (k,) by CHANNEL_NAMES) with one fault of `kind`, its place and size drawn by `rng`.

    None where the lap has no fitting place, has a gap in the way, or would gain time by it. Gaps stay gaps.
    """
    is_gap = np.any([np.isnan(channels[name]) for name in _NEEDED], axis=0)
    if is_gap.mean() > limits.fault_most_gaps:
        return None
    places = np.flatnonzero(~is_gap)
    channels = dict(channels) | {
        name: np.interp(np.arange(is_gap.size), places, channels[name][places]) for name in _NEEDED
    }
    speed, throttle, brake = channels["speed_kmh"] / 3.6, channels["throttle_pct"] / 100, channels["brake_bar"]
    lap = ChangedLap(
        step_m=step_m,
        model=model,
        limits=limits,
        old_speed=speed,
        old_throttle=throttle,
        old_brake=brake,
        steering=channels["steering_deg"].copy(),
        accel_y=channels["accel_y_g"],
        speed=speed.copy(),
        throttle=throttle.copy(),
        brake=brake.copy(),
    )
    zones = braking_zones(brake, channels["speed_kmh"])
    done = _MAKERS[kind](lap, zones, rng) if zones else None
    if done is None:
        return None
    start, end, size = done
    if is_gap[start : end + 1].any():
        return None
    changed = dict(channels) | _changed_channels(channels, lap)
    lost = float(changed["time_ms"][-1] - channels["time_ms"][-1])
    if lost <= 0:
        return None
    changed |= {name: np.where(is_gap, np.nan, changed[name]) for name in _NEEDED}
    fault = InjectedFault(kind=kind, start_m=start * step_m, end_m=end * step_m, size=size, time_lost_ms=lost)
    return changed, fault


def _changed_channels(channels: Mapping[str, Array], lap: ChangedLap) -> dict[str, Array]:
    slower = 1 / lap.speed - 1 / lap.old_speed
    late = np.concatenate([[0.0], np.cumsum((slower[1:] + slower[:-1]) / 2)]) * lap.step_m * 1000
    pushed = (np.gradient(lap.speed**2) - np.gradient(lap.old_speed**2)) / (2 * lap.step_m * GRAVITY)
    return {
        "time_ms": channels["time_ms"] + late,
        "speed_kmh": lap.speed * 3.6,
        "throttle_pct": lap.throttle * 100,
        "brake_bar": lap.brake,
        "steering_deg": lap.steering,
        "accel_x_g": channels["accel_x_g"] + pushed,
        "accel_y_g": channels["accel_y_g"] * (lap.speed / lap.old_speed) ** 2,
    }


Made = tuple[int, int, float] | None


def _brake_early(lap: ChangedLap, zones: list[BrakingZone], rng: np.random.Generator) -> Made:
    """Braking 12 to 30 m early: half the time as hard as ever, rolling on at the slowest speed, else softer to the
    same release."""
    zone, size = _pick(zones, rng), rng.uniform(12.0, 30.0)
    shift, is_softer = round(size / lap.step_m), rng.random() < 0.5
    off = _throttle_closes(lap, zone)
    if off - shift < 1:
        return None
    arrives = lap.old_speed[off] - lap.old_speed[off - shift]
    target = np.arange(off - shift, zone.release if is_softer else zone.release - shift)
    source = np.linspace(off, zone.release - 1, target.size)
    places = np.arange(lap.speed.size)
    ease = (zone.release - off) / target.size
    lap.throttle[target] = np.interp(source, places, lap.old_throttle)
    lap.brake[target] = np.interp(source, places, lap.old_brake) * ease
    usual = np.interp(source, places, lap.old_speed)
    lap.speed[target] = np.minimum(usual - arrives * np.linspace(1, 0, target.size), lap.old_speed[target])
    end = int(target[-1]) + 1
    while end < zone.apex and lap.old_speed[end] > lap.speed[end - 1]:
        lap.speed[end] = lap.speed[end - 1]
        lap.throttle[end], lap.brake[end] = lap.model.pedals_for(0.0, lap.speed[end], lap.accel_y[end])
        end += 1
    lap.settle(end)
    return off - shift, zone.release, size


def _brake_late(lap: ChangedLap, zones: list[BrakingZone], rng: np.random.Generator) -> Made:
    """Braking 8 to 20 m late and harder, so that half of it is made up: too fast at the apex, then 2 to 5 % too slow
    on a wide and late exit."""
    zone, size = _pick(zones, rng), rng.uniform(8.0, 20.0)
    shift, slow, wide = round(size / lap.step_m), rng.uniform(0.02, 0.05), rng.uniform(4.0, 10.0)
    off = _throttle_closes(lap, zone)
    stop = zone.apex + shift // 2
    if off < 1 or stop + 120 >= lap.speed.size:
        return None
    lap.throttle[off : off + shift], lap.brake[off : off + shift] = lap.old_throttle[off - 1], 0.0
    lap.drive(off - 1, off + shift)
    target = np.arange(off + shift, stop)
    if target.size < 5:
        return None
    source, places = np.linspace(off, zone.apex - 1, target.size), np.arange(lap.speed.size)
    lap.throttle[target] = np.interp(source, places, lap.old_throttle)
    lap.brake[target] = np.interp(source, places, lap.old_brake) * (zone.apex - off) / target.size
    arrives = lap.speed[off + shift] - lap.old_speed[off]
    slow_mps = lap.old_speed[zone.apex] * (1 - slow)
    gone = np.linspace(0, 1, target.size)
    lap.speed[target] = (
        np.interp(source, places, lap.old_speed) + arrives * (1 - gone) - (lap.old_speed[zone.apex] - slow_mps) * gone
    )
    lap.steering[target] = np.interp(source, places, lap.steering)
    _run_wide(lap, stop - 1, slow_mps=slow_mps, late=round((size / 2 + wide) / lap.step_m))
    return off, stop, size


def _run_wide(lap: ChangedLap, start: int, *, slow_mps: float, late: int) -> None:
    """Slide down to `slow_mps` from `start`, off the throttle, then open it as usual, `late` steps later."""
    here, last = start, lap.speed.size - 1
    while here < last and lap.speed[here] > slow_mps:
        lap.throttle[here] = 0.0
        lap.speed[here + 1] = max((lap.speed[here] ** 2 - 2 * lap.limits.slide_mps2 * lap.step_m) ** 0.5, slow_mps)
        here += 1
    while here < last and (lap.old_throttle[here] < 0.95 or lap.old_throttle[here - late] < 0.95):
        if lap.old_brake[here] > BRAKING_BAR and here > start + late:
            break
        least = lap.model.pedals_for(0.0, lap.speed[here], lap.accel_y[here])[0]
        usual = lap.old_throttle[here - late] if here - late >= start - late else 0.0
        lap.throttle[here], lap.brake[here] = max(min(usual, lap.old_throttle[here]), min(least, 1.0)), 0.0
        after = lap.rolls(here, lap.speed[here], lap.throttle[here], 0.0)
        lap.speed[here + 1] = min(max(after, slow_mps), lap.old_speed[here + 1])
        here += 1
    lap.settle(here)


def _lift(lap: ChangedLap, zones: list[BrakingZone], rng: np.random.Generator) -> Made:
    """Off full throttle to 0..50 % for .25 to .8 s, with feet that take a tenth."""
    size, depth = rng.uniform(0.25, 0.8), rng.uniform(0.0, 0.5)
    is_full = lap.old_throttle >= 0.95
    run = _steps_ahead(is_full)
    places = np.flatnonzero(run[: lap.speed.size - 2] * lap.step_m > lap.old_speed[:-2] * (size + 0.5) + 10)
    places = places[places > 10]
    if not places.size:
        return None
    start = int(rng.choice(places))
    end = start + lap.metres(start, size)
    lap.throttle[start:end] = 1 - (1 - depth) * lap.shape(start, end)
    lap.drive(start, end)
    lap.settle(end)
    return start, end, size


def _lock_up(lap: ChangedLap, zones: list[BrakingZone], rng: np.random.Generator) -> Made:
    """A spike of 1.3 to 1.6 x the pressure on a sliding tyre, a release to 10..30 % for .2 to .45 s, then braking
    longer, and 2 to 5 % too slow at the apex."""
    zone, size = _pick(zones, rng), rng.uniform(0.2, 0.45)
    spike = lap.metres(zone.onset, rng.uniform(0.12, 0.2))
    length = zone.release - zone.onset
    start = zone.onset + round(rng.uniform(0.15, 0.4) * length)
    end = start + spike + lap.metres(start, size)
    if end >= zone.release - 2:
        return None
    top, floor = rng.uniform(1.3, 1.6), rng.uniform(0.1, 0.3)
    middle = start + spike
    grip = lap.old_brake[start:middle].copy() * 0.85
    lap.brake[start:middle] = grip
    lap.brake[middle:end] *= 1 - (1 - floor) * lap.shape(middle, end)
    lap.drive(start, end)
    lap.brake[start:middle] = lap.old_brake[start:middle] * (1 + (top - 1) * lap.shape(start, middle))
    end = lap.brake_longer(end, zone, under_mps=0.0)
    slow_mps = lap.old_speed[zone.apex] * (1 - rng.uniform(0.02, 0.05))
    _run_wide(lap, max(end, zone.apex), slow_mps=slow_mps, late=round(rng.uniform(4.0, 10.0) / lap.step_m))
    return start, end, size


def _reapply(lap: ChangedLap, zones: list[BrakingZone], rng: np.random.Generator) -> Made:
    """Half the time a release of 40 to 85 % for .2 to .4 s inside the braking, then 1 to 4 km/h too much; else a
    second stab of 12 to 30 bar after it."""
    zone, size = _pick(zones, rng), rng.uniform(0.2, 0.4)
    length = zone.release - zone.onset
    if rng.random() < 0.5:
        start = zone.onset + round(rng.uniform(0.4, 0.75) * length)
        end = start + lap.metres(start, size)
        if end >= zone.release:
            return None
        lap.brake[start:end] *= 1 - rng.uniform(0.4, 0.85) * lap.shape(start, end)
        lap.drive(start, end)
        end = lap.brake_longer(end, zone, under_mps=rng.uniform(0.3, 1.2))
        lap.settle(end)
        return start, end, size
    start = zone.release + round(rng.uniform(0.0, 12.0) / lap.step_m)
    end = start + lap.metres(start, size)
    if end + 60 >= lap.speed.size:
        return None
    shape = lap.shape(start, end)
    lap.brake[start:end] += rng.uniform(12.0, 30.0) * shape
    lap.throttle[start:end] *= 1 - shape
    lap.drive(start, end)
    lap.settle(end)
    return start, end, size


def _snap(lap: ChangedLap, zones: list[BrakingZone], rng: np.random.Generator) -> Made:
    """Opposite lock for .3 s and a rebound of a third of it, on the way out of a corner. The throttle stays."""
    size = float(rng.choice(SNAP_DEG))
    is_cornering = np.abs(lap.accel_y) > lap.limits.fault_cornering_g
    places = [
        i for zone in zones for i in range(zone.apex, min(zone.apex + 40, lap.speed.size - 60)) if is_cornering[i]
    ]
    if not places:
        return None
    start = int(rng.choice(places))
    middle = start + lap.metres(start, 0.3)
    end = middle + lap.metres(middle, 0.25)
    side = np.sign(lap.accel_y[start])
    lap.steering[start:middle] -= side * size * np.sin(np.linspace(0, np.pi, middle - start))
    lap.steering[middle:end] += side * size / 3 * np.sin(np.linspace(0, np.pi, end - middle))
    for i in range(start, end):
        drag = 0.05 * GRAVITY * size / 45.0
        after = lap.rolls(i, lap.speed[i], lap.throttle[i], lap.brake[i]) ** 2 - 2 * lap.step_m * drag
        lap.speed[i + 1] = max(after, LEAST_SPEED_MPS**2) ** 0.5
    lap.settle(end)
    return start, end, size


def _traffic(lap: ChangedLap, zones: list[BrakingZone], rng: np.random.Generator) -> Made:
    """Held up by 2 to 5 % of speed over 250 to 500 m that hold a braking; pedals as that speed needs them."""
    zone, size = _pick(zones, rng), rng.uniform(2.0, 5.0)
    length = round(rng.uniform(250.0, 500.0) / lap.step_m)
    start = zone.onset - round(length * rng.uniform(0.3, 0.7))
    end = start + length
    if start < 1 or end + 60 >= lap.speed.size:
        return None
    slower = 1 - size / 100 * np.clip(4 * np.sin(np.linspace(0, np.pi, length)), 0, 1)
    lap.speed[start:end] = lap.old_speed[start:end] * slower
    for i in range(start, end - 1):
        old_u, new_u = lap.old_speed[i] ** 2, lap.speed[i] ** 2
        change = (lap.speed[i + 1] ** 2 - new_u - lap.old_speed[i + 1] ** 2 + old_u) / (2 * lap.step_m)
        was = lap.model.acceleration(lap.old_speed[i], lap.old_throttle[i], lap.old_brake[i], lap.accel_y[i])
        lap.throttle[i], lap.brake[i] = _shifted_pedals(lap, i, was + change)
    lap.settle(end)
    return start, end, size


def _shifted_pedals(lap: ChangedLap, i: int, wanted: float) -> tuple[float, float]:
    """The driven pedals, moved by what the model needs more or less of."""
    speed, accel_y = lap.speed[i], lap.accel_y[i]
    throttle_is, brake_is = lap.model.pedals_for(
        lap.model.acceleration(speed, lap.old_throttle[i], lap.old_brake[i], accel_y), speed, accel_y
    )
    throttle_to, brake_to = lap.model.pedals_for(wanted, speed, accel_y)
    throttle = float(np.clip(lap.old_throttle[i] + throttle_to - throttle_is, 0.0, 1.0))
    return throttle, float(max(lap.old_brake[i] + brake_to - brake_is, 0.0))


def _pick(zones: list[BrakingZone], rng: np.random.Generator) -> BrakingZone:
    return zones[int(rng.integers(len(zones)))]


def _throttle_closes(lap: ChangedLap, zone: BrakingZone) -> int:
    """Where the throttle last was full before the braking, at most 1.5 s ahead."""
    first = max(zone.onset - lap.metres(zone.onset, 1.5), 0)
    full = np.flatnonzero(lap.old_throttle[first : zone.onset] > 0.9)
    return first + int(full[-1]) + 1 if full.size else zone.onset


def _steps_ahead(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many steps `mask` stays set from each place on."""
    place = np.arange(mask.size)
    ends = np.where(mask, mask.size, place)
    return np.minimum.accumulate(ends[::-1])[::-1] - place


_MAKERS: Mapping[str, Callable[[ChangedLap, list[BrakingZone], np.random.Generator], Made]] = {
    "early_braking": _brake_early,
    "missed_braking_point": _brake_late,
    "throttle_lift": _lift,
    "lock_up": _lock_up,
    "brake_reapplication": _reapply,
    "counter_steer_snap": _snap,
    "traffic": _traffic,
}
