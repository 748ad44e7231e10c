"""What assets and checks are given: settings, folders, and whom to tell. Decides nothing about steps."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dagster as dg

from grx_pipeline.defs.locks import folder_lock, session_lock
from grx_pipeline.errors import GrxError
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings, load_settings
from grx_pipeline.steps import Step, StepResult, forget_step, run_step
from grx_pipeline.storage.steps import Progress, StepContext

PARTITION_TAG = "dagster/partition"
# Which process works on a run: run id, host and pid, so that a tag copied to a re-execution does not count.
WORKER_TAG = "grx/worker"

# DuckDB turns a signal that arrives during a query into a RuntimeError with this text.
_DUCKDB_INTERRUPTED = "Query interrupted"
_UNITS = frozenset({"ms", "s", "m", "hz", "kmh", "pct", "bar", "deg"})


def worker_tag(run_id: str) -> dict[str, str]:
    """The tag by which this process claims a run."""
    return {WORKER_TAG: f"{run_id} {socket.gethostname()} {os.getpid()}"}


def _unheard(_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Runs steps with one set of settings.

    `progress` takes a line for each finished step, `detail` what long steps say in between, `finished` the results.
    """

    settings: Settings
    progress: Progress
    detail: Progress = _unheard
    finished: Callable[[StepResult], None] = _unheard

    @property
    def paths(self) -> Paths:
        return Paths.of(self.settings)

    def run(self, step: Step, *, session: str) -> StepResult:
        """The step's result. An error that a person can mend becomes a Dagster failure with its message alone."""
        with errors_for_people():
            result = run_step(step, self._context(step, session))
        self.progress(f"{session}  {step.name}  {result_text(result)}")
        self.finished(result)
        return result

    def forget(self, step: Step, *, session: str) -> None:
        """Make the step run again next time: what it wrote did not stand up to its checks."""
        forget_step(step, self._context(step, session))

    def _context(self, step: Step, session: str) -> StepContext:
        return StepContext(
            session=session,
            paths=self.paths,
            settings=self.settings,
            progress=lambda text: self.detail(f"{session}  {step.name}  {text}"),
        )

    def run_season(self, build: Callable[[Paths, Settings], int]) -> int:
        """Make the season page, one process at a time; returns the number of sessions it lists.

        The page's time is that of the last time it was made, changed or not.
        """
        with errors_for_people(), folder_lock(self.paths.reports):
            sessions = build(self.paths, self.settings)
            self.paths.season_page().touch()
        self.progress(f"season page  {sessions} sessions")
        return sessions


@contextlib.contextmanager
def errors_for_people() -> Iterator[None]:
    """A GrxError becomes a Dagster failure with its message alone; an interrupted query an interrupt."""
    try:
        yield
    except GrxError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
    except RuntimeError as error:
        if str(error) == _DUCKDB_INTERRUPTED:
            raise KeyboardInterrupt from None
        raise


def result_text(result: StepResult) -> str:
    """A step's result in a line: its figures (no zeros, no texts) and seconds, or that it was skipped."""
    if not result.was_built:
        return "unchanged"
    numbers = {name: value for name, value in result.figures.items() if value and not isinstance(value, str)}
    figures = ", ".join(figure_text(name, value) for name, value in numbers.items())
    return f"{figures or f'{result.rows:,} rows'}  {result.seconds:.1f} s"


def figure_text(name: str, value: int | float) -> str:
    """`laps`, 579 -> `579 laps`; `best_lap_ms`, 97428 -> `best lap 97,428 ms`; `share`, 0.9 -> `share 0.9`."""
    words = name.replace("_", " ")
    quantity, _, unit = words.rpartition(" ")
    if quantity and unit in _UNITS:
        return f"{quantity} {value:,} {unit}"
    return f"{value:,} {words}" if isinstance(value, int) else f"{words} {value:,}"


@dg.resource(description="Settings and folders from grx.toml and the environment; holds the session's lock.")
def pipeline_resource(context: dg.InitResourceContext) -> Iterator[Pipeline]:
    """The pipeline of a run that the UI started. The run claims its session as `grx run` does."""
    settings = load_settings()
    log = context.log
    tell: Progress = log.info if log else _unheard
    pipeline = Pipeline(settings=settings, progress=tell, detail=tell)
    run, instance = context.run, context.instance
    session = run.tags.get(PARTITION_TAG) if run else None
    if run is None or instance is None or session is None:
        yield pipeline
        return
    with session_lock(pipeline.paths.lock(session)):
        instance.add_run_tags(run.run_id, worker_tag(run.run_id))
        yield pipeline
