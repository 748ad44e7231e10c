"""A process that has imported everything and forks one run of a session after another, to be watched and killed.

Reads a JSON object a line: the folder, settings, and whether every step is built again. Writes `pid N`, what the run
tells, and `end STATUS`, the status as os.waitstatus_to_exitcode gives it.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path

import click

from grx_pipeline.errors import GrxError
from grx_pipeline.ingest.catalogue import find_sessions
from grx_pipeline.paths import Paths
from grx_pipeline.reports import steps as report_steps
from grx_pipeline.runner import run_session
from grx_pipeline.settings import Settings

NOW = "2026-11-01T20:00:00Z"
RAW = "raw"


def settings_in(folder: Path, *, pace_factor: float = 1.04, speed_unit: str = "km/h") -> Settings:
    """Settings of a study in `folder`; progress is a line a step and no more."""
    settings = Settings(data_dir=folder / "data", reports_dir=folder / "reports")
    return dataclasses.replace(
        settings,
        laps=dataclasses.replace(settings.laps, pace_factor=pace_factor),
        report=dataclasses.replace(settings.report, speed_unit=speed_unit),
        run=dataclasses.replace(settings.run, progress_gap_s=3600.0),
    )


def run(folder: Path, settings: Settings, *, force: bool) -> int:
    """Run the one session under `folder`/raw; 0 where it is published."""
    catalogue = find_sessions([str(folder / RAW)], Paths.of(settings))
    for problem in catalogue.problems:
        click.echo(f"failed: {problem}")
    for manifest in catalogue.sessions:
        outcome = run_session(manifest.session, settings=settings, progress=click.echo, force=force, manifest=manifest)
        click.echo(" ".join(f"{outcome.status}: {outcome.error or outcome.reason}".split()))
        return int(outcome.status == "failed")
    return 1


def main() -> None:
    """Answer until stdin ends."""
    # The same time in every run, so that files can be compared byte by byte.
    report_steps.clock_now = lambda: NOW
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                click.echo(f"pid {os.getpid()}")
                folder = Path(asked["folder"])
                status = run(folder, settings_in(folder, **asked["settings"]), force=asked["force"])
            except GrxError as error:
                click.echo(f"failed: {error}")
            finally:
                sys.stdout.flush()
                os._exit(status)
        _, code = os.waitpid(child, 0)
        click.echo(f"end {os.waitstatus_to_exitcode(code)}")


if __name__ == "__main__":
    main()
