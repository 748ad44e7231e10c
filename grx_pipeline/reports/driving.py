"""Tables -> records of one driver's driving: corners, ledger, DPTAD, opportunities. The circuit is in circuit.py."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from statistics import median
from typing import Any

from grx_pipeline.reports.driving_records import (
    ByCategory,
    CornerFigure,
    Dptad,
    DptadEvent,
    DptadLap,
    DriverCorner,
    DriverCorners,
    Ledger,
    LedgerLine,
    Opportunities,
    Opportunity,
    RollingLap,
    Smoothness,
    SpeedFigures,
)
from grx_pipeline.reports.encoding import from_row
from grx_pipeline.reports.precision import known_rounded, rounded
from grx_pipeline.reports.records import Figure
from grx_pipeline.reports.tables import Row
from grx_pipeline.schemas import TABLES
from grx_pipeline.schemas.columns import CATEGORIES
from grx_pipeline.settings import CornerSettings

DRIVING_TABLES = (
    *("corner_laps", "corner_drivers", "ledger", "dptad_events", "dptad_laps", "dptad_scores", "opportunities"),
    *("ledger_drivers", "dptad_drivers", "opportunity_drivers"),
)
_UNITS = {c.name: c.unit for c in TABLES["corner_laps"].columns if c.name not in TABLES["corner_laps"].key}

# Why a figure of a corner is not there.
_HIDDEN = "a gap in the telemetry"
_NO_BRAKING, _CUT_BRAKING = "no braking", "braking that begins before the line or in a gap of the telemetry"
_NOT_OPENED, _NO_SLOWEST = "the throttle is not opened anew", "the speed only rises or falls"
_NOT_DRIVEN = {
    **dict.fromkeys(("brake_onset_m", "brake_release_m"), _NO_BRAKING),
    **dict.fromkeys(("throttle_on_m", "full_throttle_m", "exit_steering_deg"), _NOT_OPENED),
    "apex_m": _NO_SLOWEST,
}

# One driver's rows of DRIVING_TABLES; a table without rows of the driver is not there.
DrivingRows = Mapping[str, list[Row]]
CornerNames = Mapping[int | None, str | None]


def driver_corners(
    vehicle_id: str,
    rows: DrivingRows,
    corners: CornerNames,
    quartiles: Mapping[tuple[int, str], Row],
    note: str | None,
    *,
    clean: Collection[int],
    settings: CornerSettings,
) -> DriverCorners:
    """What the driver did at each corner. `quartiles` are the rows of corner_field of the driver's class.

    Figures are over the laps of `clean`; where there is no trace of a lap at all, `note` says why.
    """
    by_corner: dict[int, list[Row]] = {}
    for row in rows.get("corner_laps", ()):
        by_corner.setdefault(row["corner_index"], []).append(row)
    medians: dict[int, dict[str, Row]] = {}
    for row in rows.get("corner_drivers", ()):
        medians.setdefault(row["corner_index"], {})[row["figure"]] = row
    laps = sorted({row["lap_number"] for row in rows.get("corner_laps", ())})
    return DriverCorners(
        vehicle_id=vehicle_id,
        lap_numbers=tuple(laps),
        corners=tuple(
            DriverCorner(
                corner=str(corners[index]),
                figures={
                    name: _corner_figure(figure, quartiles.get((index, name)), _UNITS[name])
                    for name, figure in medians.get(index, {}).items()
                },
                by_lap=_by_lap(by_corner[index], laps),
                missing=_missing(
                    [row for row in by_corner[index] if row["lap_number"] in clean], medians.get(index, {}), settings
                ),
            )
            for index in sorted(by_corner)
        ),
        note=None if laps else note,
    )


def _missing(rows: list[Row], there: Collection[str], settings: CornerSettings) -> dict[str, str]:
    """Why figures have no value on any clean lap; `rows` are those of corner_laps on these."""
    if not rows:
        return dict.fromkeys(_UNITS, "no clean lap has a trusted trace")
    peaks = [row["brake_peak_bar"] for row in rows if row["brake_peak_bar"] is not None]
    is_seen = {
        _NO_BRAKING: bool(peaks),
        _NOT_OPENED: any(row["coasting_s"] is not None for row in rows),
        _NO_SLOWEST: any(row["min_speed_kmh"] is not None for row in rows),
    }
    reasons = {name: reason if is_seen[reason] else _HIDDEN for name, reason in _NOT_DRIVEN.items()}
    if peaks and median(peaks) > settings.braking_peak_bar:
        reasons |= dict.fromkeys(("brake_onset_m", "brake_release_m"), _CUT_BRAKING)
    return {name: reasons.get(name, _HIDDEN) for name in _UNITS if name not in there}


def _corner_figure(row: Row, quartiles: Row | None, unit: str) -> CornerFigure:
    return CornerFigure(
        median=rounded(row["median"], unit),
        spread=rounded(row["spread"], unit),
        laps=row["laps"],
        class_quartiles=None
        if quartiles is None
        else (
            known_rounded(quartiles["quartile_1"], unit),
            known_rounded(quartiles["median"], unit),
            known_rounded(quartiles["quartile_3"], unit),
        ),
        class_drivers=0 if quartiles is None else quartiles["drivers"],
    )


def _by_lap(rows: list[Row], laps: list[int]) -> dict[str, tuple[Figure, ...]]:
    row_of = {row["lap_number"]: row for row in rows}
    return {
        name: tuple(_value(row_of[lap][name], unit) if lap in row_of else None for lap in laps)
        for name, unit in _UNITS.items()
    }


def _value(value: Figure, unit: str) -> Figure:
    return value if isinstance(value, int) else rounded(value, unit)


def ledger(vehicle_id: str, rows: DrivingRows, corners: CornerNames) -> Ledger:
    """The driver's ledger; without its row (no clean lap) it is empty."""
    summary: Mapping[str, Any] = next(iter(rows.get("ledger_drivers", ())), {})
    lines: dict[str, list[LedgerLine]] = {"sector": [], "segment": []}
    for row in rows.get("ledger", ()):
        lines[row["level"]].append(_ledger_line(row, corners))
    rolling = None
    if summary.get("rolling_best_ms") is not None:
        rolling = RollingLap(
            lap_time_ms=summary["rolling_best_ms"],
            start_m=known_rounded(summary["rolling_start_m"], "m"),
            lap_number=summary["rolling_lap_number"],
        )
    return Ledger(
        vehicle_id=vehicle_id,
        potential_gain_ms=summary.get("potential_gain_ms"),
        sectors=tuple(lines["sector"]),
        segments=tuple(lines["segment"]),
        rolling_lap=rolling,
        note=summary.get("note"),
    )


def _ledger_line(row: Row, corners: CornerNames) -> LedgerLine:
    texts = {name: tuple(row[name]) for name in ("evidence", "event_ids")}
    return from_row(LedgerLine, {**row, **texts, "corner": corners.get(row["corner_index"])})


def dptad(vehicle_id: str, rows: DrivingRows, corners: CornerNames) -> Dptad:
    """The driver's scores, events and figures."""
    summary: Mapping[str, Any] = next(iter(rows.get("dptad_drivers", ())), {})
    scores = {row["category"]: row for row in rows.get("dptad_scores", ())}
    by_lap: dict[int, dict[str, Row]] = {}
    for row in rows.get("dptad_laps", ()):
        by_lap.setdefault(row["lap_number"], {})[row["category"]] = row
    events = tuple(_event(row, corners) for row in rows.get("dptad_events", ()))
    return Dptad(
        vehicle_id=vehicle_id,
        scores=_by_category({name: row["median_score"] for name, row in scores.items()}),
        worst=_by_category({name: row["worst_score"] for name, row in scores.items()}),
        smoothness=Smoothness(
            **{name: rounded(summary.get(f"{name}_smoothness"), "") for name in ("brake", "throttle", "steering")}
        ),
        speed=SpeedFigures(
            consistency=rounded(summary.get("speed_consistency"), ""),
            corner_speed_loss=rounded(summary.get("corner_speed_loss"), ""),
            corner_exit_efficiency=rounded(summary.get("corner_exit_efficiency"), ""),
        ),
        own_laps=summary.get("own_laps", 0),
        laps_judged=summary.get("laps_judged", 0),
        field_laps=summary.get("field_laps", 0),
        highest_score=rounded(summary.get("highest_score"), "score"),
        threshold=rounded(summary.get("threshold"), ""),
        laps=tuple(
            DptadLap(
                lap=lap,
                scores=_by_category({name: row["score"] for name, row in of_lap.items()}),
                significant=tuple(name for name in CATEGORIES if name in of_lap and of_lap[name]["is_significant"]),
                events=sum(event.lap == lap for event in events),
            )
            for lap, of_lap in sorted(by_lap.items())
        ),
        events=events,
        insights=tuple(summary.get("insights", ())),
        reason=summary.get("reason"),
    )


def _by_category(values: Mapping[str, float]) -> ByCategory:
    return ByCategory(**{name: rounded(values.get(name), "score") for name in CATEGORIES})


def _event(row: Row, corners: CornerNames) -> DptadEvent:
    return DptadEvent(
        id=row["event_id"],
        lap=row["lap_number"],
        at_utc=None if row["at_ms"] is None else utc_text(row["at_ms"]),
        time_in_lap_s=rounded(row["time_in_lap_s"], "s"),
        s_start_m=known_rounded(row["start_m"], "m"),
        s_end_m=known_rounded(row["end_m"], "m"),
        s_peak_m=known_rounded(row["peak_m"], "m"),
        corner=corners.get(row["corner_index"]),
        phase=row["phase"],
        sector=row["sector"],
        channel=row["category"],
        type=row["type"],
        sign=row["sign"],
        z=known_rounded(row["z"], "score"),
        p_value=known_rounded(row["p_value"], ""),
        time_lost_ms=rounded(row["time_lost_ms"], "ms"),
        is_costly=row["is_costly"],
        text=row["text"],
    )


def utc_text(at_ms: int) -> str:
    """A time of day as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{at_ms % 1000:03d}Z"


def opportunities(vehicle_id: str, rows: DrivingRows, corners: CornerNames) -> Opportunities:
    """What the driver is told, all that was tested, and why there is nothing where there is nothing."""
    summary: Mapping[str, Any] = next(iter(rows.get("opportunity_drivers", ())), {})
    tested = tuple(
        from_row(
            Opportunity,
            {
                **row,
                "corner": corners[row["corner_index"]],
                "loss_ms": known_rounded(row["loss_ms"], "ms"),
                "floor_ms": known_rounded(row["floor_ms"], "ms"),
                "evidence": tuple(row["evidence"]),
            },
        )
        for row in rows.get("opportunities", ())
    )
    told = sorted((line for line in tested if line.rank is not None), key=lambda line: line.rank or 0)
    return Opportunities(
        vehicle_id=vehicle_id,
        told=tuple(told),
        tested=tested,
        loss_ms=known_rounded(summary.get("loss_ms", 0.0), "ms"),
        reason=summary.get("reason"),
    )
