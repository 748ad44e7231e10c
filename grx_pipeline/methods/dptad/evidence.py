"""Evidence of unusual driving, place by place: how a lap departs from the driver's own clean laps.

Every kind of evidence is a figure of 0 or more at each place of the lap, in units of its floor, the largest within
`zone_m`: the place of an edge varies more from lap to lap than a fault lasts. It is given twice: as it is, and against
what the driver's other laps show at that place. What it is evidence of does not belong here (detector.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.methods.dptad.own import Array, Index, OwnLaps
from grx_pipeline.robust import MAD_TO_SD
from grx_pipeline.settings import DptadSettings

Flags = npt.NDArray[np.bool_]

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "brake": ("brake_more", "brake_less", "brake_dip", "brake_spread", "onset_early", "onset_late"),
    "throttle": ("throttle_more", "throttle_less", "throttle_dip", "throttle_spread", "throttle_late"),
    "steering": ("steering_off", "steering_dip"),
    "speed": ("speed_more", "speed_less", "speed_spread", "loss_short", "loss_long"),
}
EVIDENCE = tuple(name for names in CATEGORIES.values() for name in names)
CONTEXT = ("flat", "braking", "cornering", "gained_near", "gained_far", "lost_near", "lost_far")
FEATURES = (*(f"absolute {name}" for name in EVIDENCE), *(f"relative {name}" for name in EVIDENCE), *CONTEXT)


@dataclass(frozen=True, kw_only=True)
class LapMatrix:
    """m laps on a grid of k points every `step_m`, arrays (m, k). Gaps are bridged; `is_gap`: of any channel."""

    step_m: float
    time_ms: Array
    speed_kmh: Array
    throttle_pct: Array
    brake_bar: Array
    steering_deg: Array
    accel_y_g: Array
    is_gap: Flags

    @classmethod
    def of(cls, channels: Mapping[str, Array], step_m: float) -> "LapMatrix":
        """From (m, k) channels with NaN in gaps. A channel that no lap has is 0 throughout and no gap."""
        names = ("time_ms", "speed_kmh", "throttle_pct", "brake_bar", "steering_deg", "accel_y_g")
        filled = {name: _bridged(channels[name]) for name in names}
        unknown = [np.isnan(channels[name]) for name in names]
        is_gap = np.any([is_nan for is_nan in unknown if not is_nan.all()], axis=0)
        return cls(step_m=step_m, **filled, is_gap=np.broadcast_to(is_gap, unknown[0].shape))

    def some(self, chosen: Flags) -> "LapMatrix":
        """The laps where `chosen` (m,) is set."""
        arrays = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name != "step_m"}
        return LapMatrix(step_m=self.step_m, **arrays)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Evidence of m laps at p places, arrays (m, p, .). Points in a gap give none.

    `absolute` is in floors and `relative` in the reach of the driver's other laps there, both in the order of EVIDENCE;
    `context` in that of CONTEXT. `figures` holds the absolute evidence before it was widened, (m, k) by name.
    """

    places_m: Array
    step_m: float
    absolute: Array
    relative: Array
    context: Array
    figures: Mapping[str, Array]

    def features(self) -> Array:
        """What the detector weighs, (m, p, f) in the order of FEATURES: logarithms, so that no single figure rules."""
        return np.concatenate([np.log1p(self.absolute), np.log1p(self.relative), self.context], axis=-1)


def gather_evidence(own: LapMatrix, laps: LapMatrix, hosts: Index, settings: DptadSettings) -> Evidence:
    """Evidence of `laps` (m) against `own` laps (n >= 3); `hosts` (m,) as OwnLaps.quantile takes them.

    The tube of a channel is the least and the most of the own median within `tube_m`; a residual is what lies
    outside, mean over `mean_m`. A dip is what a channel falls below both the most shortly before and shortly after.
    Loss is the local rise of the delta to the own median, less the lap's own median rise. Relative evidence is
    (found - own median) / (own most - own median + 1): over 1 no other lap of the driver shows as much there.
    """
    stride = max(1, round(settings.place_m / own.step_m))
    width = _odd(2 * settings.zone_m / own.step_m)
    own_figures = _figures(own, own, np.arange(own.time_ms.shape[0]), settings)
    figures = own_figures if laps is own else _figures(own, laps, hosts, settings)
    absolute, relative = [], []
    for name in EVIDENCE:
        usual = OwnLaps.of(
            scipy.ndimage.maximum_filter1d(own_figures[name], width, axis=1, mode="nearest")[:, ::stride]
        )
        found = scipy.ndimage.maximum_filter1d(figures[name], width, axis=1, mode="nearest")[:, ::stride]
        median, most = usual.quantile(0.5, hosts), usual.quantile(1.0, hosts)
        absolute.append(found)
        relative.append(np.maximum((found - median) / (most - median + 1.0), 0.0))
    return Evidence(
        places_m=np.asarray(np.arange(own.time_ms.shape[1])[::stride] * own.step_m, dtype=np.float64),
        step_m=own.step_m,
        absolute=np.stack(absolute, axis=-1),
        relative=np.stack(relative, axis=-1),
        context=_context(own, laps, hosts, width, settings)[:, ::stride],
        figures=figures,
    )


def _context(own: LapMatrix, laps: LapMatrix, hosts: Index, width: int, settings: DptadSettings) -> Array:
    """Where on the lap it is by the own laps, and what the lap gained or lost from before it to behind it."""
    throttle = OwnLaps.of(own.throttle_pct).quantile(0.25, hosts)
    brake = OwnLaps.of(own.brake_bar).quantile(0.5, hosts)
    lateral = OwnLaps.of(np.abs(own.accel_y_g)).quantile(0.5, hosts)
    is_flat = (throttle >= settings.full_throttle_pct).astype(np.float64)
    is_braking = (brake > settings.braking_bar).astype(np.float64)
    is_cornering = (lateral > settings.cornering_g).astype(np.float64)
    delta = laps.time_ms - OwnLaps.of(own.time_ms).quantile(0.5, hosts)
    ahead = round(settings.loss_short_m / own.step_m)
    near, far = _net_rise(delta, ahead, 2 * ahead), _net_rise(delta, ahead, 4 * ahead)
    parts = [
        scipy.ndimage.minimum_filter1d(is_flat, width, axis=1, mode="nearest"),
        scipy.ndimage.maximum_filter1d(is_braking, width, axis=1, mode="nearest"),
        scipy.ndimage.maximum_filter1d(is_cornering, width, axis=1, mode="nearest"),
        *(np.log1p(np.maximum(-rise, 0.0) / settings.floor_ms) for rise in (near, far)),
        *(np.log1p(np.maximum(rise, 0.0) / settings.floor_ms) for rise in (near, far)),
    ]
    return np.stack(parts, axis=-1)


def _figures(own: LapMatrix, laps: LapMatrix, hosts: Index, settings: DptadSettings) -> dict[str, Array]:
    """Every kind of evidence (m, k) before it is widened."""
    step = own.step_m
    found: dict[str, Array] = {}
    floors = {
        "brake": ("brake_bar", settings.floor_bar),
        "throttle": ("throttle_pct", settings.floor_pct),
        "steering": ("steering_deg", settings.floor_deg),
        "speed": ("speed_kmh", settings.floor_kmh),
    }
    for name, (channel, floor) in floors.items():
        own_values = OwnLaps.of(getattr(own, channel))
        median = own_values.quantile(0.5, hosts)
        own_off = np.abs(getattr(own, channel) - own_values.quantile(0.5, np.arange(own.time_ms.shape[0])))
        spread = MAD_TO_SD * OwnLaps.of(own_off).quantile(0.5, hosts)
        tube, mean = _odd(2 * settings.tube_m / step), _odd(settings.mean_m / step)
        values = getattr(laps, channel)
        more = np.maximum(values - scipy.ndimage.maximum_filter1d(median, tube, axis=1, mode="nearest"), 0.0) / floor
        less = np.maximum(scipy.ndimage.minimum_filter1d(median, tube, axis=1, mode="nearest") - values, 0.0) / floor
        found[f"{name}_more"] = scipy.ndimage.uniform_filter1d(more, mean, axis=1, mode="nearest")
        found[f"{name}_less"] = scipy.ndimage.uniform_filter1d(less, mean, axis=1, mode="nearest")
        off = np.abs(values - median) / (spread + floor)
        found[f"{name}_spread"] = scipy.ndimage.uniform_filter1d(off, mean, axis=1, mode="nearest")
    found["steering_off"] = np.maximum(found.pop("steering_more"), found.pop("steering_less"))
    del found["steering_spread"]
    side = np.sign(scipy.ndimage.uniform_filter1d(np.median(own.accel_y_g, axis=0), 11, mode="nearest"))
    unknown = scipy.ndimage.maximum_filter1d(laps.is_gap, _odd(settings.mean_m / step), axis=1)
    found["brake_dip"] = _dip(laps.brake_bar, unknown, step, settings.pedal_dip_m) / settings.floor_bar
    found["throttle_dip"] = _dip(laps.throttle_pct, unknown, step, settings.pedal_dip_m) / settings.floor_pct
    found["steering_dip"] = _dip(side * laps.steering_deg, unknown, step, settings.steering_dip_m) / settings.floor_deg
    delta = laps.time_ms - OwnLaps.of(own.time_ms).quantile(0.5, hosts)
    for name, length in (("loss_short", settings.loss_short_m), ("loss_long", settings.loss_long_m)):
        found[name] = np.maximum(_rise(delta, round(length / step)), 0.0) / settings.floor_ms
    found |= _edge_shifts(own, laps, hosts, settings)
    return {name: np.where(unknown, 0.0, values) for name, values in found.items()}


def _edge_shifts(own: LapMatrix, laps: LapMatrix, hosts: Index, settings: DptadSettings) -> dict[str, Array]:
    """How much earlier or later braking begins, and how much later full throttle comes, in each own zone."""
    shape = laps.brake_bar.shape
    shifts = {name: np.zeros(shape) for name in ("onset_early", "onset_late", "throttle_late")}
    for zone in own_zones(own, settings):
        own_onset, onset = zone.onsets(own), zone.onsets(laps)
        is_known = ~laps.is_gap[:, zone.start : zone.release].any(axis=1)
        late = (onset - OwnLaps.of(own_onset[:, None]).quantile(0.5, hosts)[:, 0]) / settings.floor_m * is_known
        shifts["onset_early"][:, zone.start : zone.apex] = np.maximum(-late, 0.0)[:, None]
        shifts["onset_late"][:, zone.start : zone.apex] = np.maximum(late, 0.0)[:, None]
        own_full, full = zone.full_throttles(own, settings), zone.full_throttles(laps, settings)
        is_known = ~laps.is_gap[:, zone.apex : zone.end].any(axis=1)
        late = (full - OwnLaps.of(own_full[:, None]).quantile(0.5, hosts)[:, 0]) / settings.floor_m * is_known
        shifts["throttle_late"][:, zone.apex : zone.end] = np.maximum(late, 0.0)[:, None]
    return shifts


@dataclass(frozen=True, kw_only=True)
class OwnZone:
    """A braking of the driver's median lap as grid places: looked for from `start`, usual from `onset` to `release`,
    slowest at `apex`, over at `end`. `level_bar` is where braking counts as begun."""

    start: int
    onset: int
    release: int
    apex: int
    end: int
    level_bar: float
    step_m: float

    def onsets(self, laps: LapMatrix) -> Array:
        """Where each lap (m,) begins to brake, in m; the usual release where it does not."""
        is_braking = laps.brake_bar > self.level_bar
        begins = is_braking & ~np.pad(is_braking, ((0, 0), (1, 0)))[:, :-1]
        return self._first(begins, self.start, self.release)

    def full_throttles(self, laps: LapMatrix, settings: DptadSettings) -> Array:
        """Where each lap (m,) has full throttle for the first time after the usual apex, in m; else the end."""
        return self._first(laps.throttle_pct >= settings.full_throttle_pct, self.apex, self.end)

    def _first(self, is_there: Flags, start: int, end: int) -> Array:
        inside = is_there[:, start:end]
        first = np.where(inside.any(axis=1), start + inside.argmax(axis=1), end)
        return np.asarray(first * self.step_m, dtype=np.float64)


def own_zones(own: LapMatrix, settings: DptadSettings) -> list[OwnZone]:
    """The brakings of the driver's median lap, in its order."""
    brake, speed = np.median(own.brake_bar, axis=0), np.median(own.speed_kmh, axis=0)
    is_braking = brake > settings.braking_bar
    edges = np.flatnonzero(np.diff(is_braking.astype(np.int8), prepend=0, append=0))
    spans = [
        (int(a), int(b))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
        if brake[a:b].max() > settings.braking_peak_bar
    ]
    zones: list[OwnZone] = []
    reach = round(settings.zone_reach_m / own.step_m)
    for number, (onset, release) in enumerate(spans):
        behind = spans[number + 1][0] if number + 1 < len(spans) else brake.size
        slowest = release + int(np.argmin(speed[release : max(min(behind, release + reach), release + 1)]))
        apex = min(slowest, brake.size - 1)
        zones.append(
            OwnZone(
                start=max(onset - reach, zones[-1].release if zones else 0),
                onset=onset,
                release=release,
                apex=apex,
                end=max(min(behind, apex + 2 * reach), apex + 1),
                level_bar=max(settings.braking_peak_bar, settings.onset_share * float(brake[onset:release].max())),
                step_m=own.step_m,
            )
        )
    return zones


def _dip(values: Array, unknown: Flags, step_m: float, length_m: float) -> Array:
    """How far (m, k) values lie under the most within `length_m` before and the most within it after.

    What was bridged is no most: there the dip has no meaning, beside it there is none for it.
    """
    smooth = scipy.ndimage.uniform_filter1d(values, 3, axis=1, mode="nearest")
    known = np.where(unknown, -np.inf, smooth)
    half = max(1, round(length_m / step_m / 2)) * 2
    before = scipy.ndimage.maximum_filter1d(known, half + 1, axis=1, origin=half // 2, mode="nearest")
    after = scipy.ndimage.maximum_filter1d(known, half + 1, axis=1, origin=-(half // 2), mode="nearest")
    return np.asarray(np.minimum(before, after) - smooth)


def _rise(delta_ms: Array, length: int) -> Array:
    """Rise of the delta over `length` points around each place, less the lap's own median rise; 0 at the ends."""
    half = length // 2
    rise = np.zeros(delta_ms.shape)
    rise[:, half:-half] = delta_ms[:, 2 * half :] - delta_ms[:, : -2 * half]
    rise[:, half:-half] -= np.median(rise[:, half:-half], axis=1, keepdims=True)
    return rise


def _net_rise(delta_ms: Array, behind: int, ahead: int) -> Array:
    """Rise of the delta from `behind` points before each place to `ahead` points after, less the lap's median rise."""
    padded = np.pad(delta_ms, ((0, 0), (behind, ahead)), mode="edge")
    rise = padded[:, behind + ahead :] - padded[:, : -(behind + ahead)]
    return np.asarray(rise - np.median(rise, axis=1, keepdims=True))


def _bridged(values: Array) -> Array:
    bridged = np.array(values, dtype=np.float64)
    places = np.arange(values.shape[1])
    for row in np.flatnonzero(np.isnan(bridged).any(axis=1)):
        unknown = np.isnan(bridged[row])
        known = ~unknown
        bridged[row, unknown] = np.interp(places[unknown], places[known], bridged[row, known]) if known.any() else 0.0
    return bridged


def _odd(points: float) -> int:
    """The odd number of points nearest above `points`."""
    return 2 * round(points / 2) + 1
