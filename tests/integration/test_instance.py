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
