"""session.toml from the file to the pages: what it changes, what it leaves, and that taking it back leaves no trace."""

import json
import re
import shutil
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from support.raw_session import default_cars, write_session

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

SESSION = "barber-2025-r1"
SEVEN, OTHER = (car.logger or "" for car in default_cars()[:2])
BEST = '[[exclude]]\ncar = "7"\nlaps = [4]\nreason = "cut <b>T9</b>"\n'


@dataclass(frozen=True, kw_only=True)
class Session:
    """A session with its raw files in a folder of its own."""

    folder: Path

    @property
    def paths(self) -> Paths:
        return Paths(data=self.folder / "data", reports=self.folder / "reports")

    def run(self, text: str | None) -> list[str]:
        """Bring it up to date with this session.toml (or none); returns the steps that were built."""
        file = self.folder / "raw/barber/race1/session.toml"
        file.unlink(missing_ok=True)
        if text is not None:
            file.write_text(text, encoding="utf-8")
        (manifest,) = discover(self.folder / "raw", hashes=HashCache(self.folder / "hashes")).sessions
        write_manifest(self.paths.manifest(SESSION), manifest)
        settings = Settings(data_dir=self.paths.data, reports_dir=self.paths.reports)
        context = StepContext(session=SESSION, paths=self.paths, settings=settings, progress=lambda _: None)
        chain = [step for step in STEPS.values() if step.name != "out_warehouse"]
        return [step.name for step in chain if run_step(step, context).was_built]

    def lake(self) -> dict[str, bytes]:
        root = self.paths.session_lake(SESSION)
        return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*.parquet"))}

    def site(self) -> dict[str, bytes]:
        root = self.paths.published(SESSION)
        return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*.*")) if file.is_file()}

    def data(self, path: str) -> Any:
        return json.loads((self.paths.published(SESSION) / f"api/{path}.json").read_bytes())["data"]

    def text(self, page: str, anchor: str) -> str:
        """The words of a page from an anchor to the end of its section."""
        html = (self.paths.published(SESSION) / page).read_text(encoding="utf-8").split(f'id="{anchor}"')[1]
        return unescape(re.sub(r"<[^>]+>", " ", html.split("</section>")[0]))


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """The session as it is without a session.toml."""
    session = Session(folder=tmp_path_factory.mktemp("corrections"))
    write_session(session.folder / "raw/barber/race1")
    session.run(None)
    return session


@pytest.fixture
def session(without: Session, tmp_path: Path) -> Session:
    """A copy of it, to be corrected."""
    shutil.copytree(without.folder, tmp_path / "copy", symlinks=True)
    return Session(folder=tmp_path / "copy")


def test_a_file_of_comments_gives_the_pages_of_none(without: Session, session: Session) -> None:
    assert session.run("# Nothing to correct.\n") == ["raw_corrections", "core_laps"]
    assert session.site() == without.site()
    assert session.lake() == without.lake()


def test_an_excluded_best_lap_stays_listed_and_counts_nowhere(session: Session) -> None:
    built = session.run(BEST)
    assert not {"raw_telemetry", "raw_timing", "raw_logger_laps", "raw_weather"} & set(built)
    laps = session.data(f"laps/{SEVEN}")
    lap = next(lap for lap in laps["laps"] if lap["lap_number"] == 4)
    assert (laps["best_lap_ms"], laps["best_lap_number"]) == (40_000, 2)
    assert lap["reasons"] == [
        {"code": "excluded_by_team", "text": "excluded by the team: cut <b>T9</b>", "excludes": "valid"}
    ]
    assert session.data(f"ml/siwtl/calculate/{SEVEN}")["best_lap_ms"] == 40_000
    assert lap["has_telemetry"]
    corner_laps = read_frame(session.paths.table(SESSION, "corner_laps"))
    assert 4 not in set(corner_laps.loc[corner_laps["vehicle_id"] == SEVEN, "lap_number"])
    page = session.text(f"drivers/{SEVEN}.html", "quality")
    assert "Lap 4 of car 7 is excluded: cut <b>T9</b>. It would be a clean lap." in page
    assert "The best lap was 0:39.900 and is 0:40.000 now." in page
    assert "Lap 4 does not count any more: excluded by the team: cut <b>T9</b>." in page
    summary = session.text("index.html", "quality")
    assert "New correction: Lap 4 of car 7 is excluded: cut <b>T9</b>." in summary


def test_what_is_taken_back_leaves_every_byte_as_it_was(without: Session, session: Session) -> None:
    session.run(BEST)
    assert session.lake() != without.lake()
    session.run(None)
    assert session.lake() == without.lake()
    before, after = without.site(), session.site()
    records = [name for name in before if name.startswith("api/") and name.endswith(".json")]
    assert records
    assert all(_record(after[name]) == _record(before[name]) for name in records)
    assert "No longer corrected: Lap 4 of car 7" in session.text("index.html", "quality")


def _record(content: bytes) -> Any:
    return {name: value for name, value in json.loads(content).items() if name != "generated_at"}


def test_an_excluded_car_stays_in_the_classification_and_in_nothing_else(session: Session) -> None:
    session.run('[[exclude]]\ncar = "7"\nreason = "another class"\n')
    summary = session.data("fleet/summary")
    row = next(car for car in summary["classification"] if car["vehicle_id"] == SEVEN)
    assert (row["position"], row["laps"], row["exclusion"]) == (1, 6, "another class")
    assert (row["best_lap_ms"], row["siwtl_lap_ms"], row["clean_laps"]) == (None, None, 0)
    assert all(ranked["vehicle_id"] != SEVEN for ranking in summary["rankings"] for ranked in ranking["ranks"])
    assert all(statistic["vehicle_id"] != SEVEN for statistic in summary["statistics"])
    tables = dict.fromkeys(("corner_laps", "segment_laps", "dptad_laps", "siwtl_sectors"), "vehicle_id")
    for name, column in {**tables, "reference_sources": "source_vehicle_id"}.items():
        assert SEVEN not in set(read_frame(session.paths.table(SESSION, name))[column])
    assert "excluded by the team" in session.text("index.html", "classification")
    page = session.text(f"drivers/{SEVEN}.html", "quality")
    assert "Car 7 is excluded: another class. 6 laps count nowhere; 5 of them would be clean." in page
    assert "The team excludes the car: another class." in page
    assert "do not count any more" not in page


def test_after_a_name_changed_only_steps_that_tell_it_run_and_the_others_would_give_the_same(session: Session) -> None:
    naming = {step.name for step in STEPS.values() if step.is_naming} - {"out_warehouse"}
    others = STEPS.keys() - naming - {"out_warehouse"}
    assert set(session.run('[drivers]\n"51" = "Zoë Park"\n')) == {"raw_corrections", *naming}
    tables = session.lake()
    for name in others:
        session.paths.step_record(SESSION, name).unlink()
    assert set(session.run('[drivers]\n"51" = "Zoë Park"\n')) == others
    assert session.lake() == tables
    assert session.data("drivers")["drivers"][-1]["driver_name"] == "Zoë Park"
    assert "Car 51 is driven by Zoë Park." in session.text("drivers/car-51.html", "quality")


def test_loggers_go_to_the_cars_that_the_team_says(session: Session) -> None:
    session.run(f'[loggers]\n"{OTHER}" = "51"\n"{SEVEN}" = "nobody"\n')
    drivers = {driver["car_number"]: driver for driver in session.data("drivers")["drivers"]}
    assert {number: driver["vehicle_id"] for number, driver in drivers.items()} == {
        "7": "car-7",
        "111": "car-111",
        "51": OTHER,
    }
    assert drivers["7"]["telemetry_laps"] == drivers["111"]["telemetry_laps"] == []
    page = session.text("index.html", "quality")
    assert f"Logger {OTHER} is in car 51. " in page
    assert f"Uncertain match: {OTHER}." in page
    assert f"Logger {SEVEN} belongs to no car: by the team's word" in page


def test_corners_are_named_and_merged_and_what_rests_on_them_follows(session: Session) -> None:
    built = session.run(
        '[[corners]]\nnumber = "T4"\nname = "Web"\n\n[[corners]]\nnumber = "T8-T10"\nmerge = ["T8-T9", "T10"]\n'
    )
    assert "core_track" in built
    assert {"core_traces", "core_features", "out_siwtl"}.isdisjoint(built)
    corners = {corner["corner"]: corner for corner in session.data("track")["corners"]}
    assert (corners["T4"]["name"], corners["T4"]["source"], corners["T4"]["is_verified"]) == ("Web", "team", False)
    assert (corners["T8-T10"]["start_m"], corners["T8-T10"]["end_m"]) == (1736.0, 2176.0)
    assert not {"T8-T9", "T10"} & corners.keys()
    assert "T8-T9 and T10 are one corner, T8-T10." in session.text("index.html", "quality")
    assert "†" in session.text("index.html", "track")


MISTAKES = {
    "no logger GR86-1-1; loggers of this session are": '[loggers]\n"GR86-1-1" = "7"\n',
    "no corner T99; corners are T1, T2-T3, T4": '[[corners]]\nnumber = "T99"\nname = "Web"\n',
    "both correct T4": '[[corners]]\nnumber = "T4"\nname = "a"\n[[corners]]\nnumber = "T4"\nremove = true\n',
    "[corner_table]: T1 has to lie": (
        "[corner_table]\nversion = 1\nverified = false\n"
        'corners = [{ number = "T1", direction = "left", start_m = 9, apex_m = 8, end_m = 10 }]\n'
    ),
}


@pytest.mark.parametrize("words", MISTAKES)
def test_what_is_not_there_stops_the_run_with_its_line_and_the_site_stands(session: Session, words: str) -> None:
    before = session.site()
    with pytest.raises(InputError) as error:
        session.run(MISTAKES[words])
    assert str(error.value).startswith(f"{SESSION}: session.toml line")
    assert words in str(error.value)
    assert session.site() == before
