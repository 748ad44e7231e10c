"""The chain of steps from raw files to the published site: what each writes, reads and depends on.

Every step is a plain function of a StepContext; Dagster shows them as assets (defs/), but nothing here knows it. Why
one runs or not is decided in steps.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

from grx_pipeline.ingest.corrections import build_corrections
from grx_pipeline.ingest.steps import build_logger_laps, build_timing, build_weather
from grx_pipeline.ingest.telemetry import build_telemetry
from grx_pipeline.laps.steps import build_laps, build_telemetry_laps
from grx_pipeline.methods.advice.steps import build_compare, build_opportunities
from grx_pipeline.methods.dptad.steps import build_dptad
from grx_pipeline.methods.driving.steps import build_corners, build_ledger
from grx_pipeline.methods.references.steps import build_references
from grx_pipeline.methods.steps import build_features, build_siwtl, build_statistics
from grx_pipeline.narratives.steps import build_narratives
from grx_pipeline.reports.steps import build_reports
from grx_pipeline.storage.steps import StepContext, StepOutcome
from grx_pipeline.storage.warehouse import build_warehouse
from grx_pipeline.track.circuit_steps import build_track
from grx_pipeline.track.steps import build_traces


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step. `tables` are the names of schemas.TABLES it writes, the first its main one; `reads` are earlier
    steps; `raw_kinds` kinds of raw files; `packages` the code whose change makes it run again; `is_naming` where it
    tells the names of drivers, so that it runs again where only a name changed."""

    name: str
    text: str
    build: Callable[[StepContext], StepOutcome]
    packages: tuple[str, ...]
    tables: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    raw_kinds: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    is_byte_stable: bool = True
    is_naming: bool = False


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
        packages=("formats", "ingest", "laps", "medians", "paths", "robust", "schemas", "storage", "track"),
        tables=("laps", "drivers", "sessions", "logger_matches", "unmatched_loggers", "neutralisations"),
        reads=("raw_telemetry", "raw_logger_laps", "raw_timing", "raw_weather", "raw_corrections"),
        raw_kinds=("session",),
        settings=("match", "laps", "quality"),
        is_naming=True,
    ),
    Step(
        name="core_telemetry_laps",
        text="ECU clocks against UTC, sensor corrections, and the telemetry of each official lap.",
        build=build_telemetry_laps,
        packages=("laps", "medians", "robust", "schemas", "storage"),
        tables=("telemetry_laps", "clock_pieces", "sensors"),
        reads=("raw_telemetry", "core_laps"),
        settings=("clock", "sensors"),
    ),
    Step(
        name="core_traces",
        text="Laps over distance, every channel every 2 m, pinned at the sector lines; where the timing lines are.",
        build=build_traces,
        packages=("medians", "robust", "schemas", "storage", "track"),
        tables=("lap_traces", "lap_distances", "timing_lines", "distance_checks"),
        reads=("raw_telemetry", "core_telemetry_laps", "core_laps"),
        settings=("trace", "clock"),
    ),
    Step(
        name="core_track",
        text="The circuit as the field drove it: line, corners, and the segments that all laps are compared on.",
        build=build_track,
        packages=("medians", "robust", "schemas", "storage", "track"),
        tables=("track_line", "track_sources", "corners", "segments"),
        reads=("raw_telemetry", "raw_corrections", "core_telemetry_laps", "core_laps", "core_traces"),
        settings=("track", "corners", "clock"),
    ),
    Step(
        name="core_corners",
        text="Every lap corner by corner: speeds, braking, throttle, hands, and the time in each segment.",
        build=build_corners,
        packages=("medians", "methods", "robust", "schemas", "storage", "track"),
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
        packages=("medians", "methods", "robust", "schemas", "storage"),
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
        is_naming=True,
    ),
    Step(
        name="out_dptad",
        text="DPTAD: unusual driving against the driver's own clean laps, scored, named and costed.",
        build=build_dptad,
        packages=("formats", "medians", "methods", "robust", "schemas", "storage", "track"),
        tables=("dptad_events", "dptad_laps", "dptad_scores", "dptad_drivers"),
        reads=("core_telemetry_laps", "core_laps", "core_traces", "core_track", "core_corners", "core_features"),
        settings=("dptad", "trace", "clock"),
    ),
    Step(
        name="out_ledger",
        text="Best lap minus SIWTL, line by line: sectors, phases of corners, and straights.",
        build=build_ledger,
        packages=("formats", "methods", "schemas", "storage", "track"),
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
        packages=("formats", "medians", "methods", "robust", "schemas", "storage"),
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
        packages=("formats", "laps", "medians", "methods", "narratives", "schemas", "storage"),
        tables=("narratives", "narrative_facts", "narrative_requests"),
        reads=(
            *("raw_weather", "core_laps", "core_track", "core_corners", "out_siwtl", "out_ledger", "out_statistics"),
            *("out_dptad", "out_opportunities", "out_compare", "core_references"),
        ),
        settings=("narrative", "llm"),
        is_naming=True,
    ),
    Step(
        name="out_warehouse",
        text="The session's DuckDB file for SQL.",
        build=build_warehouse,
        packages=("schemas", "storage"),
        reads=_RESULTS,
        is_byte_stable=False,
        is_naming=True,
    ),
    Step(
        name="out_reports",
        text="The session's report site: JSON and pages, published at once.",
        build=build_reports,
        packages=(
            *(
                "formats",
                "forks",
                "ingest",
                "laps",
                "medians",
                "methods",
                "narratives",
                "publishing",
                "reports",
                "robust",
            ),
            *("schemas", "sessions", "storage"),
        ),
        reads=_RESULTS,
        settings=("report", "corners", "features", "track", "match", "narrative"),
        is_byte_stable=False,
        is_naming=True,
    ),
)

STEPS: dict[str, Step] = {step.name: step for step in _CHAIN}
