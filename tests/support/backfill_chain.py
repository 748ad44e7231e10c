"""The fake chain in worker processes too, where one session does what its place in the season asks for."""

import os
import signal
import sys
import time
from pathlib import Path

import click
import pytest

from grx_pipeline import steps
from grx_pipeline.backfill.job import Outcome
from grx_pipeline.backfill.sessions import backfill
from grx_pipeline.ingest.manifest import Manifest
from grx_pipeline.settings import Settings
from grx_pipeline.storage.steps import Progress, StepContext, StepOutcome
from support import fake_chain
from support.fake_chain import build_laps, fail_for_people, fake_settings

GOOD = ("barber-2025-r1", "sonoma-2025-r1")
KILLED, BROKEN, SLOW = "killed-2025-r1", "broken-2025-r1", "slow-2025-r1"
# Python runs this at the start of every process that has its folder on the path.
_SITE = "from support.backfill_chain import patch\npatch()\n"


def patch() -> None:
    """Put the fake chain in the place of the real one, for this process."""
    steps.STEPS = fake_chain.fake_chain(laps=build_by_name)


def build_by_name(context: StepContext) -> StepOutcome:
    """Laps; of some sessions something else."""
    if context.session == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    if context.session == BROKEN:
        return fail_for_people(context)
    if context.session == SLOW:
        (context.paths.data / "running").write_text(str(os.getpid()))
        time.sleep(60)
    return build_laps(context)


def manifest_of(session: str) -> Manifest:
    circuit, year, race = session.split("-")
    return Manifest(session=session, circuit=circuit, year=year, race=int(race[1:]), root="races", files=())


def use_in_workers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patch this process and every process that it starts."""
    (folder / "sitecustomize.py").write_text(_SITE, encoding="utf-8")
    tests = Path(__file__).parents[1]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(tests)]))
    monkeypatch.setattr(steps, "STEPS", fake_chain.fake_chain(laps=build_by_name))


def run_all(
    settings: Settings,
    *sessions: str,
    workers: int = 2,
    cluster: str | None = None,
    warn: Progress = lambda _: None,
) -> list[Outcome]:
    """The outcomes in the order of the sessions; each is told once."""
    told: list[Outcome] = []
    outcomes = backfill(
        [manifest_of(session) for session in sessions],
        settings=settings,
        workers=workers,
        cluster=cluster,
        tell=told.append,
        progress=lambda _: None,
        warn=warn,
    )
    assert sorted(o.session for o in told) == sorted(sessions)
    return outcomes


def main(folder: str) -> None:
    """Backfill a session that takes a minute, in `folder`."""
    try:
        run_all(fake_settings(Path(folder)), SLOW)
    except KeyboardInterrupt:
        click.echo("stopped")
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1])
