"""The field's line over the session's grid: where the circuit runs, how it bends, how fast the field is there.

Positions are GPS's where cars have it (gps.py), else integrated from curvature and closed (inertial.py). Curvature is
inertial in both cases, so that a circuit has the same corners with and without GPS. Corners and segments do not belong
here.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.field import FieldTraces, known_median
from grx_pipeline.track.gps import GPS_COLUMNS, positions_at, to_plane
from grx_pipeline.track.inertial import ClosedLine, close_line, field_curvature

Array = npt.NDArray[np.float64]
Row = dict[str, object]

_GPS_CHANNEL = "VBOX_Lat_Min"


@dataclass(frozen=True, kw_only=True)
class Line:
    """The columns of `track_line`, arrays (k,) on the field's grid, and the rows of `track_sources`.

    No NaN; k is 0 where no lap with a trusted distance has lateral acceleration. `laps` is what curvature and speed
    rest on.
    """

    distance_m: Array
    x_m: Array
    y_m: Array
    curvature_per_m: Array
    speed_kmh: Array
    laps: int
    sources: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class _GpsLine:
    """GPS's line, metres east and north of the start (2, k), and the laps it rests on."""

    line_m: Array
    laps: int


def find_line(context: StepContext, field: FieldTraces) -> Line:
    """The line of the field's clean laps, or of all its laps where none is clean."""
    laps = field.of(field.is_clean) if field.is_clean.any() else field
    count = int(laps.lap_numbers.size)
    if not np.isfinite(laps.channels["accel_y_g"]).any():
        none = np.empty(0)
        return Line(distance_m=none, x_m=none, y_m=none, curvature_per_m=none, speed_kmh=none, laps=0, sources=())
    settings = context.settings.track
    smoothing = settings.curvature_smoothing_m / float(field.distance_m[1])
    closed = close_line(field_curvature(laps), field.distance_m, field.length_m, settings)
    gps = _find_gps(context, laps, smoothing)
    line = gps.line_m if gps else np.stack([closed.x_m, closed.y_m])
    inertial = _inertial_row(closed, gps, laps=count)
    return Line(
        distance_m=field.distance_m,
        x_m=line[0],
        y_m=line[1],
        curvature_per_m=scipy.ndimage.gaussian_filter1d(closed.curvature_per_m, smoothing, mode="wrap"),
        speed_kmh=known_median(laps.channels["speed_kmh"]),
        laps=count,
        sources=(_gps_row(gps), inertial) if gps else (inertial,),
    )


def overlay(line_m: Array, onto_m: Array) -> Array:
    """`line_m` (2, k) turned and moved, not scaled, so that it lies best on `onto_m`, point by point."""
    own, other = (values[0] + 1j * values[1] for values in (line_m, onto_m))
    turn = np.vdot(own - own.mean(), other - other.mean())
    laid = (own - own.mean()) * turn / abs(turn) + other.mean()
    return np.stack([laid.real, laid.imag])


def _find_gps(context: StepContext, laps: FieldTraces, smoothing: float) -> _GpsLine | None:
    """The median position of the laps with GPS, smoothed as curvature is; None where too little of the lap has any."""
    degrees = _read_positions(context, laps)
    is_known = np.isfinite(degrees[0])
    if np.mean(is_known.any(axis=0)) < context.settings.track.gps_coverage:
        return None
    middle = np.stack([known_median(axis) for axis in degrees])
    line = scipy.ndimage.gaussian_filter1d(to_plane(middle, middle[:, 0]), smoothing, axis=1, mode="wrap")
    return _GpsLine(line_m=line - line[:, :1], laps=int(is_known.any(axis=1).sum()))


def _read_positions(context: StepContext, laps: FieldTraces) -> Array:
    """Latitude and longitude (deg) of all laps on the grid, (2, n, k), NaN where there is none."""
    paths, session = context.paths, context.session
    keys = ["vehicle_id", "lap_number"]
    windows = read_frame(paths.table(session, "telemetry_laps"), columns=[*keys, "start_ms"])
    shifts = read_frame(paths.table(session, "lap_distances"), columns=[*keys, "shift_ms"])
    starts = windows.merge(shifts, on=keys).set_index(keys).sum(axis=1)
    vehicles = read_frame(paths.table(session, "telemetry_vehicles"), columns=["vehicle_id", "part", "channels"])
    degrees = np.full((2, *laps.channels["time_ms"].shape), np.nan)
    has_gps = vehicles["channels"].map(lambda channels: _GPS_CHANNEL in channels)
    for name, part in vehicles.loc[has_gps, ["vehicle_id", "part"]].itertuples(index=False):
        rows = np.flatnonzero(laps.vehicle_ids == name)
        if rows.size:
            begin = starts.loc[name].loc[laps.lap_numbers[rows]].to_numpy(float)
            samples = read_frame(paths.table(session, "telemetry", part=part), columns=GPS_COLUMNS)
            time = begin[:, np.newaxis] + laps.channels["time_ms"][rows]
            degrees[:, rows] = positions_at(samples, time, gap_ms=1000 * context.settings.clock.gap_s)
    return degrees


def _gps_row(gps: _GpsLine) -> Row:
    ends = np.column_stack([gps.line_m, gps.line_m[:, :2]])
    heading = np.unwrap(np.arctan2(*np.diff(ends)[::-1]))
    return _row("gps", laps=gps.laps, is_used=True, turned_deg=float(np.degrees(heading[-1] - heading[0])))


def _inertial_row(closed: ClosedLine, gps: _GpsLine | None, *, laps: int) -> Row:
    off = np.hypot(*(overlay(np.stack([closed.x_m, closed.y_m]), gps.line_m) - gps.line_m)) if gps else np.empty(0)
    return _row(
        "inertial",
        laps=laps,
        is_used=gps is None,
        turned_deg=closed.turned_deg,
        raw_closure_m=closed.raw_closure_m,
        closure_m=closed.closure_m,
        gain=closed.gain,
        offset_g=closed.offset_g,
        correction_g=closed.correction_g,
        gps_median_m=float(np.median(off)) if gps else None,
        gps_p95_m=float(np.quantile(off, 0.95)) if gps else None,
    )


def _row(source: str, *, laps: int, is_used: bool, turned_deg: float, **closing: float | None) -> Row:
    names = ("raw_closure_m", "closure_m", "gain", "offset_g", "correction_g", "gps_median_m", "gps_p95_m")
    found = {"source": source, "is_used": is_used, "is_approximate": source != "gps", "laps": laps}
    return found | {"turned_deg": turned_deg} | {name: closing.get(name) for name in names}
