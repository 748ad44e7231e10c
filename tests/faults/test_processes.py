"""A run is dead where its process is gone, though another one may have its number now."""

import os
import signal
import subprocess
import sys

import pytest

from grx_pipeline.storage.processes import is_gone, process_mark


def _child() -> "subprocess.Popen[str]":
    """A process that has told its mark, and lives until its stdin ends."""
    code = "import sys; from grx_pipeline.storage.processes import process_mark\n"
    code += "print(process_mark(), flush=True); sys.stdin.read()"
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_process_is_gone_once_it_was_killed_also_before_its_parent_has_noticed() -> None:
    with _child() as child:
        assert child.stdout is not None
        mark = child.stdout.readline().strip()
        assert mark.split()[1] == str(child.pid)
        assert not is_gone(mark)
        os.kill(child.pid, signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_gone(mark)
        child.wait()
        assert is_gone(mark)


def test_this_process_is_there() -> None:
    assert not is_gone(process_mark())


def test_a_number_that_another_process_has_by_now_does_not_count() -> None:
    host, pid, started = process_mark().split()
    boot, _, ticks = started.rpartition(":")
    assert is_gone(f"{host} {pid} {boot}:{int(ticks) - 1}")
    assert is_gone(f"{host} {pid} another-start-of-the-machine:{ticks}")


@pytest.mark.parametrize("mark", ["elsewhere 1 -", "elsewhere 999999999 x:1", "", "no mark at all"])
def test_nothing_is_said_of_other_machines(mark: str) -> None:
    assert not is_gone(mark)


def test_where_the_system_tells_no_start_the_number_alone_counts() -> None:
    host, pid, _ = process_mark().split()
    assert not is_gone(f"{host} {pid} -")
    assert is_gone(f"{host} 999999999 -")
