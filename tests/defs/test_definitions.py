"""The definitions load, say what they are, and agree with the workspace."""

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from grx_pipeline import cockpit, runner
from grx_pipeline.definitions import defs
from grx_pipeline.defs.assets.factory import code_version, table_schema
from grx_pipeline.defs.checks import CONTRACT_CHECK
from grx_pipeline.defs.inputs import FILE_CARDS, inputs_of
from grx_pipeline.defs.jobs import NARRATIVES_JOB, REPORTS_JOB, SEASON_ASSET, SESSION_JOB
from grx_pipeline.defs.sensors import LANDING_SENSOR
from grx_pipeline.ingest.manifest import RAW_KINDS
from grx_pipeline.instance import LOCATION, MODULE
from grx_pipeline.schemas import TABLES
from grx_pipeline.steps import STEPS

ROOT = Path(__file__).parents[2]
# The story of a session, in the order in which the UI lists its groups.
CHAPTERS = (
    *("1_from_the_track", "2_thresholds", "3_in_the_lake", "4_laps", "5_circuit", "6_driving", "7_lap_time"),
    *("8_coaching", "9_debrief"),
)


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
        assert spec.group_name in CHAPTERS
        assert spec.code_version or spec.key.path[0] in ("files", "thresholds")


@pytest.mark.parametrize("name", STEPS)
def test_an_asset_depends_on_what_its_step_reads(name: str) -> None:
    parents = {key.to_user_string() for key in _graph().get(dg.AssetKey(name)).parent_keys}
    inputs = {key.to_user_string() for key in inputs_of(STEPS[name])}
    assert parents == {*STEPS[name].reads, *inputs}
    assert inputs >= {f"thresholds/{group}" for group in STEPS[name].settings}


@pytest.mark.parametrize("name", STEPS)
def test_the_lineage_never_goes_back_a_chapter(name: str) -> None:
    groups = {spec.key.to_user_string(): spec.group_name for spec in defs.resolve_all_asset_specs()}
    assert all(str(groups[parent]) <= str(groups[name]) for parent in STEPS[name].reads)


def test_every_kind_of_raw_file_is_in_one_asset() -> None:
    kinds = [kind for card in FILE_CARDS.values() for kind in card.kinds]
    assert sorted(kinds) == sorted(RAW_KINDS)


def test_sessions_are_partitions_and_the_season_is_not() -> None:
    graph = _graph()
    partitioned = {k.to_user_string() for k in graph.get_all_asset_keys() if graph.get(k).partitions_def is not None}
    assert partitioned == {*STEPS, *(f"files/{name}" for name in FILE_CARDS)}


def test_the_job_runs_every_asset_of_a_session_and_the_season() -> None:
    job = defs.resolve_job_def(SESSION_JOB)
    assert {key.to_user_string() for key in job.asset_layer.selected_asset_keys} == {*STEPS, SEASON_ASSET}
    assert job.executor_def is dg.in_process_executor


@pytest.mark.parametrize(
    ("name", "selected"),
    [
        (REPORTS_JOB, {"out_reports", SEASON_ASSET}),
        (NARRATIVES_JOB, {"out_narratives", "out_warehouse", "out_reports", SEASON_ASSET}),
    ],
)
def test_a_part_of_a_session_is_a_job_of_its_own(name: str, selected: set[str]) -> None:
    keys = defs.resolve_job_def(name).asset_layer.selected_asset_keys
    assert {key.to_user_string() for key in keys} == selected


def test_the_sensor_is_on_and_runs_whole_sessions() -> None:
    sensor = defs.resolve_sensor_def(LANDING_SENSOR)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert sensor.job_name == SESSION_JOB


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


def test_both_workspaces_name_the_location_that_runs_are_recorded_under() -> None:
    (by_hand,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert by_hand == {"python_module": {"module_name": MODULE, "working_directory": ".", "location_name": LOCATION}}
    (served,) = yaml.safe_load(cockpit.workspace_text(Path("/run/a: b")))["load_from"]
    assert served == {"grpc_server": {"socket": "/run/a: b", "location_name": LOCATION}}
    origin = runner.job_origin().repository_origin
    assert origin.code_location_origin.location_name == LOCATION
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
    assert {"message", "cls_name", "cause"} <= set(runner.SerializableErrorInfo.__annotations__)
    assert runner.RunFailureReason.UNEXPECTED_TERMINATION.value == "UNEXPECTED_TERMINATION"


def test_dagster_validates_the_workspace(tmp_path: Path) -> None:
    environment = os.environ | {"DAGSTER_HOME": str(tmp_path), "GRX_DATA_DIR": str(tmp_path / "data")}
    (tmp_path / "dagster.yaml").write_bytes((ROOT / "deploy/dagster.yaml").read_bytes())
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
