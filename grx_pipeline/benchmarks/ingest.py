"""The pipeline on one session against a bare DuckDB pivot of its telemetry file, side by side."""

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.benchmarks.workers import describe_machine, median_of, run_worker
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

    Raises DiscoveryError where `path` is not one session with a telemetry file outside a zip.
    """
    with tempfile.TemporaryDirectory(prefix="grx-bench-") as scratch:
        telemetry = telemetry_file(path, Path(scratch))
        pivots, pipelines = [], []
        for number in range(rounds):
            pivots.append(run_worker("pivot", telemetry, Path(scratch) / f"pivot-{number}"))
            pipelines.append(run_worker("pipeline", path, Path(scratch) / f"pipeline-{number}"))
    steps = [run["steps"] for run in pipelines]
    return Measurement(
        telemetry=telemetry,
        rounds=rounds,
        pivot_s=median_of(pivots, "seconds"),
        pivot_peak_mib=median_of(pivots, "peak_mib"),
        pipeline_s=median_of(pipelines, "seconds"),
        startup_s=median_of(pipelines, "startup_s"),
        pipeline_peak_mib=median_of(pipelines, "peak_mib"),
        steps={name: statistics.median(run[name] for run in steps) for name in steps[0]},
    )


def render(result: Measurement) -> str:
    """The measurement as a text table, with the machine it was made on."""
    size_mb = result.telemetry.stat().st_size / 1e6
    lines = [
        f"{result.telemetry.name}, {size_mb:,.1f} MB; medians of {result.rounds} rounds",
        describe_machine(),
        "",
        f"{'bare DuckDB pivot to Parquet':32}{result.pivot_s:8.2f} s {result.pivot_peak_mib:6.0f} MiB",
        f"{'pipeline, start-up aside':32}{result.pipeline_s:8.2f} s {result.pipeline_peak_mib:6.0f} MiB",
        f"{'ratio':32}{result.ratio:8.2f} x",
        f"{'start-up, files found':32}{result.startup_s:8.2f} s",
        "",
    ]
    return "\n".join([*lines, *step_shares(result.steps, result.pipeline_s)])


def step_shares(steps: dict[str, float], total_s: float) -> list[str]:
    """A line a step with its seconds and its share of all steps, and what they took side by side."""
    one_by_one = sum(steps.values())
    whole = {"all steps": one_by_one, "side by side, with checks": total_s}
    return [f"  {name:30}{s:8.2f} s {100 * s / one_by_one:7.1f} %" for name, s in (steps | whole).items()]


def telemetry_file(path: Path, scratch: Path) -> Path:
    """The one telemetry file under `path`."""
    sessions = discover(path, hashes=HashCache(scratch / "hashes")).sessions
    files = [file for session in sessions for file in session.of_kind("telemetry") if file.member is None]
    if len(files) != 1:
        raise DiscoveryError(f"{path}: {len(files)} telemetry files outside zips; name the folder of one session")
    return Path(files[0].path)
