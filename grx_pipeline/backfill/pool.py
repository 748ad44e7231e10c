"""Sessions over worker processes of this machine."""

import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from grx_pipeline.backfill.job import Job, Outcome, Tell
from grx_pipeline.backfill.process import WorkerProcess
from grx_pipeline.storage.steps import Progress


def run_pool(jobs: Sequence[Job], *, workers: int, stop_wait_s: float, tell: Tell, progress: Progress) -> list[Outcome]:
    """Run `jobs` over `workers` processes; `tell` each outcome as it comes, `progress` what the runs say in between.

    A worker that dies stops no other. Returns the outcomes in the order of the jobs. On KeyboardInterrupt every
    worker is stopped first.
    """
    waiting: SimpleQueue[Job] = SimpleQueue()
    for job in jobs:
        waiting.put(job)
    ended: SimpleQueue[Outcome] = SimpleQueue()
    processes = [WorkerProcess(f"worker {number + 1}", stop_wait_s=stop_wait_s) for number in range(workers)]
    threads = [threading.Thread(target=_work, args=(process, waiting, ended, progress)) for process in processes]
    for thread in threads:
        thread.start()
    outcomes = {}
    try:
        for _ in jobs:
            outcome = ended.get()
            outcomes[outcome.session] = outcome
            tell(outcome)
    except BaseException:
        _stop(processes, threads, within_s=stop_wait_s)
        raise
    finally:
        for thread in threads:
            thread.join()
        for process in processes:
            process.close()
    return [outcomes[job.manifest.session] for job in jobs]


def _work(
    process: WorkerProcess, waiting: "SimpleQueue[Job]", ended: "SimpleQueue[Outcome]", progress: Progress
) -> None:
    while (job := _take(waiting)) is not None:
        ended.put(process.run(job, progress))


def _stop(processes: Sequence[WorkerProcess], threads: Sequence[threading.Thread], *, within_s: float) -> None:
    """Ask busy workers to end, and kill those that do not.

    They are asked twice: Python drops an interrupt that comes while it finalizes an object.
    """
    for ask in (WorkerProcess.begin_stop, WorkerProcess.begin_stop, WorkerProcess.kill):
        for process, thread in zip(processes, threads, strict=True):
            if thread.is_alive():
                ask(process)
        deadline = time.monotonic() + within_s / 2
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _take(waiting: "SimpleQueue[Job]") -> Job | None:
    try:
        return waiting.get_nowait()
    except Empty:
        return None
