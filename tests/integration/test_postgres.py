"""The instance in PostgreSQL, as several machines share it: `deploy/dagster-postgres.yaml` on a server of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from support.backfill_chain import BROKEN, GOOD, run_all, use_in_workers
from support.fake_chain import fake_settings
from support.postgres_server import find_programs, postgres_server

from grx_pipeline.instance import open_instance
from grx_pipeline.paths import Paths

PROGRAMS = find_programs()
CONFIG = Path(__file__).parents[2] / "deploy" / "dagster-postgres.yaml"

pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL's initdb and pg_ctl are not installed here")


@pytest.fixture
def address() -> Iterator[str]:
    assert PROGRAMS is not None
    with postgres_server(PROGRAMS) as address:
        yield address


def test_workers_record_their_runs_in_one_database(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_in_workers(tmp_path, monkeypatch)
    monkeypatch.setenv("GRX_INSTANCE_URL", address)
    settings = fake_settings(tmp_path)
    paths = Paths.of(settings)
    paths.dagster_home.mkdir(parents=True)
    shutil.copy(CONFIG, paths.dagster_home / "dagster.yaml")
    outcomes = run_all(settings, GOOD[0], BROKEN)
    assert [outcome.status for outcome in outcomes] == ["built", "failed"]
    with open_instance(paths) as instance:
        runs = {run.tags["dagster/partition"]: run.status for run in instance.get_runs()}
        known = set(instance.get_dynamic_partitions("session"))
        event = instance.get_latest_materialization_event(dg.AssetKey("core_laps"))
    assert runs == {GOOD[0]: dg.DagsterRunStatus.SUCCESS, BROKEN: dg.DagsterRunStatus.FAILURE}
    assert known == {GOOD[0], BROKEN}
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.partition == GOOD[0]
    assert not list(paths.dagster_home.rglob("*.db"))
