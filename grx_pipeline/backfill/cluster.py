"""Sessions over the workers of a dask cluster, which share the data and reports folders.

A session runs in a process beside the dask worker, as it does in the pool: a run that dies takes no dask worker
along, and signals reach it.
"""

import atexit
import contextlib
import functools
import importlib
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from grx_pipeline.backfill.job import Job, Outcome, Tell
from grx_pipeline.backfill.process import WorkerProcess
from grx_pipeline.errors import InputError

_START_WORKERS = "start some on every machine: dask worker {address} --nworkers 2 --nthreads 1"


def run_cluster(
    make_jobs: Callable[[int], Sequence[Job]], *, address: str, stop_wait_s: float, connect_wait_s: float, tell: Tell
) -> list[Outcome]:
    """Run the jobs over the cluster at `address`, and tell each outcome as it comes.

    `make_jobs` is given how many sessions run at once on the fullest machine. Returns the outcomes in the order of the
    jobs. On KeyboardInterrupt what has not begun is taken back. Raises InputError where there is no cluster.
    """
    distributed = load_distributed()
    with _connect(distributed, address, connect_wait_s) as client:
        workers = client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise InputError(f"{address}: no worker has joined; {_START_WORKERS.format(address=address)}")
        slots: Counter[str] = Counter()
        for worker in workers.values():
            slots[worker["host"]] += worker["nthreads"]
        jobs = make_jobs(max(slots.values()))
        run = functools.partial(run_job, stop_wait_s=stop_wait_s)
        futures = {client.submit(run, job, pure=False): job.manifest.session for job in jobs}
        outcomes = {}
        try:
            for future in distributed.as_completed(futures, loop=client.loop):
                outcome = _outcome_of(future, futures[future])
                outcomes[outcome.session] = outcome
                tell(outcome)
        except KeyboardInterrupt:
            client.cancel(list(futures))
            raise
        # Their memory is free again, and a dask worker that is stopped next has nothing to wait for.
        client.run(close_idle, on_error="ignore")
    return [outcomes[job.manifest.session] for job in jobs]


_idle: SimpleQueue[WorkerProcess] = SimpleQueue()


def run_job(job: Job, *, stop_wait_s: float) -> Outcome:
    """Run a job beside this dask worker, in a process that stays for the next one of this backfill."""
    try:
        process = _idle.get_nowait()
    except Empty:
        process = WorkerProcess(socket.gethostname(), stop_wait_s=stop_wait_s)
        atexit.register(process.close)
    outcome = process.run(job, lambda _: None)
    _idle.put(process)
    return outcome


def close_idle() -> None:
    """End the processes that wait for a job beside this dask worker."""
    with contextlib.suppress(Empty):
        while True:
            process = _idle.get_nowait()
            atexit.unregister(process.close)
            process.close()


def _outcome_of(future: Any, session: str) -> Outcome:
    """What the dask worker gave, or why it gave nothing."""
    error = future.exception()
    if error is None:
        outcome: Outcome = future.result()
        return outcome
    return Outcome(session=session, status="failed", error=f"the dask worker failed: {type(error).__name__}: {error}")


def load_distributed() -> Any:
    """The module dask.distributed. Raises InputError where it is not installed."""
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise InputError("--dask needs dask.distributed: install grx-pipeline[dask] here and on the workers") from error


def _connect(distributed: Any, address: str, wait_s: float) -> Any:
    try:
        return distributed.Client(address, timeout=wait_s, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{address}: no dask scheduler answers ({error}); start one with `dask scheduler`, and give its address as"
            " tcp://host:8786"
        ) from error
