"""A PostgreSQL cluster of its own for a test: in a temporary folder, on loopback, under a user without rights."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

_VERSIONS = Path("/usr/lib/postgresql")
_USER = "grx"
# Nothing of a test has to outlive a power cut.
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    found = shutil.which("pg_ctl")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(_VERSIONS.glob("*/bin"), reverse=True)
    return next((folder for folder in folders if all((folder / name).exists() for name in ("initdb", "pg_ctl"))), None)


@contextlib.contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """The address of a new, empty database, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # The server refuses to run as root.
    user = pwd.getpwnam("postgres" if _has_user("postgres") else "nobody") if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="grx-pg-") as folder:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}

        def call(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", f"{folder}/db", *arguments]
            subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60, **who)  # type: ignore[call-overload]

        call("initdb", "-U", _USER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        options = [f"-p {port}", "-c listen_addresses=127.0.0.1", f"-k {folder}", *(f"-c {flag}" for flag in _FAST)]
        call("pg_ctl", "-w", "-l", f"{folder}/log", "-o", " ".join(options), "start")
        try:
            yield f"postgresql+psycopg2://{_USER}@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-w", "-m", "immediate", "stop")


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
