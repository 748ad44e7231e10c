"""The chain of steps from raw files to the published site, and why each one runs or not.

Every step is a plain function of a StepContext; Dagster shows them as assets (defs/), but nothing here knows it.
A step runs where its code, a setting it uses, a raw file it reads or an earlier step's result changed, or where
a file it wrote is missing or altered.
"""

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from grx_pipeline.ingest.corrections import build_corrections
from grx_pipeline.ingest.manifest import raw_versions, read_manifest
from grx_pipeline.ingest.raw_check import unchanged
from grx_pipeline.ingest.steps import build_logger_laps, build_timing, build_weather
from grx_pipeline.ingest.telemetry import build_telemetry
from grx_pipeline.laps.steps import build_laps, build_telemetry_laps
from grx_pipeline.methods.advice.steps import build_compare, build_opportunities
from grx_pipeline.methods.dptad.steps import build_dptad
from grx_pipeline.methods.driving.steps import build_corners, build_ledger
from grx_pipeline.methods.references.steps import build_references
from grx_pipeline.methods.steps import build_features, build_siwtl, build_statistics
from grx_pipeline.narratives.steps import build_narratives
from grx_pipeline.paths import Paths
from grx_pipeline.reports.steps import build_reports
from grx_pipeline.settings import Settings
from grx_pipeline.storage.code import code_hash
from grx_pipeline.storage.memory import memory_errors
from grx_pipeline.storage.steps import (
    Figure,
    StepContext,
    StepOutcome,
    StepRecord,
    Verdict,
    changed_inputs,
    changed_outputs,
    distrust_damage,
    make_record,
    read_record,
    require_whole,
    unjudged,
    write_record,
)
from grx_pipeline.storage.warehouse import build_warehouse
from grx_pipeline.track.circuit_steps import build_track
from grx_pipeline.track.steps import build_traces


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `tables` are the names of schemas.TABLES it writes, the first its main one; `reads` are earlier
    steps; `raw_kinds` kinds of raw files; `packages` the code whose change makes it run again."""

    name: str
    text: str
    build: Callable[[StepContext], StepOutcome]
    packages: tuple[str, ...]
    tables: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    raw_kinds: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    is_byte_stable: bool = True


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What became of a step: `was_built`, or skipped because nothing changed."""

    step: str
    was_built: bool
    reason: str
    version: str
    rows: int
    figures: Mapping[str, Figure]
    seconds: float


_ACCOUNT = ("row_accounting", "quarantine")

# What the session's database and its site are made of: every step before them.
_RESULTS = (
    *("raw_telemetry", "raw_logger_laps", "raw_timing", "raw_weather", "raw_corrections"),
    *("core_laps", "core_telemetry_laps"),
    *("core_traces", "core_track", "core_corners", "core_features", "core_references", "out_siwtl", "out_dptad"),
    *("out_ledger", "out_statistics", "out_opportunities", "out_compare", "out_narratives"),
)

_CHAIN = (
    Step(
        name="raw_telemetry",
        text="Telemetry samples as logged, one file per car, every raw row accounted for.",
        build=build_telemetry,
        packages=("ingest", "paths", "schemas", "sql", "storage"),
        tables=("telemetry", "telemetry_vehicles", *_ACCOUNT),
        raw_kinds=("telemetry", "telemetry_json"),
        settings=("ingest",),
    ),
    Step(
        name="raw_logger_laps",
        text="The loggers' own line crossings (lap_start, lap_end, lap_time).",
        build=build_logger_laps,
        packages=("ingest", "schemas", "storage"),
        tables=("logger_crossings", *_ACCOUNT),
        raw_kinds=("lap_start", "lap_end", "lap_time"),
    ),
    Step(
        name="raw_timing",
        text="Official laps, classification and best laps as the timing published them.",
        build=build_timing,
        packages=("ingest", "schemas", "storage"),
        tables=("timing_laps", "results", "class_results", "best_laps", *_ACCOUNT),
        raw_kinds=("analysis", "results", "class_results", "best_laps"),
    ),
    Step(
        name="raw_weather",
        text="Weather station readings, sentinels removed.",
        build=build_weather,
        packages=("ingest", "schemas", "storage"),
        tables=("weather", *_ACCOUNT),
        raw_kinds=("weather",),
        settings=("ingest",),
    ),
    Step(
        name="raw_corrections",
        text="What the team says in session.toml: excluded laps and cars, whose logger it is, corners, names.",
        build=build_corrections,
        packages=("ingest", "schemas", "storage", "track"),
        tables=("corrections", "corner_corrections"),
        raw_kinds=("session",),
    ),
    Step(
        name="core_laps",
        text="Cars, official laps with validity and reasons, which logger is which car, yellow phases.",
        build=build_laps,
        packages=("ingest", "laps", "paths", "robust", "schemas", "storage", "track"),
        tables=("laps", "drivers", "sessions", "logger_matches", "unmatched_loggers", "neutralisations"),
        reads=("raw_telemetry", "raw_logger_laps", "raw_timing", "raw_weather", "raw_corrections"),
        raw_kinds=("session",),
        settings=("match", "laps"),
    ),
    Step(
        name="core_telemetry_laps",
        text="ECU clocks against UTC, sensor corrections, and the telemetry of each official lap.",
        build=build_telemetry_laps,
        packages=("laps", "robust", "schemas", "storage"),
        tables=("telemetry_laps", "clock_pieces", "sensors"),
        reads=("raw_telemetry", "core_laps"),
        settings=("clock", "sensors"),
    ),
    Step(
        name="core_traces",
        text="Laps over distance, every channel every 2 m, pinned at the sector lines; where the timing lines are.",
        build=build_traces,
        packages=("robust", "schemas", "storage", "track"),
        tables=("lap_traces", "lap_distances", "timing_lines", "distance_checks"),
        reads=("raw_telemetry", "core_telemetry_laps", "core_laps"),
        settings=("trace", "clock"),
    ),
    Step(
        name="core_track",
        text="The circuit as the field drove it: line, corners, and the segments that all laps are compared on.",
        build=build_track,
        packages=("robust", "schemas", "storage", "track"),
        tables=("track_line", "track_sources", "corners", "segments"),
        reads=("raw_telemetry", "raw_corrections", "core_telemetry_laps", "core_laps", "core_traces"),
        settings=("track", "corners", "clock"),
    ),
    Step(
        name="core_corners",
        text="Every lap corner by corner: speeds, braking, throttle, hands, and the time in each segment.",
        build=build_corners,
        packages=("methods", "robust", "schemas", "storage", "track"),
        tables=("segment_laps", "corner_laps", "corner_drivers", "corner_field"),
        reads=("core_telemetry_laps", "core_laps", "core_traces", "core_track"),
        settings=("corners", "features"),
    ),
    Step(
        name="core_features",
        text="What hands and feet did in each lap: means, spikes, drops, corrections, smoothness.",
        build=build_features,
        packages=("methods", "schemas", "storage", "track"),
        tables=("telemetry_features",),
        reads=("raw_telemetry", "core_telemetry_laps"),
        settings=("features", "clock"),
    ),
    Step(
        name="out_siwtl",
        text="SIWTL: each driver's target lap, sector by sector.",
        build=build_siwtl,
        packages=("methods", "robust", "schemas", "storage"),
        tables=("siwtl", "siwtl_sectors"),
        reads=("core_laps",),
        settings=("siwtl",),
    ),
    Step(
        name="core_references",
        text="The laps each driver is compared with: own best, class best, target, median, and what estimates rest on.",
        build=build_references,
        packages=("formats", "methods", "robust", "schemas", "storage", "track"),
        tables=("reference_laps", "reference_sources", "reference_traces"),
        reads=("core_laps", "core_traces", "out_siwtl"),
        settings=("reference",),
    ),
    Step(
        name="out_dptad",
        text="DPTAD: unusual driving against the driver's own clean laps, scored, named and costed.",
        build=build_dptad,
        packages=("formats", "methods", "robust", "schemas", "storage", "track"),
        tables=("dptad_events", "dptad_laps", "dptad_scores", "dptad_drivers"),
        reads=("core_telemetry_laps", "core_laps", "core_traces", "core_track", "core_corners", "core_features"),
        settings=("dptad", "trace", "clock"),
    ),
    Step(
        name="out_ledger",
        text="Best lap minus SIWTL, line by line: sectors, phases of corners, and straights.",
        build=build_ledger,
        packages=("formats", "methods", "robust", "schemas", "storage", "track"),
        tables=("ledger", "ledger_drivers"),
        reads=(
            *("core_telemetry_laps", "core_laps", "core_traces", "core_track", "core_corners", "out_siwtl"),
            "out_dptad",
        ),
        settings=("ledger", "clock"),
    ),
    Step(
        name="out_statistics",
        text="Lap statistics per driver and of the field.",
        build=build_statistics,
        packages=("methods", "robust", "schemas", "storage"),
        tables=("lap_statistics", "fleet_statistics"),
        reads=("core_laps", "core_telemetry_laps", "out_siwtl"),
    ),
    Step(
        name="out_opportunities",
        text="What each driver should change, at most three things, or why nothing can be said.",
        build=build_opportunities,
        packages=("methods", "robust", "schemas", "storage"),
        tables=("opportunities", "opportunity_drivers"),
        reads=("core_laps", "core_telemetry_laps", "core_track", "core_corners"),
        settings=("opportunities", "corners", "clock"),
    ),
    Step(
        name="out_compare",
        text="Every pair of drivers, sector by sector and corner by corner, and drivers in order.",
        build=build_compare,
        packages=("formats", "methods", "robust", "schemas", "storage"),
        tables=("comparisons", "comparison_lines", "rankings"),
        reads=("core_laps", "core_telemetry_laps", "core_track", "core_corners", "out_siwtl", "out_dptad"),
        settings=("opportunities", "clock", "dptad", "siwtl"),
    ),
    Step(
        name="out_narratives",
        text="Coaching texts from the results: each driver, the session, pairs. Every figure in them is a fact.",
        build=build_narratives,
        packages=("formats", "laps", "methods", "narratives", "robust", "schemas", "storage"),
        tables=("narratives", "narrative_facts", "narrative_requests"),
        reads=(
            *("raw_weather", "core_laps", "core_track", "core_corners", "out_siwtl", "out_ledger", "out_statistics"),
            *("out_dptad", "out_opportunities", "out_compare"),
        ),
        settings=("narrative", "llm"),
    ),
    Step(
        name="out_warehouse",
        text="The session's DuckDB file for SQL.",
        build=build_warehouse,
        packages=("schemas", "storage"),
        reads=_RESULTS,
        is_byte_stable=False,
    ),
    Step(
        name="out_reports",
        text="The session's report site: JSON and pages, published at once.",
        build=build_reports,
        packages=(
            *("formats", "forks", "ingest", "laps", "methods", "narratives", "publishing", "reports", "robust"),
            *("schemas", "sessions", "storage", "track"),
        ),
        reads=_RESULTS,
        settings=("report", "features", "track", "match", "narrative"),
        is_byte_stable=False,
    ),
)

STEPS: dict[str, Step] = {step.name: step for step in _CHAIN}


def run_step(step: Step, context: StepContext, verdict: Verdict = unjudged) -> StepResult:
    """Run `step` unless nothing it depends on changed; say which, and why.

    What it wrote stands only after the `verdict` on it: where that is None it runs again next time. Raises
    ContractError or InputError where a file that it reads does not hold what its record says.
    """
    started = time.perf_counter()
    inputs = _step_inputs(step, context)
    place = context.paths.step_record(context.session, step.name)
    record = read_record(place)
    reason = _why_stale(record, inputs, context.paths)
    was_built = reason is not None
    if record is None or reason is not None:
        outcome = _build(step, context)
        warnings = verdict()
        record = make_record(inputs, outcome, paths=context.paths, is_byte_stable=step.is_byte_stable)
        if warnings is None:
            place.unlink(missing_ok=True)
        else:
            write_record(place, replace(record, warnings=warnings))
    return StepResult(
        step=step.name,
        was_built=was_built,
        reason=reason or "nothing it depends on changed",
        version=record.version,
        rows=record.rows,
        figures=record.figures,
        seconds=time.perf_counter() - started,
    )


def stale_steps(context: StepContext) -> dict[str, str]:
    """The steps that have to run, in order, each with why: something changed, or a step before it runs.

    A step after another may turn out unchanged when its turn comes.
    """
    stale: dict[str, str] = {}
    for step in STEPS.values():
        before = next((name for name in step.reads if name in stale), None)
        record = read_record(context.paths.step_record(context.session, step.name))
        reason = _why_stale(record, _step_inputs(step, context), context.paths)
        if reason is None and before is not None:
            reason = f"after {before}"
        if reason is not None:
            stale[step.name] = reason
    return stale


def steps_to_run(context: StepContext) -> dict[str, str]:
    """As stale_steps, and the steps of which a file that those will read was damaged, whatever its size and time."""
    looked_at: set[str] = set()
    while True:
        stale = stale_steps(context)
        unread = {name for step in stale for name in STEPS[step].reads} - stale.keys() - looked_at
        if not unread:
            return stale
        for name in unread:
            distrust_damage(context.paths.step_record(context.session, name), context.paths)
        looked_at |= unread


def forget_step(step: Step, context: StepContext) -> None:
    """Make `step` run again next time."""
    context.paths.step_record(context.session, step.name).unlink(missing_ok=True)


def step_figures(paths: Paths, session: str, step: str) -> Mapping[str, Figure]:
    """The figures of a step's last run; none where it never ran."""
    record = read_record(paths.step_record(session, step))
    return record.figures if record else {}


def _build(step: Step, context: StepContext) -> StepOutcome:
    """What the step makes of whole files: none is read whose bytes are not those of its record."""
    paths, session = context.paths, context.session
    for name in () if context.is_checked else step.reads:
        require_whole(paths.step_record(session, name), paths)
    raw = read_manifest(paths.manifest(session)).of_kind(*step.raw_kinds) if step.raw_kinds else ()
    with unchanged(raw), memory_errors(f"{session} {step.name}"):
        return step.build(context)


def _why_stale(record: StepRecord | None, inputs: Mapping[str, str], paths: Paths) -> str | None:
    if record is None:
        return "first run"
    inputs_changed = changed_inputs(record, inputs)
    if inputs_changed:
        return f"changed: {', '.join(inputs_changed)}"
    outputs_changed = changed_outputs(record, paths)
    if outputs_changed:
        others = f" and {len(outputs_changed) - 1} more" if len(outputs_changed) > 1 else ""
        return f"missing or altered: {outputs_changed[0]}{others}"
    return None


def _step_inputs(step: Step, context: StepContext) -> dict[str, str]:
    inputs = {f"code {package}": code_hash(package) for package in step.packages}
    for group in step.settings:
        inputs |= _setting_values(context.settings, group)
    if step.raw_kinds:
        inputs |= raw_versions(context.paths.manifest(context.session), kinds=step.raw_kinds)
    for name in step.reads:
        record = read_record(context.paths.step_record(context.session, name))
        inputs[f"step {name}"] = record.version if record else "not built"
    return inputs


def _setting_values(settings: Settings, group: str) -> dict[str, str]:
    values = dataclasses.asdict(getattr(settings, group))
    return {f"setting {group}.{name}": repr(value) for name, value in values.items()}
