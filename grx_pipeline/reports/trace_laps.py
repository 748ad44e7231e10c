"""Records -> the laps that a driver's traces open with: own best or an estimate, class best, target, median.

How a page ships and names them is in trace_data.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from grx_pipeline.methods.references.choice import CLASS_BEST, MEDIAN, OWN_BEST, TARGET
from grx_pipeline.reports.api import CarRecords, SessionRecords
from grx_pipeline.reports.formats import Style, listed
from grx_pipeline.reports.records import Lap, Telemetry
from grx_pipeline.reports.reference_records import Reference, ReferenceTrace
from grx_pipeline.reports.standing import car_label, class_best, shared_numbers
from grx_pipeline.reports.trace_encoding import CODINGS, runs

CLASS_BEST_ID, TARGET_ID, MEDIAN_ID, ESTIMATE_ID = "class", "target", "median", "estimate"


@dataclass(frozen=True, kw_only=True)
class TraceLap:
    """A lap that can be drawn. `look` names its colour and dash; `source` is its file where it is not in the page."""

    id: str
    label: str
    detail: str
    look: str
    lap_time_ms: int
    columns: Mapping[str, pa.Array] = field(repr=False)
    lap_number: int | None = None
    is_synthetic: bool = False
    is_shown: bool = False
    text: str = ""
    source: str = ""


def lap_columns(trace: Telemetry | ReferenceTrace) -> dict[str, pa.Array]:
    """Distance and the channels of CODINGS."""
    return {name: getattr(trace, name) for name in ("distance_m", *CODINGS)}


def driver_laps(
    car: CarRecords, records: SessionRecords, references: Mapping[str, Reference], style: Style
) -> list[TraceLap]:
    """The laps that stand in the page: one of the driver first, where there is any."""
    own = _own_lap(car, references.get(OWN_BEST), style) or _estimated_lap(car, style)
    rival = _class_best_lap(records, references.get(CLASS_BEST), car.siwtl.best_lap_ms, style)
    made = [
        _made_lap(references.get(name), id_, label, style, is_shown=id_ == TARGET_ID)
        for name, id_, label in ((TARGET, TARGET_ID, "Target"), (MEDIAN, MEDIAN_ID, "Median"))
        # A target that asks for nothing is the best lap again.
        if not (name == TARGET and car.siwtl.potential_gain_ms == 0)
    ]
    return [with_gaps(lap, style) for lap in (own, rival, *made) if lap is not None]


def with_gaps(lap: TraceLap, style: Style) -> TraceLap:
    """The lap with a sentence on where its time is not known, so that nothing can be told of corners there."""
    is_unknown = lap.columns["time_ms"].is_null(nan_is_null=True).to_numpy(zero_copy_only=False)
    place_m = lap.columns["distance_m"].to_pylist()
    gaps = [(place_m[max(first - 1, 0)], place_m[min(end, len(place_m) - 1)]) for first, end in runs(is_unknown)]
    if not gaps:
        return lap
    where = listed([f"from {style.number(first)} to {style.number(end)} m" for first, end in gaps])
    return replace(lap, text=f"{lap.text} Nothing is known {where}; what begins or ends there has no figure.".strip())


def _own_lap(car: CarRecords, reference: Reference | None, style: Style) -> TraceLap | None:
    """Own best, or the fastest lap with a trace where no clean lap has one."""
    traces = {trace.lap_number: trace for trace in car.telemetry}
    laps = {lap.lap_number: lap for lap in car.laps.laps}
    if reference and reference.sources and reference.sources[0].lap_number in traces:
        number = reference.sources[0].lap_number
        return TraceLap(
            id="best",
            label="Own best" if number == car.laps.best_clean_lap_number else "Best with a trace",
            detail=f"lap {number} · {style.lap_time(reference.lap_time_ms)}",
            look="best",
            lap_time_ms=reference.lap_time_ms or 0,
            columns=lap_columns(traces[number]),
            lap_number=number,
            is_shown=True,
            text=reference.text or "",
        )
    timed = [laps[number] for number in traces if number in laps and laps[number].lap_time_ms is not None]
    if not timed:
        return None
    fastest = min(timed, key=lambda lap: (not lap.is_valid, lap.lap_time_ms))
    return TraceLap(
        id=str(fastest.lap_number),
        label=f"Lap {fastest.lap_number}",
        detail=lap_detail(fastest, style),
        look="best",
        lap_time_ms=fastest.lap_time_ms or 0,
        columns=lap_columns(traces[fastest.lap_number]),
        lap_number=fastest.lap_number,
        is_shown=True,
        text=f"Lap {fastest.lap_number}, not a clean lap: {lap_reasons(fastest)}.",
    )


def lap_detail(lap: Lap, style: Style) -> str:
    """The lap's time, and that it is not clean."""
    return style.lap_time(lap.lap_time_ms) + ("" if lap.is_clean else ", not clean")


def lap_reasons(lap: Lap) -> str:
    """What keeps the lap from being clean."""
    texts = [reason.text for reason in lap.reasons if reason.excludes != "none"]
    return "; ".join(texts) or "no reason is known"


def _estimated_lap(car: CarRecords, style: Style) -> TraceLap | None:
    """The estimate of the best clean lap, of a car without a single trace."""
    estimates = {lap.lap_number: lap for lap in car.estimates}
    number = car.siwtl.best_lap_ms is not None and car.laps.best_clean_lap_number
    if car.telemetry or not number or number not in estimates:
        return None
    time = next(lap.lap_time_ms for lap in car.laps.laps if lap.lap_number == number)
    return TraceLap(
        id=ESTIMATE_ID,
        label="Estimate",
        detail=f"lap {number} · {style.lap_time(time)}",
        look="estimate",
        lap_time_ms=time or 0,
        columns=lap_columns(estimates[number]),
        lap_number=number,
        is_synthetic=True,
        is_shown=True,
    )


def _class_best_lap(
    records: SessionRecords, reference: Reference | None, own_best_ms: int | None, style: Style
) -> TraceLap | None:
    if reference is None or not reference.sources or reference.lap_time_ms is None:
        return None
    source = reference.sources[0]
    car = next((car for car in records.cars if car.driver.vehicle_id == source.vehicle_id), None)
    trace = next((lap for lap in car.telemetry if lap.lap_number == source.lap_number), None) if car else None
    if car is None or trace is None:
        return None
    label = car_label(car.driver, shared_numbers(records.summary.classification))
    is_faster = own_best_ms is None or reference.lap_time_ms < own_best_ms
    return TraceLap(
        id=CLASS_BEST_ID,
        label="Class best" if is_faster else "Best rival",
        detail=f"{label} lap {source.lap_number} · {style.lap_time(reference.lap_time_ms)}",
        look="class",
        lap_time_ms=reference.lap_time_ms,
        columns=lap_columns(trace),
        is_shown=True,
        text=reference.text or "",
    )


def class_best_note(car: CarRecords, records: SessionRecords, reference: Reference | None, style: Style) -> str | None:
    """Whose lap stands for the class best in the traces, and why; None where it is that lap itself."""
    best = class_best([one for one in records.cars if one.driver.vehicle_class == car.driver.vehicle_class], car)
    if best is None or best.is_own or reference is None or not reference.sources:
        return None
    source = reference.sources[0]
    if (source.vehicle_id, source.lap_number) == (best.car.vehicle_id, best.lap_number):
        return None
    cars, shared = records.summary.classification, shared_numbers(records.summary.classification)
    stand_in = next((one for one in cars if one.vehicle_id == source.vehicle_id), None)
    if stand_in is None:
        return None
    why = "has no trace to trust" if best.is_clean else "is not a clean lap"
    return (
        f"The class best, {style.lap_time(best.lap_time_ms)} of {car_label(best.car, shared)}, {why}: lap "
        f"{source.lap_number} of {car_label(stand_in, shared)} stands for it here."
    )


def _made_lap(reference: Reference | None, id_: str, label: str, style: Style, *, is_shown: bool) -> TraceLap | None:
    if reference is None or reference.trace is None or reference.lap_time_ms is None:
        return None
    return TraceLap(
        id=id_,
        label=label,
        detail=style.lap_time(reference.lap_time_ms),
        look=id_,
        lap_time_ms=reference.lap_time_ms,
        columns=lap_columns(reference.trace),
        is_shown=is_shown,
        text=reference.text or "",
    )
