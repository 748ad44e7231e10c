"""Real servers on loopback over a published site: `grx serve`, and nginx with the configuration that is shipped."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx.conf"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(port: int, path: str, method: str = "GET", *, body: bytes | None = None, **headers: str) -> Answer:
    """One request on a connection of its own; `if_none_match=...` is the header If-None-Match."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=response.read(),
        )


def send_raw(port: int, data: bytes, *, seconds: float = 10.0) -> bytes:
    """What comes back on bytes as they are, until the other side closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(data)
        pieces = []
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def grx_serve(reports: Path, *options: str, **environment: str) -> Iterator[int]:
    """`grx serve` as a process of its own; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "grx_pipeline", "serve", "--port", str(port), "--reports", str(reports), *options]
    with _running(command, port, {**os.environ, **environment}):
        yield port


@contextlib.contextmanager
def nginx(reports: Path, scratch: Path, *, server: int | None = None) -> Iterator[int]:
    """Debian's nginx with deploy/nginx.conf, its root and ports replaced; gives its port."""
    if NGINX is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    port = free_port()
    site = CONFIGURATION.read_text(encoding="utf-8")
    for shipped, here in (
        ("root /srv/grx/reports;", f"root {reports};"),
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("127.0.0.1:8000", f"127.0.0.1:{server or free_port()}"),
    ):
        assert shipped in site
        site = site.replace(shipped, here)
    scratch.mkdir(parents=True, exist_ok=True)
    places = " ".join(
        f"{kind}_temp_path {scratch}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # The site is the reader's own; nginx started by root would read it as another user.
    user = "user root;" if os.geteuid() == 0 else ""
    main = f"{user} daemon off; worker_processes 1; pid {scratch}/pid; error_log {scratch}/error.log;\n"
    main += f"events {{}}\nhttp {{ access_log off; keepalive_requests 1000000; {places}\n{site}\n}}\n"
    configuration = scratch / "nginx.conf"
    configuration.write_text(main, encoding="utf-8")
    with _running(
        [NGINX, "-p", str(scratch), "-c", str(configuration), "-e", str(scratch / "error.log")], port, os.environ
    ):
        yield port


@contextlib.contextmanager
def _running(command: list[str], port: int, environment: Mapping[str, str]) -> Iterator[None]:
    with subprocess.Popen(command, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            _wait_for(port, process)
            yield
        finally:
            process.terminate()
            try:
                process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _wait_for(port: int, process: subprocess.Popen[bytes], *, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError((process.stderr.read() if process.stderr else b"").decode())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError
