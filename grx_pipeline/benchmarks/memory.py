"""The most memory that a process and those it started held together, as seen from outside. Linux only."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

# A look costs 0.2 ms, and the tables that make the peak stand for longer.
_LOOK_EVERY_S = 0.05


class MemoryWatch:
    """The greatest sum seen so far. Pages that processes share count in each of them: an upper bound."""

    def __init__(self, pid: int) -> None:
        self.peak_mib = 0.0
        self._pid = pid
        self._ended = threading.Event()

    def look(self) -> None:
        self.peak_mib = max(self.peak_mib, sum(_resident_kb(pid) for pid in _family(self._pid)) / 1024)

    def watch(self) -> None:
        """Look until `end`."""
        while not self._ended.wait(_LOOK_EVERY_S):
            self.look()

    def end(self) -> None:
        self._ended.set()


@contextlib.contextmanager
def watched_memory(pid: int) -> Iterator[MemoryWatch]:
    """Watch the memory of process `pid` and its descendants while the block runs."""
    memory = MemoryWatch(pid)
    watcher = threading.Thread(target=memory.watch)
    watcher.start()
    try:
        yield memory
    finally:
        memory.end()
        watcher.join()


def _family(pid: int) -> Iterator[int]:
    """The process and its descendants."""
    yield pid
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in file.read_text(encoding="ascii").split():
                yield from _family(int(child))


def _resident_kb(pid: int) -> int:
    """0 where the process is gone, or has nothing any more."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)
