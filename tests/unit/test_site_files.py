"""What stands above the sessions: the list of them, the API's description and pages, and how they are shown."""

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from grx_pipeline.errors import StorageError
from grx_pipeline.paths import Paths
from grx_pipeline.reports.json_schema import RECORDS
from grx_pipeline.reports.openapi import openapi
from grx_pipeline.reports.season import SeasonFacts, SeasonSession
from grx_pipeline.reports.site_files import api_pages, publish_site, published
from grx_pipeline.settings import ReportSettings, Settings

VENDORED = Path(str(resources.files("grx_pipeline.reports"))) / "apidocs" / "vendor"


def session(name: str, date: str, race: int, *, is_simulated: bool = False) -> SeasonSession:
    facts = SeasonFacts(
        circuit_name=name,
        is_simulated=is_simulated,
        race=race,
        race_date=date,
        cars=3,
        laps=18,
        clean_laps=9,
        telemetry_laps=2,
        best_lap_ms=98_326,
        best_lap_car="2",
        is_best_clean=True,
        winner_car="2",
        winner_name=None,
        neutralisations=1,
    )
    return SeasonSession(session=name, facts=facts)


ONE, TWO = session("a-2025-r1", "2025-09-06", 1), session("a-2025-r2", "2025-09-07", 2)
DEMO = session("oval-2025-r1", "2026-01-01", 1, is_simulated=True)
OLD = SeasonSession(session="old-2024-r1", facts=None, problems=("Published by another version.",))
BEGUN = SeasonSession(session="b-2025-r1", facts=None, is_published=False)


def test_the_latest_is_the_last_real_race_with_facts_else_the_last_simulated_one() -> None:
    assert published([ONE, TWO, DEMO, OLD, BEGUN]).latest == "a-2025-r2"
    assert published([DEMO, OLD]).latest == "oval-2025-r1"
    assert published([OLD, BEGUN]).latest is None
    assert [entry.session for entry in published([ONE, OLD, BEGUN]).sessions] == ["a-2025-r1", "old-2024-r1"]
    assert published([OLD]).sessions[0].problems == ("Published by another version.",)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.of(Settings(reports_dir=tmp_path / "reports"))


def publish(paths: Paths, *sessions: SeasonSession, now: str = "2025-01-01T00:00:00Z") -> None:
    publish_site(list(sessions), paths, ReportSettings(), now=now)


def test_every_name_in_the_reports_folder_leads_through_one_link(paths: Paths) -> None:
    publish(paths, ONE)
    shown = {file.name for file in paths.reports.iterdir()} - {".builds", ".site"}
    assert shown >= {
        "index.html",
        "index.html.gz",
        "manifest.json",
        "openapi.json",
        "docs.html",
        "assets",
        "api",
        "latest",
    }
    assert all((paths.reports / name).readlink() == Path(".site") / name for name in shown)
    before = (paths.reports / "index.html").read_bytes()
    publish(paths, ONE, TWO)
    assert (paths.reports / "index.html").read_bytes() != before
    assert json.loads((paths.reports / "api/sessions.json").read_bytes())["data"]["latest"] == "a-2025-r2"
    assert (paths.site() / "latest").readlink() == Path("../../../a-2025-r2")


def test_an_unchanged_list_publishes_nothing_and_keeps_its_time(paths: Paths) -> None:
    publish(paths, ONE)
    target = paths.site().readlink()
    publish(paths, ONE, now="2099-01-01T00:00:00Z")
    assert paths.site().readlink() == target


def test_files_of_an_earlier_layout_give_way(paths: Paths) -> None:
    (paths.reports / "assets").mkdir(parents=True)
    (paths.reports / "assets/site.old.css").write_bytes(b"")
    (paths.reports / "index.html").write_bytes(b"old")
    publish(paths, ONE)
    assert (paths.reports / "assets").is_symlink()
    assert (paths.reports / "index.html").read_bytes().startswith(b"<!DOCTYPE html>")
    assert not list(paths.reports.glob(".*.tmp"))


def test_a_folder_that_cannot_be_written_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "reports").write_bytes(b"a file")
    with pytest.raises(StorageError, match="reports"):
        publish(Paths.of(Settings(reports_dir=tmp_path / "reports")), ONE)


def test_the_description_has_every_kind_of_file_twice_and_resolves() -> None:
    document = openapi()
    for prefix in ("/api", "/api/sessions/{session}"):
        for kind in RECORDS:
            assert any(path.startswith(f"{prefix}/{kind}") for path in document["paths"]), kind
    operations = [entry[method] for entry in document["paths"].values() for method in entry]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(_references(document)) <= known
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, entry in document["paths"].items():
        parameters = next(iter(entry.values())).get("parameters", [])
        given = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert given == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []


@pytest.mark.parametrize("record", sorted(VENDORED.glob("*.json")), ids=lambda file: file.stem)
def test_vendored_files_are_those_of_their_packages(record: Path) -> None:
    document = json.loads(record.read_bytes())
    assert document["tarball"] == f"{document['package']}-{document['version']}.tgz"
    assert document["integrity"].startswith("sha512-")
    for name, file in document["files"].items():
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == file["sha256"], name
    assert any("LICENSE" in name for name in document["files"])


def test_every_vendored_file_is_recorded_and_its_licence_is_published() -> None:
    recorded = {name for file in VENDORED.glob("*.json") for name in json.loads(file.read_bytes())["files"]}
    assert recorded == {file.name for file in VENDORED.iterdir() if file.suffix != ".json"}
    licences = {name for name in recorded if "LICENSE" in name or "NOTICE" in name}
    stems = {name.removeprefix("assets/").rsplit(".", 2)[0] for name in api_pages() if name.endswith(".txt")}
    assert stems == {name.removesuffix(".txt") for name in licences}


def test_the_apis_pages_name_no_other_host() -> None:
    for name in ("docs.html", "redoc.html"):
        text = api_pages()[name].decode()
        assert "http" not in text.replace("http-equiv", "")
        assert "default-src 'none'" in text
    assert not any(b"cdn.redoc.ly/redoc/logo" in content for content in api_pages().values())
