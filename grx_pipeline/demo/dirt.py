"""What a logger makes of the truth: its clocks, its sensors, and which samples it loses, delays or collapses.

The result is still numbers, a row a tick; telemetry_file.py turns it into the rows of the file. Magnitudes are those
measured on real files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from grx_pipeline.demo.logger_files import NO_LAP, ChannelSet, LoggedCrossings
from grx_pipeline.demo.race import FAST_STEP_S, SLOW_EVERY, Array, IntArray, TrueChannels

BoolArray = npt.NDArray[np.bool_]
ClockFault = Literal["none", "frozen", "pauses"]

HOUR_MS = 3_600_000
# Channels in the order of a tick's rows, with the step of their values; 0 is a 32-bit float as it is.
_STEPS: Mapping[str, float] = {
    "accx_can": 0.001,
    "accy_can": 0.001,
    "aps": 0.01,
    "ath": 0.01,
    "pbrake_r": 0.005,
    "pbrake_f": 0.005,
    "gear": 1.0,
    "VBOX_Long_Minutes": 0.0,
    "VBOX_Lat_Min": 0.0,
    "Steering_Angle": 0.1,
    "Laptrigger_lapdist_dls": 1.0,
    "nmot": 1.0,
    "speed": 0.01,
}
_ONLY_IN = {
    "pedal": ("aps", "VBOX_Long_Minutes", "VBOX_Lat_Min", "Laptrigger_lapdist_dls"),
    "blade": ("ath",),
}
_SLOW = ("nmot", "Laptrigger_lapdist_dls")
_OF_PLACE = ("VBOX_Long_Minutes", "VBOX_Lat_Min", "Laptrigger_lapdist_dls")

STAMP_JITTER_MS = 0.45  # steps of 43.1 ms then come as 42, 43 or 44
PARKED_S = 120.0
GRID_S = 480.0
EXPORT_FROM_S, EXPORT_S = -60.0, 49 * 60.0
PAUSE_S = 271.0
LOST_SHARE = 0.03
GAPS_PER_HOUR = 6.0
GAP_S = (1.0, 4.4)
COLLAPSE_BLOCK = 8  # ticks; at most one collapsed tick in each
COLLAPSE_SHARE = 0.09
COLLAPSE_SIZES = (2, 3, 4)
COLLAPSE_CHANCES = (0.7, 0.2, 0.1)
BATCH_TICKS = 20
BATCH_GAP_MS = 1
MIN_LATENCY_MS = 120
UPLOAD_GAP_MS = (1000.0, 4500.0)
STALLS_PER_HOUR = 5.0
STALL_S = (5.0, 56.0)


@dataclass(frozen=True, kw_only=True)
class LoggerDirt:
    """What is wrong with one logger, for the whole session. Zeros and gains as in logged = gain x true + zero."""

    clock_fault: ClockFault
    ecu_behind_ms: int
    drift_ms_per_hour: float
    pause_ms: int
    upload_gap_ms: float
    crossing_delay_ms: int
    speed_lag_s: float
    accel_x_gain: float
    accel_y_gain: float
    accel_x_zero_g: float
    accel_y_zero_g: float
    steering_zero_deg: float
    copied_share: float
    slow_phase: int
    speed_phase: int


@dataclass(frozen=True, kw_only=True)
class Ticks:
    """One logger's ticks in order of time, arrays (n,).

    `stamp_ms` is the ECU's, `receipt_ms` UTC. `values` are whole numbers of the channel's step (or 32-bit floats),
    `present` says on which ticks the channel has a value. `is_crowded` marks ticks that share a stamp.
    """

    stamp_ms: IntArray
    receipt_ms: IntArray
    lap: IntArray
    is_crowded: BoolArray
    values: Mapping[str, npt.NDArray[np.int32] | npt.NDArray[np.float32]]
    present: Mapping[str, BoolArray]
    lost: int
    gaps: int
    collapsed: int


def channel_step(channel: str) -> float:
    """The step of a channel's values; 0 where they are 32-bit floats."""
    return _STEPS[channel]


def channel_names(channel_set: ChannelSet) -> tuple[str, ...]:
    """The raw names of a set's channels, in the order in which a tick's rows stand."""
    other = _ONLY_IN["blade" if channel_set == "pedal" else "pedal"]
    return tuple(name for name in _STEPS if name not in other)


def draw_dirt(*, clock_fault: ClockFault, is_reversed: bool, rng: np.random.Generator) -> LoggerDirt:
    """One logger's faults. A reversed accelerometer has both axes the other way round."""
    sign = -1.0 if is_reversed else 1.0
    slow_phase = int(rng.integers(SLOW_EVERY))
    return LoggerDirt(
        clock_fault=clock_fault,
        ecu_behind_ms=int(rng.integers(23 * HOUR_MS, 88 * HOUR_MS)),
        drift_ms_per_hour=float(rng.uniform(47.0, 88.0)),
        pause_ms=round(PAUSE_S * 1000) if clock_fault == "pauses" else 0,
        upload_gap_ms=float(rng.uniform(*UPLOAD_GAP_MS)),
        crossing_delay_ms=int(rng.integers(0, 250)),
        speed_lag_s=float(rng.uniform(0.14, 0.41)),
        accel_x_gain=sign * float(rng.uniform(0.5, 0.94)),
        accel_y_gain=sign * float(rng.uniform(0.5, 0.94)),
        accel_x_zero_g=float(rng.uniform(-0.27, 0.27)),
        accel_y_zero_g=float(rng.uniform(-0.27, 0.27)),
        steering_zero_deg=float(rng.uniform(-27.0, 9.0)),
        copied_share=float(rng.uniform(0.006, 0.031)),
        slow_phase=slow_phase,
        speed_phase=(slow_phase + int(rng.integers(1, SLOW_EVERY))) % SLOW_EVERY,
    )


def exported(channels: TrueChannels, channel_set: ChannelSet) -> TrueChannels:
    """The part of a race that the export holds: all of it, but where pedals are logged.

    There it is cut to whole minutes, from a minute before the green flag, so the last laps may be missing.
    """
    if channel_set == "blade":
        return channels
    first, last = np.searchsorted(channels.at_s, (EXPORT_FROM_S, EXPORT_FROM_S + EXPORT_S)).tolist()
    return replace(channels, **{field.name: getattr(channels, field.name)[first:last] for field in fields(channels)})


def record(
    channels: TrueChannels,
    crossings: LoggedCrossings,
    dirt: LoggerDirt,
    *,
    start_ms: int,
    lap_length_m: float,
    channel_set: ChannelSet,
    rng: np.random.Generator,
) -> Ticks:
    """What a logger recorded. `start_ms` is the green flag, UTC."""
    channels = replace(channels, lap_distance_m=_since_trigger(channels, crossings.lost_laps, lap_length_m))
    parked = round((GRID_S if channel_set == "blade" else PARKED_S if dirt.pause_ms else 0.0) / FAST_STEP_S)
    source = np.concatenate([np.zeros(parked, dtype=np.int64), np.arange(channels.at_s.size)])
    utc_ms = _times(channels, parked, dirt, start_ms)
    is_kept, lost, gaps = _kept(source.size, rng)
    kept = np.flatnonzero(is_kept)
    utc_ms = utc_ms[kept]
    first, last = _collapsed(kept.size, rng)
    stamp_of = _spread(kept.size, first, last)
    stamps = _stamps(utc_ms, dirt, parked=int(np.searchsorted(kept, parked)), rng=rng)[stamp_of]
    is_frozen = dirt.clock_fault == "frozen"
    is_crowded = np.bincount(stamp_of, minlength=kept.size)[stamp_of] > 1
    is_parked = kept < parked
    values = {
        name: _logged(name, channels, dirt, source=source[kept], is_parked=is_parked)
        for name in channel_names(channel_set)
    }
    return Ticks(
        stamp_ms=np.full(kept.size, stamps[0]) if is_frozen else stamps,
        receipt_ms=_receipts(utc_ms, dirt, rng)[stamp_of],
        lap=_laps(utc_ms, crossings, dirt)[stamp_of],
        is_crowded=np.ones(kept.size, dtype=np.bool_) if is_frozen else is_crowded,
        values={name: _counted(name, array) for name, array in values.items()},
        present={name: _present(name, kept, dirt) for name in values},
        lost=lost,
        gaps=gaps,
        collapsed=0 if is_frozen else first.size,
    )


def _since_trigger(channels: TrueChannels, lost_laps: IntArray, lap_length_m: float) -> Array:
    """Metres since the last lap trigger: they run on where the logger missed the end of a lap."""
    laps = np.arange(channels.lap_count.max() + 1)
    triggered = np.maximum.accumulate(np.where(np.isin(laps - 1, lost_laps), 0, laps))
    metres: Array = channels.lap_distance_m + lap_length_m * (laps - triggered)[channels.lap_count]
    return metres


def _times(channels: TrueChannels, parked: int, dirt: LoggerDirt, start_ms: int) -> Array:
    """UTC (ms) of every tick: those of a car that stands before it drives, then those of the race."""
    race = start_ms + channels.at_s * 1000
    before = race[0] - dirt.pause_ms - FAST_STEP_S * 1000 * np.arange(parked, 0, -1)
    return np.concatenate([before, race])


def _kept(count: int, rng: np.random.Generator) -> tuple[BoolArray, int, int]:
    """Which ticks are recorded, how many single ones are lost, and in how many gaps more are."""
    is_lost = rng.random(count) < LOST_SHARE
    gaps = min(int(rng.poisson(GAPS_PER_HOUR * count * FAST_STEP_S / 3600)), 11)
    begins = rng.integers(0, count, gaps)
    lengths = np.round(rng.uniform(*GAP_S, gaps) / FAST_STEP_S).astype(np.int64)
    edges = np.zeros(count + 1, dtype=np.int64)
    np.add.at(edges, begins, 1)
    np.add.at(edges, np.minimum(begins + lengths, count), -1)
    is_gap = np.cumsum(edges[:-1]) > 0
    return ~(is_lost | is_gap), int((is_lost & ~is_gap).sum()), gaps


def _collapsed(count: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """First and last tick of each collapsed one: those in between stand on the last one's stamp, after a gap."""
    blocks = np.flatnonzero(rng.random(count // COLLAPSE_BLOCK) < COLLAPSE_SHARE)
    sizes = rng.choice(COLLAPSE_SIZES, size=blocks.size, p=COLLAPSE_CHANCES)
    first = blocks * COLLAPSE_BLOCK + rng.integers(0, COLLAPSE_BLOCK - max(COLLAPSE_SIZES) + 1, blocks.size)
    return first, first + sizes - 1


def _spread(count: int, first: IntArray, last: IntArray) -> IntArray:
    """For each tick the tick whose stamp it stands on."""
    holder = np.arange(count)
    for step in range(max(COLLAPSE_SIZES)):
        inside = first + step <= last
        holder[(first + step)[inside]] = last[inside]
    return holder


def _stamps(utc_ms: Array, dirt: LoggerDirt, *, parked: int, rng: np.random.Generator) -> IntArray:
    """The ECU's stamps: behind UTC and drifting away from it; after a pause they run on by one tick."""
    is_after = np.arange(utc_ms.size) >= parked
    elapsed = utc_ms - utc_ms[0] - dirt.pause_ms * is_after
    ecu = utc_ms[0] - dirt.ecu_behind_ms + elapsed * (1.0 - dirt.drift_ms_per_hour / HOUR_MS)
    stamps: IntArray = np.round(ecu + rng.uniform(-STAMP_JITTER_MS, STAMP_JITTER_MS, ecu.size)).astype(np.int64)
    return stamps


def _receipts(utc_ms: Array, dirt: LoggerDirt, rng: np.random.Generator) -> IntArray:
    """Receipt (UTC, ms): what has gathered is sent at uneven times, in batches of 1 to 20 ticks that arrive together.

    At times nothing is sent for up to a minute. The last tick before an upload arrives almost at once.
    """
    uploads = _uploads(utc_ms, dirt, rng)
    upload = np.searchsorted(uploads, utc_ms)
    sizes = rng.integers(1, BATCH_TICKS + 1, utc_ms.size)
    counted = np.repeat(np.arange(sizes.size), sizes)[: utc_ms.size]
    begins = np.concatenate([[True], (np.diff(counted) != 0) | (np.diff(upload) != 0)])
    sent = np.ceil(uploads[upload[begins]]).astype(np.int64) + MIN_LATENCY_MS
    spacing = BATCH_GAP_MS * np.arange(sent.size)
    in_turn = np.maximum.accumulate(sent - spacing) + spacing
    receipts: IntArray = in_turn[np.cumsum(begins) - 1]
    return receipts


def _uploads(utc_ms: Array, dirt: LoggerDirt, rng: np.random.Generator) -> Array:
    """Times (UTC, ms) of the uploads, ascending; the last one is after the last tick."""
    span = utc_ms[-1] - utc_ms[0]
    count = round(2 * span / dirt.upload_gap_ms) + 10
    uploads = utc_ms[0] + np.cumsum(rng.exponential(dirt.upload_gap_ms, count))
    for begin, length in _stalls(utc_ms, rng):
        uploads = uploads[(uploads < begin) | (uploads >= begin + length)]
    return np.append(uploads[uploads < utc_ms[-1]], utc_ms[-1] + 1.0)


def _stalls(utc_ms: Array, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Begin (UTC, ms) and length (ms) of the times in which nothing is sent; no two so near that they are one."""
    count = 1 + int(rng.poisson(STALLS_PER_HOUR * (utc_ms[-1] - utc_ms[0]) / HOUR_MS))
    begins = np.sort(rng.uniform(utc_ms[0], utc_ms[-1], count))
    lengths = 1000 * rng.uniform(*STALL_S, count)
    is_apart = np.diff(begins, prepend=-np.inf) >= 2 * 1000 * STALL_S[1]
    return list(zip(begins[is_apart].tolist(), lengths[is_apart].tolist(), strict=True))


def _laps(utc_ms: Array, crossings: LoggedCrossings, dirt: LoggerDirt) -> IntArray:
    """The lap counter at each tick."""
    passed = np.searchsorted(crossings.at_ms + dirt.crossing_delay_ms, utc_ms, side="right")
    return np.concatenate([[NO_LAP], crossings.began])[passed]


def _logged(name: str, channels: TrueChannels, dirt: LoggerDirt, *, source: IntArray, is_parked: BoolArray) -> Array:
    """A channel as the sensor gives it at the true ticks `source`; a parked car has nothing but its place."""
    true, gain, zero = _sensor(name, channels, dirt)
    at_ticks: Array = np.asarray(true[source], dtype=np.float64)
    logged: Array = gain * (at_ticks if name in _OF_PLACE else np.where(is_parked, 0.0, at_ticks)) + zero
    return logged


def _sensor(name: str, channels: TrueChannels, dirt: LoggerDirt) -> tuple[Array | IntArray, float, float]:
    """A channel's truth (speed: what the logger then shows), gain and zero."""
    if name == "speed":
        return np.interp(channels.at_s - dirt.speed_lag_s, channels.at_s, channels.speed_kmh), 1.0, 0.0
    sensors: Mapping[str, tuple[Array | IntArray, float, float]] = {
        "accx_can": (channels.accel_x_g, dirt.accel_x_gain, dirt.accel_x_zero_g),
        "accy_can": (channels.accel_y_g, dirt.accel_y_gain, dirt.accel_y_zero_g),
        "Steering_Angle": (channels.steering_deg, 1.0, dirt.steering_zero_deg),
        "aps": (channels.accelerator_pct, 1.0, 0.0),
        "ath": (channels.throttle_blade_pct, 1.0, 0.0),
        "pbrake_r": (channels.brake_rear_bar, 1.0, 0.0),
        "pbrake_f": (channels.brake_front_bar, 1.0, 0.0),
        "gear": (channels.gear, 1.0, 0.0),
        "VBOX_Long_Minutes": (channels.longitude_deg, 1.0, 0.0),
        "VBOX_Lat_Min": (channels.latitude_deg, 1.0, 0.0),
        "Laptrigger_lapdist_dls": (channels.lap_distance_m, 1.0, 0.0),
        "nmot": (channels.engine_rpm, 1.0, 0.0),
    }
    return sensors[name]


def _counted(name: str, values: Array) -> npt.NDArray[np.int32] | npt.NDArray[np.float32]:
    step = _STEPS[name]
    return np.round(values / step).astype(np.int32) if step else values.astype(np.float32)


def _present(name: str, kept: IntArray, dirt: LoggerDirt) -> BoolArray:
    """The slow channels come on every fifth tick, speed on another one than the others."""
    phase = dict.fromkeys(_SLOW, dirt.slow_phase) | {"speed": dirt.speed_phase}
    if name not in phase:
        return np.ones(kept.size, dtype=np.bool_)
    is_due: BoolArray = kept % SLOW_EVERY == phase[name]
    return is_due


def clock_faults(vehicles: Sequence[str], rng: np.random.Generator) -> Mapping[str, ClockFault]:
    """Which of the vehicles (two or more) has the frozen clock and which the one that pauses."""
    frozen, paused = rng.permutation(len(vehicles))[:2].tolist()
    return {
        vehicle: "frozen" if n == frozen else "pauses" if n == paused else "none" for n, vehicle in enumerate(vehicles)
    }
