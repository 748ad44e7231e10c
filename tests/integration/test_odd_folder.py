"""A race in a folder whose name has signs that mean something to a shell, a glob, an address or SQL."""

from pathlib import Path

import duckdb
from support.raw_session import write_session

from grx_pipeline.ingest.catalogue import find_sessions
from grx_pipeline.paths import Paths
from grx_pipeline.publishing.place import Place
from grx_pipeline.publishing.verify import verify_site
from grx_pipeline.runner import run_session
from grx_pipeline.settings import Settings
from grx_pipeline.upkeep.doctor import examine

NAME = "a[b]*c d#e&f=g%2 100% 'h' \"i\";üñï{j}~$HOME|<k>!@:+,"


def test_a_session_is_built_and_found_whole_where_it_lies(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    settings = Settings(data_dir=folder / "data", reports_dir=folder / "re?ports %20")
    paths = Paths.of(settings)
    write_session(paths.raw / "barber" / "race1")
    (manifest,) = find_sessions([str(paths.raw)], paths).sessions
    outcome = run_session(manifest.session, settings=settings, progress=lambda _: None, manifest=manifest)
    assert (outcome.status, outcome.error) == ("built", None)
    assert list(tmp_path.iterdir()) == [folder]
    assert verify_site(Place.at(str(paths.reports)), progress=lambda _: None).problems == ()
    found = list(examine(settings, is_repairing=False, progress=lambda _: None))
    assert [finding for finding in found if finding.state == "fault"] == []
    counts = []
    for database, condition in (
        (paths.season_database(), f"session = '{manifest.session}'"),
        (paths.warehouse_file(manifest.session), "true"),
    ):
        with duckdb.connect(str(database), read_only=True) as connection:
            counts.append(connection.execute(f"SELECT count(*) FROM laps WHERE {condition}").fetchone())
    assert counts[0] == counts[1] != (0,)
