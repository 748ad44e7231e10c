"""A process that holds a session's lock until it is told to let go."""

import subprocess
import sys
from pathlib import Path

_HOLD = "import sys; from pathlib import Path; from grx_pipeline.storage.locks import session_lock\n"
_HOLD += "with session_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def hold(path: Path) -> "subprocess.Popen[str]":
    """Start it; `communicate` lets go, `kill` lets the kernel do it."""
    command = [sys.executable, "-c", _HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process
