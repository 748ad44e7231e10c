"""The pipeline on one session against a bare DuckDB pivot of its telemetry file, side by side."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """Medians over the rounds. Seconds; peak memory in MiB; `steps` are seconds by step."""

    telemetry: Path
    rounds: int
    pivot_s: float
    pivot_peak_mib: float
    pipeline_s: float
    startup_s: float
    pipeline_peak_mib: float
    steps: dict[str, float]

    @property
    def ratio(self) -> float:
        return self.pipeline_s / self.pivot_s


def measure(path: Path, *, rounds: int) -> Measurement:
    """Run both in turn `rounds` times, each in a process and a folder of its own.

    Raises DiscoveryError where `path` holds no session with an unpacked or gzipped telemetry file.
    """
    with tempfile.TemporaryDirectory(prefix="grx-bench-") as scratch:
        telemetry = _telemetry_file(path, Path(scratch))
        pivots, pipelines = [], []
        for number in range(rounds):
            pivots.append(_measured("pivot", telemetry, Path(scratch) / f"pivot-{number}"))
            pipelines.append(_measured("pipeline", path, Path(scratch) / f"pipeline-{number}"))
    steps = [run["steps"] for run in pipelines]
    return Measurement(
        telemetry=telemetry,
        rounds=rounds,
        pivot_s=_median(pivots, "seconds"),
        pivot_peak_mib=_median(pivots, "peak_mib"),
        pipeline_s=_median(pipelines, "seconds"),
        startup_s=_median(pipelines, "startup_s"),
        pipeline_peak_mib=_median(pipelines, "peak_mib"),
        steps={name: statistics.median(run[name] for run in steps) for name in steps[0]},
    )


def render(result: Measurement) -> str:
    """The measurement as a text table, with the machine it was made on."""
    tools = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    lines = [
        f"{result.telemetry.name}, {result.telemetry.stat().st_size / 1e6:,.1f} MB; medians of {result.rounds} rounds",
        f"{platform.machine()}, {os.cpu_count()} cores, {tools}",
        "",
        f"{'bare DuckDB pivot to Parquet':32}{result.pivot_s:8.2f} s {result.pivot_peak_mib:6.0f} MiB",
        f"{'pipeline, start-up aside':32}{result.pipeline_s:8.2f} s {result.pipeline_peak_mib:6.0f} MiB",
        f"{'ratio':32}{result.ratio:8.2f} x",
        f"{'start-up until the first step':32}{result.startup_s:8.2f} s",
        "",
    ]
    shares = [f"  {name:30}{s:8.2f} s {100 * s / result.pipeline_s:7.1f} %" for name, s in result.steps.items()]
    other = result.pipeline_s - sum(result.steps.values())
    rest = f"  {'run records and checks':30}{other:8.2f} s {100 * other / result.pipeline_s:7.1f} %"
    return "\n".join([*lines, *shares, rest])


def _telemetry_file(path: Path, scratch: Path) -> Path:
    sessions = discover(path, hashes=HashCache(scratch / "hashes.json")).sessions
    files = [file for session in sessions for file in session.of_kind("telemetry") if file.member is None]
    if len(files) != 1:
        raise DiscoveryError(f"{path}: {len(files)} telemetry files outside zips; name the folder of one session")
    return Path(files[0].path)


def _measured(kind: str, path: Path, folder: Path) -> dict[str, Any]:
    """The worker's figures with its peak memory and the time from its start to its first step."""
    folder.mkdir()
    started = time.time()
    command = [sys.executable, "-m", "grx_pipeline.benchmarks.worker", kind, str(path), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:  # noqa: S603
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{kind} on {path} failed")
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    figures["peak_mib"] = usage.ru_maxrss / 1024
    figures["startup_s"] = figures.get("first_step_at", started) - started
    return figures


def _median(runs: list[dict[str, Any]], name: str) -> float:
    return statistics.median(float(run[name]) for run in runs)
