"""The small files of the seven shared sessions: nothing lost, nothing invented."""

from pathlib import Path

import pandas as pd
import pytest
from support.real_data import NEEDS_REAL_DATA, RACES, REAL_DATA

from grx_pipeline.ingest.manifest import Manifest, RawFile, write_manifest
from grx_pipeline.ingest.steps import build_logger_laps, build_timing, build_weather
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.hashing import file_hash
from grx_pipeline.storage.parquet import read_frame, read_table
from grx_pipeline.storage.steps import StepContext, StepOutcome

# Kind by what the file name holds; "05_" goes before "03_" and "00_" because all three say Results.
NAMES = (
    ("lap_start", "lap_start"),
    ("lap_end", "lap_end"),
    ("lap_time", "lap_time"),
    ("23_Analysis", "analysis"),
    ("26_Weather", "weather"),
    ("99_Best", "best_laps"),
    ("05_", "class_results"),
    ("03_", "results"),
    ("00_", "results"),
)
STEPS = {"raw_logger_laps": build_logger_laps, "raw_timing": build_timing, "raw_weather": build_weather}

pytestmark = NEEDS_REAL_DATA


class Ingested:
    """One real session's small files, run through the three steps."""

    def __init__(self, circuit: str, race: int, folder: Path) -> None:
        paths = Paths(data=folder / "data", reports=folder / "reports")
        session = f"{circuit}-2025-r{race}"
        self.messages: list[str] = []
        self.context = StepContext(session=session, paths=paths, settings=Settings(), progress=self.messages.append)
        self.files = real_files(REAL_DATA / circuit / f"race{race}")
        manifest = Manifest(
            session=session, circuit=circuit, year="2025", race=race, root=str(REAL_DATA), files=self.files
        )
        write_manifest(paths.manifest(session), manifest)
        self.outcomes: dict[str, StepOutcome] = {name: build(self.context) for name, build in STEPS.items()}

    def frame(self, table: str, part: str | None = None) -> pd.DataFrame:
        return read_frame(self.context.paths.table(self.context.session, table, part=part))

    def only(self, kind: str) -> RawFile:
        (file,) = (file for file in self.files if file.kind == kind)
        return file


def real_files(folder: Path) -> tuple[RawFile, ...]:
    found = []
    for path in sorted(folder.iterdir()):
        kind = next((kind for token, kind in NAMES if token in path.name), None)
        if kind:
            size = path.stat().st_size
            found.append(RawFile(kind=kind, path=str(path), member=None, size=size, sha256=file_hash(path)))
    return tuple(found)


def data_lines(file: RawFile) -> list[str]:
    lines = Path(file.path).read_bytes().decode("utf-8-sig").replace("\r", "").split("\n")
    return [line for line in lines[1:] if line]


def printed(ms: float) -> str:
    """A time as the timing prints it."""
    minutes, rest = divmod(int(ms), 60_000)
    return f"{minutes}:{rest // 1000:02d}.{rest % 1000:03d}"


@pytest.fixture(scope="module", params=RACES, ids=lambda session: f"{session[0]}-r{session[1]}")
def ingested(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    circuit, race = request.param
    return Ingested(circuit, race, tmp_path_factory.mktemp(f"{circuit}{race}"))


def test_every_data_line_of_every_file_is_accounted_for_and_kept(ingested: Ingested) -> None:
    accounts = pd.concat([ingested.frame("row_accounting", part=step) for step in STEPS]).set_index("file")
    assert sorted(accounts.index) == sorted(file.name for file in ingested.files)
    for file in ingested.files:
        count = len(data_lines(file))
        assert (accounts.loc[file.name, "rows_read"], accounts.loc[file.name, "rows_kept"]) == (count, count)
    assert all(ingested.frame("quarantine", part=step).empty for step in STEPS)


def test_no_value_of_a_real_file_is_unreadable(ingested: Ingested) -> None:
    assert ingested.messages == []
    assert [outcome.figures["values_unreadable"] for outcome in ingested.outcomes.values()] == [0, 0, 0]


def test_tables_hold_a_row_a_line(ingested: Ingested) -> None:
    crossings = ingested.frame("logger_crossings")["kind"].value_counts()
    for kind in ("lap_start", "lap_end", "lap_time"):
        assert crossings[kind] == len(data_lines(ingested.only(kind)))
    assert len(ingested.frame("timing_laps")) == len(data_lines(ingested.only("analysis")))
    for kind in ("results", "class_results"):
        lines = sum(len(data_lines(file)) for file in ingested.files if file.kind == kind)
        assert len(ingested.frame(kind)) == lines
    weather = [file for file in ingested.files if file.kind == "weather"]
    assert len(ingested.frame("weather")) == sum(len(data_lines(file)) for file in weather)
    assert ("missing" in ingested.outcomes["raw_weather"].figures) == (not weather)


def test_lap_times_print_as_they_stand_in_the_file(ingested: Ingested) -> None:
    rows = [line.split(";") for line in data_lines(ingested.only("analysis"))]
    laps = ingested.frame("timing_laps")
    assert list(laps["car_number"]) == [row[0] for row in rows]
    assert list(laps["lap_number"]) == [int(row[2]) for row in rows]
    assert [printed(ms) for ms in laps["lap_time_ms"]] == [row[3] for row in rows]
    assert [printed(ms) for ms in laps["elapsed_ms"]] == [row[13] for row in rows]
    assert list(laps["is_pit_in"]) == [row[5] == "B" for row in rows]


def test_sections_add_up_to_their_sectors_and_sectors_to_the_lap(ingested: Ingested) -> None:
    laps = ingested.frame("timing_laps")
    parts = {
        "sector_1_ms": ["im1a_ms", "im1_ms"],
        "sector_2_ms": ["im2a_ms", "im2_ms"],
        "sector_3_ms": ["im3a_ms", "fl_ms"],
        "lap_time_ms": ["sector_1_ms", "sector_2_ms", "sector_3_ms"],
    }
    for whole, columns in parts.items():
        difference = (laps[columns].sum(axis=1, skipna=False) - laps[whole]).dropna().abs()
        assert (difference <= 1).all()


def test_one_file_of_each_kind_counts_and_it_is_official_where_there_is_one(ingested: Ingested) -> None:
    for kind in ("results", "class_results"):
        frame = ingested.frame(kind)
        used = frame[frame["is_used"]]
        assert used["file"].nunique() == 1
        assert used["is_official"].all() or not frame["is_official"].any()


def test_best_laps_are_the_fastest_official_laps_of_their_car(ingested: Ingested) -> None:
    laps, best = ingested.frame("timing_laps"), ingested.frame("best_laps")
    listed = best.merge(laps, on=["car_number", "lap_number"], suffixes=("", "_official"))
    agreeing = listed[listed["lap_time_ms"] == listed["lap_time_ms_official"]]
    assert len(agreeing.drop_duplicates(["row_number", "rank"])) == len(best)


def test_weather_times_agree_and_track_temperatures_are_plausible(ingested: Ingested) -> None:
    weather, figures = ingested.frame("weather"), ingested.outcomes["raw_weather"].figures
    assert figures["time_mismatches"] == 0
    assert weather["track_temp_c"].dropna().between(1, 70).all()
    if ingested.context.session.startswith("barber"):
        assert weather["track_temp_c"].isna().all()
        assert figures["track_temp_c_sentinels"] == len(weather)


def test_same_files_give_the_same_bytes(ingested: Ingested) -> None:
    outputs = [path for outcome in ingested.outcomes.values() for path in outcome.outputs]
    before = [file_hash(path) for path in outputs]
    for build in STEPS.values():
        build(ingested.context)
    assert [file_hash(path) for path in outputs] == before
    assert all(read_table(path) is not None for path in outputs)
