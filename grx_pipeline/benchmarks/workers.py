"""Starting a measurement in a process of its own, so that its peak memory and its start-up are its own too."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

from grx_pipeline.benchmarks.memory import watched_memory

Figures = dict[str, Any]


def run_worker(kind: str, path: Path, folder: Path) -> Figures:
    """What the worker printed, with `total_s` from its start to its end and `startup_s` until it has found the files.

    `peak_mib` is of the worker and the processes that it started, together. Raises SystemExit where the worker failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    started = time.time()
    command = [sys.executable, "-m", "grx_pipeline.benchmarks.worker", kind, str(path), str(folder)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as process,  # noqa: S603
        watched_memory(process.pid) as memory,
    ):
        output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{kind} on {path} failed")
    figures: Figures = json.loads(output.splitlines()[-1])
    figures["peak_mib"] = max(figures["peak_mib"], memory.peak_mib)
    figures["total_s"] = time.time() - started
    figures["startup_s"] = figures.get("found_at", started) - started
    return figures


def median_of(runs: list[Figures], name: str) -> float:
    return statistics.median(float(run[name]) for run in runs)


def describe_machine() -> str:
    """The machine and the versions that decide the figures."""
    tools = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    return f"{platform.machine()}, {os.cpu_count()} cores, {tools}"
