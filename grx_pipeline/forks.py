"""Work beside this process, in a forked copy of it that sends back what it made.

A copy begins with everything that is in memory: nothing is imported or loaded again, and it costs its page tables
(11 ms with 0.6 GB). It dies with the process that made it. What the work is, is not known here.
"""

import contextlib
import ctypes
import multiprocessing
import multiprocessing.connection
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from grx_pipeline.errors import GrxError

if TYPE_CHECKING:
    End = multiprocessing.connection.Connection[Any, Any]

T = TypeVar("T")
# What a task gave, or the error that it raised and where.
Outcome = tuple[Any, Exception | None, str]

_PR_SET_PDEATHSIG = 1


class TracebackThere(Exception):  # noqa: N818  (the cause of an error, not one itself)
    """Where in a copy an error came about."""


def can_fork() -> bool:
    """Whether a copy can be made: not on Windows, not safely on macOS, and not from a daemonic pool worker."""
    return sys.platform.startswith("linux") and not multiprocessing.current_process().daemon


def start_copy(task: Callable[["End"], None]) -> tuple[BaseProcess, "End"]:
    """Run `task` in a copy of this process; it is given one end of a pipe for both ways, and the caller the other.

    To be called from the main thread, whose end is the copy's end too.
    """
    here, there = multiprocessing.Pipe()
    parent = os.getpid()

    def run() -> None:
        end_with_parent(signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        # Ctrl-C reaches the whole group: this process's parent says what becomes of its copies.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        here.close()
        # Interrupted, or nobody listens any more: nobody's loss.
        with contextlib.suppress(KeyboardInterrupt, EOFError, ConnectionError):
            task(there)

    copy = multiprocessing.get_context("fork").Process(target=run)
    copy.start()
    there.close()
    return copy, here


@dataclass(frozen=True, kw_only=True)
class Beside(Generic[T]):
    """A task that runs beside this process: called, it waits for its result."""

    wait: Callable[[], T]
    is_running: Callable[[], bool]

    def __call__(self) -> T:
        return self.wait()


@contextlib.contextmanager
def beside(task: Callable[[], T], *, processors: int) -> Iterator[Beside[T]]:
    """Run `task` in a copy of this process while the block runs; what is given waits for its result.

    The result is pickled. What `task` raises is raised by the wait. With one processor, or where no copy can be made,
    the wait runs `task`. Where the block fails the copy is killed.
    """
    if processors == 1 or not can_fork():
        yield Beside(wait=task, is_running=lambda: False)
        return
    copy, here = start_copy(lambda there: there.send(outcome_of(task)))
    try:
        yield Beside(wait=lambda: _received(here), is_running=lambda: not here.poll())
    except BaseException:
        copy.kill()
        raise
    finally:
        here.close()
        copy.join()


def outcome_of(task: Callable[[], Any]) -> Outcome:
    """What `task` gives or raises, as it can be sent: an error that cannot be is told as a GrxError."""
    try:
        return task(), None, ""
    except Exception as error:
        return None, _sendable(error), traceback.format_exc()


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (of this process's own making)
    except Exception:
        return GrxError(f"{type(error).__name__}: {error}")
    return error


def result_of(outcome: Outcome) -> Any:
    """What a task gave in a copy, or raise what it raised there."""
    result, error, where = outcome
    if error is not None:
        raise error from TracebackThere(where)
    return result


def _received(here: "End") -> Any:
    try:
        outcome = here.recv()
    except (EOFError, ConnectionError):
        raise GrxError("a process that helped was killed, perhaps for want of memory; run again") from None
    return result_of(outcome)


def end_with_parent(signum: signal.Signals) -> None:
    """Have the kernel send this process `signum` where its parent is gone: nobody would wait for it any more."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum)


@contextlib.contextmanager
def interrupt_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, so that runs are marked and children stopped."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
