"""The records of old runs: which can go without taking from the UI what it knows of the newest tables."""

import sqlite3
from datetime import UTC, datetime, timedelta

import dagster as dg

from grx_pipeline.defs.tags import PARTITION_TAG
from grx_pipeline.paths import Paths

_FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_AT_ONCE = 500


def old_runs(instance: dg.DagsterInstance, *, days: int) -> list[str]:
    """Ids of the runs that ended more than `days` ago and whose results are not the newest of any asset.

    Of every session the newest run stays, whatever became of it.
    """
    before = datetime.now(UTC) - timedelta(days=days)
    records = instance.get_run_records(
        dg.RunsFilter(statuses=_FINISHED, updated_before=before), order_by="create_timestamp"
    )
    kept = _newest_runs(instance) | _newest_results(instance)
    return [record.dagster_run.run_id for record in records if record.dagster_run.run_id not in kept]


def remove_runs(instance: dg.DagsterInstance, run_ids: list[str]) -> None:
    """Delete the records of these runs, with their events."""
    for run_id in run_ids:
        instance.delete_run(run_id)


def damaged_records(paths: Paths) -> dict[str, str]:
    """The instance's database files that SQLite finds damaged, each with what it says."""
    damaged = {}
    for file in sorted(paths.dagster_home.rglob("*.db")):
        try:
            with sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True) as database:
                said = [row[0] for row in database.execute("PRAGMA quick_check(1)")]
            database.close()
        except sqlite3.DatabaseError as error:
            said = [str(error)]
        if said != ["ok"]:
            damaged[str(file)] = said[0]
    return damaged


def _newest_runs(instance: dg.DagsterInstance) -> set[str]:
    newest: dict[str, str] = {}
    for run in instance.get_runs():
        newest.setdefault(run.tags.get(PARTITION_TAG, ""), run.run_id)
    return set(newest.values())


def _newest_results(instance: dg.DagsterInstance) -> set[str]:
    """Runs that made what is the newest of an asset, or of one of its sessions."""
    found = set()
    for key in instance.all_asset_keys():
        seen: set[str | None] = set()
        cursor: str | None = None
        while True:
            page = instance.fetch_materializations(key, limit=_AT_ONCE, cursor=cursor)
            for record in page.records:
                partition = record.partition_key
                if partition not in seen:
                    seen.add(partition)
                    found.add(record.run_id)
            if not page.has_more:
                break
            cursor = page.cursor
    return found
