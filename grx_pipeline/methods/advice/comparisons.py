"""Every pair of drivers: how far apart their best laps are, and where, by sector, corner and segment.

All pairs at once: the times of d drivers at m places are one matrix, and a pair's gaps are the difference of two of
its rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from grx_pipeline.formats import listed
from grx_pipeline.methods.advice.losses import counted
from grx_pipeline.methods.advice.places import Array, by_lap
from grx_pipeline.methods.advice.silent_cars import NO_TELEMETRY
from grx_pipeline.methods.siwtl import SECTOR_COLUMNS
from grx_pipeline.robust import column_medians, half_up
from grx_pipeline.schemas.columns import PHASES

Rows = npt.NDArray[np.int64]

_SECTORS = ("S1", "S2", "S3")


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Rows of the tables comparisons and comparison_lines."""

    pairs: pa.Table
    lines: pa.Table


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """The tables corners, segments and segment_laps."""

    corners: pd.DataFrame
    segments: pd.DataFrame
    segment_laps: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Laps:
    """One lap of each driver (d,): its number, time and official sectors; NaN where there is none."""

    numbers: Array
    times_ms: Array
    sectors_ms: Array


@dataclass(frozen=True, kw_only=True)
class _Level:
    """Lines of one level: names (m,), times of the compared laps and medians of clean laps (d, m)."""

    level: str
    names: Sequence[str]
    lines: Sequence[int]
    times_ms: Array
    medians_ms: Array


@dataclass(frozen=True, kw_only=True)
class _Field:
    """The drivers (d,) in the order of the classification, their best lap and their best lap with a trace.

    `uncertain_ms` is the gap that is certain of those whose laps few crossings place, NaN for the others.
    """

    order: npt.NDArray[np.object_]
    drivers: pd.DataFrame
    best: _Laps
    traced: _Laps
    uncertain_ms: Array

    @property
    def has_best(self) -> npt.NDArray[np.bool_]:
        return np.isfinite(self.best.times_ms)

    @property
    def has_trace(self) -> npt.NDArray[np.bool_]:
        return np.isfinite(self.traced.times_ms)


@dataclass(frozen=True, kw_only=True)
class _Remarks:
    """What each driver (d,) lacks for a comparison by corner, and what limits one where nothing is lacking.

    `has_best` (d,) says who has a clean lap, so that there is a comparison by sector at least.
    """

    labels: Sequence[str]
    lacks: Sequence[str | None]
    limits: Sequence[str | None]
    has_best: Sequence[bool]

    def of_pair(self, first: int, second: int, is_on_traces: bool) -> str | None:
        """As "#72: by corner lap 5 is shown, ..."; None where both are compared on their best laps in full."""
        texts = self.limits if is_on_traces else self.lacks
        cars: dict[str, list[str]] = {}
        for number in (first, second):
            cars.setdefault(texts[number] or "", []).append(self.labels[number])
        told = [f"{listed(labels)}: {text}." for text, labels in cars.items() if text]
        if not is_on_traces and self.has_best[first] and self.has_best[second]:
            told.append("The two are compared by sector, on their best clean laps.")
        return " ".join(told) or None


def compare_drivers(
    drivers: pd.DataFrame,
    laps: pd.DataFrame,
    circuit: Circuit,
    uncertain_s: Mapping[str, float],
    *,
    min_laps: int,
    silent: Mapping[str, str],
) -> Tables:
    """All pairs in the order of the classification, from the tables of the same names.

    `uncertain_s` names the cars whose laps few crossings place, with the gap that is certain all the same. Medians
    are over clean laps, of drivers with at least `min_laps` of them there. `silent` says of cars why they have no
    telemetry.
    """
    clean = laps[laps["is_clean"]].sort_values(["lap_time_ms", "lap_number"], ignore_index=True)
    traced = pd.MultiIndex.from_frame(circuit.segment_laps[["vehicle_id", "lap_number"]].drop_duplicates())
    with_trace = clean[pd.MultiIndex.from_frame(clean[["vehicle_id", "lap_number"]]).isin(traced)]
    ranked = drivers.assign(is_unplaced=drivers["position"].isna())
    ranked = ranked.sort_values(["is_unplaced", "position", "vehicle_id"]).set_index("vehicle_id")
    order = ranked.index.to_numpy(object)
    field = _Field(
        order=order,
        drivers=ranked,
        best=_best_laps(clean, order),
        traced=_best_laps(with_trace, order),
        uncertain_ms=np.array([1000 * uncertain_s.get(str(vehicle), np.nan) for vehicle in order]),
    )
    first, second = np.triu_indices(len(order), k=1)
    on_traces = field.has_trace[first] & field.has_trace[second]
    on_best = field.has_best[first] & field.has_best[second]
    medians = _medians(clean, order, clean[list(SECTOR_COLUMNS)].to_numpy(float, na_value=np.nan), min_laps)
    sectors = _Level(
        level="sector", names=_SECTORS, lines=(1, 2, 3), times_ms=field.best.sectors_ms, medians_ms=medians
    )
    parts = [_lines(sectors, order, first[on_best], second[on_best])]
    levels = _levels_of_traces(field, with_trace, circuit, min_laps)
    remarks = _Remarks(
        labels=[f"#{number}" for number in ranked["car_number"]],
        lacks=[_lack(field, number, silent) for number in range(len(order))],
        has_best=field.has_best.tolist(),
        limits=[_limits(field, number, uncertain_s, _unknown(levels[-1], number)) for number in range(len(order))],
    )
    parts += [_lines(level, order, first[on_traces], second[on_traces]) for level in levels]
    return Tables(pairs=_pairs(field, remarks, first, second, on_traces), lines=pa.concat_tables(parts))


def _best_laps(clean: pd.DataFrame, order: npt.NDArray[np.object_]) -> _Laps:
    """The fastest lap of each driver; `clean` is sorted by lap time."""
    best = clean.drop_duplicates("vehicle_id").set_index("vehicle_id").reindex(order)
    return _Laps(
        numbers=best["lap_number"].to_numpy(float, na_value=np.nan),
        times_ms=best["lap_time_ms"].to_numpy(float, na_value=np.nan),
        sectors_ms=best[list(SECTOR_COLUMNS)].to_numpy(float, na_value=np.nan),
    )


def _medians(clean: pd.DataFrame, order: npt.NDArray[np.object_], times_ms: Array, min_laps: int) -> Array:
    """Medians (d, m) of the rows of `clean` with `times_ms` (n, m)."""
    medians = np.full((len(order), times_ms.shape[1]), np.nan)
    rows = clean.reset_index(drop=True).groupby("vehicle_id").indices
    for number, vehicle in enumerate(order):
        own = times_ms[rows[vehicle]] if vehicle in rows else times_ms[:0]
        medians[number] = np.where(counted(own) >= min_laps, column_medians(own), np.nan)
    return medians


def _levels_of_traces(field: _Field, clean: pd.DataFrame, circuit: Circuit, min_laps: int) -> list[_Level]:
    """Corners and segments, of the `clean` laps with a trace."""
    corners, segments, order = circuit.corners, circuit.segments, field.order
    used = pd.MultiIndex.from_frame(clean[["vehicle_id", "lap_number"]])
    numbers = segments["segment"].to_numpy()
    times = by_lap(circuit.segment_laps, used, column="segment", labels=numbers, value="time_ms")
    rows = used.get_indexer(pd.MultiIndex.from_arrays([order, field.traced.numbers]))
    compared = np.full((len(order), len(numbers)), np.nan)
    compared[rows >= 0] = times[rows[rows >= 0]]
    in_corner = segments["phase"].isin(PHASES).to_numpy()
    member = np.array(
        [(segments["corner_index"] == index).to_numpy() & in_corner for index in corners["corner_index"]], dtype=float
    ).reshape(len(corners), len(segments))
    return [
        _Level(
            level="corner",
            names=corners["corner"].tolist(),
            lines=range(1, len(corners) + 1),
            times_ms=_summed(compared, member),
            medians_ms=_medians(clean, order, _summed(times, member), min_laps),
        ),
        _Level(
            level="segment",
            names=segments["name"].tolist(),
            lines=range(1, len(segments) + 1),
            times_ms=compared,
            medians_ms=_medians(clean, order, times, min_laps),
        ),
    ]


def _summed(times: Array, member: Array) -> Array:
    """Times (n, segments) summed over the segments of each corner (c, segments): (n, c), NaN where one is unknown."""
    is_known = np.isfinite(times)
    unknown = (~is_known).astype(float) @ member.T
    return np.where(unknown > 0, np.nan, np.where(is_known, times, 0.0) @ member.T)


def _lines(level: _Level, order: npt.NDArray[np.object_], first: Rows, second: Rows) -> pa.Table:
    pairs, lines = len(first), len(level.lines)

    def repeated(names: pa.Array, rows: Rows) -> pa.Array:
        return names.take(pa.array(rows))

    vehicles = pa.array(order, pa.string())
    each = np.tile(np.arange(lines), pairs)
    return pa.table(
        {
            "vehicle_a": repeated(vehicles, np.repeat(first, lines)),
            "vehicle_b": repeated(vehicles, np.repeat(second, lines)),
            "level": repeated(pa.array([level.level]), np.zeros(pairs * lines, dtype=np.int64)),
            "line": pa.array(np.asarray(level.lines, dtype=np.int32)[each], pa.int32()),
            "name": repeated(pa.array(list(level.names), pa.string()), each),
            "gap_ms": _nullable((level.times_ms[second] - level.times_ms[first]).ravel()),
            "median_gap_ms": _nullable((level.medians_ms[second] - level.medians_ms[first]).ravel()),
        }
    )


def _pairs(
    field: _Field,
    remarks: _Remarks,
    first: Rows,
    second: Rows,
    on_traces: npt.NDArray[np.bool_],
) -> pa.Table:
    lap_a, lap_b = (
        np.where(on_traces, field.traced.numbers[rows], field.best.numbers[rows]) for rows in (first, second)
    )
    trace_gap = np.where(on_traces, field.traced.times_ms[second] - field.traced.times_ms[first], np.nan)
    notes = [remarks.of_pair(*pair) for pair in zip(first.tolist(), second.tolist(), on_traces.tolist(), strict=True)]
    return pa.table(
        {
            "vehicle_a": pa.array(field.order[first], pa.string()),
            "vehicle_b": pa.array(field.order[second], pa.string()),
            "gap_ms": _whole(field.best.times_ms[second] - field.best.times_ms[first]),
            "best_a": _whole(field.best.numbers[first]),
            "best_b": _whole(field.best.numbers[second]),
            "lap_a": _whole(lap_a),
            "lap_b": _whole(lap_b),
            "trace_gap_ms": _whole(trace_gap),
            "uncertain_ms": _nullable(
                np.where(on_traces, np.fmax(field.uncertain_ms[first], field.uncertain_ms[second]), np.nan)
            ),
            "note": pa.array(notes, pa.string()),
        }
    )


def _unknown(segments: _Level, number: int) -> list[str]:
    """The segments of a driver's compared lap that lie in a gap of the telemetry."""
    return [name for name, time in zip(segments.names, segments.times_ms[number], strict=True) if np.isnan(time)]


def _lack(field: _Field, number: int, silent: Mapping[str, str]) -> str | None:
    """What a driver lacks for a comparison by corner; None where there is a trace."""
    why = silent.get(str(field.order[number]))
    if not field.has_best[number]:
        return "no clean lap"
    if field.has_trace[number]:
        return None
    if why is None:
        return "no clean lap with a trusted trace"
    return "no telemetry" if why == NO_TELEMETRY else f"{why[0].lower()}{why[1:].rstrip('.')}"


def _limits(field: _Field, number: int, uncertain_s: Mapping[str, float], unknown: Sequence[str]) -> str | None:
    """What limits a comparison by corner with a driver who has a trace; None where nothing does."""
    vehicle, lap = str(field.order[number]), field.traced.numbers[number]
    told = []
    if not np.isnan(lap) and lap != field.best.numbers[number]:
        slower_s = (field.traced.times_ms[number] - field.best.times_ms[number]) / 1000
        told.append(f"by corner lap {lap:.0f} is shown, {slower_s:.3f} s off its best lap, which has no trace")
    if vehicle in uncertain_s:
        told.append(f"few crossings place its laps, so gaps under {uncertain_s[vehicle]:g} s in a corner are uncertain")
    if unknown:
        told.append(f"its telemetry has gaps, so there is no time for {listed(unknown)}")
    return "; ".join(told) or None


def _nullable(values: Array) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def _whole(values: Array) -> pa.Array:
    """Whole numbers, half up; null for NaN."""
    is_known = np.isfinite(values)
    return pa.array(np.where(is_known, half_up(values), 0).astype(np.int64), pa.int64(), mask=~is_known)
