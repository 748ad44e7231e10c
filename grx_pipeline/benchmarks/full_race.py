"""A race of full size: the pipeline cold, unchanged, after a changed threshold and for its reports only, beside bare
tools on the same telemetry file in the same run."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.benchmarks.ingest import step_shares, telemetry_file
from grx_pipeline.benchmarks.workers import Figures, describe_machine, median_of, run_worker

_BARE = {
    "scan": "bare DuckDB scan",
    "pivot": "bare DuckDB pivot to Parquet",
    "pandas": "pandas read_csv + pivot_table",
}
_OURS = {
    "cold": "grx run, cold: raw files to every page",
    "unchanged": "grx run, nothing changed",
    "threshold": "grx run, a changed threshold",
    "reports": "grx run, reports only",
}

# What is computed from the traces: corners, ledger, DPTAD, opportunities and comparisons.
_DRIVING = ("core_track", "core_corners", "out_dptad", "out_ledger", "out_opportunities", "out_compare")


@dataclass(frozen=True, kw_only=True)
class RaceMeasurement:
    """Medians over the rounds by name: seconds with start-up, peak memory in MiB; cold `steps` in seconds."""

    telemetry: Path
    rounds: int
    seconds: dict[str, float]
    peak_mib: dict[str, float]
    cold_s: float
    steps: dict[str, float]


def measure_race(race: Path, *, rounds: int, progress: Callable[[str], None]) -> RaceMeasurement:
    """Measure everything `rounds` times in turn on the session under `race`."""
    runs: dict[str, list[Figures]] = {name: [] for name in (*_BARE, *_OURS)}
    with tempfile.TemporaryDirectory(prefix="grx-bench-") as scratch:
        telemetry = telemetry_file(race, Path(scratch))
        for number in range(rounds):
            folder = Path(scratch) / f"round-{number}"
            for kind, text in _BARE.items():
                progress(f"round {number + 1}: {text}")
                runs[kind].append(run_worker(kind, telemetry, folder / kind))
                shutil.rmtree(folder / kind)
            for name, text in _OURS.items():
                progress(f"round {number + 1}: {text}")
                _prepare(name, folder / "pipeline")
                runs[name].append(run_worker("pipeline", race, folder / "pipeline"))
            shutil.rmtree(folder)
    cold = sorted(runs["cold"], key=lambda run: float(run["total_s"]))[rounds // 2]
    return RaceMeasurement(
        telemetry=telemetry,
        rounds=rounds,
        # A bare tool is timed without Python's start, ours with it.
        seconds={name: median_of(found, "seconds" if name in _BARE else "total_s") for name, found in runs.items()},
        peak_mib={name: median_of(found, "peak_mib") for name, found in runs.items()},
        cold_s=float(cold["seconds"]),
        steps=cold["steps"],
    )


def _prepare(name: str, folder: Path) -> None:
    """Bring a built session into the state that the measurement is of."""
    if name == "threshold":
        (folder / "grx.toml").write_text("[siwtl]\nkappa = 0.5\n", encoding="utf-8")
    if name == "reports":
        shutil.rmtree(folder / "reports")


def render_race(result: RaceMeasurement) -> str:
    """The measurement as Markdown."""
    rows = [
        f"| {text} | {s:.2f} | {s / result.seconds['pivot']:.2f} × | {result.peak_mib[name]:,.0f} |"
        for name, text in (_BARE | _OURS).items()
        for s in [result.seconds[name]]
    ]
    driving_s = sum(result.steps[name] for name in _DRIVING)
    return "\n".join(
        [
            "# A race of full size",
            "",
            f"{describe_machine()}. {result.telemetry.name},"
            f" {result.telemetry.stat().st_size / 1e6:,.0f} MB, of a simulated race; medians of {result.rounds} rounds,"
            " everything in one run. The pipeline's seconds include the start of the program. Memory is the most that"
            " all of a run's processes held together, pages that they share counted in each.",
            "",
            "| what | seconds | against the bare pivot | peak memory MiB |",
            "|---|---:|---:|---:|",
            *rows,
            "",
            "What the steps of the cold run take; two run at once where neither waits for the other:",
            "",
            "```",
            *step_shares(result.steps, result.cold_s),
            "```",
            "",
            f"The analysis of driving on the traces ({', '.join(_DRIVING)}) takes {driving_s:.2f} s of them,"
            f" {driving_s / result.seconds['pivot']:.2f} × the bare pivot; with the traces themselves"
            f" {(driving_s + result.steps['core_traces']) / result.seconds['pivot']:.2f} ×.",
            "",
        ]
    )
