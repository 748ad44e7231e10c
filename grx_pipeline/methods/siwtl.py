"""SIWTL, the smart ideal weighted target lap: a lap that a driver beats with a chance of about one in three in as
many clean laps again.

The method alone: from clean laps' sector times to targets, as arrays and tables. What a clean lap is stands in
laps/validity.py, how well targets hold up in methods/validation.

Times are integer milliseconds. A lap's time is the sum of its sectors here, which on official laps is LAP_TIME.
Weights are the only real numbers: each sector's gain is rounded half up and never exceeds the sector's gap, so
ideal <= target <= best and gains that add up hold to the millisecond.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from grx_pipeline.robust import MAD_TO_SD, half_up
from grx_pipeline.schemas import TABLES
from grx_pipeline.schemas.columns import SECTIONS
from grx_pipeline.settings import SiwtlSettings

IntArray = npt.NDArray[np.int64]
RealArray = npt.NDArray[np.float64]

SECTOR_COLUMNS = ("sector_1_ms", "sector_2_ms", "sector_3_ms")
SECTION_COLUMNS = tuple(f"{name}_ms" for name in SECTIONS)
_COLUMNS = {3: SECTOR_COLUMNS, 6: SECTION_COLUMNS}
_NAMES = {3: ("S1", "S2", "S3"), 6: ("IM1a", "IM1", "IM2a", "IM2", "IM3a", "FL")}


@dataclass(frozen=True, kw_only=True)
class CleanLaps:
    """One driver's clean laps in driving order: `lap_numbers` (n,), `times_ms` (n, K)."""

    lap_numbers: IntArray
    times_ms: IntArray


@dataclass(frozen=True, kw_only=True)
class Target:
    """One driver's target over K sectors: arrays (K,) and the row of the best lap."""

    best_row: int
    best_ms: IntArray
    in_best_lap_ms: IntArray
    weights: RealArray
    gains_ms: IntArray

    @property
    def best_lap_ms(self) -> int:
        return int(self.in_best_lap_ms.sum())

    @property
    def ideal_lap_ms(self) -> int:
        return int(self.best_ms.sum())

    @property
    def potential_gain_ms(self) -> int:
        return int(self.gains_ms.sum())

    @property
    def siwtl_lap_ms(self) -> int:
        return self.best_lap_ms - self.potential_gain_ms

    @property
    def achievability(self) -> float:
        """Geometric mean of the weights, in (0, 1]."""
        return float(np.exp(np.log(self.weights).mean()))


@dataclass(frozen=True, kw_only=True)
class SiwtlTables:
    """Rows of the tables `siwtl` and `siwtl_sectors`."""

    targets: pa.Table
    sectors: pa.Table


def compute_siwtl(laps: pd.DataFrame, vehicles: Iterable[str], settings: SiwtlSettings) -> SiwtlTables:
    """Targets of every driver of a session.

    `laps` are rows of the table `laps`, clean or not; `vehicles` every car, so that one without a clean lap gets a
    row of nulls with confidence 'none'. A driver has six sections only where every section of each of his clean
    laps is there; the field's spread of the sections is then that of the drivers who have them.
    """
    by_count = {count: driver_laps(laps[laps["is_clean"]], count) for count in _COLUMNS}
    spreads = {count: field_spread([d.times_ms for d in by_count[count].values()], settings) for count in _COLUMNS}
    percentiles = _percentiles({v: consistency_score(d.times_ms) for v, d in by_count[3].items()})
    rows, sector_rows = [], []
    for vehicle in sorted(set(vehicles)):
        own = {count: drivers[vehicle] for count, drivers in by_count.items() if vehicle in drivers}
        targets = {count: compute_target(own[count].times_ms, spreads[count], settings) for count in own}
        for count, target in targets.items():
            sector_rows += _sector_rows(vehicle, own[count], target, settings)
        if own:
            row = _target_row(own[3], targets[3], spreads[3], settings)
            finest = own[max(own)]
            row |= {"rolling_best_ms": rolling_best(finest), "consistency_percentile": percentiles.get(vehicle)}
        else:
            row = {"clean_laps": 0, "confidence": "none"}
        rows.append({"vehicle_id": vehicle} | row)
    return SiwtlTables(targets=_table(rows, "siwtl"), sectors=_table(sector_rows, "siwtl_sectors"))


def driver_laps(clean: pd.DataFrame, count: int) -> dict[str, CleanLaps]:
    """Clean laps per vehicle_id over `count` sectors (3) or sections (6); drivers with a missing one left out."""
    columns = list(_COLUMNS[count])
    ordered = clean.sort_values(["vehicle_id", "lap_number"])
    is_whole = ordered[columns].notna().all(axis=1).groupby(ordered["vehicle_id"]).transform("all")
    whole = ordered[is_whole]
    times = whole[columns].to_numpy(dtype=np.int64)
    numbers = whole["lap_number"].to_numpy(dtype=np.int64)
    groups = whole.groupby("vehicle_id").indices
    return {str(v): CleanLaps(lap_numbers=numbers[rows], times_ms=times[rows]) for v, rows in sorted(groups.items())}


def field_spread(times: Iterable[IntArray], settings: SiwtlSettings) -> RealArray:
    """F_k (K,) in ms: median over drivers with at least two laps of their spread, not under the timing's resolution.

    `times` are the drivers' laps (n, K). Without such a driver it is the floor, which then decides nothing.
    """
    spreads = [sector_spread(laps) for laps in times if len(laps) > 1]
    floor = settings.field_spread_floor_ms
    return np.maximum(np.median(spreads, axis=0), floor) if spreads else np.full(1, floor)


def sector_spread(times_ms: IntArray) -> RealArray:
    """sig_k (K,) in ms: 1.4826 x the median absolute deviation over laps (n, K)."""
    return _spread(doubled_median(np.abs(2 * times_ms - doubled_median(times_ms))))


def doubled_median(values: IntArray) -> IntArray:
    """Twice the median over rows (n, K), which is whole: (K,)."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    ordered = np.partition(values, (low, high), axis=0)
    return np.asarray(ordered[low] + ordered[high])


def sector_weights(spread: RealArray, field: RealArray, *, laps: int, settings: SiwtlSettings) -> RealArray:
    """w_k in (0, 1]: how much of each sector's gap is asked for. Shaped as `spread`: (K,), or rows of it.

    v_k is the driver's variance over the field's, shrunk towards 1 as if `prior_laps` laps of the field's spread
    had been driven too. One lap has weight 1.
    """
    prior = settings.prior_laps
    variance = (laps * spread**2 + prior * field**2) / ((laps + prior) * field**2)
    clipped = np.clip(variance, settings.spread_min, settings.spread_max)
    scale = settings.kappa * (np.sqrt(spread.shape[-1]) - 1) * np.log(laps)
    return np.asarray(1 / (1 + scale * clipped))


def whole_gains(weights: RealArray, gaps_ms: IntArray) -> IntArray:
    """Weight x gap in whole ms, half up, never above the gap."""
    return np.minimum(half_up(weights * gaps_ms).astype(np.int64), gaps_ms)


def compute_target(times_ms: IntArray, field: RealArray, settings: SiwtlSettings) -> Target:
    """The target from one driver's clean laps (n, K), n >= 1. The best lap is the earliest of the fastest."""
    best_row = int(times_ms.sum(axis=1).argmin())
    best, in_best_lap = times_ms.min(axis=0), times_ms[best_row]
    weights = sector_weights(sector_spread(times_ms), field, laps=len(times_ms), settings=settings)
    return Target(
        best_row=best_row,
        best_ms=best,
        in_best_lap_ms=in_best_lap,
        weights=weights,
        gains_ms=whole_gains(weights, in_best_lap - best),
    )


def jackknife_range(times_ms: IntArray, field: RealArray, settings: SiwtlSettings) -> tuple[int, int] | None:
    """Lowest and highest target in ms with one clean lap left out; None for a single lap.

    The field's spread stays that of the full sample. Exact, in one pass over (n, K): without a lap, a sector's
    minimum is one of the two smallest times and its median one of three values.
    """
    laps = len(times_ms)
    if laps < 2:
        return None
    two_smallest = np.partition(times_ms, 1, axis=0)[:2]
    best = np.where(times_ms == two_smallest[0], two_smallest[1], two_smallest[0])
    totals = times_ms.sum(axis=1)
    first, second = np.argsort(totals, kind="stable")[:2]
    in_best_lap = np.where((np.arange(laps) == first)[:, None], times_ms[second], times_ms[first])
    weights = sector_weights(_left_out_spreads(times_ms), field, laps=laps - 1, settings=settings)
    targets = in_best_lap.sum(axis=1) - whole_gains(weights, in_best_lap - best).sum(axis=1)
    return int(targets.min()), int(targets.max())


def consistency_score(times_ms: IntArray) -> float | None:
    """100 x (1 - sd/mean) of the lap times, clipped to 0..100; sample sd, so None under two laps.

    It describes this session: it hardly repeats from race to race and is no trait of the driver.
    """
    totals = times_ms.sum(axis=1)
    if len(totals) < 2:
        return None
    return float(np.clip(100 * (1 - totals.std(ddof=1) / totals.mean()), 0, 100))


def rolling_best(laps: CleanLaps) -> int | None:
    """Fastest whole lap in ms from any timing line to the same line of the next lap, both laps clean.

    Official times are exact at the timing lines; between them a time from telemetry is good to 0.02 to 0.08 s only,
    and the fastest of many such times would mostly be error. None without two clean laps in a row.
    """
    is_next = np.diff(laps.lap_numbers) == 1
    if not is_next.any():
        return None
    done = laps.times_ms.cumsum(axis=1)
    rest = done[:-1, -1:] - done[:-1]
    return int(min((rest + done[1:])[is_next].min(), done[:, -1].min()))


def siwtl_literal_s(times_ms: IntArray) -> float:
    """The specification's sketch taken literally, in s: sum of best_k / (1 + variance_k), laps (n, K).

    The sketch's weight is 1 / (1 + variance); the variance is that of the sector's clean times in s2 (population).
    Weights below 1 make it a lap nobody can drive: it is kept as a reference to the specification and is no lap time.
    """
    seconds = times_ms / 1000
    return float((seconds.min(axis=0) / (1 + seconds.var(axis=0))).sum())


def _spread(quadrupled_mad: IntArray) -> RealArray:
    return np.asarray(MAD_TO_SD * (quadrupled_mad / 4))


def _left_out_spreads(times_ms: IntArray) -> RealArray:
    """sector_spread of the laps without lap i, for each i: (n, K), n >= 2."""
    centres, which = _left_out_medians(times_ms)
    mads = []
    for centre in centres:
        candidates, chosen = _left_out_medians(np.abs(2 * times_ms - centre))
        mads.append(np.take_along_axis(candidates, chosen, axis=0))
    return _spread(np.choose(which, mads))


def _left_out_medians(values: IntArray) -> tuple[IntArray, npt.NDArray[np.intp]]:
    """Twice the median without row i: three candidates (3, K), and which of them holds for each row (n, K).

    Leaving out a value under, at or over the (lower) middle one moves the median up, across it, or down.
    """
    half = len(values) // 2
    if len(values) % 2:
        below, pivot, above = np.partition(values, (half - 1, half, half + 1), axis=0)[half - 1 : half + 2]
        candidates = np.stack([pivot + above, below + above, below + pivot])
    else:
        pivot, above = np.partition(values, (half - 1, half), axis=0)[half - 1 : half + 1]
        candidates = np.stack([2 * above, 2 * above, 2 * pivot])
    return candidates, np.sign(values - pivot).astype(np.intp) + 1


def _percentiles(scores: Mapping[str, float | None]) -> dict[str, float]:
    """Share of the scores, in %, that are no higher than the driver's own."""
    known = {vehicle: score for vehicle, score in scores.items() if score is not None}
    ordered = np.sort(np.array(list(known.values())))
    return {v: 100 * int(ordered.searchsorted(score, side="right")) / len(ordered) for v, score in known.items()}


def _target_row(laps: CleanLaps, target: Target, field: RealArray, settings: SiwtlSettings) -> dict[str, Any]:
    low, high = jackknife_range(laps.times_ms, field, settings) or (None, None)
    count = len(laps.times_ms)
    return {
        "clean_laps": count,
        "best_lap_number": int(laps.lap_numbers[target.best_row]),
        "best_lap_ms": target.best_lap_ms,
        "ideal_lap_ms": target.ideal_lap_ms,
        "siwtl_lap_ms": target.siwtl_lap_ms,
        "potential_gain_ms": target.potential_gain_ms,
        "achievability": target.achievability,
        "consistency_score": consistency_score(laps.times_ms),
        "confidence": "low" if count < settings.low_confidence_laps else "normal",
        "jackknife_low_ms": low,
        "jackknife_high_ms": high,
        "siwtl_literal_s": siwtl_literal_s(laps.times_ms),
    }


def _sector_rows(vehicle: str, laps: CleanLaps, target: Target, settings: SiwtlSettings) -> list[dict[str, Any]]:
    """One row per sector. The donor is the earliest lap with the best time."""
    over_ppm = (laps.times_ms - target.best_ms) * 1_000_000
    is_done = over_ppm <= round(settings.done_tolerance * 1_000_000) * target.best_ms
    count = len(target.best_ms)
    columns = {
        "sector": range(1, count + 1),
        "name": _NAMES[count],
        "best_ms": target.best_ms.tolist(),
        "in_best_lap_ms": target.in_best_lap_ms.tolist(),
        "gap_ms": (target.in_best_lap_ms - target.best_ms).tolist(),
        "weight": target.weights.tolist(),
        "gain_ms": target.gains_ms.tolist(),
        "donor_lap": laps.lap_numbers[laps.times_ms.argmin(axis=0)].tolist(),
        "done_on_laps": is_done.sum(axis=0).tolist(),
    }
    shared = {"vehicle_id": vehicle, "sector_count": count}
    return [shared | dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _table(rows: Sequence[Mapping[str, Any]], name: str) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=TABLES[name].arrow_schema())
