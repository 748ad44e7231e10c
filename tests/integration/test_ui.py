"""`grx ui`: it serves with its daemon and the pages, ends with its children, and says so where its port is taken."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.fake_chain import fake_settings
from support.servers import free_port

from grx_pipeline.cockpit import launch_ui
from grx_pipeline.errors import PortTakenError


class _Ui:
    """`grx ui` in a process of its own, with the pages on another port."""

    def __init__(self, folder: Path) -> None:
        self.port, self.pages = free_port(), free_port()
        (folder / "grx.toml").write_text(f'[serve]\naddress = "http://127.0.0.1:{self.pages}"\n', encoding="utf-8")
        folders = {"GRX_DATA_DIR": str(folder / "data"), "GRX_REPORTS_DIR": str(folder / "reports")}
        command = [sys.executable, "-m", "grx_pipeline", "ui", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **folders}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def answers(self, port: int) -> bool:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            try:
                connection.request("GET", "/server_info" if port == self.port else "/healthz")
                return connection.getresponse().status < 500
            except ConnectionError:
                return False

    def is_up(self) -> bool:
        assert self.process.poll() is None, "grx ui ended by itself"
        return self.answers(self.port) and self.answers(self.pages)

    def is_gone(self) -> bool:
        return all(_is_free(port) for port in (self.port, self.pages)) and not _processes_of(self.process.pid)


def _processes_of(parent: int) -> list[int]:
    """Children of a process, or of one that is gone."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def _is_free(port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait(until: Callable[[], bool], *, seconds: float = 400.0) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)


@pytest.fixture
def ui(tmp_path: Path) -> Iterator[_Ui]:
    ui = _Ui(tmp_path)
    with ui.process:
        try:
            _wait(ui.is_up)
            yield ui
        finally:
            ui.process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_it(ui: _Ui, number: int) -> None:
    children = _processes_of(ui.process.pid)
    assert len(children) == 4
    ui.process.send_signal(number)
    code = ui.process.wait(timeout=60)
    assert code == (0 if number == signal.SIGTERM else -number)
    _wait(ui.is_gone)
    _wait(lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children))


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTakenError, match="--port"):
        launch_ui(fake_settings(tmp_path), host="127.0.0.1", port=taken.getsockname()[1], tell=said.append)
    assert said == []
    assert list(tmp_path.iterdir()) == []
