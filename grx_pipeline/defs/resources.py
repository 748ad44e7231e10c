"""What assets and checks are given: settings, folders, and whom to tell. Decides nothing about steps."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

from grx_pipeline.ahead import StepsAhead
from grx_pipeline.defs.inputs import report_inputs
from grx_pipeline.defs.jobs import SESSION_JOB
from grx_pipeline.defs.tags import LANDED_TAG, PARTITION_TAG, worker_tag
from grx_pipeline.errors import GrxError
from grx_pipeline.formats import counted, singular
from grx_pipeline.ingest.catalogue import refresh_manifest
from grx_pipeline.ingest.manifest import read_manifest
from grx_pipeline.judging import JudgedStep, run_judged
from grx_pipeline.paths import Paths
from grx_pipeline.season import SeasonBuild, SeasonResult, failures_noted, noted_run, refresh_season
from grx_pipeline.settings import Settings, load_settings
from grx_pipeline.steps import FIRST_RUN, Step, StepResult, forget_step
from grx_pipeline.storage.duck import QUERY_INTERRUPTED
from grx_pipeline.storage.last_run import note_failure, note_step
from grx_pipeline.storage.locks import session_lock
from grx_pipeline.storage.steps import Progress, StepContext

_UNITS = frozenset({"ms", "s", "m", "hz", "kmh", "pct", "bar", "deg"})


def _unheard(_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Runs steps with one set of settings.

    `progress` takes a line for each finished step, `detail` what long steps say in between, `finished` the results.
    With `is_again` a step runs whether anything changed or not. `ahead` runs steps before they are asked for.
    """

    settings: Settings
    progress: Progress
    detail: Progress = _unheard
    finished: Callable[[StepResult], None] = _unheard
    is_again: bool = False
    ahead: StepsAhead | None = None

    @property
    def paths(self) -> Paths:
        return Paths.of(self.settings)

    def run(self, step: Step, *, session: str) -> JudgedStep:
        """What became of the step, run here or ahead.

        An error that a person can mend becomes a Dagster failure with its message alone.
        """
        if self.is_again:
            self.forget(step, session=session)
        with errors_for_people(), failures_noted(self.paths, session, step.name):
            judged = self.ahead.judged(step.name) if self.ahead else None
            judged = judged or run_judged(step, self._context(step, session))
        self.progress(f"{session}  {step.name}  {result_text(judged.result)}")
        self.finished(judged.result)
        return judged

    def judged(self, step: Step, *, session: str, blocked: Sequence[str]) -> None:
        """Note that a step stands, or what blocking checks found."""
        if blocked:
            note_failure(self.paths, session, step.name, "; ".join(blocked))
        else:
            note_step(self.paths, session, step.name)

    def forget(self, step: Step, *, session: str) -> None:
        """Make the step run again next time."""
        forget_step(step, self._context(step, session))

    def _context(self, step: Step, session: str) -> StepContext:
        return StepContext(
            session=session,
            paths=self.paths,
            settings=self.settings,
            progress=lambda text: self.detail(f"{session}  {step.name}  {text}"),
        )

    def run_season(self, build: SeasonBuild) -> SeasonResult:
        """Bring the season up to date: its page, its table, and the views over the lake."""
        with errors_for_people():
            result = refresh_season(self.paths, self.settings, build)
        if result.problem is not None:
            self.progress(f"season database  {result.problem}")
        self.progress(f"season page  {'' if result.was_built else 'unchanged, '}{counted(result.sessions, 'session')}")
        return result


@contextlib.contextmanager
def errors_for_people() -> Iterator[None]:
    """A GrxError becomes a Dagster failure with its message alone; an interrupted query an interrupt."""
    try:
        yield
    except GrxError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
    except RuntimeError as error:
        if str(error) == QUERY_INTERRUPTED:
            raise KeyboardInterrupt from None
        raise


def result_text(result: StepResult) -> str:
    """A step's result in a line: its figures (no zeros, no texts), seconds and why it ran, or that it was skipped."""
    if not result.was_built:
        return "unchanged"
    numbers = {name: value for name, value in result.figures.items() if value and not isinstance(value, str)}
    figures = ", ".join(figure_text(name, value) for name, value in numbers.items())
    why = f"  ({result.reason})" if result.reason != FIRST_RUN else ""
    return f"{figures or counted(result.rows, 'row')}  {result.seconds:.1f} s{why}"


def figure_text(name: str, value: int | float) -> str:
    """`laps`, 579 -> `579 laps`, and of one `1 lap`; `best_lap_ms`, 97428 -> `best lap 97,428 ms`.

    `share`, 0.9 -> `share 0.9`.
    """
    words = name.replace("_", " ") if value != 1 else singular(name.replace("_", " "))
    quantity, _, unit = words.rpartition(" ")
    if quantity and unit in _UNITS:
        return f"{quantity} {value:,} {unit}"
    return f"{value:,} {words}" if isinstance(value, int) else f"{words} {value:,}"


@dg.resource(
    config_schema={
        "again": dg.Field(bool, default_value=False, description="Make every step of this run again, changed or not.")
    },
    description="Settings and folders from grx.toml and the environment; holds the session's lock.",
)
def pipeline_resource(context: dg.InitResourceContext) -> Iterator[Pipeline]:
    """The pipeline of a run that the UI or the sensor started.

    The run claims its session as `grx run` does, and looks again at its raw files first.
    """
    log = context.log
    tell: Progress = log.info if log else _unheard
    pipeline = Pipeline(
        settings=load_settings(), progress=tell, detail=tell, is_again=bool(context.resource_config["again"])
    )
    run, instance = context.run, context.instance
    session = run.tags.get(PARTITION_TAG) if run else None
    if run is None or instance is None or session is None:
        yield pipeline
        return
    is_whole = run.job_name == SESSION_JOB and not run.asset_selection
    with (
        errors_for_people(),
        session_lock(pipeline.paths.lock(session), waiting=tell),
        noted_run(pipeline.paths, pipeline.settings, session, is_whole=is_whole),
    ):
        instance.add_run_tags(run.run_id, worker_tag(run.run_id))
        for problem in refresh_manifest(session, run.tags.get(LANDED_TAG, session), pipeline.paths):
            tell(problem)
        report_inputs(instance, pipeline.settings, read_manifest(pipeline.paths.manifest(session)))
        yield pipeline
