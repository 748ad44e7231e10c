"""Sessions over worker processes of this machine."""

import threading
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
        for process in processes:
            process.begin_stop()
        for process, thread in zip(processes, threads, strict=True):
            thread.join(stop_wait_s)
            if thread.is_alive():
                process.kill()
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


def _take(waiting: "SimpleQueue[Job]") -> Job | None:
    try:
        return waiting.get_nowait()
    except Empty:
        return None
