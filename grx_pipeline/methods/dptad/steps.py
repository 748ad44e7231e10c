"""The step of DPTAD: laps over distance in; events, scores and figures of each driver out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from grx_pipeline.formats import counted
from grx_pipeline.methods.advice.traffic import sectors_in_traffic
from grx_pipeline.methods.dptad.detector import Peak, find_peaks, fitted_weights, has_verdict, judge, threshold_of
from grx_pipeline.methods.dptad.events import Event, describe_peak, text_of
from grx_pipeline.methods.dptad.evidence import CATEGORIES, EVIDENCE, Evidence, LapMatrix, gather_evidence
from grx_pipeline.methods.dptad.figures import corner_figures, smoothness_medians, speed_consistency
from grx_pipeline.methods.dptad.insights import insights_of
from grx_pipeline.methods.dptad.own import NO_HOST, Array, Index, OwnLaps
from grx_pipeline.methods.dptad.places import Segments, Where
from grx_pipeline.methods.dptad.scores import benjamini_hochberg, conformal_p, least_p, score_of
from grx_pipeline.methods.few_crossings import few_crossings
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import DptadSettings
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome
from grx_pipeline.track.field import FieldTraces, read_field

Flags = npt.NDArray[np.bool_]
Rows = list[dict[str, object]]

_CHANNELS = ("time_ms", "speed_kmh", "throttle_pct", "brake_bar", "steering_deg", "accel_y_g")
_OUTPUTS = ("dptad_events", "dptad_laps", "dptad_scores", "dptad_drivers")
# What may speak against a lap that is judged all the same: an error is a reason for being off the pace.
_FORGIVEN = frozenset({"off_pace", "no_crossing_match"})


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One driver's judged laps (m): `highest` log-odds and `maxima` by category of each, and every likely peak."""

    vehicle_id: str
    lap_numbers: Index
    is_clean: Flags
    has_traffic: Flags
    laps: LapMatrix
    median_ms: Array
    evidence: Evidence
    highest: Array
    maxima: Mapping[str, Array]
    peaks: tuple[Peak, ...]


def build_dptad(context: StepContext) -> StepOutcome:
    """Tables `dptad_events`, `dptad_laps`, `dptad_scores` and `dptad_drivers`."""
    paths, session = context.paths, context.session
    laps = read_frame(paths.table(session, "laps"))
    field = read_field(context, _CHANNELS)
    is_judged = _may_be_judged(field, laps)
    traffic = _traffic(field, laps, context.settings.dptad)
    judged: dict[str, _Judged] = {}
    for vehicle in dict.fromkeys(field.vehicle_ids.tolist()):
        if has_verdict(_own_laps(field, vehicle), context.settings.dptad):
            chosen = is_judged & (field.vehicle_ids == vehicle)
            judged[vehicle] = _judge_driver(field.of(chosen), traffic[chosen], context)
    threshold = _threshold(judged, context.settings.dptad)
    tiles, corners = (read_frame(paths.table(session, name)) for name in ("segments", "corners"))
    segments = Segments(tiles, corners, context.settings.dptad)
    events = _event_rows(context, judged, threshold, laps, segments)
    lap_rows = _lap_rows(judged, context.settings.dptad)
    rows = {
        "dptad_events": [event for event, _ in events],
        "dptad_laps": lap_rows,
        "dptad_scores": _score_rows(lap_rows),
        "dptad_drivers": _driver_rows(context, field, judged, threshold, events, lap_rows=lap_rows),
    }
    for name in _OUTPUTS:
        arrow = pa.Table.from_pylist(rows[name], schema=TABLES[name].arrow_schema())
        write_table(arrow, paths.table(session, name), TABLES[name])
    count = sum(one.lap_numbers.size for one in judged.values())
    return StepOutcome(
        outputs=tuple(paths.table(session, name) for name in _OUTPUTS),
        rows=len(events),
        figures={"events": len(events), "laps_judged": count, "drivers_judged": len(judged)},
    )


def _may_be_judged(field: FieldTraces, laps: pd.DataFrame) -> Flags:
    """Laps (n,) that were raced: clean ones, and those that are not for nothing but their pace."""
    reasons = laps.set_index(["vehicle_id", "lap_number"])["reasons"].to_dict()
    valid = laps.set_index(["vehicle_id", "lap_number"])["is_valid"].to_dict()
    keys = list(zip(field.vehicle_ids.tolist(), field.lap_numbers.tolist(), strict=True))
    return np.array([valid[key] and set(reasons[key]) <= _FORGIVEN for key in keys], dtype=bool)


def _traffic(field: FieldTraces, laps: pd.DataFrame, settings: DptadSettings) -> Flags:
    """Whether each lap (n,) had a car close ahead at one of its lines."""
    close: list[bool] = np.any(sectors_in_traffic(laps, gap_s=settings.traffic_gap_s), axis=1).tolist()
    found = dict(zip(zip(laps["vehicle_id"], laps["lap_number"], strict=True), close, strict=True))
    keys = zip(field.vehicle_ids.tolist(), field.lap_numbers.tolist(), strict=True)
    return np.array([found[key] for key in keys], dtype=bool)


def _own_laps(field: FieldTraces, vehicle: str) -> int:
    return int((field.is_clean & (field.vehicle_ids == vehicle)).sum())


def _judge_driver(laps: FieldTraces, traffic: Flags, context: StepContext) -> _Judged:
    settings, weights = context.settings.dptad, fitted_weights()
    step_m = context.settings.trace.grid_m
    matrix = LapMatrix.of({name: laps.channels[name] for name in _CHANNELS}, step_m)
    own = matrix if laps.is_clean.all() else matrix.some(laps.is_clean)
    hosts = np.where(laps.is_clean, np.cumsum(laps.is_clean) - 1, NO_HOST)
    evidence = gather_evidence(own, matrix, hosts, settings)
    log_odds = judge(evidence, weights)
    return _Judged(
        vehicle_id=str(laps.vehicle_ids[0]),
        lap_numbers=laps.lap_numbers,
        is_clean=laps.is_clean,
        has_traffic=traffic,
        laps=matrix,
        median_ms=OwnLaps.of(own.time_ms).quantile(0.5, hosts),
        evidence=evidence,
        highest=log_odds.max(axis=(1, 2)),
        maxima=_maxima(evidence),
        peaks=tuple(find_peaks(log_odds, weights.kinds, settings)),
    )


def _threshold(judged: Mapping[str, _Judged], settings: DptadSettings) -> float:
    """Log-odds over which a peak is an event: the session's clean laps share one budget."""
    clean = [peak.log_odds for one in judged.values() for peak in one.peaks if one.is_clean[peak.lap]]
    return threshold_of(clean, sum(int(one.is_clean.sum()) for one in judged.values()), settings)


def _events_of(one: _Judged, threshold: float, settings: DptadSettings) -> list[Event]:
    return [
        describe_peak(
            peak,
            one.evidence,
            one.laps,
            one.median_ms[peak.lap],
            has_traffic=bool(one.has_traffic[peak.lap]),
            settings=settings,
        )
        for peak in one.peaks
        if peak.log_odds > threshold
    ]


def _maxima(evidence: Evidence) -> dict[str, Array]:
    """Per category the highest relative evidence of each lap."""
    columns = {name: [EVIDENCE.index(one) for one in names] for name, names in CATEGORIES.items()}
    return {name: evidence.relative[:, :, chosen].max(axis=(1, 2)) for name, chosen in columns.items()}


def _event_rows(
    context: StepContext, judged: Mapping[str, _Judged], threshold: float, laps: pd.DataFrame, segments: Segments
) -> list[tuple[dict[str, object], Where]]:
    """Rows of dptad_events, each with its place."""
    settings = context.settings.dptad
    field = np.concatenate([one.highest[one.is_clean] for one in judged.values()]) if judged else np.empty(0)
    starts = _lap_starts(laps)
    claims = _claim_floors(context)
    rows: list[tuple[dict[str, object], Where]] = []
    for one in judged.values():
        events = _events_of(one, threshold, settings)
        odds = np.array([event.log_odds for event in events])
        is_clean = one.is_clean[np.array([event.row for event in events], dtype=np.int64)]
        p_values = conformal_p(odds, field, is_clean)
        numbers: dict[int, int] = {}
        for event, p_value in zip(events, p_values.tolist(), strict=True):
            lap = int(one.lap_numbers[event.row])
            numbers[lap] = numbers.get(lap, 0) + 1
            where = segments.at(event.peak_m, event.category)
            lost = _claimable(event.time_lost_ms, claims.get(one.vehicle_id, 0.0))
            start = starts.get((one.vehicle_id, lap))
            row: dict[str, object] = {
                "vehicle_id": one.vehicle_id,
                "event_id": f"{lap}-{numbers[lap]}",
                "lap_number": lap,
                "at_ms": None if start is None else round(start + event.time_in_lap_ms),
                "time_in_lap_s": event.time_in_lap_ms / 1000,
                "start_m": event.start_m,
                "end_m": event.end_m,
                "peak_m": event.peak_m,
                "corner_index": where.corner_index,
                "phase": where.phase,
                "sector": where.sector,
                "category": event.category,
                "type": event.rule.type,
                "sign": event.sign,
                "z": event.z,
                "p_value": p_value,
                "time_lost_ms": lost,
                "is_costly": lost is not None and lost >= settings.cost_s * 1000,
                "text": text_of(event, where.words, lost_ms=lost),
            }
            rows.append((row, where))
    return rows


def _lap_starts(laps: pd.DataFrame) -> dict[tuple[str, int], float]:
    """UTC (ms) at the start of each lap whose finish is known."""
    known = laps[laps["finished_at_ms"].notna() & laps["lap_time_ms"].notna()]
    start = (known["finished_at_ms"] - known["lap_time_ms"]).astype(float)
    return dict(zip(zip(known["vehicle_id"], known["lap_number"], strict=True), start, strict=True))


def _claim_floors(context: StepContext) -> dict[str, float]:
    """Per vehicle the least loss (ms) that its clock allows to claim."""
    clock = context.settings.clock
    sensors = read_frame(context.paths.table(context.session, "sensors"), columns=["vehicle_id", "crossings"])
    few = sensors["vehicle_id"].isin(few_crossings(sensors, clock))
    return dict(zip(sensors["vehicle_id"], np.where(few, clock.few_crossings_loss_s * 1000, 0.0), strict=True))


def _claimable(lost_ms: float | None, floor_ms: float) -> float | None:
    return lost_ms if lost_ms is not None and abs(lost_ms) >= floor_ms else None


def _lap_rows(judged: Mapping[str, _Judged], settings: DptadSettings) -> Rows:
    rows: Rows = []
    for category in CATEGORIES:
        field = [one.maxima[category][one.is_clean] for one in judged.values()]
        for one in judged.values():
            values = one.maxima[category]
            p_values = conformal_p(values, np.concatenate(field), one.is_clean)
            scores = score_of(p_values, settings.full_score)
            rows += [
                {
                    "vehicle_id": one.vehicle_id,
                    "lap_number": int(one.lap_numbers[row]),
                    "category": category,
                    "z_max": float(values[row]),
                    "p_value": float(p_values[row]),
                    "score": float(scores[row]),
                }
                for row in range(values.size)
            ]
    p_values = np.array([row["p_value"] for row in rows], dtype=np.float64)
    for row, stands_out in zip(rows, benjamini_hochberg(p_values, settings.false_share), strict=True):
        row["is_significant"] = bool(stands_out)
    return rows


def _score_rows(lap_rows: Rows) -> Rows:
    if not lap_rows:
        return []
    groups = pd.DataFrame(lap_rows).sort_values("lap_number").groupby(["vehicle_id", "category"], sort=True)
    return [
        {
            "vehicle_id": vehicle,
            "category": category,
            "laps": len(rows),
            "median_score": float(rows["score"].median()),
            "worst_score": float(rows["score"].max()),
            "worst_lap": int(rows["lap_number"].to_numpy()[rows["score"].argmax()]),
        }
        for (vehicle, category), rows in groups
    ]


def _highest_score(one: _Judged, compared: int, settings: DptadSettings) -> float:
    """The score of a lap more unusual than all `compared` laps of the field: few laps leave no room for 100."""
    p_value = least_p(compared, is_in_field=bool(one.is_clean.all()))
    return float(score_of(np.array([p_value]), settings.full_score)[0])


def _standing_out(lap_rows: Rows) -> dict[str, list[int]]:
    """Per vehicle the laps that are significant in some category, in their order."""
    rows = pd.DataFrame(lap_rows, columns=["vehicle_id", "lap_number", "is_significant"])
    chosen = rows[rows["is_significant"].astype(bool)].drop_duplicates().sort_values("lap_number")
    return {str(vehicle): laps.tolist() for vehicle, laps in chosen.groupby("vehicle_id")["lap_number"]}


def _driver_rows(
    context: StepContext,
    field: FieldTraces,
    judged: Mapping[str, _Judged],
    threshold: float,
    events: Sequence[tuple[dict[str, object], Where]],
    *,
    lap_rows: Rows,
) -> Rows:
    paths, session = context.paths, context.session
    names = ("drivers", "laps", "telemetry_features", "corner_laps", "corner_drivers", "corner_field")
    drivers, laps, features, corner_laps, corner_drivers, corner_field = (
        read_frame(paths.table(session, name)) for name in names
    )
    clean = laps.loc[laps["is_clean"], ["vehicle_id", "lap_number"]]
    features, corner_laps = (rows.merge(clean, on=["vehicle_id", "lap_number"]) for rows in (features, corner_laps))
    classes = drivers["vehicle_class"].fillna("")
    least_loss_ms = 1000 * context.settings.dptad.cost_s
    stand_out = _standing_out(lap_rows)
    field_laps = sum(one.lap_numbers.size for one in judged.values())
    compared = sum(int(one.is_clean.sum()) for one in judged.values())
    rows: Rows = []
    for vehicle, vehicle_class in zip(drivers["vehicle_id"], classes, strict=True):
        own = [(row, where) for row, where in events if row["vehicle_id"] == vehicle]
        places = {str(row["event_id"]): where for row, where in own}
        one = judged.get(vehicle)
        own_laps = _own_laps(field, vehicle)
        speeds = field.channels["speed_kmh"][field.is_clean & (field.vehicle_ids == vehicle)]
        of_vehicle = [table[table["vehicle_id"] == vehicle] for table in (features, corner_laps, corner_drivers)]
        judged_laps = one.lap_numbers.size if one else 0
        rows.append(
            {
                "vehicle_id": vehicle,
                "own_laps": own_laps,
                "laps_judged": judged_laps,
                "field_laps": compared if one else 0,
                "highest_score": _highest_score(one, compared, context.settings.dptad) if one else None,
                "events": len(own),
                "threshold": threshold if one else None,
                **smoothness_medians(of_vehicle[0]),
                "speed_consistency": speed_consistency(speeds, min_laps=context.settings.dptad.min_speed_laps),
                **corner_figures(of_vehicle[1], of_vehicle[2], corner_field, vehicle_class),
                "insights": insights_of(
                    [row for row, _ in own],
                    places,
                    laps=judged_laps,
                    field_laps=field_laps,
                    stand_out=stand_out.get(vehicle, []),
                    least_loss_ms=least_loss_ms,
                    least_repeats=context.settings.dptad.least_repeats,
                )
                if one
                else [],
                "reason": None if one else _no_verdict(own_laps, context.settings.dptad),
            }
        )
    return rows


def _no_verdict(own_laps: int, settings: DptadSettings) -> str:
    least = settings.min_own_laps
    if own_laps == 0:
        return f"No clean lap with a trusted trace: nothing to compare with. It takes {least}."
    laps = counted(own_laps, "clean lap")
    return f"Only {laps} with a trusted trace: it takes {least} to say what is usual for this driver."
