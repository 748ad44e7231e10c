"""Cleaning shows what can go and removes it only when told to; raw files and published pages always stay."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from support.built_session import BuiltSession, run
from support.fake_chain import SESSION
from support.holder import hold

from grx_pipeline.cli import main
from grx_pipeline.defs.history import old_runs
from grx_pipeline.errors import DiscoveryError
from grx_pipeline.instance import open_instance
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.upkeep.clean import carry_out, plan_cleaning


@pytest.fixture
def settings(built: BuiltSession) -> Settings:
    return built.settings


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".db"}


def _build(paths: Paths, number: int, content: str) -> Path:
    folder = paths.builds(SESSION) / f"000{number}-0123456789ab"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(content)
    return folder


def test_nothing_goes_before_it_is_told_to(settings: Settings) -> None:
    paths = Paths.of(settings)
    old, current = _build(paths, 1, "old"), _build(paths, 2, "current")
    paths.published(SESSION).symlink_to(current)
    leftover = paths.session_lake(SESSION) / ".laps.parquet.0123456789ab.tmp"
    leftover.write_bytes(b"12345")
    before = _contents(settings.data_dir.parent)
    plan = plan_cleaning(settings, named=[])
    assert {removal.what: removal.size for removal in plan.removals} == {
        f"{SESSION} leftovers": 5,
        f"{SESSION} old builds": 3,
    }
    assert _contents(settings.data_dir.parent) == before
    carry_out(plan, settings)
    assert not old.exists()
    assert not leftover.exists()
    assert (paths.published(SESSION) / "index.html").read_text() == "current"
    assert plan_cleaning(settings, named=[]).removals == ()


def test_a_file_that_the_current_build_has_too_frees_nothing(settings: Settings) -> None:
    paths = Paths.of(settings)
    old, current = _build(paths, 1, "old"), _build(paths, 2, "current")
    (old / "style.css").write_text("shared")
    (current / "style.css").hardlink_to(old / "style.css")
    paths.published(SESSION).symlink_to(current)
    [removal] = plan_cleaning(settings, named=[]).removals
    assert removal.size == len("old")
    carry_out(plan_cleaning(settings, named=[]), settings)
    assert (current / "style.css").read_text() == "shared"


def test_tables_go_only_of_a_session_that_is_named_and_its_page_stays(built: BuiltSession) -> None:
    settings, paths = built.settings, built.paths
    built.raw.unlink()
    page = paths.reports / f"{SESSION}.html"
    unnamed = plan_cleaning(settings, named=[])
    assert unnamed.removals == ()
    assert unnamed.kept == (
        f"{SESSION}: its raw files are gone; `grx clean --yes {SESSION}` lets its tables go, its page stays",
    )
    named = plan_cleaning(settings, named=[SESSION])
    [removal] = named.removals
    assert "cannot be made again" in removal.why
    carry_out(named, settings)
    assert not paths.session_lake(SESSION).exists()
    assert page.read_bytes() == b"report"
    assert paths.season_page().is_file()


def test_a_session_that_is_not_there_is_refused(settings: Settings) -> None:
    with pytest.raises(DiscoveryError, match=f"no such session here; known are {SESSION}"):
        plan_cleaning(settings, named=["cota-2025-r1"])


def test_a_session_that_runs_is_left_alone(settings: Settings) -> None:
    paths = Paths.of(settings)
    (paths.session_lake(SESSION) / ".laps.parquet.0123456789ab.tmp").write_bytes(b"being written")
    before = plan_cleaning(settings, named=[])
    with hold(paths.lock(SESSION)) as holder:
        plan = plan_cleaning(settings, named=[SESSION])
        carry_out(before, settings)
        holder.communicate()
    assert plan.removals == ()
    assert plan.kept == (
        f"{SESSION}: process {holder.pid} on {Path('/etc/hostname').read_text().strip()} is running it",
    )
    assert (paths.session_lake(SESSION) / ".laps.parquet.0123456789ab.tmp").exists()


def test_answers_to_questions_that_are_still_asked_stay_and_all_do_where_nothing_was_asked(settings: Settings) -> None:
    paths, table = Paths.of(settings), TABLES["narrative_requests"]
    folder = paths.narrative_cache(SESSION)
    folder.mkdir()
    for name in ("asked", "forgotten"):
        (folder / f"{name}.json").write_text("{}")
    assert plan_cleaning(settings, named=[]).removals == ()
    row = {c.name: [[] if c.type.endswith("[]") else "x" if c.type == "VARCHAR" else 0] for c in table.columns}
    write_table(pd.DataFrame(row | {"request": ["asked"]}), paths.table(SESSION, table.name), table)
    carry_out(plan_cleaning(settings, named=[]), settings)
    assert [path.name for path in folder.iterdir()] == ["asked.json"]


def test_old_runs_go_but_those_that_made_what_stands_now(settings: Settings) -> None:
    again = run(settings, force=True)
    (Paths.of(settings).reports / f"{SESSION}.html").unlink()
    last = run(settings)
    with open_instance(Paths.of(settings)) as instance:
        ids = [run.run_id for run in instance.get_runs()]
        assert len(ids) == 3
        assert old_runs(instance, days=90) == []
        # The last run made the page, the one before the tables; the first one's results are nobody's any more.
        assert old_runs(instance, days=0) == [ids[-1]]
        assert {again.run_id, last.run_id} == set(ids[:-1])


def test_the_command_shows_and_with_yes_removes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    leftover = Paths.of(settings).session_lake(SESSION) / ".laps.parquet.0123456789ab.tmp"
    leftover.write_bytes(b"x" * 2_000_000)
    for arguments, words in (
        ([], "2.0 MB  can go; `grx clean --yes --data "),
        (["--yes"], "2.0 MB  removed"),
        ([], "nothing"),
    ):
        command = ["grx", "clean", *arguments, "--data", str(settings.data_dir), "--reports", str(settings.reports_dir)]
        monkeypatch.setattr(sys, "argv", command)
        assert main() is None
        assert words in capsys.readouterr().out
        assert leftover.exists() == (arguments == [] and words != "nothing")
