"""A run that is killed at any moment leaves a whole site and no lock, and the next run ends as if nothing had been."""

import os
from collections import Counter
from collections.abc import Iterator
from random import Random

import click
import pytest
from support.kill_study import KillStudy
from support.small_runs import SmallRuns

KILLS = int(os.environ.get("GRX_KILLS", "10"))
SEED = 2025


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillStudy]:
    with SmallRuns(tmp_path_factory.mktemp("killed")) as runs:
        yield KillStudy(runs)


def test_what_a_killed_run_leaves_is_whole_and_the_next_run_ends_as_an_undisturbed_one(study: KillStudy) -> None:
    random = Random(SEED)  # noqa: S311  (moments, not secrets)
    killed = []
    for number in range(KILLS):
        killed.append(study.kill_once(study.scenarios[number % 2], random))
        last = killed[-1]
        click.echo(f"{number + 1}  {last.step}, {last.scenario}: {last.problems or 'nothing wrong'}")
    moments = Counter(run.step for run in killed if run.was_killed)
    for step, count in sorted(moments.items()):
        click.echo(f"{count:4} x {step}")
    assert {(run.scenario, run.step): run.problems for run in killed if run.problems} == {}
    assert sum(moments.values()) >= 0.9 * KILLS
