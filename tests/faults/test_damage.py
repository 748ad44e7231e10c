"""Bit flips and lost ends in every kind of file: found, named, made anew or refused; never a silently wrong page."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import click
import pytest
from support.damage_study import DamageStudy, damage
from support.run_server import settings_in
from support.small_runs import SESSION, SmallRuns, differences

from grx_pipeline.ingest.recognition import SESSION_FILE
from grx_pipeline.upkeep.session_files import look_at_session

SEED = 2025
DAMAGES = int(os.environ.get("GRX_DAMAGES", "3"))
AREAS = ("lake", "records", "warehouse", "site", "front page", "raw")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DamageStudy]:
    with SmallRuns(tmp_path_factory.mktemp("damaged")) as runs:
        yield DamageStudy(runs)


def _named(study: DamageStudy) -> set[str]:
    """What is not as it was: faults, and for session.toml, which people edit, a note."""
    found = look_at_session(SESSION, settings_in(study.runs.folder), is_repairing=False, progress=lambda _: None)
    named = {"fault"}, {"fault", "note"}
    return {finding.where for finding in found if finding.state in named[finding.where.endswith(SESSION_FILE)]}


@pytest.mark.parametrize("area", ["lake", "records", "warehouse", "site", "raw"])
def test_the_doctor_names_the_file_that_lost_a_bit_with_size_and_times_as_they_were(
    study: DamageStudy, area: str
) -> None:
    random = Random(SEED)  # noqa: S311
    paths = study.runs.paths
    unwatched = (paths.hash_cache(), paths.season_record(), paths.season_database())
    assert _named(study) == set()
    every = 4 if area == "site" else 1
    for path in study.areas()[area][::every]:
        if path in unwatched:
            continue
        whole, status = path.read_bytes(), path.stat()
        damage(path, "bit", random, is_hidden=True)
        assert {Path(where).resolve() for where in _named(study)} == {path.resolve()}
        path.write_bytes(whole)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_one_step_of_each_kind_lost_is_made_anew_in_one_run(study: DamageStudy) -> None:
    random = Random(SEED)  # noqa: S311
    areas = study.areas()
    for area in ("lake", "warehouse", "site", "front page"):
        damage(random.choice(areas[area]), "cut", random, is_hidden=False)
    run = study.runs.run()
    assert run.status == 0, run.said
    assert differences(study.runs.outputs(), study.before) == []


def test_random_damage_is_made_anew_refused_or_told(study: DamageStudy) -> None:
    random = Random(SEED)  # noqa: S311
    found = [study.damage_once(AREAS[number % len(AREAS)], random) for number in range(DAMAGES)]
    for (area, outcome), count in sorted(Counter((one.area, one.outcome) for one in found).items()):
        click.echo(f"{count:4} x {area}: {outcome}")
    assert {(one.file, one.kind): one.problems for one in found if one.problems} == {}
