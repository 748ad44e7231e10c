"""The JSON record of what the team corrects in session.toml, and how it is read from the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grx_pipeline.laps.validity import EXCLUDED, REASONS
from grx_pipeline.reports.formats import counted, number
from grx_pipeline.reports.tables import Row, SessionTables


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One entry of session.toml, in its `line`: `text` says it in a sentence, `effect` what came of it.

    `kind` is driver, excluded_car, excluded_lap, logger, corner_table or corner. It is about the cars `vehicle_ids`.
    """

    kind: str
    line: int
    vehicle_ids: tuple[str, ...]
    lap_number: int | None
    logger_id: str | None
    driver_name: str | None
    corner: str | None
    reason: str | None
    text: str
    effect: str | None


def correction_records(tables: SessionTables) -> tuple[Correction, ...]:
    """Every entry in the order of the file."""
    laps = tables.by_vehicle("laps")
    return tuple(_record(row, tables, laps) for row in tables.rows["corrections"])


def exclusions_of(corrections: Sequence[Correction]) -> Mapping[int | None, str]:
    """Why a car's laps are excluded, by lap number; None stands for the whole car."""
    kinds = ("excluded_car", "excluded_lap")
    return {entry.lap_number: entry.reason or "" for entry in corrections if entry.kind in kinds}


def correction_lines(corrections: Sequence[Correction]) -> tuple[str, ...]:
    """What a page lists: each entry with what came of it; many names in one line."""
    named = [entry for entry in corrections if entry.kind == "driver"]
    lines = [f"{entry.text} {entry.effect or ''}".strip() for entry in corrections if entry.kind != "driver"]
    if len(named) == 1:
        lines.append(named[0].text)
    elif named:
        lines.append(f"{counted(len(named), 'driver')} named.")
    return tuple(lines)


def _record(row: Row, tables: SessionTables, laps: Mapping[str, list[Row]]) -> Correction:
    vehicles = _vehicles(row, tables)
    names = ("kind", "line", "lap_number", "logger_id", "driver_name", "corner", "reason", "text")
    own = laps.get(vehicles[0], []) if vehicles else []
    effect = _effect(row, tables, own)
    return Correction(**{name: row[name] for name in names}, vehicle_ids=vehicles, effect=effect)


def _effect(row: Row, tables: SessionTables, laps: Sequence[Row]) -> str | None:
    """What came of an entry, in a sentence; `laps` are its car's."""
    match row["kind"]:
        case "excluded_lap":
            return _lap_effect(row, laps)
        case "excluded_car":
            return _car_effect(laps)
        case "logger":
            return _logger_effect(row, tables)
        case "corner":
            return _corner_effect(row, tables)
    return None


def _vehicles(row: Row, tables: SessionTables) -> tuple[str, ...]:
    drivers = tables.rows["drivers"]
    own = [driver["vehicle_id"] for driver in drivers if driver["driver_id"] == row["car"]]
    same_number = [driver["vehicle_id"] for driver in drivers if driver["car_number"] == row["car"]]
    return tuple(own or same_number)


def _lap_effect(row: Row, laps: Sequence[Row]) -> str:
    lap = next(lap for lap in laps if lap["lap_number"] == row["lap_number"])
    others = _other_reasons(lap)
    return f"It was no clean lap: {'; '.join(others)}." if others else "It would be a clean lap."


def _car_effect(laps: Sequence[Row]) -> str:
    clean = sum(1 for lap in laps if not _other_reasons(lap))
    return f"{counted(len(laps), 'lap')} count nowhere; {number(clean)} of them would be clean."


def _other_reasons(lap: Row) -> list[str]:
    """What else keeps an excluded lap from being clean."""
    told = (REASONS[code] for code in lap["reasons"] if code != EXCLUDED)
    return [reason.text for reason in told if reason.excludes != "none"]


def _logger_effect(row: Row, tables: SessionTables) -> str | None:
    match = next((match for match in tables.rows["logger_matches"] if match["logger_id"] == row["logger_id"]), None)
    if match is None or row["car"] is None:
        return None
    fit = f"{number(match['crossings_matched'])} of {counted(match['crossings'], 'crossing')} fit its official laps"
    is_better = match["second_best"] > match["crossings_matched"]
    return f"{fit}, {number(match['second_best'])} those of another car." if is_better else f"{fit}."


def _corner_effect(row: Row, tables: SessionTables) -> str | None:
    """Where the field's apex is, of a fix that places the corner."""
    if not tables.rows["corners"]:
        return "No lap with telemetry tells the circuit, so it changes nothing."
    fix = next(
        fix
        for fix in tables.rows["corner_corrections"]
        if fix["line"] == row["line"] and (fix["renumber"] or fix["corner"]) == row["corner"]
    )
    places = (fix["start_m"], fix["apex_m"], fix["end_m"])
    if fix["action"] == "remove" or (not fix["merge"] and all(place is None for place in places)):
        return None
    found = next(corner for corner in tables.rows["corners"] if corner["corner"] == row["corner"])
    if found["apex_share"] is None:
        return f"Its apex is at {number(found['apex_m'])} m."
    return f"The field is slowest at {number(found['apex_m'])} m, which counts as its apex."
