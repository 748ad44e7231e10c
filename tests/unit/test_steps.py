from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from grx_pipeline import steps
from grx_pipeline.ingest.manifest import Manifest, RawFile, write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.steps import STEPS, Step, StepResult, run_step, stale_steps
from grx_pipeline.storage.steps import StepContext, StepOutcome

SESSION = "barber-2025-r1"


def writer(name: str, content: str) -> Callable[[StepContext], StepOutcome]:
    def build(context: StepContext) -> StepOutcome:
        path = context.paths.table(context.session, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return StepOutcome(outputs=(path,), rows=len(content), figures={"letters": len(content)})

    return build


FIRST = Step(
    name="first",
    text="",
    build=writer("first", "abc"),
    packages=("track",),
    raw_kinds=("weather",),
    settings=("siwtl",),
)
SECOND = Step(name="second", text="", build=writer("second", "de"), packages=("laps",), reads=("first",))


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    settings = Settings(data_dir=tmp_path / "data", reports_dir=tmp_path / "reports")
    made = StepContext(session=SESSION, paths=Paths.of(settings), settings=settings, progress=lambda _: None)
    note_weather(made, "one")
    return made


def note_weather(context: StepContext, sha256: str) -> None:
    file = RawFile(kind="weather", path="/raw/26_Weather.CSV", member=None, size=3, sha256=sha256)
    manifest = Manifest(session=SESSION, circuit="barber", year="2025", race=1, root="/raw", files=(file,))
    write_manifest(context.paths.manifest(SESSION), manifest)


def run_both(context: StepContext) -> list[StepResult]:
    return [run_step(step, context) for step in (FIRST, SECOND)]


def test_a_second_run_builds_nothing(context: StepContext) -> None:
    assert [result.was_built for result in run_both(context)] == [True, True]
    again = run_both(context)
    assert [result.was_built for result in again] == [False, False]
    assert [(result.rows, result.figures) for result in again] == [(3, {"letters": 3}), (2, {"letters": 2})]


def test_a_changed_raw_file_reruns_its_step_and_says_which_file(context: StepContext) -> None:
    run_both(context)
    note_weather(context, "two")
    first, second = run_both(context)
    assert (first.was_built, first.reason) == (True, "changed: weather file 26_Weather.CSV")
    assert not second.was_built  # the same rows came out, so nothing downstream changed


def test_a_changed_threshold_reruns_the_steps_that_use_it(context: StepContext) -> None:
    run_both(context)
    settings = replace(context.settings, siwtl=replace(context.settings.siwtl, kappa=0.5))
    first, second = run_both(replace(context, settings=settings))
    assert (first.was_built, first.reason) == (True, "changed: setting siwtl.kappa")
    assert not second.was_built


def test_another_result_reruns_what_reads_it(context: StepContext) -> None:
    run_both(context)
    note_weather(context, "two")
    run_step(replace(FIRST, build=writer("first", "abcd")), context)
    result = run_step(SECOND, context)
    assert (result.was_built, result.reason) == (True, "changed: step first")


def test_changed_code_reruns_the_step(context: StepContext, monkeypatch: pytest.MonkeyPatch) -> None:
    run_both(context)
    monkeypatch.setattr(steps, "code_hash", lambda package: "changed" if package == "track" else "")
    assert run_step(FIRST, context).reason == "changed: code track"


@pytest.mark.parametrize("damage", ["removed", "altered"])
def test_an_output_that_is_gone_or_altered_is_built_again(context: StepContext, damage: str) -> None:
    run_both(context)
    path = context.paths.table(SESSION, "first")
    if damage == "removed":
        path.unlink()
    else:
        path.write_text("abx")
    result = run_step(FIRST, context)
    assert (result.was_built, result.reason) == (True, "missing or altered: data:lake/barber-2025-r1/first.parquet")
    assert path.read_text() == "abc"


def test_a_touched_output_with_the_same_bytes_is_left_alone(context: StepContext) -> None:
    run_both(context)
    context.paths.table(SESSION, "first").write_text("abc")
    assert not run_step(FIRST, context).was_built


def test_a_damaged_record_means_run_again(context: StepContext) -> None:
    run_both(context)
    context.paths.step_record(SESSION, "first").write_text("{")
    assert run_step(FIRST, context).reason == "first run"


def test_a_failed_step_leaves_no_record_and_runs_again(context: StepContext) -> None:
    def fail(_: StepContext) -> StepOutcome:
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        run_step(replace(FIRST, build=fail), context)
    assert run_step(FIRST, context).reason == "first run"


def test_a_stale_step_makes_those_after_it_run_too(context: StepContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEPS", {step.name: step for step in (FIRST, SECOND)})
    assert stale_steps(context) == {"first": "first run", "second": "first run"}
    run_both(context)
    assert stale_steps(context) == {}
    note_weather(context, "two")
    assert stale_steps(context) == {"first": "changed: weather file 26_Weather.CSV", "second": "after first"}
    run_both(context)
    context.paths.table(SESSION, "second").unlink()
    assert list(stale_steps(context)) == ["second"]


def test_the_chain_runs_in_an_order_in_which_every_step_finds_what_it_reads() -> None:
    done: set[str] = set()
    for step in STEPS.values():
        assert set(step.reads) <= done
        done.add(step.name)
