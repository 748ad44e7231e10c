"""Runs a session as one recorded Dagster run in this process.

It and instance.py alone have private Dagster imports (a contract test pins them). Knows nothing of what steps do.
"""

import sqlite3
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import RunFailureReason
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.utils import make_new_run_id
from dagster_shared.error import SerializableErrorInfo

from grx_pipeline import steps
from grx_pipeline.ahead import StepsAhead, steps_ahead
from grx_pipeline.definitions import build_defs
from grx_pipeline.defs.inputs import report_inputs
from grx_pipeline.defs.jobs import RUN_CONFIG, SEASON_ASSET, SESSION_JOB
from grx_pipeline.defs.partitions import SESSION_PARTITIONS
from grx_pipeline.defs.resources import Pipeline
from grx_pipeline.defs.tags import PARTITION_TAG, worker_tag
from grx_pipeline.errors import GrxError, SessionBusyError
from grx_pipeline.forks import interrupt_on_sigterm
from grx_pipeline.garbage import rare_collections
from grx_pipeline.ingest.manifest import Manifest, read_manifest, write_manifest
from grx_pipeline.instance import LOCATION, MODULE, open_instance, storage_errors
from grx_pipeline.narratives.steps import UNANSWERED
from grx_pipeline.paths import Paths
from grx_pipeline.season import is_last_run_settled, noted_run, why_season_is_stale
from grx_pipeline.settings import Settings
from grx_pipeline.space import require_space
from grx_pipeline.steps import StepResult, forget_step
from grx_pipeline.storage.leftovers import sweep_session
from grx_pipeline.storage.locks import session_lock
from grx_pipeline.storage.steps import Progress, StepContext

_REPOSITORY = "__repository__"


@dataclass(frozen=True, kw_only=True)
class SessionRun:
    """What became of a session. `error` is one message for a person; `warnings` are sentences of failed checks."""

    session: str
    status: Literal["built", "unchanged", "failed"]
    reason: str
    results: tuple[StepResult, ...] = ()
    warnings: tuple[str, ...] = ()
    run_id: str | None = None
    seconds: float = 0.0
    error: str | None = None


@dataclass(kw_only=True)
class _Ledger:
    """What the events of a run have said so far."""

    results: list[StepResult] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unwritten: str | None = None
    was_interrupted: bool = False


def run_session(
    session: str,
    *,
    settings: Settings,
    progress: Progress,
    force: bool = False,
    manifest: Manifest | None = None,
    is_patient: bool = True,
) -> SessionRun:
    """Bring a session up to date; `force` builds every step again.

    `manifest` are its raw files as they were just found; without it they are those of the last run. Where another
    process runs the session it is waited for.

    Where nothing is stale no run is made. Errors that a person can mend come back in the result, without a
    traceback. Raises SessionBusyError instead of waiting where not `is_patient`, and KeyboardInterrupt on SIGINT and
    SIGTERM after the run is marked failed.
    """
    started = time.perf_counter()
    paths = Paths.of(settings)
    try:
        if manifest is None:
            read_manifest(paths.manifest(session))
        waiting = progress if is_patient else None
        with interrupt_on_sigterm(), rare_collections(), session_lock(paths.lock(session), waiting=waiting):
            sweep_session(paths, session)
            if manifest is not None:
                write_manifest(paths.manifest(session), manifest)
            context = StepContext(session=session, paths=paths, settings=settings, progress=progress)
            if force:
                for step in steps.STEPS.values():
                    forget_step(step, context)
            _forget_unanswered(context)
            stale = _stale(context)
            if not stale:
                return SessionRun(
                    session=session,
                    status="unchanged",
                    reason="nothing it depends on changed",
                    seconds=time.perf_counter() - started,
                )
            with noted_run(paths, settings, session, is_whole=True) as note:
                require_space(context, stale)
                with _ahead(context, stale) as ahead:
                    run = _record_run(context, ahead, stale=stale, started=started)
                if run.error is not None:
                    note(run.error)
                return run
    except SessionBusyError:
        raise
    except GrxError as error:
        seconds = time.perf_counter() - started
        return SessionRun(session=session, status="failed", reason="", seconds=seconds, error=str(error))


def _forget_unanswered(context: StepContext) -> None:
    """Have texts written again where a language model was asked and did not answer; what it answered is kept."""
    if context.settings.llm.is_asked and steps.step_figures(context.paths, context.session, "out_narratives").get(
        UNANSWERED
    ):
        forget_step(steps.STEPS["out_narratives"], context)


def _stale(context: StepContext) -> dict[str, str]:
    """What has to run, each with why: the stale steps, and the season page."""
    stale = steps.steps_to_run(context)
    if stale:
        stale[SEASON_ASSET] = "the front page follows its sessions"
    elif not is_last_run_settled(context.paths, context.session):
        stale[SEASON_ASSET] = "the last run did not come to a good end, this one does"
    elif reason := why_season_is_stale(context.paths, context.settings):
        stale[SEASON_ASSET] = reason
    return stale


def _ahead(context: StepContext, stale: Mapping[str, str]) -> AbstractContextManager[StepsAhead | None]:
    """The stale steps, run on the session's cores while this process records how it goes."""
    engine, limits = context.settings.engine, context.settings.run
    tell = _sparse(context.progress, gap_s=limits.progress_gap_s)
    return steps_ahead(
        [step for step in steps.STEPS.values() if step.name in stale],
        replace(context, is_checked=True),
        workers=min(engine.workers, engine.processors),
        stop_wait_s=limits.copy_stop_wait_s,
        tell=lambda name, text: tell(f"{context.session}  {name}  {text}"),
    )


def _record_run(
    context: StepContext, ahead: StepsAhead | None, *, stale: Mapping[str, str], started: float
) -> SessionRun:
    """Run what is stale, and only that, as one run of the session's job."""
    session, settings, paths, progress = context.session, context.settings, context.paths, context.progress
    ledger = _Ledger()
    skipped = [name for name in steps.STEPS if name not in stale]
    if skipped:
        progress(f"{session}  skipped, nothing changed: {', '.join(skipped)}")
    selection = {dg.AssetKey(name) for name in stale} if skipped else None
    pipeline = Pipeline(
        settings=settings,
        progress=progress,
        detail=_sparse(progress, gap_s=settings.run.progress_gap_s),
        finished=ledger.results.append,
        ahead=ahead,
    )
    job = build_defs(chain=steps.STEPS, pipeline=pipeline).resolve_job_def(SESSION_JOB)
    with storage_errors(paths), open_instance(paths) as instance:
        report_inputs(instance, settings, read_manifest(paths.manifest(session)))
        run = _create_run(instance, job, session, selection)
        try:
            _execute(instance, job.get_subset(asset_selection=selection), run, ledger, progress)
        except BaseException:
            _mark_failed(instance, run.run_id)
            raise
        finished = instance.get_run_by_id(run.run_id)
        is_built = finished is not None and finished.is_success
    return SessionRun(
        session=session,
        status="built" if is_built else "failed",
        reason=": ".join(next(iter(stale.items()))),
        results=tuple(ledger.results),
        warnings=tuple(ledger.warnings),
        run_id=run.run_id,
        seconds=time.perf_counter() - started,
        error=None if is_built else "\n".join(ledger.errors),
    )


def _sparse(progress: Progress, *, gap_s: float) -> Progress:
    """Passes a line on only where `gap_s` have gone by since the last."""
    last = time.monotonic()

    def tell(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= gap_s:
            last = time.monotonic()
            progress(text)

    return tell


def _create_run(
    instance: dg.DagsterInstance, job: dg.JobDefinition, session: str, selection: set[dg.AssetKey] | None
) -> dg.DagsterRun:
    instance.add_dynamic_partitions(SESSION_PARTITIONS, [session])
    run_id = make_new_run_id()
    return instance.create_run_for_job(
        job,
        run_id=run_id,
        run_config=RUN_CONFIG,
        tags={PARTITION_TAG: session, **worker_tag(run_id)},
        asset_selection=selection,
        remote_job_origin=job_origin(),
    )


def job_origin() -> RemoteJobOrigin:
    """Where the UI finds the job of a run that was recorded here, to execute it again."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=MODULE, working_directory=str(Path.cwd()))
    location = ManagedGrpcPythonEnvCodeLocationOrigin(loadable_target_origin=target, location_name=LOCATION)
    return RemoteJobOrigin(
        repository_origin=RemoteRepositoryOrigin(code_location_origin=location, repository_name=_REPOSITORY),
        job_name=SESSION_JOB,
    )


def _execute(
    instance: dg.DagsterInstance, job: dg.JobDefinition, run: dg.DagsterRun, ledger: _Ledger, progress: Progress
) -> None:
    """Run to the end. Raises KeyboardInterrupt where the run was interrupted, sqlite3.OperationalError where what
    happened could not be written down."""
    for event in execute_run_iterator(InMemoryJob(job), run, instance):
        _note(event, run.tags[PARTITION_TAG], ledger, progress)
    if ledger.unwritten is not None:
        raise sqlite3.OperationalError(ledger.unwritten)
    if ledger.was_interrupted:
        raise KeyboardInterrupt


def _note(event: dg.DagsterEvent, session: str, ledger: _Ledger, progress: Progress) -> None:
    if event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        check = event.asset_check_evaluation_data
        if not check.passed:
            line = f"{check.asset_key.to_user_string()}  {check.check_name}: {check.description}"
            is_error = check.severity == dg.AssetCheckSeverity.ERROR
            (ledger.errors if is_error else ledger.warnings).append(line)
            progress(f"{session}  {line}")
    elif event.is_step_failure:
        failure = event.step_failure_data
        ledger.unwritten = ledger.unwritten or _unwritten(failure.error)
        if failure.user_failure_data is not None:
            ledger.errors.append(failure.user_failure_data.description or "")
        elif failure.error is not None and failure.error.cls_name != "DagsterAssetCheckFailedError":
            ledger.errors.append(f"{event.step_key}: {(failure.error.cause or failure.error).to_string()}")
    elif event.event_type == dg.DagsterEventType.RUN_CANCELED:
        ledger.was_interrupted = True
    elif event.event_type == dg.DagsterEventType.RUN_FAILURE:
        failure_data = event.job_failure_data
        ledger.unwritten = ledger.unwritten or _unwritten(failure_data.error)
        ledger.was_interrupted |= failure_data.failure_reason == RunFailureReason.UNEXPECTED_TERMINATION
        if not ledger.errors and failure_data.error is not None:
            ledger.errors.append(failure_data.error.to_string())


def _unwritten(error: SerializableErrorInfo | None) -> str | None:
    """What SQLite said where a step failed because its record could not be written; steps use no SQLite themselves."""
    while error is not None:
        if "sqlite3.OperationalError" in (said := error.message.partition("\n")[0]):
            return said
        error = error.cause
    return None


def _mark_failed(instance: dg.DagsterInstance, run_id: str) -> None:
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_failed(run, message="Interrupted before the end.")
