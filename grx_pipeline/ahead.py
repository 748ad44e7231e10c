"""The steps of a session run ahead of whoever waits for them: each as soon as what it reads is there and judged.

Copies of this process do the steps, one each at a time; what they find comes back here. Which steps there are is
steps.py's to say, and in which order their results are asked for is the caller's.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from grx_pipeline.errors import GrxError
from grx_pipeline.forks import can_fork, outcome_of, result_of, start_copy
from grx_pipeline.judging import JudgedStep, run_judged
from grx_pipeline.steps import Step
from grx_pipeline.storage.steps import StepContext

if TYPE_CHECKING:
    from grx_pipeline.forks import End

# Takes the name of a step and a line of what it says of its progress.
Tell = Callable[[str, str], None]


@dataclass(kw_only=True)
class _Worker:
    """A copy of this process, this process's end of the pipe to it, and the step it is at."""

    process: BaseProcess
    end: "End"
    step: str | None = None


class StepsAhead:
    """What became of steps that are run ahead; from the beginning there is a place for the answer of each."""

    def __init__(self, steps: Sequence[Step], workers: Sequence[_Worker], tell: Tell) -> None:
        self._reads = {step.name: set(step.reads) & {other.name for other in steps} for step in steps}
        self._answers: dict[str, Future[JudgedStep | None]] = {step.name: Future() for step in steps}
        self._waiting = [step.name for step in steps]
        self._all, self._workers, self._tell = tuple(workers), list(workers), tell
        self._giving, self._is_ending = threading.Lock(), False
        self._said: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._is_asked = False
        self._attendant = threading.Thread(target=self._attend, args=(dict(self._answers),), daemon=True)
        self._attendant.start()

    def judged(self, name: str) -> JudgedStep | None:
        """Wait for a step; None where it was not run ahead, or was asked for before. Raises what it raised."""
        self._is_asked = True
        self._pass_on()
        answer = self._answers.pop(name, None)
        return answer.result() if answer else None

    def _attend(self, answers: Mapping[str, Future[JudgedStep | None]]) -> None:
        """Give out steps, and take what they give, until none is left that can run.

        Where what they say cannot be told, as to a closed pipe, whoever waits is told that.
        """
        try:
            while busy := self._give_out():
                for end in wait(list(busy)):
                    self._take(busy[end], answers)  # type: ignore[index]
        except Exception as error:
            for answer in answers.values():
                if not answer.done():
                    answer.set_exception(error)
        else:
            for name in self._waiting:
                answers[name].set_result(None)

    def _pass_on(self) -> None:
        """Tell what steps said, once somebody waits for them: before that the run is not on record."""
        with contextlib.suppress(Empty):
            while self._is_asked:
                self._tell(*self._said.get_nowait())

    def end(self, wait_s: float) -> None:
        """Let idle workers go, interrupt busy ones, and wait for them; kill those that take longer."""
        with self._giving:
            self._is_ending = True
        for worker in self._all:
            if worker.step is None:
                with contextlib.suppress(ConnectionError):
                    worker.end.send(None)
            else:
                worker.process.terminate()
        for worker in self._all:
            worker.process.join(wait_s)
            worker.process.kill()
            worker.process.join()
        self._attendant.join()

    def _give_out(self) -> dict["End", _Worker]:
        """Give idle workers the steps whose inputs are there, the first of the chain first; returns who is busy."""
        with self._giving:
            for worker in [worker for worker in self._workers if worker.step is None and not self._is_ending]:
                ready = next((name for name in self._waiting if not self._reads[name]), None)
                if ready is not None and _has_begun(worker, ready):
                    self._waiting.remove(ready)
                elif ready is not None:
                    self._workers.remove(worker)
        return {worker.end: worker for worker in self._workers if worker.step is not None}

    def _take(self, worker: _Worker, answers: Mapping[str, Future[JudgedStep | None]]) -> None:
        """Take a line of progress, or the end of a step: what read it can run, unless it failed or is blocked."""
        name = str(worker.step)
        try:
            message = worker.end.recv()
        except (EOFError, ConnectionError):
            self._workers.remove(worker)
            answers[name].set_exception(
                GrxError(f"{name}: the process that ran it was killed, perhaps for want of memory; run again")
            )
            return
        if isinstance(message, str):
            self._said.put((name, message))
            self._pass_on()
            return
        worker.step = None
        try:
            judged: JudgedStep = result_of(message)
        except Exception as error:
            answers[name].set_exception(error)
        else:
            if not judged.is_blocked:
                for reads in self._reads.values():
                    reads.discard(name)
            answers[name].set_result(judged)


@contextlib.contextmanager
def steps_ahead(
    steps: Sequence[Step], context: StepContext, *, workers: int, stop_wait_s: float, tell: Tell
) -> Iterator[StepsAhead | None]:
    """Run `steps`, in an order in which none comes before what it reads, while the block runs.

    None where there are fewer than two workers, or no copies can be made. At the end of the block workers are asked
    to stop, and killed after `stop_wait_s`. To be called from the main thread.
    """
    if workers < 2 or not can_fork():
        yield None
        return
    by_name = {step.name: step for step in steps}
    ahead = StepsAhead(steps, [_start(by_name, context) for _ in range(workers)], tell)
    try:
        yield ahead
    finally:
        ahead.end(stop_wait_s)


def _has_begun(worker: _Worker, step: str) -> bool:
    """Have the worker begin a step; False where it was killed."""
    try:
        worker.end.send(step)
    except ConnectionError:
        return False
    worker.step = step
    return True


def _start(steps: Mapping[str, Step], context: StepContext) -> _Worker:
    process, end = start_copy(lambda there: _work(there, steps, context))
    return _Worker(process=process, end=end)


def _work(there: "End", steps: Mapping[str, Step], context: StepContext) -> None:
    """A worker's whole life: the steps it is asked for by name, until there is nothing more to do."""
    telling = replace(context, progress=there.send)
    while name := there.recv():
        there.send(outcome_of(partial(run_judged, steps[name], telling)))
