"""Work in a copy of the process."""

import multiprocessing
import os
import signal
from collections.abc import Callable

import pytest

from grx_pipeline.errors import GrxError, InputError
from grx_pipeline.forks import TracebackThere, beside


def test_a_copy_works_beside_this_process_and_gives_its_result() -> None:
    here = [1]
    with beside(lambda: (os.getpid(), [*here, 2]), processors=2) as other:
        here.append(3)
        pid, made = other()
    assert pid != os.getpid()
    assert made == [1, 2]


def test_with_one_processor_this_process_does_it() -> None:
    with beside(os.getpid, processors=1) as other:
        assert other() == os.getpid()


def fail() -> None:
    raise InputError("line 7 of a.csv")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_fails_there_is_raised_here_and_tells_where() -> None:
    with beside(fail, processors=2) as other, pytest.raises(InputError, match=r"line 7 of a\.csv") as raised:
        other()
    assert isinstance(raised.value.__cause__, TracebackThere)
    assert "in fail" in str(raised.value.__cause__)


class TwoWordedError(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def fail_in_two_words() -> None:
    raise TwoWordedError("line", "7")


def test_an_error_that_cannot_be_sent_is_told_by_name_and_text() -> None:
    with beside(fail_in_two_words, processors=2) as other, pytest.raises(GrxError, match="TwoWordedError: line 7"):
        other()


def interrupt() -> str:
    os.kill(os.getpid(), signal.SIGINT)
    return "done"


def test_ctrl_c_is_the_parents_to_answer() -> None:
    with beside(interrupt, processors=2) as other:
        assert other() == "done"


def test_a_copy_that_is_killed_is_an_error_for_a_person() -> None:
    with beside(die, processors=2) as other, pytest.raises(GrxError, match=r"killed.*run again"):
        other()


@pytest.mark.parametrize("task", [lambda: b"x" * (1 << 20), signal.pause], ids=["has sent", "is at work"])
def test_no_copy_outlives_a_block_that_ends_without_its_result(task: Callable[[], object]) -> None:
    with pytest.raises(KeyError), beside(task, processors=2):
        raise KeyError
    assert multiprocessing.active_children() == []


def test_a_task_runs_until_its_result_is_there() -> None:
    start = multiprocessing.Event()

    def when_told() -> bool:
        return start.wait()

    with beside(when_told, processors=2) as other:
        assert other.is_running()
        start.set()
        assert other()
    with beside(when_told, processors=1) as other:
        assert not other.is_running()
