"""Locks hold against another process and never outlive theirs."""

import subprocess
import sys
from pathlib import Path

import pytest

from grx_pipeline.defs.locks import folder_lock, session_lock
from grx_pipeline.errors import SessionBusyError

HOLD = "import sys; from pathlib import Path; from grx_pipeline.defs.locks import session_lock\n"
HOLD += "with session_lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def _holder(path: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_session_that_another_process_runs_is_busy_and_the_message_names_it(tmp_path: Path) -> None:
    path = tmp_path / "barber-2025-r1" / "lock"
    with _holder(path) as holder, pytest.raises(SessionBusyError, match=rf"barber-2025-r1: process {holder.pid} "):
        try:
            with session_lock(path):
                pass
        finally:
            holder.communicate()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "barber-2025-r1" / "lock"
    with _holder(path) as holder:
        holder.kill()
        holder.communicate()
    with session_lock(path):
        assert path.is_file()


def test_a_lock_can_be_taken_again_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "session" / "lock"
    with pytest.raises(ZeroDivisionError), session_lock(path):
        raise ZeroDivisionError
    with session_lock(path), pytest.raises(SessionBusyError), session_lock(path):
        pass


def test_a_folder_lock_writes_nothing(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "reports"):
        assert list((tmp_path / "reports").iterdir()) == []
