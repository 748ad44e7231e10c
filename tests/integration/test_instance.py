"""The stores of Dagster under the data folder."""

import multiprocessing
import multiprocessing.synchronize
import sys
from pathlib import Path

import pytest

from grx_pipeline.instance import look_into_instance
from grx_pipeline.paths import Paths

_AT_ONCE = 4


def _look(paths: Paths, start: multiprocessing.synchronize.Barrier) -> None:
    start.wait()
    with look_into_instance(paths) as instance:
        sys.exit(len(instance.get_runs()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks processes that have everything loaded")
def test_processes_that_find_no_store_at_the_same_time_make_one(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    start = fork.Barrier(_AT_ONCE)
    paths = Paths(data=tmp_path / "data", reports=tmp_path / "reports")
    processes = [fork.Process(target=_look, args=(paths, start)) for _ in range(_AT_ONCE)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * _AT_ONCE


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_stores_used_last_stay_open_between_queries_and_none_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grx_pipeline.instance._KEPT_FILES", 2)
    paths = Paths(data=tmp_path / "data", reports=tmp_path / "reports")
    with look_into_instance(paths) as instance:
        for run in ("first", "second"):
            instance.get_runs()
            instance.all_logs(run)
        assert _open_stores(paths) == {"runs.db", "second.db"}
    assert not _open_stores(paths)


def _open_stores(paths: Paths) -> set[str]:
    """The names of the SQLite files that this process has open."""
    files = [entry.readlink() for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return {file.name for file in files if file.is_relative_to(paths.dagster_home) and file.suffix == ".db"}
