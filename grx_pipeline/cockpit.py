"""The Dagster UI on a data folder: definitions, web server, daemon and pages, as children that end with this process.

Web server and daemon ask one server for the definitions. Where each starts its own the daemon starts another one every
minute, and the old one warns when nobody asks it any more. So new code needs another `grx ui`.

Knows nothing of runs but that those of dead processes are to be marked.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from grx_pipeline.errors import PortTakenError
from grx_pipeline.forks import end_with_parent, interrupt_on_sigterm
from grx_pipeline.instance import LOCATION, MODULE, open_instance, repair_runs
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes

# Between two looks for whether the definitions are loaded.
_LOADING_GAP_S = 0.2
_LOOPBACK = ("127.0.0.1", "localhost")


def launch_ui(settings: Settings, *, host: str, port: int, tell: Callable[[str], None]) -> int:
    """Serve the UI on the instance of these settings until it is stopped; returns the exit status.

    With it run the daemon and, where nothing listens at the site's address yet, the pages that its links lead to.
    Raises PortTakenError where another process listens on the port.
    """
    paths = Paths.of(settings)
    if not _is_free(host, port):
        raise PortTakenError(
            f"{host}:{port} is taken; an earlier `grx ui` may still run there: stop it, or name another with --port"
        )
    pages = _pages_command(settings)
    with (
        contextlib.suppress(KeyboardInterrupt),
        interrupt_on_sigterm(),
        # First: the children that find no store would all make one at the same time.
        open_instance(paths) as instance,
        tempfile.TemporaryDirectory(prefix="grx-ui-") as scratch,
        _children(_environment(settings), end_s=settings.run.stop_wait_s) as children,
    ):
        tell(f"the Dagster UI is on http://{host}:{port} in a moment; Ctrl-C ends it")
        tell(f"its links lead to {settings.serve.address}{', served along' if pages else ''}")
        tell(f"sessions that land in {paths.raw} are run by themselves")
        definitions = Path(scratch) / "definitions"
        children.start([*_definitions_command(definitions), *([pages] if pages else [])])
        while (status := children.ended(_LOADING_GAP_S)) is None and not _answers(definitions):
            pass
        if status is None:
            children.start(_dagster_commands(paths, definitions, host, port))
        while status is None:
            repair_runs(instance)
            status = children.ended(settings.run.repair_gap_s)
        return status
    return 0


def workspace_text(definitions: Path) -> str:
    """A workspace file that takes the definitions from the server at that socket."""
    where = f"socket: {json.dumps(str(definitions))}"
    return f"load_from:\n  - grpc_server:\n      {where}\n      location_name: {LOCATION}\n"


def _environment(settings: Settings) -> dict[str, str]:
    paths = Paths.of(settings)
    folders = {"GRX_DATA_DIR": str(paths.data), "GRX_REPORTS_DIR": str(paths.reports)}
    sensor_s = {"DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": str(round(settings.run.sensor_wait_s))}
    return {**os.environ, **folders, **sensor_s, "DAGSTER_HOME": str(paths.dagster_home)}


def _definitions_command(place: Path) -> list[list[str]]:
    """A server of the definitions, with the working directory as theirs: grx.toml is looked for there."""
    what = ["-m", MODULE, "-d", str(Path.cwd()), "--location-name", LOCATION]
    return [["dagster", "api", "grpc", "-s", str(place), *what, "--log-level", "warning"]]


def _dagster_commands(paths: Paths, definitions: Path, host: str, port: int) -> list[list[str]]:
    workspace = paths.dagster_home / "workspace.yaml"
    write_bytes(workspace, workspace_text(definitions).encode())
    both = ["-w", str(workspace), "--code-server-log-level", "warning"]
    return [
        ["dagster_webserver", *both, "-h", host, "-p", str(port), "--dagster-log-level", "warning"],
        ["dagster._daemon", "run", *both, "--log-level", "warning"],
    ]


def _pages_command(settings: Settings) -> list[str] | None:
    """`grx serve` at the site's address; nothing where that is another machine's, or taken."""
    place = urlsplit(settings.serve.address)
    if place.hostname not in _LOOPBACK or place.port is None or not _is_free(place.hostname, place.port):
        return None
    where = ["--host", place.hostname, "--port", str(place.port)]
    return ["grx_pipeline", "serve", *where, "--log-level", "warning"]


def _is_free(host: str, port: int) -> bool:
    """Whether a server can listen there."""
    with contextlib.closing(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _answers(place: Path) -> bool:
    """Whether a server listens on the socket."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as probe:
        return probe.connect_ex(str(place)) == 0


class _Children:
    """Modules that run as processes of their own. On Linux they end also where this one is killed outright."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self._environment = dict(environment)

    def start(self, commands: Sequence[Sequence[str]]) -> None:
        follow = _die_with_parent if sys.platform == "linux" else None
        for command in commands:
            self.processes.append(
                subprocess.Popen([sys.executable, "-m", *command], env=self._environment, preexec_fn=follow)  # noqa: PLW1509, S603
            )

    def ended(self, within_s: float) -> int | None:
        """The status of one that has ended; None where none does in that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.processes[0].wait(within_s)
        return next((code for process in self.processes if (code := process.poll()) is not None), None)


@contextlib.contextmanager
def _children(environment: Mapping[str, str], *, end_s: float) -> Iterator[_Children]:
    """Children that are ended on leaving."""
    children = _Children(environment)
    try:
        yield children
    finally:
        _end(children.processes, end_s)


def _end(processes: Sequence["subprocess.Popen[bytes]"], within_s: float) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _die_with_parent() -> None:
    end_with_parent(signal.SIGTERM)
