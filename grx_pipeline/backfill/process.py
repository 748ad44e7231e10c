"""A worker process and the connection to it: started when there is work, replaced when it dies."""

import contextlib
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe

from grx_pipeline.backfill.job import Job, Outcome, death_text
from grx_pipeline.storage.steps import Progress

_MODULE = "grx_pipeline.backfill.worker"


class WorkerProcess:
    """Runs jobs one by one in a process of its own. To be used by one thread; `begin_stop` and `kill` by any."""

    def __init__(self, name: str, *, stop_wait_s: float) -> None:
        self.name = name
        self._stop_wait_s = stop_wait_s
        self._lock = threading.Lock()
        self._is_stopped = False
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Connection | None = None

    def run(self, job: Job, progress: Progress) -> Outcome:
        """The job's outcome, also where the process dies of it; the next job then gets a new one."""
        try:
            channel = self._connected()
            channel.send(job)
            while isinstance(answer := channel.recv(), str):
                progress(answer)
        except (EOFError, OSError):
            return Outcome(
                session=job.manifest.session, status="failed", error=death_text(self._forget()), worker=self.name
            )
        outcome: Outcome = answer
        return replace(outcome, worker=self.name)

    def begin_stop(self) -> None:
        """Ask the process to end; what it runs is marked as failed. It starts no other."""
        with self._lock:
            self._is_stopped = True
            if self._process is not None:
                self._process.terminate()

    def kill(self) -> None:
        """End the process at once."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """Let the process end, and wait for it, once `run` is over. One that takes too long is killed."""
        process, channel = self._process, self._channel
        if process is None or channel is None:
            return
        channel.close()
        try:
            process.wait(self._stop_wait_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _connected(self) -> Connection:
        with self._lock:
            if self._is_stopped:
                raise EOFError
            if self._channel is None:
                self._channel, theirs = Pipe()
                with contextlib.closing(theirs):
                    command = [sys.executable, "-m", _MODULE, str(theirs.fileno())]
                    # A session of its own: Ctrl-C reaches the parent alone, which then stops its workers.
                    self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)  # noqa: S603
            return self._channel

    def _forget(self) -> int:
        """Let go of a process that ended; returns its exit status."""
        with self._lock:
            process, channel, self._process, self._channel = self._process, self._channel, None, None
        if channel is not None:
            channel.close()
        return process.wait() if process is not None else -signal.SIGTERM
