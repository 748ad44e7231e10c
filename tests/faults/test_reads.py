"""What a step uses decides whether it runs again, and what it reads is checked before it is read.

So each step has to say of every table that it reads whose that is, and which settings it uses.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.contexts import context_of
from support.demo_race import make_race

from grx_pipeline.demo.write import write_race
from grx_pipeline.settings import Settings
from grx_pipeline.steps import STEPS, Step, run_step
from grx_pipeline.storage.steps import StepContext, StepOutcome, output_path, read_record

# Where results lie, and what they do not depend on.
_NO_INPUTS = {"data_dir", "reports_dir", "engine"}


class _Noted:
    """Settings that note which of their groups are used."""

    def __init__(self, settings: Settings, used: set[str]) -> None:
        self._settings, self._used = settings, used

    def __getattr__(self, name: str) -> Any:
        self._used.add(name)
        return getattr(self._settings, name)


def test_every_table_and_setting_that_a_step_uses_is_its_own_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = write_race(make_race(cars=4, laps=4), tmp_path / "raw", seed=1, channel_set="pedal", progress=lambda _: None)
    context = context_of(raw, tmp_path)
    read: set[Path] = set()
    read_table = pq.read_table

    def noted(path: Path, *args: Any, **kwargs: Any) -> pa.Table:
        read.add(Path(path))
        return read_table(path, *args, **kwargs)

    monkeypatch.setattr(pq, "read_table", noted)
    whose: dict[Path, str] = {}
    foreign, unnamed = {}, {}
    for step in STEPS.values():
        read.clear()
        used: set[str] = set()

        def build(context: StepContext, step: Step = step, used: set[str] = used) -> StepOutcome:
            return step.build(replace(context, settings=_Noted(context.settings, used)))  # type: ignore[arg-type]

        run_step(replace(step, build=build), context)
        unnamed[step.name] = used - {*step.settings} - _NO_INPUTS
        record = read_record(context.paths.step_record(context.session, step.name))
        assert record is not None
        foreign[step.name] = {whose.get(path, str(path)) for path in read} - {*step.reads, step.name}
        whose |= {output_path(label, context.paths): step.name for label in record.outputs}
    assert {name: found for name, found in foreign.items() if found} == {}
    assert {name: found for name, found in unnamed.items() if found} == {}
    assert len(whose) > len(STEPS)
