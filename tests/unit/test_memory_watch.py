"""Memory of a process and of those that it started."""

import subprocess
import sys

from grx_pipeline.benchmarks.memory import MemoryWatch

# Each tells when it holds what it should, and ends when told to.
HOLD = "import sys; held = bytearray(b'x') * (64 << 20); print('held', flush=True); sys.stdin.read()"
HOLD_TWICE = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {HOLD!r}]); {HOLD}"


def test_the_peak_counts_the_processes_that_a_process_started_too() -> None:
    peaks = []
    for program, holders in ((HOLD, 1), (HOLD_TWICE, 2)):
        command = [sys.executable, "-c", program]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(holders):
                assert process.stdout.readline() == b"held\n"
            memory = MemoryWatch(process.pid)
            memory.look()
            process.communicate()
        peaks.append(memory.peak_mib)
    one, two = peaks
    assert 64 <= one < 128
    assert one + 64 <= two


def test_a_process_that_is_gone_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    memory = MemoryWatch(process.pid)
    memory.look()
    assert memory.peak_mib == 0
