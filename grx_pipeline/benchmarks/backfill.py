"""Many sessions at once: throughput and memory of one worker process, two, and two dask workers, and equal outputs."""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from grx_pipeline.backfill.cluster import load_distributed
from grx_pipeline.backfill.job import Outcome
from grx_pipeline.backfill.sessions import backfill
from grx_pipeline.benchmarks.workers import describe_machine
from grx_pipeline.errors import InputError
from grx_pipeline.ingest.catalogue import find_sessions
from grx_pipeline.ingest.manifest import Manifest
from grx_pipeline.paths import Paths
from grx_pipeline.publishing.manifest import MANIFEST, parse_manifest
from grx_pipeline.settings import Settings

# A copy of a session is one of another year, as far from the first as no season is.
_YEARS_APART = 100
_WORKERS = 2
_DIGEST_LENGTH = 16


@dataclass(frozen=True, kw_only=True)
class BackfillRun:
    """One way of running all sessions. `digest` is of every table and published file; memory by worker process."""

    text: str
    seconds: float
    outcomes: tuple[Outcome, ...]
    digest: str
    load: float


def measure_backfill(targets: Sequence[str], *, copies: int, progress: Callable[[str], None]) -> list[BackfillRun]:
    """Run the sessions under `targets`, `copies` times each, from nothing in each way in turn.

    Raises InputError where they cannot be found, and SystemExit where a session fails.
    """
    with tempfile.TemporaryDirectory(prefix="grx-bench-") as scratch:
        catalogue = find_sessions(targets, Paths(data=Path(scratch) / "found", reports=Path(scratch)))
        if catalogue.problems:
            raise InputError(catalogue.problems[0])
        manifests = [copy_of(manifest, number) for number in range(copies) for manifest in catalogue.sessions]
        runs = [
            _run(manifests, Path(scratch) / f"pool-{workers}", f"pool of {workers}", progress, workers=workers)
            for workers in (1, _WORKERS)
        ]
        distributed = load_distributed()
        with distributed.LocalCluster(
            n_workers=_WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0", local_directory=scratch
        ) as cluster:
            dask = {"workers": _WORKERS, "cluster": cluster.scheduler_address}
            runs.append(_run(manifests, Path(scratch) / "dask", f"dask, {_WORKERS} workers", progress, **dask))
    return runs


def copy_of(manifest: Manifest, number: int) -> Manifest:
    """The session as if it had been driven in another year; number 0 is the session itself."""
    if not number:
        return manifest
    year = str(int(manifest.year) - _YEARS_APART * number) if manifest.year.isdigit() else f"{1000 + number}"
    return replace(manifest, year=year, session=f"{manifest.circuit}-{year}-r{manifest.race}")


def _run(
    manifests: Sequence[Manifest], folder: Path, text: str, progress: Callable[[str], None], **how: Any
) -> BackfillRun:
    """One way, from nothing."""
    progress(f"{len(manifests)} sessions: {text}")
    settings = Settings(data_dir=folder / "data", reports_dir=folder / "reports")
    started = time.perf_counter()
    outcomes = backfill(
        manifests, settings=settings, tell=lambda _: None, progress=lambda _: None, warn=progress, **how
    )
    seconds = time.perf_counter() - started
    failed = [outcome for outcome in outcomes if outcome.status != "built"]
    if failed:
        raise SystemExit(f"{failed[0].session}: {failed[0].error or failed[0].status}")
    paths = Paths.of(settings)
    return BackfillRun(
        text=text, seconds=seconds, outcomes=tuple(outcomes), digest=content_digest(paths), load=os.getloadavg()[0]
    )


def content_digest(paths: Paths) -> str:
    """A hash of what was made: every table's bytes, and every published file's without the time it was made at.

    Of the site's own manifests the names and hashes count that their builds are called by.
    """
    digest = hashlib.sha256()
    for file in sorted(paths.data.glob("lake/*/**/*.parquet")) + sorted(paths.data.glob("season/*.parquet")):
        digest.update(f"{file.relative_to(paths.data)}\n".encode() + file.read_bytes())
    for site in sorted(path for path in paths.reports.iterdir() if (path / MANIFEST).is_file()):
        for name in sorted(parse_manifest((site / MANIFEST).read_bytes()).files):
            digest.update(f"{site.name}/{name}\n".encode() + _timeless((site / name).read_bytes()))
    return digest.hexdigest()[:_DIGEST_LENGTH]


def _timeless(content: bytes) -> bytes:
    return re.sub(rb'"generated_at":"[^"]*"', b"", content)


def render_backfill(runs: Sequence[BackfillRun]) -> str:
    """The table as Markdown, the first run as the measure of the others."""
    first, count = runs[0], len(runs[0].outcomes)
    rows = [
        f"| {run.text} | {run.seconds:.1f} | {60 * count / run.seconds:.1f} | {first.seconds / run.seconds:.2f} × "
        f"| {max(outcome.peak_mib or 0.0 for outcome in run.outcomes):,.0f} | {run.load:.1f} |"
        for run in runs
    ]
    is_equal = len({run.digest for run in runs}) == 1
    equal = f"equal, byte for byte ({first.digest})" if is_equal else f"NOT equal: {[run.digest for run in runs]}"
    return "\n".join(
        [
            f"{count} sessions from nothing, {describe_machine()}:",
            "",
            "| how | seconds | sessions a minute | against one worker | peak memory of a process, MiB | load |",
            "|---|---:|---:|---:|---:|---:|",
            *rows,
            "",
            f"Every table and every published file, but for the time it was made at: {equal}.",
            "",
        ]
    )
