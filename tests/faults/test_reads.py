"""What a step reads is checked before it is read: so each step has to say of every table it reads whose that is."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.contexts import context_of
from support.demo_race import make_race

from grx_pipeline.demo.write import write_race
from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.steps import output_path, read_record


def test_every_table_that_a_step_reads_is_its_own_or_of_a_step_it_names(
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
    foreign = {}
    for step in STEPS.values():
        read.clear()
        run_step(step, context)
        record = read_record(context.paths.step_record(context.session, step.name))
        assert record is not None
        foreign[step.name] = {whose.get(path, str(path)) for path in read} - {*step.reads, step.name}
        whose |= {output_path(label, context.paths): step.name for label in record.outputs}
    assert {name: found for name, found in foreign.items() if found} == {}
    assert len(whose) > len(STEPS)
