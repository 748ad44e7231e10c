"""The server while the site changes, and the commands and the description that the documents name."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.published_site import EARLIER, LATEST, publish_session, publish_sessions
from support.report_session import ODD, PATHS_OF, PLAIN, TRACED
from support.served_site import LIMITS, Servers, problem
from support.servers import ask, free_port, grx_serve, nginx

from grx_pipeline.paths import Paths
from grx_pipeline.reports.steps import build_season
from grx_pipeline.settings import Settings


class _Listener(threading.Thread):
    """Listens to new builds until it has seen so many events."""

    def __init__(self, port: int, path: str, count: int) -> None:
        super().__init__(daemon=True)
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self.count, self.text = count, ""
        self._heard = threading.Condition()
        self.start()

    def run(self) -> None:
        while self.text.count("data: ") < self.count and (piece := self.connection.recv(65536)):
            with self._heard:
                self.text += piece.decode()
                self._heard.notify_all()
        self.connection.close()

    def wait_for(self, count: int) -> None:
        """Wait until so many events have come."""
        with self._heard:
            assert self._heard.wait_for(lambda: self.text.count("data: ") >= count, timeout=20)

    @property
    def events(self) -> list[dict[str, str]]:
        return [json.loads(line[6:]) for line in self.text.splitlines() if line.startswith("data: ")]


def test_open_pages_are_told_of_a_new_build_which_is_served_at_once_without_a_restart(tmp_path: Path) -> None:
    reports = publish_sessions(tmp_path)
    settings = Settings(data_dir=tmp_path / "data", reports_dir=reports)
    (tmp_path / "grx.toml").write_text(LIMITS, encoding="utf-8")
    with (
        contextlib.chdir(tmp_path),
        grx_serve(reports, "--workers", "2") as port,
        nginx(reports, tmp_path / "nginx", server=port) as proxy,
    ):
        before = ask(port, f"/api/sessions/{EARLIER}/drivers")
        one = _Listener(port, f"/api/events?session={EARLIER}", 2)
        every = _Listener(proxy, "/api/events", 4)
        other = _Listener(port, f"/api/events?session={LATEST}", 2)
        latest = _Listener(port, "/api/events?session=latest", 2)
        for listener, standing in ((one, 1), (every, 3), (other, 1), (latest, 1)):
            listener.wait_for(standing)
        publish_session(settings, EARLIER, race=1, team="Team 7")
        for _ in range(8):
            after = ask(port, f"/api/sessions/{EARLIER}/drivers")
            assert json.loads(after.body)["data"]["drivers"][0]["team"] == "Team 7"
            assert after.headers["etag"] != before.headers["etag"]
        one.join(10)
        every.join(10)
        builds = [event["build"] for event in one.events]
        assert [event["session"] for event in one.events] == [EARLIER] * 2
        assert builds[0] != builds[1]
        assert builds[1] == json.loads((reports / EARLIER / "manifest.json").read_bytes())["build"]
        assert [event["session"] for event in every.events] == [EARLIER, LATEST, "site", EARLIER]
        assert len(other.events) == 1
        assert [event["session"] for event in latest.events] == [LATEST]
        assert ask(port, "/api/events?session=none-2025-r1").status == 404
        stop = time.monotonic()
    # Pages that listen keep no server from stopping.
    assert time.monotonic() - stop < 8


def test_a_session_that_comes_later_and_one_that_goes_are_noticed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", reports_dir=tmp_path / "reports")
    with grx_serve(settings.reports_dir) as port:
        assert problem(ask(port, "/"))["detail"] == "Nothing is published yet."
        assert json.loads(ask(port, "/healthz").body)["latest"] is None
        publish_session(settings, EARLIER, race=1)
        build_season(Paths.of(settings), settings)
        assert json.loads(ask(port, "/api/drivers").body)["session"] == EARLIER
        publish_session(settings, LATEST, race=2)
        build_season(Paths.of(settings), settings)
        assert json.loads(ask(port, "/api/drivers").body)["session"] == LATEST
        (settings.reports_dir / LATEST).unlink()
        assert ask(port, f"/api/sessions/{LATEST}/drivers").status == 404
        build_season(Paths.of(settings), settings)
        assert json.loads(ask(port, "/api/drivers").body)["session"] == EARLIER


def test_the_documented_uvicorn_command_serves_too(servers: Servers, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "grx_pipeline.serve.app:app", "--reload", "--log-level", "debug"]
    environment = {**os.environ, "GRX_REPORTS_DIR": str(servers.settings.reports_dir)}
    with subprocess.Popen(
        [*command, "--port", str(port)],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        deadline = time.monotonic() + 60
        status = 0
        while status != 200 and time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                status = ask(port, "/api/drivers").status
            time.sleep(0.1)
        process.terminate()
        process.communicate(timeout=20)
    assert status == 200


def test_no_answer_of_a_generated_request_breaks_the_description(servers: Servers) -> None:
    """Schemathesis over every operation but the endless one, with names of cars that are there and that are not."""
    schema = schemathesis.openapi.from_dict(json.loads(ask(servers.grx, "/openapi.json").body))
    schema.config.update(base_url=f"http://127.0.0.1:{servers.grx}")
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
        response_headers_conformance,
    ]
    cars = [PLAIN, ODD, PATHS_OF[ODD]]
    known = {"vehicle_id": cars, "a": cars, "b": cars, "lap_number": list(TRACED), "session": [EARLIER, LATEST]}
    statuses: dict[str, set[int]] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == "/api/events":
            continue
        base_url = f"http://127.0.0.1:{servers.grx}"
        statuses[operation.path] = _run_operation(operation, checks, known, base_url=base_url)
    api = servers.settings.reports_dir / LATEST / "api"
    has_files = {path for path in statuses if (api / path.removeprefix("/api/").partition("/{")[0]).exists()}
    assert len(has_files) > 8
    assert {path for path in has_files if 200 not in statuses[path]} == set()


def _run_operation(operation: Any, checks: list[Any], known: dict[str, list[Any]], *, base_url: str) -> set[int]:
    statuses: set[int] = set()
    values = st.fixed_dictionaries({name: st.sampled_from(known[name]) for name in known})

    @given(case=operation.as_strategy(), values=values, is_known=st.booleans())
    @examples(
        max_examples=40,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Any, values: dict[str, Any], is_known: bool) -> None:
        if is_known and case.path_parameters:
            case.path_parameters = {n: quote(str(values[n]), safe="") for n in case.path_parameters}
        response = case.call(base_url=base_url)
        case.validate_response(response, checks=checks)
        statuses.add(response.status_code)

    run()
    return statuses
