"""The step that writes what session.toml corrects as tables, for the steps that heed it and for people to read."""

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import pyarrow as pa

from grx_pipeline.ingest.manifest import read_manifest
from grx_pipeline.ingest.session_file import SessionFile, read_session_file
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome, combined_hash
from grx_pipeline.track.corner_fixes import PLACES, CornerFix

Row = dict[str, Any]


def build_corrections(context: StepContext) -> StepOutcome:
    """Tables `corrections` and `corner_corrections`, both empty where there is no session.toml."""
    manifest = read_manifest(context.paths.manifest(context.session))
    says = next((read_session_file(file) for file in manifest.of_kind("session")), SessionFile())
    rows = {"corrections": list(_rows(says)), "corner_corrections": list(_corner_rows(says))}
    outputs = []
    for name, table_rows in rows.items():
        outputs.append(context.paths.table(context.session, name))
        numbered = [{"correction": number, **row} for number, row in enumerate(table_rows, start=1)]
        write_table(pa.Table.from_pylist(numbered, schema=TABLES[name].arrow_schema()), outputs[-1], TABLES[name])
    kinds = [row["kind"] for row in rows["corrections"]]
    figures = {f"{kind}s": kinds.count(kind) for kind in dict.fromkeys(kinds)}
    facts = [row for row in rows["corrections"] if row["kind"] != "driver"]
    nameless = {outputs[0]: combined_hash({"corrections": json.dumps(facts)})}
    return StepOutcome(outputs=tuple(outputs), rows=len(kinds), nameless=nameless, figures=figures)


def _rows(says: SessionFile) -> Iterator[Row]:
    entries = chain(_exclusion_rows(says), _logger_rows(says), _circuit_rows(says), _driver_rows(says))
    return iter(sorted(entries, key=lambda row: int(row["line"])))


def _exclusion_rows(says: SessionFile) -> Iterator[Row]:
    for entry in says.exclusions:
        shared = {"line": entry.line, "car": entry.car, "reason": entry.reason}
        if not entry.laps:
            yield {**shared, "kind": "excluded_car", "text": f"Car {entry.car} is excluded: {_sentence(entry.reason)}"}
        for lap in sorted(entry.laps):
            text = f"Lap {lap} of car {entry.car} is excluded: {_sentence(entry.reason)}"
            yield {**shared, "kind": "excluded_lap", "lap_number": lap, "text": text}


def _logger_rows(says: SessionFile) -> Iterator[Row]:
    for entry in says.loggers:
        where = "is nobody's" if entry.car is None else f"is in car {entry.car}"
        text = f"Logger {entry.logger_id} {where}."
        yield {"line": entry.line, "kind": "logger", "car": entry.car, "logger_id": entry.logger_id, "text": text}


def _driver_rows(says: SessionFile) -> Iterator[Row]:
    for entry in says.drivers:
        text = f"Car {entry.car} is driven by {_sentence(entry.name)}"
        yield {"line": entry.line, "kind": "driver", "car": entry.car, "driver_name": entry.name, "text": text}


def _circuit_rows(says: SessionFile) -> Iterator[Row]:
    table = says.corner_table
    if table is not None:
        text = f"The corners are the {len(table.table.corners)} of " + (
            f"the corner table of {table.circuit}." if table.circuit else "session.toml."
        )
        yield {"line": table.line, "kind": "corner_table", "text": text}
    for fix in says.corner_fixes:
        yield {"line": fix.line, "kind": "corner", "corner": fix.result, "text": _fix_text(fix)}


def _fix_text(fix: CornerFix) -> str:
    if fix.is_removed:
        return f"{fix.corner} is no corner."
    changes = [f"name {fix.name}"] if fix.name is not None else []
    changes += [f"a {fix.direction}-hander"] if fix.direction is not None else []
    places = (("start", fix.start_m), ("apex", fix.apex_m), ("end", fix.end_m))
    changes += [f"{name} at {metres:g} m" for name, metres in places if metres is not None]
    if fix.merge:
        begin = f"{' and '.join(fix.merge)} are one corner, {fix.corner}"
    else:
        begin = fix.corner if fix.renumber is None else f"{fix.corner} is {fix.renumber}"
    return f"{': '.join(filter(None, (begin, ', '.join(changes))))}."


def _corner_rows(says: SessionFile) -> Iterator[Row]:
    if says.corner_table is not None:
        table = says.corner_table
        for corner in table.table.corners:
            yield {
                "line": table.line,
                "action": "table",
                **{name: getattr(corner, name) for name in ("corner", "name", *PLACES)},
                "merge": [],
                "is_verified": table.table.is_verified,
                "source": "table" if table.circuit else "team",
            }
    for fix in says.corner_fixes:
        yield {
            "line": fix.line,
            "action": "remove" if fix.is_removed else "change",
            **{name: getattr(fix, name) for name in ("corner", "renumber", "name", *PLACES)},
            "merge": list(fix.merge),
            "is_verified": False,
            "source": "team",
        }


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
