"""Steps that run ahead of whoever waits for them."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grx_pipeline.ahead import steps_ahead
from grx_pipeline.errors import GrxError, InputError
from grx_pipeline.judging import JudgedStep, run_judged
from grx_pipeline.paths import Paths
from grx_pipeline.quality import CheckOutcome
from grx_pipeline.settings import Settings
from grx_pipeline.steps import Step
from grx_pipeline.storage.steps import StepContext, StepOutcome

STOP_WAIT_S = 20.0


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    settings = Settings(data_dir=tmp_path / "data", reports_dir=tmp_path / "reports")
    paths = Paths.of(settings)
    paths.session_lake("race").mkdir(parents=True)
    return StepContext(session="race", paths=paths, settings=settings, progress=lambda _: None)


def step(name: str, *reads: str, does: Callable[[StepContext], None] = lambda _: None) -> Step:
    """A step that leaves a file with its process, and when it began and ended."""

    def build(context: StepContext) -> StepOutcome:
        began = time.monotonic()
        does(context)
        file = context.paths.session_lake(context.session) / name
        file.write_text(f"{os.getpid()} {began} {time.monotonic()}")
        return StepOutcome(outputs=(file,), rows=1)

    return Step(name=name, text="", build=build, packages=(), reads=reads)


def times(context: StepContext, name: str) -> tuple[int, float, float]:
    pid, began, ended = (context.paths.session_lake(context.session) / name).read_text().split()
    return int(pid), float(began), float(ended)


def meet(mine: str, other: str) -> Callable[[StepContext], None]:
    """Wait for another step to begin: fails where it never does."""

    def work(context: StepContext) -> None:
        folder = context.paths.session_lake(context.session)
        (folder / f"{mine} began").touch()
        deadline = time.monotonic() + 30
        while not (folder / f"{other} began").exists():
            assert time.monotonic() < deadline

    return work


def run(context: StepContext, *steps: Step, workers: int = 2) -> dict[str, JudgedStep | None]:
    with steps_ahead(steps, context, workers=workers, stop_wait_s=STOP_WAIT_S, tell=lambda *_: None) as ahead:
        assert ahead is not None
        return {one.name: ahead.judged(one.name) for one in steps}


def test_steps_that_do_not_wait_for_each_other_run_at_once_and_the_others_after_what_they_read(
    context: StepContext,
) -> None:
    first = step("first")
    left = step("left", "first", does=meet("left", "right"))
    right = step("right", "first", does=meet("right", "left"))
    last = step("last", "left", "right")
    found = run(context, first, left, right, last)
    assert [judged.result.rows for judged in found.values() if judged] == [1, 1, 1, 1]
    assert times(context, "left")[0] != times(context, "right")[0]
    assert times(context, "first")[2] <= min(times(context, "left")[1], times(context, "right")[1])
    assert times(context, "last")[1] >= max(times(context, "left")[2], times(context, "right")[2])
    assert os.getpid() not in {times(context, name)[0] for name in found}


def test_what_a_step_reads_that_does_not_run_is_there_already(context: StepContext) -> None:
    assert run(context, step("last", "left", "right"))["last"] is not None


def test_an_answer_is_given_once(context: StepContext) -> None:
    with steps_ahead([step("one")], context, workers=2, stop_wait_s=STOP_WAIT_S, tell=lambda *_: None) as ahead:
        assert ahead is not None
        assert ahead.judged("one") is not None
        assert ahead.judged("one") is None
        assert ahead.judged("never heard of") is None


def test_a_failed_step_raises_and_what_reads_it_does_not_run(context: StepContext) -> None:
    def fail(context: StepContext) -> None:
        raise InputError("a.csv is cut short")

    steps = step("bad", does=fail), step("after", "bad"), step("other")
    with steps_ahead(steps, context, workers=2, stop_wait_s=STOP_WAIT_S, tell=lambda *_: None) as ahead:
        assert ahead is not None
        with pytest.raises(InputError, match=r"a\.csv is cut short"):
            ahead.judged("bad")
        assert ahead.judged("other") is not None
        assert ahead.judged("after") is None
    assert not (context.paths.session_lake("race") / "after").exists()


def test_a_step_that_loses_its_connection_is_told_so_and_its_worker_goes_on(context: StepContext) -> None:
    def fail(context: StepContext) -> None:
        raise ConnectionResetError("the service hung up")

    steps = step("bad", does=fail), step("other"), step("beyond", "other")
    with steps_ahead(steps, context, workers=2, stop_wait_s=STOP_WAIT_S, tell=lambda *_: None) as ahead:
        assert ahead is not None
        with pytest.raises(ConnectionResetError, match="hung up"):
            ahead.judged("bad")
        assert ahead.judged("beyond") is not None


@pytest.mark.parametrize("error", [BrokenPipeError("nobody reads"), ValueError("closed")])
def test_whoever_waits_hears_that_progress_could_not_be_told(
    context: StepContext, tmp_path: Path, error: Exception
) -> None:
    go_on = tmp_path / "go on"
    os.mkfifo(go_on)

    def work(context: StepContext) -> None:
        go_on.read_text()
        context.progress("half way")

    def tell(*_: str) -> None:
        raise error

    steps = step("first"), step("second", "first", does=work)
    with steps_ahead(steps, context, workers=2, stop_wait_s=STOP_WAIT_S, tell=tell) as ahead:
        assert ahead is not None
        ahead.judged("first")
        go_on.write_text("")
        with pytest.raises(type(error), match=str(error)):
            ahead.judged("second")


def test_what_reads_a_step_that_its_checks_block_does_not_run(
    context: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = run_judged

    def judged(one: Step, context: StepContext) -> JudgedStep:
        found = CheckOutcome(name="keys", passed=one.name != "bad", text="", is_blocking=True)
        return replace(real(one, context), outcomes=(found,))

    monkeypatch.setattr("grx_pipeline.ahead.run_judged", judged)
    found = run(context, step("bad"), step("after", "bad"), step("other"), step("beyond", "other"))
    assert found["bad"] is not None
    assert found["bad"].is_blocked
    assert found["after"] is None
    assert found["beyond"] is not None


def test_a_worker_that_is_killed_is_an_error_of_its_step_and_the_other_goes_on(context: StepContext) -> None:
    steps = (
        step("killed", does=lambda _: os.kill(os.getpid(), signal.SIGKILL)),
        step("other"),
        step("beyond", "other"),
    )
    with steps_ahead(steps, context, workers=2, stop_wait_s=STOP_WAIT_S, tell=lambda *_: None) as ahead:
        assert ahead is not None
        with pytest.raises(GrxError, match="killed: the process that ran it was killed"):
            ahead.judged("killed")
        assert ahead.judged("beyond") is not None


def test_a_worker_that_is_killed_while_it_waits_leaves_its_work_to_the_other(context: StepContext) -> None:
    parent = os.getpid()

    def kill_the_other(context: StepContext) -> None:
        workers = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        for pid in {int(pid) for pid in workers} - {os.getpid()}:
            os.kill(pid, signal.SIGKILL)
            while Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z":
                os.sched_yield()

    found = run(context, step("first", does=kill_the_other), step("left", "first"), step("right", "first"))
    assert [judged.result.step for judged in found.values() if judged] == ["first", "left", "right"]


def test_with_no_worker_left_the_rest_is_left_to_the_caller(context: StepContext) -> None:
    def die(context: StepContext) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    steps = step("a", does=die), step("b", does=die), step("c")
    with steps_ahead(steps, context, workers=2, stop_wait_s=STOP_WAIT_S, tell=lambda *_: None) as ahead:
        assert ahead is not None
        for name in ("a", "b"):
            with pytest.raises(GrxError):
                ahead.judged(name)
        assert ahead.judged("c") is None


def test_progress_is_told_with_the_name_of_its_step(context: StepContext) -> None:
    told: list[tuple[str, str]] = []
    one = step("one", does=lambda context: context.progress("half way"))
    with steps_ahead(
        [one], context, workers=2, stop_wait_s=STOP_WAIT_S, tell=lambda name, text: told.append((name, text))
    ) as ahead:
        assert ahead is not None
        ahead.judged("one")
    assert told == [("one", "half way")]


def test_a_block_that_is_left_stops_its_workers(context: StepContext, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)

    def linger(context: StepContext) -> None:
        begun.write_text(str(os.getpid()))
        signal.pause()

    steps = step("first"), step("long", does=linger)
    with (
        pytest.raises(KeyboardInterrupt),
        steps_ahead(steps, context, workers=2, stop_wait_s=STOP_WAIT_S, tell=lambda *_: None) as ahead,
    ):
        assert ahead is not None
        ahead.judged("first")
        pid = int(begun.read_text())
        raise KeyboardInterrupt
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not (context.paths.session_lake("race") / "long").exists()


@pytest.mark.parametrize("workers", [0, 1])
def test_with_less_than_two_workers_nothing_runs_ahead(context: StepContext, workers: int) -> None:
    with steps_ahead([step("one")], context, workers=workers, stop_wait_s=1.0, tell=lambda *_: None) as ahead:
        assert ahead is None


def test_steps_begin_before_they_are_asked_for_and_are_heard_of_after(context: StepContext, tmp_path: Path) -> None:
    begun, told = tmp_path / "begun", []
    os.mkfifo(begun)

    def work(context: StepContext) -> None:
        context.progress("half way")
        begun.write_text("begun")

    with steps_ahead(
        [step("one", does=work)], context, workers=2, stop_wait_s=STOP_WAIT_S, tell=lambda *line: told.append(line)
    ) as ahead:
        assert begun.read_text() == "begun"
        assert told == []
        assert ahead is not None
        ahead.judged("one")
        assert told == [("one", "half way")]
