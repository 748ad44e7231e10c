"""The Dagster UI on a data folder: web server, daemon and the pages, as children that end with this process.

Knows nothing of runs but that those of dead processes are to be marked.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from grx_pipeline.errors import PortTakenError
from grx_pipeline.forks import end_with_parent
from grx_pipeline.instance import open_instance, repair_runs
from grx_pipeline.paths import Paths
from grx_pipeline.runner import LOCATION, MODULE, interrupt_on_sigterm
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes

# Hashing the gigabytes of a weekend from a slow disk takes longer than the minute a sensor has by itself.
_SENSOR_MAY_TAKE_S = 3600
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
    commands = [*_dagster_commands(paths, host, port), *([pages] if pages else [])]
    with (
        contextlib.suppress(KeyboardInterrupt),
        interrupt_on_sigterm(),
        # First: the children that find no store would all make one at the same time.
        open_instance(paths) as instance,
        _children(commands, _environment(paths), end_s=settings.run.stop_wait_s) as ended,
    ):
        tell(f"the Dagster UI is on http://{host}:{port} in a moment; Ctrl-C ends it")
        tell(f"its links lead to {settings.serve.address}{', served along' if pages else ''}")
        tell(f"sessions that land in {paths.raw} are run by themselves")
        while (status := ended(settings.run.repair_gap_s)) is None:
            repair_runs(instance)
        return status
    return 0


def workspace_text(folder: Path) -> str:
    """A workspace file that loads the definitions with `folder` as working directory, where grx.toml is looked for."""
    return (
        "load_from:\n"
        "  - python_module:\n"
        f"      module_name: {MODULE}\n"
        f"      working_directory: {json.dumps(str(folder))}\n"
        f"      location_name: {LOCATION}\n"
    )


def _environment(paths: Paths) -> dict[str, str]:
    folders = {"GRX_DATA_DIR": str(paths.data), "GRX_REPORTS_DIR": str(paths.reports)}
    ours = {"DAGSTER_HOME": str(paths.dagster_home), "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": str(_SENSOR_MAY_TAKE_S)}
    return {**os.environ, **folders, **ours}


def _dagster_commands(paths: Paths, host: str, port: int) -> list[list[str]]:
    workspace = paths.dagster_home / "workspace.yaml"
    write_bytes(workspace, workspace_text(Path.cwd()).encode())
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


@contextlib.contextmanager
def _children(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], *, end_s: float
) -> Iterator[Callable[[float], int | None]]:
    """Run the modules; gives a function that waits so many seconds for one to end, and ends all of them on leaving.

    On Linux they also end where this process is killed outright: the kernel tells them.
    """
    follow = _die_with_parent if sys.platform == "linux" else None
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen([sys.executable, "-m", *command], env=dict(environment), preexec_fn=follow)  # noqa: PLW1509, S603
            )
            for command in commands
        ]
        stack.callback(_end, processes, end_s)

        def ended(seconds: float) -> int | None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                processes[0].wait(seconds)
            return next((code for process in processes if (code := process.poll()) is not None), None)

        yield ended


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
