"""The UI on a recorded run: it serves, executes the run again, and stops with its parent."""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fake_chain import SESSION, fake_chain, fake_settings, write_fake_manifest

from grx_pipeline import steps
from grx_pipeline.runner import run_session

SERVE = "import sys; from pathlib import Path; from grx_pipeline.runner import launch_ui\n"
SERVE += "from support.fake_chain import fake_settings\n"
SERVE += "sys.exit(launch_ui(fake_settings(Path(sys.argv[1])), host='127.0.0.1', port=int(sys.argv[2])))"
REEXECUTE = """mutation($run: String!) {
  launchRunReexecution(reexecutionParams: {parentRunId: $run, strategy: ALL_STEPS}) {
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUN = "query($run: ID!) { runOrError(runId: $run) { ... on Run { status tags { key value } } } }"


def _ask(port: int, query: str, **variables: str) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        return json.load(connection.getresponse())["data"]


def _wait(ask: Callable[[], Any], *, until: Callable[[Any], bool], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            answer = ask()
        except ConnectionError:
            answer = None
        if answer is not None and until(answer):
            return answer
        time.sleep(0.2)
    raise TimeoutError


def test_the_ui_executes_a_recorded_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = fake_settings(tmp_path)
    write_fake_manifest(settings)
    monkeypatch.setattr(steps, "STEPS", fake_chain())
    recorded = run_session(SESSION, settings=settings, progress=lambda _: None)
    assert recorded.run_id is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    command = [sys.executable, "-c", SERVE, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(lambda: _ask(port, "{ version }"), until=bool)
            launched = _ask(port, REEXECUTE, run=recorded.run_id)["launchRunReexecution"]["run"]["runId"]
            run = _wait(
                lambda: _ask(port, RUN, run=launched)["runOrError"],
                until=lambda answer: answer["status"] in ("SUCCESS", "FAILURE"),
            )
        finally:
            server.send_signal(signal.SIGTERM)
            code = server.wait(timeout=30)
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    assert tags["dagster/parent_run_id"] == recorded.run_id
    assert tags["dagster/partition"] == SESSION
    assert tags["grx/worker"].startswith(f"{launched} ")
    assert code == 0
