"""Too little memory is one message that says what to do, and a spill that fills the disk is told as a full disk."""

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from support.fake_chain import SESSION, fake_chain, fake_settings, write_fake_manifest

from grx_pipeline import steps
from grx_pipeline.errors import MemoryLimitError, StorageError
from grx_pipeline.runner import run_session
from grx_pipeline.settings import EngineSettings
from grx_pipeline.storage.duck import engine
from grx_pipeline.storage.memory import memory_errors
from grx_pipeline.storage.steps import StepContext, StepOutcome

SMALL = replace(EngineSettings(), memory_limit_mb=20, threads=1)
# A list is one value: it cannot be spilled in parts.
_TOO_LARGE = "SELECT list(i) FROM range(20_000_000) t(i)"


def too_large(context: StepContext) -> StepOutcome:
    with engine(SMALL, temporary=context.paths.temporary(context.session)) as connection:
        connection.execute(_TOO_LARGE)
    raise AssertionError("it fitted")


def test_a_run_beyond_duckdb_s_limit_ends_with_the_step_and_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = fake_settings(tmp_path)
    write_fake_manifest(settings)
    monkeypatch.setattr(steps, "STEPS", fake_chain(laps=too_large))
    run = run_session(SESSION, settings=settings, progress=lambda _: None)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error.startswith(f"{SESSION} core_laps: DuckDB needs more memory than it was given")
    assert "memory_limit_mb" in run.error
    assert "Traceback" not in run.error
    assert "\n" not in run.error


def test_memory_that_the_machine_does_not_have_is_told_too() -> None:
    with (
        pytest.raises(MemoryLimitError, match=r"core_traces: out of memory .*Unable to allocate"),
        memory_errors("core_traces"),
    ):
        np.empty(1 << 57)


def test_a_spill_that_would_fill_the_disk_is_a_full_disk(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match="no space left on the disk"),
        engine(SMALL, temporary=tmp_path) as connection,
    ):
        connection.execute("SET max_temp_directory_size = '1MB'")
        connection.execute("SELECT i, hash(i) FROM range(5_000_000) t(i) ORDER BY hash(i)").fetchall()


def test_other_errors_of_duckdb_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(duckdb.CatalogException), engine(SMALL, temporary=tmp_path) as connection:
        connection.execute("SELECT * FROM nothing")


def test_nothing_is_left_of_the_spill(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    with engine(SMALL, temporary=spill) as connection:
        assert spill.is_dir()
        connection.execute("CREATE TABLE t AS SELECT i, hash(i) FROM range(4_000_000) t(i)")
    assert not spill.exists()
