"""Dagster's instance under the data folder: its stores, and the runs of processes that are gone."""

import contextlib
import sqlite3
from collections.abc import Iterator
from importlib import resources
from typing import Any

import dagster as dg
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
from sqlalchemy import Engine, QueuePool, create_engine

from grx_pipeline.defs.tags import WORKER_TAG
from grx_pipeline.errors import StorageError
from grx_pipeline.paths import Paths
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.locks import folder_lock
from grx_pipeline.storage.processes import is_gone

_SQLITE_STORES = (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage)
# The index of events, runs, schedules and the run that goes on; a look at many runs does not keep all their files open.
_KEPT_FILES = 6
# Under which name the UI has the definitions, and where they are.
LOCATION = "grx"
MODULE = "grx_pipeline.definitions"
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def prepare_instance(paths: Paths) -> None:
    """Make the instance's folder with its dagster.yaml; a dagster.yaml that is there is kept."""
    config = paths.dagster_home / "dagster.yaml"
    if not config.is_file():
        write_bytes(config, resources.files("grx_pipeline.defs").joinpath("dagster.yaml").read_bytes())


@contextlib.contextmanager
def open_instance(paths: Paths) -> Iterator[dg.DagsterInstance]:
    """The instance under the data folder, with dead runs marked as failed."""
    with look_into_instance(paths) as instance:
        repair_runs(instance)
        yield instance


@contextlib.contextmanager
def look_into_instance(paths: Paths) -> Iterator[dg.DagsterInstance]:
    """The instance as it is. Several processes that find no store yet make it one after the other."""
    prepare_instance(paths)
    with _kept_engines(), contextlib.ExitStack() as stack:
        with folder_lock(paths.dagster_home):
            instance = stack.enter_context(dg.DagsterInstance.from_config(str(paths.dagster_home)))
        yield instance


class _KeptConnections(QueuePool):
    """Connections that stay open where Dagster disposes of their engine, as it does after each query."""

    close = QueuePool.dispose

    def dispose(self) -> None:
        """Nothing; `close` does what this does elsewhere."""

    def recreate(self) -> "_KeptConnections":
        return self


@contextlib.contextmanager
def _kept_engines() -> Iterator[None]:
    """Have Dagster keep engine and connection of the SQLite files that it used last.

    With an engine for every query it compiles all SQL anew, 0.9 s of CPU a run; with a connection for each it opens
    files and reads their schemas, 1.1 s.
    """
    modules, made = [vars(module) for module in _SQLITE_STORES], dict[str, Engine]()
    makes = [module["create_engine"] for module in modules]

    def kept(url: str, **options: Any) -> Engine:
        made[url] = made.pop(url) if url in made else create_engine(url, **options | {"poolclass": _KeptConnections})
        if len(made) > _KEPT_FILES:
            _close(made.pop(next(iter(made))))
        return made[url]

    for module in modules:
        module["create_engine"] = kept
    try:
        yield
    finally:
        for module, make in zip(modules, makes, strict=True):
            module["create_engine"] = make
        for engine in made.values():
            _close(engine)


def _close(engine: Engine) -> None:
    if isinstance(engine.pool, _KeptConnections):
        engine.pool.close()


def repair_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs of this machine as failed whose process is gone; returns their ids.

    Runs of other machines are theirs to repair.
    """
    dead = dead_runs(instance)
    for run in dead:
        instance.report_run_failed(run, message="The process that ran this is gone; it was killed.")
    return [run.run_id for run in dead]


def dead_runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    """Runs that are recorded as going on, but whose process on this machine is gone."""
    claims = {
        run.run_id: (run, run.tags.get(WORKER_TAG, "").partition(" "))
        for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
    }
    return [run for run_id, (run, (claimed, _, mark)) in claims.items() if claimed == run_id and is_gone(mark)]


@contextlib.contextmanager
def storage_errors(paths: Paths) -> Iterator[None]:
    """Where the run's record cannot be written (as on a full disk), or is damaged, that is a StorageError."""
    try:
        yield
    except Exception as error:
        reason = error if isinstance(error, sqlite3.DatabaseError) else error.__cause__
        if isinstance(reason, sqlite3.OperationalError):
            raise StorageError(
                f"{paths.dagster_home}: the record of the run cannot be written ({reason}); free some space, "
                "or set GRX_DATA_DIR to another disk, then run again"
            ) from error
        if isinstance(reason, sqlite3.DatabaseError):
            raise StorageError(
                f"{paths.dagster_home}: the records of runs are damaged ({reason}); move that folder away and run"
                " again: a new one is made, and reports do not depend on it"
            ) from error
        raise
