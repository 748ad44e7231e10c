"""What a race looks like when its files are damaged or incomplete: a clear error, or a counted loss, never silence."""

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.contexts import context_of
from support.raw_session import Car, default_cars, stamp, telemetry_rows, write_session

from grx_pipeline.errors import InputError, StorageError
from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

ANALYSIS = "23_AnalysisEnduranceWithSections_Race 1_Anonymized.CSV"
TELEMETRY = "R1_barber_telemetry_data.csv"


class Race:
    """A small race whose raw files a test may damage before its steps are run."""

    def __init__(self, root: Path, cars: tuple[Car, ...] | None = None) -> None:
        self.root = root
        self.raw = write_session(root / "barber" / "race1", cars)

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.raw / name
        path.write_bytes(change(path.read_bytes().decode()).encode())

    def remove(self, *patterns: str) -> None:
        for pattern in patterns:
            for path in self.raw.glob(pattern):
                path.unlink()

    def run(self) -> "Result":
        context = context_of(self.root / "barber", self.root)
        for step in STEPS.values():
            run_step(step, context)
        return Result(context)


class Result:
    """The tables and files of a race that was run."""

    def __init__(self, context: StepContext) -> None:
        self.context = context

    def table(self, name: str, part: str | None = None) -> pd.DataFrame:
        return read_frame(self.context.paths.table(self.context.session, name, part=part))

    def api(self, path: str) -> Any:
        site = self.context.paths.published(self.context.session)
        return json.loads((site / "api" / path).read_text())["data"]

    def page(self, vehicle_id: str) -> str:
        return (self.context.paths.published(self.context.session) / "drivers" / f"{vehicle_id}.html").read_text()

    def lost(self, step: str) -> dict[str, int]:
        """Rows set aside by a step, by reason; checked against the accounts."""
        reasons = self.table("quarantine", step)["reason"].value_counts().to_dict()
        books = self.table("row_accounting", step)
        parts = ["rows_kept", "exact_duplicates", "rows_merged", "rows_set_aside"]
        assert (books["rows_read"] == books[parts].sum(axis=1)).all()
        assert books["rows_set_aside"].sum() == sum(reasons.values())
        return reasons


@pytest.fixture
def race(tmp_path: Path) -> Race:
    return Race(tmp_path)


def test_without_telemetry_every_car_still_gets_what_the_timing_allows(race: Race) -> None:
    race.remove(TELEMETRY)
    result = race.run()
    assert result.table("telemetry_laps").empty
    assert result.table("siwtl")["siwtl_lap_ms"].notna().all()
    assert not result.table("drivers")["has_telemetry"].any()
    assert "telemetry" in result.page("GR86-006-7")


def test_without_official_laps_nothing_is_published_and_the_missing_file_is_named(race: Race) -> None:
    race.remove(ANALYSIS)
    with pytest.raises(InputError, match="add the file 23_AnalysisEnduranceWithSections"):
        race.run()


def test_without_lap_files_no_logger_is_given_to_a_car(race: Race) -> None:
    race.remove("R1_barber_lap_*")
    result = race.run()
    assert result.table("drivers")["vehicle_id"].tolist() == ["car-111", "car-51", "car-7"]
    unmatched = result.table("unmatched_loggers")
    assert unmatched["logger_id"].tolist() == ["GR86-006-7", "GR86-060-2"]
    assert (unmatched["telemetry_rows"] > 0).all()


def test_a_wrong_header_is_an_error_that_names_file_and_column(race: Race) -> None:
    race.edit(ANALYSIS, lambda text: text.replace("LAP_NUMBER", "LAP_NO", 1))
    with pytest.raises(InputError, match=r"23_Analysis.*LAP_NUMBER"):
        race.run()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda line: line + ";1;2", "too_many_fields"),
        (lambda line: line.rsplit(";", 5)[0], "too_few_fields"),
    ],
)
def test_a_line_of_the_timing_with_other_fields_is_set_aside(
    race: Race, change: Callable[[str], str], reason: str
) -> None:
    def break_line(text: str) -> str:
        lines = text.splitlines()
        lines[3] = change(lines[3])
        return "\n".join([*lines, ""])

    race.edit(ANALYSIS, break_line)
    result = race.run()
    assert result.lost("raw_timing") == {reason: 1}
    (aside,) = result.table("quarantine", "raw_timing").to_dict("records")
    assert (aside["file"], aside["line_number"]) == (ANALYSIS, 4)
    assert len(result.table("laps")) == 17


def test_bytes_that_are_no_utf8_in_the_timing_lose_one_line(race: Race) -> None:
    path = race.raw / ANALYSIS
    path.write_bytes(path.read_bytes().replace(b"7;1;3;", b"7;1;3\xff;", 1))
    assert race.run().lost("raw_timing") == {"not_utf8": 1}


def test_laps_that_cannot_be_are_listed_but_count_for_nothing(race: Race) -> None:
    race.edit(ANALYSIS, lambda text: text.replace("7;1;5;0:40.125", "7;1;5;0:20.125").replace("7;1;6;", "7;1;32768;"))
    race.edit(ANALYSIS, lambda text: text.replace("51;1;6;0:41.770", "51;1;6;2:00:41.770"))
    result = race.run()
    laps = {lap["lap_number"]: lap for lap in result.api("laps/GR86-006-7.json")["laps"]}
    assert [number for number, lap in laps.items() if not lap["is_valid"]] == [5, 32768]
    assert result.api("laps/GR86-006-7.json")["best_lap_ms"] == 39_900
    long = result.api("laps/car-51.json")["laps"][-1]
    assert (long["lap_time_ms"], long["is_valid"], long["is_clean"]) == (7_241_770, False, False)
    assert "sectors_off_lap_time" in [reason["code"] for reason in long["reasons"]]


def test_the_loggers_value_for_no_lap_is_kept_and_does_not_matter(race: Race) -> None:
    plain = race.run().table("telemetry_features")
    race.edit(TELEMETRY, lambda text: text.replace("\r\n,5,", "\r\n,32768,"))
    race.edit("R1_barber_lap_end.csv", lambda text: text.replace("\r\n,5,", "\r\n,32768,"))
    odd = race.run().table("telemetry_features")
    pd.testing.assert_frame_equal(plain, odd)


def test_a_frozen_clock_costs_the_car_its_telemetry_and_the_report_says_so(race: Race) -> None:
    frozen = stamp(-150_000)
    lines = (race.raw / TELEMETRY).read_text().splitlines()
    for number, line in enumerate(lines):
        fields = line.split(",")
        if fields[-2] == "GR86-060-2":
            fields[-3] = frozen
            lines[number] = ",".join(fields)
    race.edit(TELEMETRY, lambda _: "\r\n".join([*lines, ""]))
    result = race.run()
    assert set(result.lost("raw_telemetry")) == {"frozen_clock"}
    drivers = result.table("drivers").set_index("vehicle_id")
    assert drivers["has_telemetry"].to_dict() == {"GR86-006-7": True, "GR86-060-2": False, "car-51": False}
    assert "clock" in result.page("GR86-060-2")


def long_race(root: Path, *, paused_s: float, stepped_s: float) -> Result:
    """One car over 20 laps, its clock paused in lap 11 (a lap as much longer) or stepped after it."""
    times = [60_000 + 100 * n for n in range(20)]
    times[10] += round(paused_s * 1000)
    laps = tuple(range(2, 20))
    car = Car(number="7", logger="GR86-006-7", lap_times_ms=tuple(times), telemetry_laps=tuple(set(laps) - {11}))
    race = Race(root, (car, replace(default_cars()[2], lap_times_ms=tuple(time + 900 for time in times))))
    behind = paused_s + stepped_s
    rows = [row for lap in car.telemetry_laps for row in telemetry_rows(car, lap, ecu_pause_s=behind * (lap > 11))]
    race.edit(TELEMETRY, lambda text: "\r\n".join([text.split("\r\n", 1)[0], *rows, ""]))
    return race.run()


def complete_laps(result: Result) -> set[int]:
    return set(result.table("telemetry_laps").query("is_complete")["lap_number"])


@pytest.mark.parametrize(("paused_s", "stepped_s"), [(300.0, 0.0), (0.0, -300.0)])
def test_a_clock_that_paused_or_was_set_ahead_is_two_pieces_and_every_lap_keeps_its_place(
    tmp_path: Path, paused_s: float, stepped_s: float
) -> None:
    result = long_race(tmp_path, paused_s=paused_s, stepped_s=stepped_s)
    assert len(result.table("clock_pieces")) == 2
    assert complete_laps(result) == set(range(2, 20)) - {11}
    straight = long_race(tmp_path / "straight", paused_s=0.0, stepped_s=0.0)
    features = ["lap_number", "speed_mean", "brake_spike_count"]
    pd.testing.assert_frame_equal(
        result.table("telemetry_features")[features], straight.table("telemetry_features")[features], rtol=1e-3
    )


def test_a_clock_that_was_set_back_costs_the_laps_whose_stamps_stand_twice_and_no_others(tmp_path: Path) -> None:
    result = long_race(tmp_path, paused_s=0.0, stepped_s=300.0)
    # Laps 12 and after carry the stamps of 300 s before: of the end of lap 7 on.
    assert complete_laps(result) >= {2, 3, 4, 5, 6, 17, 18, 19}
    assert complete_laps(result).isdisjoint({8, 9, 10})
    assert "set back" in result.page("GR86-006-7")


def test_two_cars_of_one_number_are_two_drivers(tmp_path: Path) -> None:
    seven, other, third = default_cars()
    race = Race(tmp_path, (seven, other, replace(third, number="7")))
    drivers = race.run().table("drivers").set_index("vehicle_id")
    assert drivers["driver_id"].to_dict() == {"GR86-006-7": "7-1", "GR86-060-2": "111-1", "car-7-2": "7-1-2"}
    assert drivers["vehicle_number"].to_dict() == {"GR86-006-7": 7, "GR86-060-2": 111, "car-7-2": 7}


@pytest.mark.parametrize(("sentinel", "nulls"), [("0", 5), ("-999", 5)])
def test_a_track_temperature_that_was_never_measured_is_not_shown(race: Race, sentinel: str, nulls: int) -> None:
    def blank(text: str) -> str:
        for number in range(5):
            text = text.replace(f";38.{number};", f";{sentinel};")
        return text

    race.edit("26_Weather_Race 1_Anonymized.CSV", blank)
    weather = race.run().table("weather")
    assert weather["track_temp_c"].isna().sum() == nulls
    assert weather["air_temp_c"].notna().all()


def test_a_gzip_cut_short_is_an_error_and_the_earlier_report_stands(race: Race) -> None:
    result = race.run()
    before = (result.context.paths.published(result.context.session) / "manifest.json").read_bytes()
    plain = race.raw / TELEMETRY
    subprocess.run(["gzip", str(plain)], check=True)
    packed = plain.with_name(f"{TELEMETRY}.gz")
    packed.write_bytes(packed.read_bytes()[:-3000])
    with pytest.raises(InputError, match=r"csv.gz: .*cut short"):
        race.run()
    assert (result.context.paths.published(result.context.session) / "manifest.json").read_bytes() == before


def test_a_member_damaged_inside_a_zip_is_an_error_that_names_it(race: Race) -> None:
    archive = race.root / "barber.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(race.raw.iterdir()):
            target.write(path, f"race1/{path.name}")
    content = bytearray(archive.read_bytes())
    at = content.find(b",GR86-006-7,0,speed,")
    content[at + 1 : at + 3] = b"XX"
    archive.write_bytes(bytes(content))
    shutil.rmtree(race.root / "barber")
    context = context_of(archive, race.root)
    with pytest.raises(InputError, match=rf"{TELEMETRY}: damaged or cut short"):
        run_step(STEPS["raw_telemetry"], context)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mount)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip(f"a small tmpfs cannot be mounted here: {made.stderr.decode().strip()}")
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.parametrize("full", ["data", "reports"])
def test_a_full_disk_is_an_error_that_says_so_and_leaves_no_half_file(race: Race, small_disk: Path, full: str) -> None:
    context = context_of(race.root / "barber", race.root)
    folders = {"data": context.paths.data, "reports": context.paths.reports} | {full: small_disk}
    paths = replace(context.paths, **folders)
    small = replace(context, paths=paths)
    (small_disk / "filler").write_bytes(b"x" * 1_900_000)
    if full == "data":
        paths.session_lake(context.session).mkdir(parents=True)
        shutil.copy(context.paths.manifest(context.session), paths.manifest(context.session))
    with pytest.raises(StorageError, match=r"no space|No space|cannot be published"):
        for step in STEPS.values():
            run_step(step, small)
    assert not list(small_disk.rglob("*.tmp"))
    assert not (paths.published(context.session)).exists()
