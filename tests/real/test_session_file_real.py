"""The examples of session.toml in the docs, on the real race they speak of."""

import re
from pathlib import Path

import pytest
from support.chain_part import run_up_to
from support.real_data import NEEDS_REAL_DATA, REAL_DATA

from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

pytestmark = NEEDS_REAL_DATA

DOCS = Path(__file__).parents[2] / "docs" / "corrections.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
SINGLE = "\n".join(example for example in EXAMPLES if "[corner_table]" not in example)
OWN, POINTED = (example for example in EXAMPLES if "[corner_table]" in example)


@pytest.fixture(scope="module")
def barber(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with links to the race's raw files."""
    folder = tmp_path_factory.mktemp("examples")
    raw = folder / "raw/barber/race1"
    raw.mkdir(parents=True)
    for file in (REAL_DATA / "barber/race1").iterdir():
        (raw / file.name).symlink_to(file)
    return folder


def run(folder: Path, text: str) -> StepContext:
    (folder / "raw/barber/race1/session.toml").write_text(text, encoding="utf-8")
    (manifest,) = discover(folder / "raw", hashes=HashCache(folder / "hashes")).sessions
    paths = Paths(data=folder / "data", reports=folder / "reports")
    write_manifest(paths.manifest(manifest.session), manifest)
    context = StepContext(session=manifest.session, paths=paths, settings=Settings(), progress=lambda _: None)
    run_up_to("core_track", context)
    return context


def test_the_examples_do_together_what_they_say(barber: Path) -> None:
    context = run(barber, SINGLE)
    drivers, laps, matches, corners = (
        read_frame(context.paths.table(context.session, name))
        for name in ("drivers", "laps", "logger_matches", "corners")
    )
    numbers = drivers.set_index("car_number")
    assert numbers.loc[["13", "7"], "driver_name"].tolist() == ["Ada Byron", "Zoë Park"]
    excluded = laps[[codes[:1] == ["excluded_by_team"] for codes in map(list, laps["reasons"])]]
    by_car = excluded.groupby("vehicle_id")["lap_number"].apply(list).to_dict()
    assert by_car == {numbers.loc["13", "vehicle_id"]: [8, 14], numbers.loc["72", "vehicle_id"]: list(range(1, 28))}
    cars = matches.set_index("logger_id")["car_number"]
    assert (cars["GR86-060-2"], cars.isna()["GR86-049-88"], cars.isna().sum()) == ("111", True, 1)
    named = corners.set_index("corner")
    assert list(named.index) == ["T1", "T2-T3", "T4A", "T5-T6", "T7", "T8-T10", "T11", "T13", "T14", "T15", "T16"]
    assert named.loc["T5-T6", "name"] == "Charlotte's Web"
    assert named.loc[["T4A", "T8-T10"], ["start_m", "end_m"]].to_numpy().tolist() == [[655, 780], [1736, 2176]]
    assert set(named.index[named["source"] == "team"]) == {"T4A", "T5-T6", "T8-T10"}


@pytest.mark.parametrize(("example", "corners", "source"), [(OWN, 2, "team"), (POINTED, 13, "table")])
def test_a_whole_table_stands_in_place_of_the_circuits(barber: Path, example: str, corners: int, source: str) -> None:
    context = run(barber, example)
    found = read_frame(context.paths.table(context.session, "corners"))
    assert (len(found), set(found["source"])) == (corners, {source})
