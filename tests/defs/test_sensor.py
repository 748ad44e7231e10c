"""The sensor and the inputs: what a tick asks for, and what the instance is told of files and thresholds."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from support.raw_session import write_session

from grx_pipeline.defs.inputs import file_key, report_inputs, report_thresholds, threshold_key
from grx_pipeline.defs.jobs import SESSION_JOB
from grx_pipeline.defs.sensors import landing_sensor
from grx_pipeline.defs.tags import LANDED_TAG
from grx_pipeline.ingest.manifest import Manifest, RawFile
from grx_pipeline.settings import Settings

SESSION = "barber-2025-r1"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRX_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data" / "raw"


def _tick(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    result = landing_sensor(30.0)(dg.build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(result, dg.SensorResult)
    return result


def _observed(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[str]:
    """The data versions that were told, the latest first."""
    records = instance.fetch_observations(key, limit=10).records
    return [record.asset_observation.tags["dagster/data_version"] for record in records]


def test_a_tick_without_files_says_why_nothing_runs(instance: dg.DagsterInstance, raw: Path) -> None:
    tick = _tick(instance)
    assert tick.run_requests == []
    assert str(raw) in str(tick.skip_reason)


def test_a_landed_session_becomes_a_partition_and_one_run(instance: dg.DagsterInstance, raw: Path) -> None:
    write_session(raw / "barber")
    landing = _tick(instance)
    landed = _tick(instance, landing.cursor)
    after = _tick(instance, landed.cursor)
    assert (landing.run_requests, after.run_requests) == ([], [])
    assert "still growing" in str(landing.skip_reason)
    [request] = landed.run_requests or []
    [partition] = landed.dynamic_partitions_requests or []
    assert (request.partition_key, request.tags[LANDED_TAG]) == (SESSION, str(raw))
    assert str(request.run_key).startswith(f"{SESSION} ")
    assert partition.partition_keys == [SESSION]
    assert len(_observed(instance, file_key("timing"))) == 1


def test_a_changed_threshold_is_told_at_the_next_tick(instance: dg.DagsterInstance, raw: Path, tmp_path: Path) -> None:
    _tick(instance)
    (tmp_path / "grx.toml").write_text("[laps]\npace_factor = 1.05\n")
    _tick(instance)
    assert len(set(_observed(instance, threshold_key("laps")))) == 2
    assert len(_observed(instance, threshold_key("siwtl"))) == 1


def test_the_sensor_asks_for_the_whole_session() -> None:
    assert landing_sensor(30.0).job_name == SESSION_JOB
    assert landing_sensor(2.4).minimum_interval_seconds == 2


def _manifest(timing: str, weather: str = "w") -> Manifest:
    files = [
        RawFile(kind=kind, path=f"/race/{kind}.csv", member=None, size=10, sha256=content * 64)
        for kind, content in (("analysis", timing), ("weather", weather))
    ]
    return Manifest(session=SESSION, circuit="barber", year="2025", race=1, root="/race", files=tuple(files))


def test_only_what_changed_is_told_again(instance: dg.DagsterInstance) -> None:
    settings = Settings()
    report_inputs(instance, settings, _manifest("a"))
    assert report_inputs(instance, settings, _manifest("a")) == []
    changed = report_inputs(instance, settings, _manifest("b"))
    assert [observation.asset_key for observation in changed] == [file_key("timing")]
    assert changed[0].partition == SESSION


def test_a_threshold_says_its_value_unit_reason_and_what_it_was(instance: dg.DagsterInstance) -> None:
    settings = Settings()
    settings = dataclasses.replace(settings, laps=dataclasses.replace(settings.laps, pace_factor=1.05))
    told = {observation.asset_key: observation for observation in report_thresholds(instance, settings)}
    table = told[threshold_key("laps")].metadata["thresholds"]
    assert isinstance(table, dg.TableMetadataValue)
    rows = {record.data["threshold"]: record.data for record in table.records}
    assert rows["pace_factor"]["value"] == "1.05 ratio"
    assert rows["pace_factor"]["changed from"] == "1.04"
    assert "1.31" in str(rows["pace_factor"]["why"])
    assert rows["pace_quantile"]["changed from"] == ""
