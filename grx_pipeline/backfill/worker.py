"""The program of a worker process: `python -m grx_pipeline.backfill.worker DESCRIPTOR`.

It runs one session after the other as they come over the connection, and ends with it: a worker whose parent is
gone marks its run as failed and stops.
"""

import contextlib
import os
import resource
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from types import FrameType

from grx_pipeline.backfill.job import Job, Outcome, code_version, shared_settings
from grx_pipeline.errors import GrxError
from grx_pipeline.runner import run_session
from grx_pipeline.settings import usable_cores

_RESET_PEAK = "5"


def serve(channel: Connection) -> None:
    """Answer every job that comes with its outcome, after its progress lines, until the connection ends."""
    jobs: SimpleQueue[Job | None] = SimpleQueue()
    is_busy = threading.Event()
    threading.Thread(target=_listen, args=(channel, jobs, is_busy), daemon=True).start()
    while (job := jobs.get()) is not None:
        channel.send(_outcome(job, channel))
        is_busy.clear()


def _listen(channel: Connection, jobs: "SimpleQueue[Job | None]", is_busy: threading.Event) -> None:
    """Take jobs as they come, the next one after the answer to the last. The end of the connection stops a run."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            job = channel.recv()
            is_busy.set()
            jobs.put(job)
    jobs.put(None)
    if is_busy.is_set():
        os.kill(os.getpid(), signal.SIGTERM)


def _outcome(job: Job, channel: Connection) -> Outcome:
    session = job.manifest.session
    if job.code != code_version():
        error = f"{session}: {os.uname().nodename} has another version of grx than the one that asked; install the same"
        return Outcome(session=session, status="failed", error=error)
    settings = shared_settings(job.settings, sharing=job.sharing, cores=usable_cores())
    _reset_peak()
    try:
        run = run_session(session, settings=settings, progress=channel.send, force=job.force, manifest=job.manifest)
    except GrxError as error:
        return Outcome(session=session, status="failed", error=str(error), peak_mib=_peak_mib())
    except Exception:
        return Outcome(session=session, status="failed", error=traceback.format_exc(), peak_mib=_peak_mib())
    return Outcome(
        session=session,
        status=run.status,
        reason=run.reason,
        seconds=run.seconds,
        warnings=run.warnings,
        error=run.error,
        peak_mib=_peak_mib(),
    )


def _reset_peak() -> None:
    """Let the kernel count this process's peak memory from now on, where it can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK, encoding="ascii")


def _peak_mib() -> float | None:
    """Peak memory of the largest process: this one, or one that it ran steps in."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        serve(Connection(int(sys.argv[1])))
    except (KeyboardInterrupt, BrokenPipeError):
        # At once: taken down in the midst of a query, DuckDB fills the screen with what it could not free.
        os._exit(128 + signal.SIGTERM)
