"""Which process works on something, told so that a later process can see whether it still lives.

A pid alone is not enough: pids are used again, after a restart of the machine the same ones at once.
"""

import os
import socket
from pathlib import Path

# Places among the fields of /proc/<pid>/stat that follow the command's name.
_STATE, _STARTED = 0, 19
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_ENDED = "ZX"  # killed, and not yet taken note of by its parent


def process_mark() -> str:
    """This process: host, pid and when it started, in one word each. The last is "-" where the system does not tell."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid()) or '-'}"


def is_gone(mark: str) -> bool:
    """Whether the process of a mark is certainly gone: one of this host whose pid is free, or another process's now."""
    host, pid, started = (*mark.split(" "), "-", "-")[:3]
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if not _is_alive(int(pid)):
        return True
    now = _started(int(pid))
    return now is not None and started not in ("-", now)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    fields = _fields(pid)
    return not fields or fields[_STATE] not in _ENDED


def _started(pid: int) -> str | None:
    """When a process started, in the kernel's ticks since this start of the machine: no clock can be set back there."""
    fields = _fields(pid)
    return f"{_BOOT.read_text(encoding='utf-8').strip()}:{fields[_STARTED]}" if fields else None


def _fields(pid: int) -> list[str]:
    """What Linux tells of a process; nothing on other systems, or where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []
