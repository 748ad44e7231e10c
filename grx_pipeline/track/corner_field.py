"""Corners as the field drives them: medians of the laps' points, in which every driver has one vote."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from grx_pipeline.robust import MAD_TO_SD
from grx_pipeline.settings import Settings, TrackSettings
from grx_pipeline.track.circuits import Corner
from grx_pipeline.track.corner_points import CornerPoints, corner_points
from grx_pipeline.track.field import FieldTraces
from grx_pipeline.track.line import Line
from grx_pipeline.track.loop import after, stretch
from grx_pipeline.track.segments import CornerPhases

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class FieldCorner:
    """A corner and the field's figures there (m, on the loop around its apex); NaN where there is none.

    `apex_m` is the least speed, or the corner's own apex where speed has no minimum (then without spread and share).
    """

    corner: Corner
    apex_m: float
    apex_spread_m: float
    apex_share: float
    early_onset_m: float
    onset_m: float
    onset_spread_m: float
    release_m: float
    full_throttle_m: float
    fastest_before_m: float


def field_corners(
    field: FieldTraces, line: Line, corners: Sequence[Corner], settings: Settings
) -> tuple[FieldCorner, ...]:
    """The field's figures of `corners` over the laps of `field` (the clean ones), in lap order."""
    points = corner_points(field, corners, settings.corners)
    measured = []
    for number, corner in enumerate(corners):
        laps = _Laps(
            vehicle_ids=field.vehicle_ids,
            **{f.name: getattr(points, f.name)[:, number] for f in fields(CornerPoints)},
        )
        before = corners[number - 1].apex_m - (0.0 if number else field.length_m)
        columns, places = stretch(line.distance_m, before, corner.apex_m, field.length_m)
        fastest = float(places[np.argmax(line.speed_kmh[columns])])
        measured.append(_measure(corner, laps, fastest, settings.track))
    return tuple(measured)


def phases_of(corner: FieldCorner, length_m: float) -> CornerPhases:
    """Where the field's phases of the corner begin and end."""
    has_braking = bool(np.isfinite(corner.onset_m))
    start = corner.apex_m - (corner.apex_m - corner.corner.start_m) % length_m
    ends = (after(corner.corner.end_m, corner.apex_m, length_m), corner.full_throttle_m)
    return CornerPhases(
        corner=corner.corner.corner,
        begin_m=corner.early_onset_m if has_braking else start,
        released_m=corner.release_m if has_braking else None,
        apex_m=corner.apex_m,
        end_m=float(np.nanmax(ends)),
        fastest_before_m=corner.fastest_before_m,
    )


def driver_median(values: Array, vehicle_ids: npt.NDArray[np.object_]) -> float:
    """The median over drivers of the median over their laps; NaN where no lap is known."""
    return _median([_median(laps) for laps in _by_driver(values, vehicle_ids)])


def driver_spread(values: Array, vehicle_ids: npt.NDArray[np.object_], *, min_laps: int) -> float:
    """The median over drivers with `min_laps` of the robust sd over their laps; NaN without such a driver."""
    groups = [laps for laps in _by_driver(values, vehicle_ids) if laps.size >= min_laps]
    return _median([_robust_sd(laps) for laps in groups])


@dataclass(frozen=True, kw_only=True)
class _Laps:
    """What n laps do at one corner: a column of CornerPoints, and whose laps they are."""

    vehicle_ids: npt.NDArray[np.object_]
    apex_m: Array
    onset_m: Array
    release_m: Array
    full_throttle_m: Array

    def median(self, values: Array) -> float:
        return driver_median(values, self.vehicle_ids)

    def is_usual(self, values: Array, settings: TrackSettings) -> bool:
        """Whether most laps of most drivers have a value."""
        return self.median(np.isfinite(values).astype(float)) >= settings.usual_share


def _measure(corner: Corner, laps: _Laps, fastest_before_m: float, settings: TrackSettings) -> FieldCorner:
    apexes, onsets = laps.apex_m[np.isfinite(laps.apex_m)], laps.onset_m[np.isfinite(laps.onset_m)]
    apex = laps.median(laps.apex_m) if apexes.size else corner.apex_m
    is_braked = laps.is_usual(laps.onset_m, settings)
    spread = driver_spread(laps.onset_m, laps.vehicle_ids, min_laps=settings.min_spread_laps)
    is_full = laps.is_usual(laps.full_throttle_m, settings)
    return FieldCorner(
        corner=corner,
        apex_m=apex,
        apex_spread_m=_robust_sd(apexes),
        apex_share=float(np.mean(np.abs(apexes - apex) <= settings.apex_tolerance_m)) if apexes.size else np.nan,
        early_onset_m=float(np.quantile(onsets, settings.early_onset_share)) if is_braked else np.nan,
        onset_m=laps.median(laps.onset_m) if is_braked else np.nan,
        onset_spread_m=spread if is_braked else np.nan,
        release_m=laps.median(laps.release_m) if is_braked else np.nan,
        full_throttle_m=laps.median(laps.full_throttle_m) if is_full else np.nan,
        fastest_before_m=fastest_before_m,
    )


def _by_driver(values: Array, vehicle_ids: npt.NDArray[np.object_]) -> list[Array]:
    is_known = np.isfinite(values)
    return [values[is_known & (vehicle_ids == driver)] for driver in sorted(set(vehicle_ids[is_known]))]


def _robust_sd(values: Array) -> float:
    return _median(np.abs(values - np.median(values))) * MAD_TO_SD if values.size > 1 else np.nan


def _median(values: Array | list[float]) -> float:
    return float(np.median(values)) if len(values) else np.nan
