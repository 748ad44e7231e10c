"""Why each step of the chain runs or not, and running it.

A step runs where its code, a setting it uses, a raw file it reads or an earlier step's result changed, or where
a file it wrote is missing or altered.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grx_pipeline.chain import STEPS, Step
from grx_pipeline.ingest.manifest import raw_versions, read_manifest
from grx_pipeline.ingest.raw_check import unchanged
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.code import code_hash
from grx_pipeline.storage.memory import memory_errors
from grx_pipeline.storage.steps import (
    Figure,
    StepContext,
    StepOutcome,
    StepRecord,
    Verdict,
    changed_inputs,
    changed_outputs,
    distrust_damage,
    make_record,
    read_record,
    require_whole,
    unjudged,
    write_record,
)

__all__ = [
    "FIRST_RUN",
    "STEPS",
    "Step",
    "StepResult",
    "forget_step",
    "run_step",
    "stale_steps",
    "step_figures",
    "steps_to_run",
]

FIRST_RUN = "first run"
_NAMED_AT_MOST = 3


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What became of a step: `was_built`, or skipped because nothing changed."""

    step: str
    was_built: bool
    reason: str
    version: str
    rows: int
    figures: Mapping[str, Figure]
    seconds: float


def run_step(step: Step, context: StepContext, verdict: Verdict = unjudged) -> StepResult:
    """Run `step` unless nothing it depends on changed; say which, and why.

    What it wrote stands only after the `verdict` on it: where that is None it runs again next time. Raises
    ContractError or InputError where a file that it reads does not hold what its record says.
    """
    started = time.perf_counter()
    inputs = _step_inputs(step, context)
    place = context.paths.step_record(context.session, step.name)
    record = read_record(place)
    reason = _why_stale(record, inputs, context.paths)
    was_built = reason is not None
    if record is None or reason is not None:
        outcome = _build(step, context)
        warnings = verdict()
        record = make_record(inputs, outcome, paths=context.paths, is_byte_stable=step.is_byte_stable)
        if warnings is None:
            place.unlink(missing_ok=True)
        else:
            write_record(place, replace(record, warnings=warnings))
    return StepResult(
        step=step.name,
        was_built=was_built,
        reason=reason or "nothing it depends on changed",
        version=record.version,
        rows=record.rows,
        figures=record.figures,
        seconds=time.perf_counter() - started,
    )


def stale_steps(context: StepContext) -> dict[str, str]:
    """The steps that have to run, in order, each with why: something changed, or a step before it runs.

    A step after another may turn out unchanged when its turn comes.
    """
    stale: dict[str, str] = {}
    for step in STEPS.values():
        before = next((name for name in step.reads if name in stale), None)
        record = read_record(context.paths.step_record(context.session, step.name))
        reason = _why_stale(record, _step_inputs(step, context), context.paths)
        if reason is None and before is not None:
            reason = f"after {before}"
        if reason is not None:
            stale[step.name] = reason
    return stale


def steps_to_run(context: StepContext) -> dict[str, str]:
    """As stale_steps, and the steps of which a file that those will read was damaged, whatever its size and time."""
    looked_at: set[str] = set()
    while True:
        stale = stale_steps(context)
        unread = {name for step in stale for name in STEPS[step].reads} - stale.keys() - looked_at
        if not unread:
            return stale
        for name in unread:
            distrust_damage(context.paths.step_record(context.session, name), context.paths)
        looked_at |= unread


def forget_step(step: Step, context: StepContext) -> None:
    """Make `step` run again next time."""
    context.paths.step_record(context.session, step.name).unlink(missing_ok=True)


def step_figures(paths: Paths, session: str, step: str) -> Mapping[str, Figure]:
    """The figures of a step's last run; none where it never ran."""
    record = read_record(paths.step_record(session, step))
    return record.figures if record else {}


def _build(step: Step, context: StepContext) -> StepOutcome:
    """What the step makes of whole files: none is read whose bytes are not those of its record."""
    paths, session = context.paths, context.session
    for name in () if context.is_checked else step.reads:
        require_whole(paths.step_record(session, name), paths)
    raw = read_manifest(paths.manifest(session)).of_kind(*step.raw_kinds) if step.raw_kinds else ()
    with unchanged(raw), memory_errors(f"{session} {step.name}"):
        return step.build(context)


def _why_stale(record: StepRecord | None, inputs: Mapping[str, str], paths: Paths) -> str | None:
    if record is None:
        return FIRST_RUN
    inputs_changed = changed_inputs(record, inputs)
    if inputs_changed:
        return f"changed: {_first_of(inputs_changed)}"
    outputs_changed = changed_outputs(record, paths)
    if outputs_changed:
        return f"missing or altered: {_first_of(outputs_changed)}"
    return None


def _first_of(names: Sequence[str]) -> str:
    others = len(names) - _NAMED_AT_MOST
    return f"{', '.join(names[:_NAMED_AT_MOST])}{f' and {others} more' if others > 0 else ''}"


def _step_inputs(step: Step, context: StepContext) -> dict[str, str]:
    inputs = {f"code {package}": code_hash(package) for package in step.packages}
    for group in step.settings:
        inputs |= _setting_values(context.settings, group)
    if step.raw_kinds:
        inputs |= raw_versions(context.paths.manifest(context.session), kinds=step.raw_kinds)
    for name in step.reads:
        record = read_record(context.paths.step_record(context.session, name))
        inputs[f"step {name}"] = _version_for(step, record) if record else "not built"
    return inputs


def _version_for(step: Step, record: StepRecord) -> str:
    """What the step knows the result of an earlier one by: names that it does not tell are left out."""
    return record.version if step.is_naming else record.nameless or record.version


def _setting_values(settings: Settings, group: str) -> dict[str, str]:
    values = dataclasses.asdict(getattr(settings, group))
    return {f"setting {group}.{name}": repr(value) for name, value in values.items()}
