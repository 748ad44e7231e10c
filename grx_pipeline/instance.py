"""Dagster's instance under the data folder: its stores, and the runs of processes that are gone."""

import contextlib
import sqlite3
from collections.abc import Iterator
from importlib import resources
from typing import Any

import dagster as dg
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from sqlalchemy import Engine

from grx_pipeline.defs.resources import WORKER_TAG
from grx_pipeline.errors import StorageError
from grx_pipeline.paths import Paths
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.locks import folder_lock
from grx_pipeline.storage.processes import is_gone

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


@contextlib.contextmanager
def _kept_engines() -> Iterator[None]:
    """Have Dagster keep the engine of each of its SQLite files: with one for every query it compiles all SQL anew,
    0.9 s of CPU a run."""
    module, made = vars(sqlite_event_log), dict[str, Engine]()
    make = module["create_engine"]

    def kept(url: str, **options: Any) -> Engine:
        return made.get(url) or made.setdefault(url, make(url, **options))

    module["create_engine"] = kept
    try:
        yield
    finally:
        module["create_engine"] = make


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
