"""Records -> what the interactive traces of a page need: laps as text, choices, addresses, and sentences.

Laps that a page opens with stand in it; the median and the driver's other laps are files of their own, loaded when
asked for. What is drawn is decided in static/traces.js, the marks are in templates/_traces.html.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from grx_pipeline.methods.references.choice import CLASS_BEST, ESTIMATE, MEDIAN, OWN_BEST, TARGET
from grx_pipeline.reports.api import CarRecords, SessionRecords
from grx_pipeline.reports.corner_table import anchor
from grx_pipeline.reports.driving_records import Comparison, DptadEvent, Track
from grx_pipeline.reports.formats import KMH_PER_MPH, Style
from grx_pipeline.reports.records import Telemetry
from grx_pipeline.reports.reference_records import Reference
from grx_pipeline.reports.standing import car_label
from grx_pipeline.reports.trace_encoding import CODINGS, encode_lap, script_json
from grx_pipeline.reports.trace_laps import (
    CLASS_BEST_ID,
    ESTIMATE_ID,
    MEDIAN_ID,
    TARGET_ID,
    TraceLap,
    class_best_note,
    driver_laps,
    lap_columns,
    lap_detail,
    lap_reasons,
    with_gaps,
)
from grx_pipeline.reports.trace_static import StaticChart, StaticLap, static_chart
from grx_pipeline.reports.track_map import MapFrame, TrackMap, track_map
from grx_pipeline.settings import ReportSettings

_HASH_LENGTH = 10


@dataclass(frozen=True, kw_only=True)
class TraceView:
    """What _traces.html needs. `data` is JSON for a script element; `files` are laps by path in the site.

    Without a lap to draw `data` is empty and `notes` say why.
    """

    laps: tuple[TraceLap, ...] = ()
    more: tuple[TraceLap, ...] = ()
    reference: str = ""
    data: Markup | str = ""
    notes: tuple[str, ...] = ()
    banner: str = ""
    corners: tuple[tuple[str, str], ...] = ()
    has_events: bool = False
    speed_unit: str = ""
    is_pair: bool = False
    map: TrackMap | None = None
    map_path: str = ""
    static: StaticChart | None = None
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def driver_traces(
    car: CarRecords, records: SessionRecords, *, root: str, style: Style, settings: ReportSettings
) -> TraceView:
    """The traces of a driver page; `root` leads from the page to the site's folder."""
    references = {reference.reference: reference for reference in car.references.references}
    laps = driver_laps(car, records, references, style)
    missing = _reference_notes(car, references)
    if not laps or all(lap.id == CLASS_BEST_ID for lap in laps):
        return TraceView(notes=_none_notes(car, missing))
    inline_laps = {lap.lap_number for lap in laps if lap.id not in (CLASS_BEST_ID, ESTIMATE_ID)}
    files: dict[str, bytes] = {}
    more = tuple(
        _other_lap(car, lap, files, root=root, style=style, settings=settings)
        for lap in car.telemetry
        if lap.lap_number not in inline_laps
    )
    stand_in = class_best_note(car, records, references.get(CLASS_BEST), style)
    reference = _first_of(laps, (TARGET_ID, CLASS_BEST_ID, MEDIAN_ID, laps[0].id))
    laps = [
        _in_file(lap, MEDIAN_ID, car, files, root=root, settings=settings) if lap.id == MEDIAN_ID != reference else lap
        for lap in laps
    ]
    return _view(
        laps,
        more,
        reference=reference,
        track=records.track,
        events=car.dptad.events,
        notes=(*filter(None, [stand_in]), *missing, *_map_notes(records.track), *_event_notes(car)),
        banner=_banner(car, laps),
        files=files,
        style=style,
        settings=settings,
    )


def pair_traces(
    pair: Comparison,
    cars: tuple[CarRecords, CarRecords],
    track: Track,
    *,
    shared_numbers: Sequence[str] = (),
    style: Style,
    settings: ReportSettings,
) -> TraceView:
    """The traces of a compare page: the two compared laps, the first as the reference."""
    laps = []
    for id_, look, car, number in (("a", "best", cars[0], pair.lap_a), ("b", "class", cars[1], pair.lap_b)):
        trace = next((lap for lap in car.telemetry if lap.lap_number == number), None)
        time = next((lap.lap_time_ms for lap in car.laps.laps if lap.lap_number == number), None)
        if trace is None or time is None:
            return TraceView(notes=("It takes a clean lap with a trusted trace of both cars to lay them over.",))
        lap = TraceLap(
            id=id_,
            label=car_label(car.driver, shared_numbers),
            detail=f"lap {number} · {style.lap_time(time)}",
            look=look,
            lap_time_ms=time,
            columns=lap_columns(trace),
            is_shown=True,
        )
        laps.append(with_gaps(lap, style))
    return _view(
        laps,
        (),
        reference="a",
        track=track,
        events=(),
        notes=_map_notes(track),
        banner="",
        files={},
        is_pair=True,
        style=style,
        settings=settings,
    )


def _view(
    laps: Sequence[TraceLap],
    more: Sequence[TraceLap],
    *,
    reference: str,
    track: Track,
    events: Sequence[DptadEvent],
    notes: tuple[str, ...],
    banner: str,
    files: Mapping[str, bytes],
    is_pair: bool = False,
    style: Style,
    settings: ReportSettings,
) -> TraceView:
    end = max(float(lap.columns["distance_m"][-1].as_py()) for lap in laps)
    data = {
        "length": track.length_m or end,
        "channels": {coding.key: [coding.scale, coding.order] for coding in CODINGS.values()},
        "laps": [_lap_data(lap, settings) for lap in laps],
        # A file's hash; where it is, is the same for all.
        "more": {lap.id: lap.source.split(".")[-2] for lap in more},
        "files": more[0].source.rpartition("/")[0] if more else "",
        "ref": reference,
        "shown": [lap.id for lap in laps if lap.is_shown],
        "corners": [
            [corner.corner, anchor(corner.corner), corner.start_m, corner.apex_m, corner.end_m, corner.brake_onset_m]
            for corner in track.corners
        ],
        "tiles": _corner_tiles(track),
        "pair": is_pair,
        "events": [[f"e-{event.id}", event.lap, event.s_start_m, event.s_peak_m, event.s_end_m] for event in events],
        "unit": style.speed_unit,
        "perUnit": KMH_PER_MPH if style.speed_unit == "mph" else 1,
        "comma": style.has_decimal_comma,
        "floor": settings.map_loss_ms,
        "window": settings.map_window_m,
        "lines": [[line.line, line.distance_m] for line in track.timing_lines if line.is_anchor],
    }
    main = next((lap for lap in laps if lap.id != reference), laps[0])
    against = next(lap for lap in laps if lap.id == reference)
    return TraceView(
        laps=tuple(laps),
        more=tuple(more),
        reference=reference,
        data=Markup(script_json(data)),  # noqa: S704  script_json leaves nothing that could end the element
        notes=notes,
        banner=banner,
        corners=tuple((corner.corner, anchor(corner.corner)) for corner in track.corners),
        has_events=bool(events),
        speed_unit=style.speed_unit,
        is_pair=is_pair,
        map=track_map(track),
        map_path=map_path(track, settings),
        static=static_chart(_static_lap(main), _static_lap(against), style),
        files=files,
    )


def _corner_tiles(track: Track) -> list[list[list[float]]]:
    """The segments of each corner as [start, end] (m): what the tables of corners add up. No straight is in them."""
    tiles: dict[str | None, list[list[float]]] = {}
    for segment in track.segments:
        if segment.phase != "straight":
            tiles.setdefault(segment.corner, []).append([segment.start_m, segment.end_m])
    return [tiles.get(corner.corner, []) for corner in track.corners]


def map_path(track: Track, settings: ReportSettings) -> str:
    """The line as an SVG path of points evenly spaced along the lap, which the browser takes places from."""
    frame = MapFrame(track)
    if not frame.is_known:
        return ""
    points = np.linspace(0, frame.length_m, max(round(frame.length_m / settings.map_step_m), 2) + 1)
    x, y = (np.round(values, 1) for values in frame.at(points))
    steps = zip(np.diff(x, prepend=0).tolist(), np.diff(y, prepend=0).tolist(), strict=True)
    moves = [f"{_short(dx)} {_short(dy)}".replace(" -", "-") for dx, dy in steps]
    return f"m{moves[0]}l{' '.join(moves[1:])}z".replace(" -", "-")


def _short(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _static_lap(lap: TraceLap) -> StaticLap:
    return StaticLap(
        label=f"{lap.label}, {lap.detail}",
        look=lap.look,
        distance_m=lap.columns["distance_m"],
        time_ms=lap.columns["time_ms"],
        speed_kmh=lap.columns["speed_kmh"],
    )


def _point_step(columns: Mapping[str, pa.Array], settings: ReportSettings) -> int:
    return max(math.ceil(len(columns["distance_m"]) / settings.page_points), 1)


def _other_lap(
    car: CarRecords,
    trace: Telemetry,
    files: dict[str, bytes],
    *,
    root: str,
    style: Style,
    settings: ReportSettings,
) -> TraceLap:
    """A lap that is loaded on demand; its file is added to `files`."""
    official = next(lap for lap in car.laps.laps if lap.lap_number == trace.lap_number)
    lap = TraceLap(
        id=str(trace.lap_number),
        label=f"Lap {trace.lap_number}",
        detail=lap_detail(official, style),
        look="other",
        lap_time_ms=official.lap_time_ms or 0,
        columns=lap_columns(trace),
        lap_number=trace.lap_number,
        text=" ".join(filter(None, ("" if official.is_clean else f"Not clean: {lap_reasons(official)}.", trace.note))),
    )
    return _in_file(with_gaps(lap, style), f"lap-{trace.lap_number:02d}", car, files, root=root, settings=settings)


def _in_file(
    lap: TraceLap, stem: str, car: CarRecords, files: dict[str, bytes], *, root: str, settings: ReportSettings
) -> TraceLap:
    """The lap with its data in a file, which is added to `files`."""
    content = f"grxLap({script_json(_lap_data(lap, settings))});\n".encode()
    digest = hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]
    name = f"data/{car.driver.path}/{stem}.{digest}.js"
    files[name] = content
    return replace(lap, source=root + quote(name))


def _lap_data(lap: TraceLap, settings: ReportSettings) -> dict[str, Any]:
    """What the browser needs of a lap; of one that is in a file, where that is."""
    if lap.source:
        return {"id": lap.id, "look": lap.look, "source": lap.source}
    step = _point_step(lap.columns, settings)
    distance = lap.columns["distance_m"].slice(0, step + 1).to_pylist()
    stated: dict[str, Any] = {"id": lap.id, "label": lap.label, "detail": lap.detail, "look": lap.look}
    optional = {"lap": lap.lap_number, "text": lap.text, "synthetic": lap.is_synthetic}
    stated |= {name: value for name, value in optional.items() if value}
    stated |= {"time": lap.lap_time_ms, "step": round(distance[-1] - distance[0], 3)}
    return {**stated, **encode_lap(lap.columns, step=step)}


def _first_of(laps: Sequence[TraceLap], wanted: Iterable[str]) -> str:
    there = {lap.id for lap in laps}
    return next(id_ for id_ in wanted if id_ in there)


def _banner(car: CarRecords, laps: Sequence[TraceLap]) -> str:
    """What an estimate is, where there is nothing better."""
    if laps[0].id != ESTIMATE_ID:
        return ""
    basis = next((one.text for one in car.references.references if one.reference == ESTIMATE), "")
    return (
        f"{car.driver.telemetry_note} {basis} Only its times at the sector lines are this car's, so corners have no "
        "figure; pedals and steering are other laps' and are not drawn."
    )


def _reference_notes(car: CarRecords, references: Mapping[str, Reference]) -> tuple[str, ...]:
    """Why references are not there. A car with telemetry needs no estimate, one without nothing else."""
    untold = {ESTIMATE} if car.telemetry else {OWN_BEST, CLASS_BEST, TARGET, MEDIAN}
    notes = [reference.reason for name, reference in references.items() if reference.reason and name not in untold]
    target = references.get(TARGET)
    if target is not None and target.text and car.siwtl.potential_gain_ms == 0:
        notes.append(f"Target: {target.text[0].lower()}{target.text[1:]}")
    return tuple(notes)


def _none_notes(car: CarRecords, missing: Iterable[str]) -> tuple[str, ...]:
    notes = [car.driver.telemetry_note or "No lap with telemetry has an official time.", *missing]
    if not car.telemetry and not car.laps.clean_laps:
        notes.append("Only clean laps could be estimated, and there is none.")
    return tuple(notes)


def _map_notes(track: Track) -> tuple[str, ...]:
    notes = []
    if track_map(track) is None:
        notes.append(track.note or "There is no map: the field's line is not known.")
    if not track.corners:
        notes.append("The corners of this circuit are not known, so places are given in metres from start/finish.")
    return tuple(notes)


def _event_notes(car: CarRecords) -> tuple[str, ...]:
    if car.dptad.events or not car.telemetry:
        return ()
    return (car.dptad.reason or "No unusual moment was found on these laps, so none is marked.",)
