"""The Dagster UI as a team uses it: `grx ui`, a session that lands, its lineage, its checks, and a run done again."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from support.raw_session import write_session
from support.servers import free_port

SESSION = "barber-2025-r1"
TIMING = "23_AnalysisEnduranceWithSections_Race 1_Anonymized.CSV"
WEATHER = "26_Weather_Race 1_Anonymized.CSV"
SLOW_MS = 120_000
SENSOR = {
    "repositoryName": "__repository__",
    "repositoryLocationName": "grx",
    "sensorName": "sessions_that_landed",
}
RUNS = "{ runsOrError(limit: 10) { ... on Runs { results { runId status tags { key value } stepKeysToExecute } } } }"
SENSOR_ID = "query($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor { id } } }"
STOP = "mutation($id: String!) { stopSensor(id: $id) { __typename } }"
AGAIN = """mutation($run: String!, $strategy: ReexecutionStrategy!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: $strategy}) {
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""


@dataclass(frozen=True, kw_only=True)
class Cockpit:
    """A running `grx ui` over `data`, in which the session landed without its weather and was run by the sensor."""

    address: str
    data: Path
    reports: Path
    first_run: str
    process: "subprocess.Popen[bytes]"

    @property
    def raw(self) -> Path:
        return self.data / "raw" / "barber"

    def ask(self, query: str, **variables: object) -> Any:
        return _ask(self.address, query, **variables)

    def runs(self) -> list[dict[str, Any]]:
        """The last runs, the latest first."""
        assert self.process.poll() is None, "grx ui ended by itself"
        found: list[dict[str, Any]] = self.ask(RUNS)["runsOrError"]["results"]
        return found

    def finished(self, *, beside: set[str]) -> dict[str, Any]:
        """The next run that is not one of these, once it has ended."""
        ended = ("SUCCESS", "FAILURE")
        return _wait(lambda: next((r for r in self.runs() if r["runId"] not in beside and r["status"] in ended), None))

    def stop_sensor(self) -> None:
        """From now on what lies in data/raw is run only where somebody asks for it."""
        sensor = self.ask(SENSOR_ID, sensor=SENSOR)["sensorOrError"]["id"]
        self.ask(STOP, id=sensor)

    def run_here(self) -> tuple[int, dict[str, Any]]:
        """What `grx run --force` on the raw files ends with, and the run that it recorded."""
        folders = {"GRX_DATA_DIR": str(self.data), "GRX_REPORTS_DIR": str(self.reports)}
        command = [sys.executable, "-m", "grx_pipeline", "run", str(self.raw), "--force"]
        ended = subprocess.run(
            command, cwd=self.data.parent, env={**os.environ, **folders}, capture_output=True, check=False
        )
        return ended.returncode, self.runs()[0]

    def do_again(self, run_id: str, strategy: str) -> dict[str, Any]:
        """The run that the UI makes of another one, once it has ended."""
        before = {run["runId"] for run in self.runs()}
        launched = self.ask(AGAIN, run=run_id, strategy=strategy)["launchRunReexecution"]["run"]["runId"]
        assert launched not in before
        return self.finished(beside=before)


def _ask(address: str, query: str, **variables: object) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    with contextlib.closing(http.client.HTTPConnection(address, timeout=60)) as connection:
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        return json.load(connection.getresponse())["data"]


def _wait(look: Callable[[], Any], *, seconds: float = 400.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionError, TypeError, KeyError):
            if found := look():
                return found
        time.sleep(0.2)
    raise TimeoutError


@pytest.fixture(scope="module")
def cockpit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cockpit]:
    folder = tmp_path_factory.mktemp("cockpit")
    data, reports = folder / "data", folder / "reports"
    site = free_port()
    (folder / "grx.toml").write_text(
        f'[run]\nlanding_gap_s = 1.0\n[serve]\naddress = "http://127.0.0.1:{site}"\n', encoding="utf-8"
    )
    (write_session(data / "raw" / "barber") / WEATHER).rename(folder / WEATHER)
    port = free_port()
    folders = {"GRX_DATA_DIR": str(data), "GRX_REPORTS_DIR": str(reports)}
    command = [sys.executable, "-m", "grx_pipeline", "ui", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env={**os.environ, **folders}, stdout=subprocess.DEVNULL) as process:
        try:
            cockpit = Cockpit(address=f"127.0.0.1:{port}", data=data, reports=reports, first_run="", process=process)
            first = cockpit.finished(beside=set())
            assert first["status"] == "SUCCESS"
            yield replace(cockpit, first_run=first["runId"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=120)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(SLOW_MS)
    yield context.new_page()
    context.close()


def test_the_sensor_runs_a_session_that_landed(cockpit: Cockpit, page: Page) -> None:
    [run] = cockpit.runs()
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["dagster/partition"] == SESSION
    assert tags["dagster/sensor_name"] == SENSOR["sensorName"]
    assert (cockpit.reports / SESSION / "index.html").is_file()
    page.goto(f"http://{cockpit.address}/runs/{cockpit.first_run}")
    expect(page.get_by_text("Success").first).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_text(SESSION).first).to_be_visible()


def test_the_lineage_reads_as_chapters(cockpit: Cockpit, page: Page) -> None:
    page.goto(f"http://{cockpit.address}/asset-groups")
    for chapter in ("1_from_the_track", "2_thresholds", "3_in_the_lake", "4_laps", "9_debrief"):
        expect(page.get_by_text(chapter).first).to_be_visible(timeout=SLOW_MS)


def test_a_partition_shows_its_run_and_what_came_out(cockpit: Cockpit, page: Page) -> None:
    page.goto(f"http://{cockpit.address}/assets/core_laps?view=partitions&partition={SESSION}")
    expect(page.get_by_text("Materialized", exact=True).first).to_be_visible(timeout=SLOW_MS)
    expect(page.get_by_role("link", name=cockpit.first_run[:8]).first).to_be_visible()
    expect(page.get_by_text("clean laps and reasons")).to_be_visible()
    expect(page.get_by_text("first run").first).to_be_visible()
    link = page.get_by_role("link", name=f"{SESSION}/index.html").first.get_attribute("href")
    page.goto(str(link))
    expect(page.locator("h1")).to_be_visible()


def test_a_failing_check_says_why(cockpit: Cockpit, page: Page) -> None:
    page.goto(f"http://{cockpit.address}/assets/raw_weather?view=checks&checkDetail=weather_there")
    expect(page.get_by_text("There is no weather file for this session.").first).to_be_visible(timeout=SLOW_MS)


def test_a_changed_threshold_makes_what_used_it_out_of_date(cockpit: Cockpit, page: Page) -> None:
    config = cockpit.data.parent / "grx.toml"
    before = config.read_text(encoding="utf-8")
    stale = "query($asset: AssetKeyInput!, $session: String!) { assetNodes(assetKeys: [$asset]) {"
    stale += " staleStatus(partition: $session) staleCauses(partition: $session) { key { path } } } }"

    def causes(asset: str) -> list[list[str]]:
        [node] = cockpit.ask(stale, asset={"path": [asset]}, session=SESSION)["assetNodes"]
        return [cause["key"]["path"] for cause in node["staleCauses"]]

    config.write_text(f"{before}[laps]\npace_factor = 1.05\n", encoding="utf-8")
    try:
        assert _wait(lambda: causes("core_laps")) == [["thresholds", "laps"]]
        assert causes("raw_timing") == []
        page.goto(f"http://{cockpit.address}/assets/core_laps?view=partitions&partition={SESSION}")
        expect(page.get_by_text("Unsynced").first).to_be_visible(timeout=SLOW_MS)
    finally:
        config.write_text(before, encoding="utf-8")
    _wait(lambda: causes("core_laps") == [])


def test_a_run_that_failed_is_done_again_from_its_failure(cockpit: Cockpit, page: Page) -> None:
    timing = cockpit.raw / TIMING
    good = timing.read_bytes()
    timing.write_bytes(good.replace(b" LAP_TIME;", b" LAPTIME;", 1))
    failed = cockpit.finished(beside={cockpit.first_run})
    assert failed["status"] == "FAILURE"
    cockpit.stop_sensor()
    timing.write_bytes(good)
    page.goto(f"http://{cockpit.address}/runs/{failed['runId']}")
    expect(page.get_by_text("no column LAP_TIME").locator("visible=true").first).to_be_visible(timeout=SLOW_MS)
    buttons = page.get_by_role("button")
    labels = [button.inner_text() for button in buttons.all()]
    buttons.nth(next(n for n, label in enumerate(labels) if "Re-execute" in label) + 1).click()
    page.get_by_text("From failure", exact=True).click()
    again = cockpit.finished(beside={cockpit.first_run, failed["runId"]})
    tags = {tag["key"]: tag["value"] for tag in again["tags"]}
    assert again["status"] == "SUCCESS"
    assert tags["dagster/parent_run_id"] == failed["runId"]
    assert "raw_timing" in again["stepKeysToExecute"]
    assert "raw_telemetry" not in again["stepKeysToExecute"]


def test_a_run_of_the_command_line_is_done_again(cockpit: Cockpit) -> None:
    cockpit.stop_sensor()
    code, recorded = cockpit.run_here()
    assert (code, recorded["status"]) == (0, "SUCCESS")
    again = cockpit.do_again(recorded["runId"], "ALL_STEPS")
    tags = {tag["key"]: tag["value"] for tag in again["tags"]}
    assert again["status"] == "SUCCESS"
    assert tags["dagster/parent_run_id"] == recorded["runId"]
    assert tags["dagster/partition"] == SESSION
    assert tags["grx/worker"].startswith(f"{again['runId']} ")


def test_a_failed_run_of_the_command_line_goes_on_from_its_failure(cockpit: Cockpit) -> None:
    cockpit.stop_sensor()
    timing = cockpit.raw / TIMING
    good = timing.read_bytes()
    timing.write_bytes(good.replace(b" LAP_TIME;", b" LAPTIME;", 1))
    code, recorded = cockpit.run_here()
    timing.write_bytes(good)
    assert (code, recorded["status"]) == (1, "FAILURE")
    again = cockpit.do_again(recorded["runId"], "FROM_FAILURE")
    tags = {tag["key"]: tag["value"] for tag in again["tags"]}
    assert again["status"] == "SUCCESS"
    assert tags["dagster/parent_run_id"] == recorded["runId"]
    assert "raw_timing" in again["stepKeysToExecute"]
    assert "raw_telemetry" not in again["stepKeysToExecute"]
