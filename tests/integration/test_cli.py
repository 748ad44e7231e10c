"""The grx program as a person runs it, on a small race in the raw formats."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest
from support.raw_session import analysis_row, default_cars, write_session

SESSION = "barber-2025-r1"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A scratch folder with raw files, and where the program writes."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "barber" / "race1"

    @property
    def site(self) -> Path:
        return self.root / "reports" / SESSION

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        folders = {"GRX_DATA_DIR": str(self.root / "data"), "GRX_REPORTS_DIR": str(self.root / "reports")}
        return subprocess.Popen(
            [sys.executable, "-m", "grx_pipeline", *map(str, arguments)],
            cwd=self.root,
            env={**os.environ, **folders},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def grx(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments) as process:
            output, errors = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def outputs(self, *places: str) -> dict[str, bytes]:
        """Every Parquet, JSON and HTML file under `places`, without any those of lake and site."""
        folders = [self.root / place for place in places or ("data/lake", "reports")]
        kinds = (".parquet", ".json", ".html")
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for folder in folders
            for path in sorted(folder.rglob("*"))
            if path.suffix in kinds and path.is_file()
        }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A race that was run once."""
    place = Place(root=tmp_path_factory.mktemp("built"))
    write_session(place.raw)
    done = place.grx("run", place.raw, "--no-llm")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith(SESSION)
    return place


@pytest.fixture
def place(tmp_path: Path, built: Place) -> Place:
    """A copy of the race that was run, to be changed; links in it are kept."""
    root = tmp_path / "copy"
    shutil.copytree(built.root, root, symlinks=True)
    return Place(root=root)


def test_a_run_publishes_pages_and_files_of_every_car(built: Place) -> None:
    cars = json.loads((built.site / "api" / "drivers.json").read_text())["data"]["drivers"]
    assert [car["vehicle_id"] for car in cars] == ["GR86-006-7", "GR86-060-2", "car-51"]
    for car in cars:
        name = car["vehicle_id"]
        assert (built.site / "drivers" / f"{name}.html").is_file()
        assert (built.site / "api" / "laps" / f"{name}.json").is_file()
        assert (built.site / "api" / "ml" / "siwtl" / "calculate" / f"{name}.json").is_file()
    telemetry = (built.site / "api" / "telemetry" / "GR86-006-7").glob("*.json")
    is_estimate = {path.name: json.loads(path.read_text())["data"]["synthetic"] for path in telemetry}
    assert [name for name in sorted(is_estimate) if not is_estimate[name]] == ["2.json", "3.json", "4.json"]
    assert (built.root / "reports" / "index.html").is_file()


def test_the_numbers_in_the_site_are_those_of_the_raw_file(built: Place) -> None:
    laps = json.loads((built.site / "api" / "laps" / "GR86-006-7.json").read_text())["data"]
    times = [44_000, 40_000, 40_250, 39_900, 40_125, 40_400]
    assert [lap["lap_time_ms"] for lap in laps["laps"]] == times
    assert laps["best_lap_ms"] == 39_900
    assert laps["mean_lap_ms"] == round(sum(times) / 6)
    assert laps["median_lap_ms"] == 40_188  # between 40.125 and 40.250, half up


def test_the_warehouse_answers_sql_with_the_specified_tables(built: Place) -> None:
    with duckdb.connect(str(built.root / "data" / "warehouse" / f"{SESSION}.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute(
            """SELECT d.driver_id, count(*), min(l.lap_time_ms), count(f.lap_number)
            FROM drivers d JOIN laps l USING (vehicle_id) LEFT JOIN telemetry_features f USING (vehicle_id, lap_number)
            GROUP BY ALL ORDER BY 1"""
        ).fetchall()
    assert rows == [("111-1", 6, 40_410, 1), ("51-1", 6, 41_270, 0), ("7-1", 6, 39_900, 3)]


def test_a_second_run_changes_no_byte_and_says_that_nothing_changed(built: Place) -> None:
    warehouse = built.root / "data" / "warehouse" / f"{SESSION}.duckdb"
    before, written = built.outputs(), warehouse.stat().st_mtime_ns
    again = built.grx("run", built.raw)
    assert again.returncode == 0
    assert "unchanged: nothing it depends on changed" in again.stdout
    assert built.outputs() == before
    assert warehouse.stat().st_mtime_ns == written


def test_a_session_is_found_again_by_its_id(place: Place) -> None:
    again = place.grx("run", SESSION)
    assert (again.returncode, again.stderr) == (0, "")


def test_a_corrected_timing_file_changes_what_rests_on_it(place: Place) -> None:
    moved = place.grx("run", place.raw)  # the copy's files lie elsewhere than those of the first run
    assert moved.returncode == 0
    analysis = next(place.raw.glob("23_*"))
    car = default_cars()[0]
    corrected = replace(car, lap_times_ms=(*car.lap_times_ms[:3], 39_950, *car.lap_times_ms[4:]))
    analysis.write_text(analysis.read_text().replace(analysis_row(car, 4), analysis_row(corrected, 4)))
    again = place.grx("run", SESSION)
    assert again.returncode == 0
    assert "changed: analysis file" in again.stdout
    assert json.loads((place.site / "api/laps/GR86-006-7.json").read_text())["data"]["best_lap_ms"] == 39_950


def test_force_builds_everything_again_to_the_same_bytes(place: Place) -> None:
    def results() -> dict[str, bytes]:
        kept = (".parquet", ".html")
        return {
            name: text for name, text in place.outputs().items() if name.endswith(kept) or name.startswith("reports")
        }

    before = results()
    assert place.grx("run", place.raw, "--force").returncode == 0
    assert results() == before


def test_sessions_lists_what_is_there_what_is_missing_and_what_was_built(place: Place) -> None:
    other = write_session(place.root / "sonoma" / "race2", track="sonoma")
    for path in [*other.glob("R1_*"), *other.glob("26_*")]:
        path.unlink()
    for path in other.glob("*Race 1*"):
        path.rename(other / path.name.replace("Race 1", "Race 2"))
    listed = place.grx("sessions", place.root / "sonoma", place.root / "barber")
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert "up to date" in lines[SESSION]
    assert "telemetry, lap_start, lap_end, lap_time, weather" in lines["sonoma-unknown-r2"]
    assert " no" in lines["sonoma-unknown-r2"]


def test_the_study_needs_a_session_and_then_says_what_it_found(built: Place, tmp_path: Path) -> None:
    empty = Place(root=tmp_path).grx("validate", "siwtl")
    assert (empty.returncode, "no real session was built yet" in empty.stderr) == (1, True)
    study = built.grx("validate", "siwtl")
    assert study.returncode == 0
    assert "Share of targets that a held-out lap beat" in study.stdout
    assert (built.root / "data" / "studies" / "siwtl.md").read_text() in study.stdout


def test_the_ingest_benchmark_compares_both_ways_of_one_race(built: Place) -> None:
    done = built.grx("bench", "ingest", built.raw, "--rounds", "1")
    assert done.returncode == 0
    figures = {line[:30].strip(): line[30:].split()[0] for line in done.stdout.splitlines() if line[30:].split()}
    assert float(figures["bare DuckDB pivot to Parquet"]) > 0
    assert float(figures["ratio"]) > 0
    assert {"raw_telemetry", "core_laps", "out_reports", "all steps", "side by side, with checks"} <= set(figures)


def test_one_bad_name_among_good_ones_fails_the_command_but_not_the_others(place: Place) -> None:
    done = place.grx("run", place.root / "nowhere", place.raw)
    assert done.returncode == 1
    assert "nowhere: no such file or folder" in done.stderr
    assert "Traceback" not in done.stderr
    assert f"{SESSION}  built: " in done.stdout  # the folder is a copy, and the season's views name it
    assert "skipped, nothing changed: raw_telemetry" in done.stdout


def test_looking_at_sessions_does_not_change_what_the_next_run_does(place: Place) -> None:
    assert place.grx("run", place.raw).returncode == 0
    other = place.root / "less" / "barber" / "race1"
    shutil.copytree(place.raw, other)
    next(other.glob("03_*")).unlink()
    assert place.grx("sessions", other).returncode == 0
    again = place.grx("run", SESSION)
    assert "unchanged" in again.stdout


def test_a_path_without_official_laps_is_refused_and_leaves_the_known_session_alone(place: Place) -> None:
    assert place.grx("run", place.raw).returncode == 0
    part = place.grx("run", place.raw / "R1_barber_lap_end.csv")
    assert part.returncode == 1
    assert "no official laps" in part.stderr
    again = place.grx("run", SESSION)
    assert (again.returncode, "unchanged" in again.stdout) == (0, True)


def test_one_place_by_two_names_is_one_place(place: Place) -> None:
    (place.root / "link").symlink_to(place.raw)
    done = place.grx("run", place.raw, place.root / "link", place.raw / ".." / "race1")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [("run", "barber"), ("ui",)])
def test_a_data_folder_that_cannot_be_one_is_one_line(place: Place, arguments: tuple[str, ...]) -> None:
    (place.root / "file").write_text("not a folder")
    done = place.grx(*arguments, "--data", place.root / "file")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_ctrl_c_in_the_middle_leaves_the_earlier_report_and_the_next_run_works(place: Place) -> None:
    before = place.outputs(f"reports/{SESSION}")
    process = place.start("run", place.raw, "--force")
    assert process.stdout is not None
    for line in process.stdout:
        if "core_laps" in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "still stand" in errors
    assert place.outputs(f"reports/{SESSION}") == before != {}
    assert "stopped" in (place.root / "reports" / "index.html").read_text()
    assert place.grx("run", place.raw).returncode == 0
    assert "stopped" not in (place.root / "reports" / "index.html").read_text()


def test_a_reader_of_the_warehouse_is_not_in_the_way_of_a_run(place: Place) -> None:
    with duckdb.connect(str(place.root / "data" / "warehouse" / f"{SESSION}.duckdb"), read_only=True) as reader:
        done = place.grx("run", place.raw, "--force")
        assert done.returncode == 0
        assert reader.execute("SELECT count(*) FROM laps").fetchall() == [(18,)]


def test_two_runs_of_one_session_do_not_work_at_once(place: Place) -> None:
    first = place.start("run", place.raw, "--force")
    assert first.stdout is not None
    for line in first.stdout:
        if "raw_telemetry" in line:
            break
    first.send_signal(signal.SIGSTOP)
    try:
        second = place.grx("run", place.raw, "--force", "--no-wait")
    finally:
        first.send_signal(signal.SIGCONT)
        first.communicate(timeout=60)
    assert second.returncode == 1
    assert re.search(rf"process {first.pid} on \S+ is running this session", second.stderr)
    assert first.returncode == 0


def test_sessions_tells_of_a_file_that_was_changed_after_the_report(place: Place) -> None:
    assert place.grx("run", place.raw).returncode == 0
    assert "up to date" in place.grx("sessions").stdout
    (place.raw / "session.toml").write_text('[drivers]\n"2" = "Ada Byron"\n')
    assert "older than its inputs" in place.grx("sessions").stdout
