"""Which lap or laps each reference of a driver is, and why there is none. How laps are combined is in stitching.py.

Only laps with a trusted trace count, and only clean ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.formats import counted, listed
from grx_pipeline.methods.references.stitching import (
    TargetSector,
    Trace,
    edge_times,
    median_trace,
    stitch_target,
    trace_of,
)
from grx_pipeline.settings import ReferenceSettings
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]

OWN_BEST, CLASS_BEST, TARGET, MEDIAN, ESTIMATE = "own_best", "class_best", "target", "median", "estimate"
_SECTOR_TIMES = ["best_ms", "in_best_lap_ms", "gain_ms"]
_NO_LINES = "The field's laps do not tell where the sector lines are."


@dataclass(frozen=True, kw_only=True)
class Source:
    """A lap that a reference rests on; of a target in one `sector`, with the weight of its time there."""

    vehicle_id: str
    lap_number: int
    sector: int | None = None
    weight: float | None = None


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One reference of a driver: a lap (`sources` has it, `trace` is None), a made one, or why there is none."""

    name: str
    lap_time_ms: int | None = None
    sources: tuple[Source, ...] = ()
    trace: Trace | None = None
    text: str | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Driver:
    """What the choice has to know of a driver. `best_lap` is the best clean lap; `sectors` rows of siwtl_sectors."""

    vehicle_id: str
    car_number: str
    vehicle_class: str | None
    best_lap: int | None
    sectors: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class Field:
    """Clean laps with a trusted trace, and the sectors' ends (m, from 0 to the length), None where not known.

    `cars` are what a sentence calls each car, as `#13 Ada Byron`.
    """

    traces: FieldTraces
    edges_m: Array | None
    cars: Mapping[str, str]
    classes: Mapping[str, str | None]


def references_of(
    driver: Driver, field: Field, field_median: Reference, settings: ReferenceSettings
) -> tuple[Reference, ...]:
    """Own best, class best, target, median and the base of estimates, in this order."""
    own = field.traces.of_vehicle(driver.vehicle_id)
    median = own_median(driver, own, settings)
    return (
        own_best(driver, own),
        class_best(driver, field),
        target(driver, own, field),
        median,
        estimate_base(field, median, field_median),
    )


def own_best(driver: Driver, own: FieldTraces) -> Reference:
    """The driver's fastest clean lap with a trace, the earliest of equals."""
    if not own.lap_numbers.size:
        return Reference(name=OWN_BEST, reason="No clean lap of this car has a trace.")
    row = int(own.lap_time_ms.argmin())
    lap = int(own.lap_numbers[row])
    text = f"Lap {lap}, the best clean lap"
    if driver.best_lap is not None and lap != driver.best_lap:
        text += f" with a trace; lap {driver.best_lap}, the best clean lap, has none"
    return _lap_reference(OWN_BEST, own, row, f"{text}.")


def class_best(driver: Driver, field: Field) -> Reference:
    """The fastest clean lap with a trace among the other cars of the class."""
    laps = field.traces
    is_rival = np.array(
        [
            vehicle != driver.vehicle_id and field.classes.get(vehicle) == driver.vehicle_class
            for vehicle in laps.vehicle_ids
        ],
        dtype=bool,
    )
    group = f"class {driver.vehicle_class}" if driver.vehicle_class else "the field"
    if not is_rival.any():
        return Reference(name=CLASS_BEST, reason=f"No other car of {group} has a clean lap with a trace.")
    rivals = laps.of(is_rival)
    row = int(rivals.lap_time_ms.argmin())
    car = field.cars.get(str(rivals.vehicle_ids[row]), "")
    text = f"Lap {rivals.lap_numbers[row]} of {car}, the best clean lap with a trace among the other cars of {group}."
    return _lap_reference(CLASS_BEST, rivals, row, text)


def _lap_reference(name: str, laps: FieldTraces, row: int, text: str) -> Reference:
    source = Source(vehicle_id=str(laps.vehicle_ids[row]), lap_number=int(laps.lap_numbers[row]))
    return Reference(name=name, lap_time_ms=int(laps.lap_time_ms[row]), sources=(source,), text=text)


def target(driver: Driver, own: FieldTraces, field: Field) -> Reference:
    """SIWTL's target as a trace, where the best lap and every donor lap have one."""
    if driver.best_lap is None or driver.sectors.empty:
        return Reference(name=TARGET, reason="No lap is clean, so there is no target.")
    rows = {int(lap): row for row, lap in enumerate(own.lap_numbers)}
    donors = [int(lap) for lap in driver.sectors["donor_lap"]]
    missing = sorted({lap for lap in (driver.best_lap, *donors) if lap not in rows})
    if missing:
        return Reference(name=TARGET, reason=_no_trace_text(missing, driver.best_lap, donors))
    if field.edges_m is None:
        return Reference(name=TARGET, reason=_NO_LINES)
    best, *givers = (trace_of(own, rows[lap], field.edges_m) for lap in (driver.best_lap, *donors))
    if not all(_is_known_at_edges(lap, field, field.edges_m) for lap in (best, *givers)):
        return Reference(name=TARGET, reason="The logger has a gap at a sector line on one of the laps it is made of.")
    sectors = [
        TargetSector(donor_ms=donor_ms, best_lap_ms=best_lap_ms, gain_ms=gain_ms)
        for donor_ms, best_lap_ms, gain_ms in driver.sectors[_SECTOR_TIMES].to_numpy(np.int64).tolist()
    ]
    trace = stitch_target(best, givers, sectors, distance_m=own.distance_m, edges_m=field.edges_m)
    sources = tuple(
        Source(vehicle_id=driver.vehicle_id, lap_number=lap, sector=n, weight=sector.weight)
        for n, (lap, sector) in enumerate(zip(donors, sectors, strict=True), start=1)
    )
    if not any(sector.gain_ms for sector in sectors):
        text = f"The best lap itself: no sector of lap {driver.best_lap} asks for more."
        return Reference(name=TARGET, lap_time_ms=trace.lap_time_ms, sources=sources, trace=trace, text=text)
    parts = ", ".join(f"S{n} of lap {lap}" for n, lap in enumerate(donors, start=1))
    text = (
        f"Not a driven lap: {parts}, each weighed with lap {driver.best_lap} as far as the target asks. "
        "Speed, pedals and steering are of the lap that gave the sector."
    )
    return Reference(name=TARGET, lap_time_ms=trace.lap_time_ms, sources=sources, trace=trace, text=text)


def _no_trace_text(missing: Sequence[int], best: int, donors: Sequence[int]) -> str:
    roles = []
    for lap in missing:
        role = ["best lap"] if lap == best else []
        role += [f"best S{n}" for n, donor in enumerate(donors, start=1) if donor == lap]
        roles.append(f"lap {lap} ({listed(role)})")
    return f"The target cannot be drawn: {listed(roles)} {'has' if len(missing) == 1 else 'have'} no trace."


def own_median(driver: Driver, own: FieldTraces, settings: ReferenceSettings) -> Reference:
    """The median of the driver's clean laps with a trace."""
    count, wanted = own.lap_numbers.size, settings.min_median_laps
    if count < wanted:
        have = ("there is none", "there is one")[count] if count < 2 else f"there are {count}"
        return Reference(name=MEDIAN, reason=f"A median takes {counted(wanted, 'clean lap')} with a trace; {have}.")
    trace = median_trace(own, min_laps=wanted)
    sources = tuple(Source(vehicle_id=driver.vehicle_id, lap_number=int(lap)) for lap in own.lap_numbers)
    text = f"The median of {counted(count, 'clean lap')} with a trace, place by place. Not a driven lap."
    return Reference(name=MEDIAN, lap_time_ms=trace.lap_time_ms, sources=sources, trace=trace, text=text)


def estimate_base(field: Field, median: Reference, field_median: Reference) -> Reference:
    """What laps without a trace are estimated from: the driver's median, or the field's where there is none."""
    if median.trace is None or field.edges_m is None or not _is_known_at_edges(median.trace, field, field.edges_m):
        return field_median
    sources = counted(len(median.sources), "clean lap")
    text = f"The median of {sources} of this car, stretched to the official sector times."
    return Reference(
        name=ESTIMATE, lap_time_ms=median.lap_time_ms, sources=median.sources, trace=median.trace, text=text
    )


def field_estimate(field: Field, settings: ReferenceSettings) -> Reference:
    """The median of all clean laps with a trace, as the base of estimates."""
    laps = field.traces
    if field.edges_m is None:
        return Reference(name=ESTIMATE, reason=_NO_LINES)
    if laps.lap_numbers.size < settings.min_median_laps:
        least = counted(settings.min_median_laps, "clean lap")
        reason = f"The session has fewer than {least} with a trace to estimate from."
        return Reference(name=ESTIMATE, reason=reason)
    trace = median_trace(laps, min_laps=settings.min_median_laps)
    if not _is_known_at_edges(trace, field, field.edges_m):
        return Reference(name=ESTIMATE, reason="The traces of the field have gaps at the sector lines.")
    sources = tuple(
        Source(vehicle_id=str(vehicle), lap_number=int(lap))
        for vehicle, lap in zip(laps.vehicle_ids, laps.lap_numbers, strict=True)
    )
    cars = len({source.vehicle_id for source in sources})
    text = (
        f"The field's median of {counted(len(sources), 'clean lap')} of {counted(cars, 'car')}, stretched to "
        "the official sector times."
    )
    return Reference(name=ESTIMATE, lap_time_ms=trace.lap_time_ms, sources=sources, trace=trace, text=text)


def _is_known_at_edges(trace: Trace, field: Field, edges_m: Array) -> bool:
    return bool(np.isfinite(edge_times(trace, field.traces.distance_m, edges_m)).all())
