"""The definitions load, say what they are, and agree with the workspace."""

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from grx_pipeline import runner
from grx_pipeline.definitions import defs
from grx_pipeline.defs.assets.factory import code_version, table_schema
from grx_pipeline.defs.checks import CONTRACT_CHECK
from grx_pipeline.defs.jobs import SESSION_JOB
from grx_pipeline.schemas import TABLES
from grx_pipeline.steps import STEPS

ROOT = Path(__file__).parents[2]


def _graph() -> Any:
    return defs.resolve_asset_graph()


def test_asset_keys_are_those_of_the_golden_file() -> None:
    keys = sorted(key.to_user_string() for key in defs.resolve_all_asset_keys())
    assert keys == Path(__file__).with_name("asset_keys.txt").read_text().split()


def test_definitions_are_loadable() -> None:
    dg.Definitions.validate_loadable(defs)


def test_every_asset_says_what_it_is() -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.description
        assert spec.owners
        assert spec.kinds
        assert spec.group_name in {"ingest", "laps", "track", "methods", "narratives", "reports"}
        assert spec.code_version


@pytest.mark.parametrize("name", STEPS)
def test_an_asset_depends_on_what_its_step_reads(name: str) -> None:
    parents = {key.to_user_string() for key in _graph().get(dg.AssetKey(name)).parent_keys}
    assert parents == set(STEPS[name].reads)


def test_sessions_are_partitions_and_the_season_is_not() -> None:
    graph = _graph()
    partitioned = {k.to_user_string() for k in graph.get_all_asset_keys() if graph.get(k).partitions_def is not None}
    assert partitioned == set(STEPS)


def test_the_job_runs_every_asset_of_a_session_and_the_season() -> None:
    job = defs.resolve_job_def(SESSION_JOB)
    assert job.asset_layer.selected_asset_keys == _graph().get_all_asset_keys()
    assert job.executor_def is dg.in_process_executor


def test_every_table_is_checked_by_a_blocking_check() -> None:
    checked = {key.asset_key.to_user_string() for key in _graph().asset_check_keys if key.name == CONTRACT_CHECK}
    assert checked == {name for name, step in STEPS.items() if step.tables}
    specs = [spec for asset in defs.assets or [] for spec in asset.check_specs]
    assert all(spec.blocking for spec in specs if spec.name == CONTRACT_CHECK)
    assert {name for step in STEPS.values() for name in step.tables} == set(TABLES)


def test_a_column_schema_says_type_unit_and_null() -> None:
    columns = {column.name: column for column in table_schema(TABLES["laps"]).columns}
    assert list(columns) == list(TABLES["laps"].column_names)
    assert columns["sector_1_time"].type == "DOUBLE"
    assert columns["sector_1_time"].description.endswith("[s]")
    assert columns["sector_1_time"].constraints.nullable
    assert not columns["vehicle_id"].constraints.nullable


def test_code_version_differs_between_packages() -> None:
    assert code_version(("laps",)) == code_version(("laps",))
    assert code_version(("laps",)) != code_version(("laps", "track"))


def test_the_workspace_loads_the_location_that_runs_are_recorded_under() -> None:
    assert (ROOT / "workspace.yaml").read_text() == runner.workspace_text(Path())
    origin = runner.job_origin().repository_origin
    assert origin.code_location_origin.location_name == runner.LOCATION
    assert origin.repository_name == defs.get_repository_def().name


def test_deployment_uses_the_packaged_instance_config() -> None:
    config = (ROOT / "deploy/dagster.yaml").read_text()
    assert config == (ROOT / "grx_pipeline/defs/dagster.yaml").read_text()
    assert "telemetry:\n  enabled: false" in config


def test_the_private_interface_of_dagster_is_the_one_that_was_tried() -> None:
    create = inspect.signature(dg.DagsterInstance.create_run_for_job).parameters
    assert {"job_def", "run_id", "tags", "remote_job_origin"} <= set(create)
    assert list(inspect.signature(runner.execute_run_iterator).parameters)[:3] == ["job", "dagster_run", "instance"]
    assert list(inspect.signature(runner.InMemoryJob).parameters) == ["job_def"]
    assert runner.RunFailureReason.UNEXPECTED_TERMINATION.value == "UNEXPECTED_TERMINATION"


def test_dagster_validates_the_workspace(tmp_path: Path) -> None:
    environment = os.environ | {"DAGSTER_HOME": str(tmp_path), "GRX_DATA_DIR": str(tmp_path / "data")}
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "deploy/dagster.yaml").read_bytes())
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
