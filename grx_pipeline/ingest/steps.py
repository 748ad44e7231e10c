"""The ingest steps: a session's raw files into the lake, each with its account of rows and its quarantine."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.accounting import write_accounts
from grx_pipeline.ingest.delimited import Layout, TypedRows, read_delimited
from grx_pipeline.ingest.logger_laps import LOGGER_LAP_KINDS, logger_crossings, logger_lap_layout
from grx_pipeline.ingest.manifest import Manifest, RawFile, read_manifest
from grx_pipeline.ingest.rawfiles import open_raw
from grx_pipeline.ingest.results import (
    BEST_LAPS,
    CLASS_RESULTS,
    RESULTS,
    best_laps,
    choose_used,
    class_results,
    results,
)
from grx_pipeline.ingest.timing import ANALYSIS, timing_laps
from grx_pipeline.ingest.weather import WEATHER, weather_readings
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import Figure, StepContext, StepOutcome

__all__ = ["build_logger_laps", "build_timing", "build_weather"]


def build_logger_laps(context: StepContext) -> StepOutcome:
    """lap_start, lap_end and lap_time files to logger_crossings."""
    manifest = read_manifest(context.paths.manifest(context.session))
    reads = [rows for kind in LOGGER_LAP_KINDS for rows in _read_single(context, manifest, logger_lap_layout(kind))]
    path, count = _write(context, "logger_crossings", map(logger_crossings, reads))
    figures: dict[str, Figure] = {rows.account.kind: rows.account.rows_kept for rows in reads}
    figures["loggers"] = len(pd.unique(pd.concat([rows.frame["vehicle_id"] for rows in reads]))) if reads else 0
    figures |= _account_figures(reads) | _missing_figures(manifest, LOGGER_LAP_KINDS)
    return StepOutcome(outputs=(path, *_write_accounts(context, "raw_logger_laps", reads)), rows=count, figures=figures)


def build_timing(context: StepContext) -> StepOutcome:
    """Analysis, results and best-laps files to timing_laps, results, class_results and best_laps."""
    manifest = read_manifest(context.paths.manifest(context.session))
    analysis = _read_single(context, manifest, ANALYSIS)
    best = _read_single(context, manifest, BEST_LAPS)
    overall = [(file, _read(context, file, RESULTS)) for file in manifest.of_kind("results")]
    by_class = [(file, _read(context, file, CLASS_RESULTS)) for file in manifest.of_kind("class_results")]
    used, used_by_class = (choose_used(manifest.of_kind(kind)) for kind in ("results", "class_results"))
    written = {
        "timing_laps": _write(context, "timing_laps", map(timing_laps, analysis)),
        "results": _write(context, "results", [results(r, file=f, is_used=f == used) for f, r in overall]),
        "class_results": _write(
            context, "class_results", [class_results(r, file=f, is_used=f == used_by_class) for f, r in by_class]
        ),
        "best_laps": _write(context, "best_laps", map(best_laps, best)),
    }
    reads = [*analysis, *best, *(rows for _, rows in (*overall, *by_class))]
    figures: dict[str, Figure] = {"laps": written["timing_laps"][1]}
    figures["car_numbers"] = sum(rows.frame["car_number"].nunique() for rows in analysis)
    figures |= {table: count for table, (_, count) in written.items() if table != "timing_laps"}
    figures |= {
        f"{kind}_used": file.name for kind, file in (("results", used), ("class_results", used_by_class)) if file
    }
    figures |= _account_figures(reads) | _missing_figures(
        manifest, ("analysis", "results", "class_results", "best_laps")
    )
    tables = [path for path, _ in written.values()]
    return StepOutcome(
        outputs=(*tables, *_write_accounts(context, "raw_timing", reads)),
        rows=written["timing_laps"][1],
        figures=figures,
    )


def build_weather(context: StepContext) -> StepOutcome:
    """The weather file to table weather."""
    manifest = read_manifest(context.paths.manifest(context.session))
    reads = _read_single(context, manifest, WEATHER)
    gap = context.settings.ingest.track_temp_gap_c
    readings = [weather_readings(rows, track_temp_gap_c=gap) for rows in reads]
    path, count = _write(context, "weather", [reading.frame for reading in readings])
    figures: dict[str, Figure] = {"readings": count}
    figures |= {f"{column}_sentinels": n for reading in readings for column, n in reading.sentinels.items()}
    figures["time_mismatches"] = sum(reading.time_mismatches for reading in readings)
    figures |= _account_figures(reads) | _missing_figures(manifest, ("weather",))
    return StepOutcome(outputs=(path, *_write_accounts(context, "raw_weather", reads)), rows=count, figures=figures)


def _read_single(context: StepContext, manifest: Manifest, layout: Layout) -> list[TypedRows]:
    """The session's only file of a kind, or nothing. Raises InputError where there are several."""
    files = manifest.of_kind(layout.kind)
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise InputError(
            f"{context.session}: {len(files)} {layout.kind} files ({names}); leave one of them in its folder"
        )
    return [_read(context, file, layout) for file in files]


def _read(context: StepContext, file: RawFile, layout: Layout) -> TypedRows:
    with open_raw(file) as raw:
        rows = read_delimited(raw, file=file.name, layout=layout)
    for lost in rows.unreadable:
        context.progress(
            f"{file.name}: {lost.count} values of {lost.header} cannot be read and are left empty "
            f"(the first is '{lost.first_text}' in line {lost.first_line})"
        )
    return rows


def _write(context: StepContext, name: str, frames: Iterable[pd.DataFrame]) -> tuple[Path, int]:
    """Write one table of all `frames`; without any it is empty. Returns its path and row count."""
    path, parts = context.paths.table(context.session, name), list(frames)
    rows = pd.concat(parts, ignore_index=True) if parts else TABLES[name].arrow_schema().empty_table()
    return path, write_table(rows, path, TABLES[name])


def _write_accounts(context: StepContext, step: str, reads: Sequence[TypedRows]) -> tuple[Path, Path]:
    return write_accounts(context, step, [rows.account for rows in reads], [rows.quarantine for rows in reads])


def _account_figures(reads: Sequence[TypedRows]) -> dict[str, Figure]:
    return {
        "set_aside": sum(rows.account.rows_set_aside for rows in reads),
        "exact_duplicates": sum(rows.account.exact_duplicates for rows in reads),
        "values_unreadable": sum(lost.count for rows in reads for lost in rows.unreadable),
    }


def _missing_figures(manifest: Manifest, kinds: Sequence[str]) -> dict[str, Figure]:
    missing = ", ".join(kind for kind in kinds if not manifest.of_kind(kind))
    return {"missing": missing} if missing else {}
