import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.demo_race import LOCAL_OFFSET_MS, START_MS, make_race

from grx_pipeline.demo import dirt
from grx_pipeline.demo.logger_files import NO_LAP, ChannelSet
from grx_pipeline.demo.telemetry_file import break_line
from grx_pipeline.demo.timing_files import analysis_lines, timing_files
from grx_pipeline.demo.write import write_race
from grx_pipeline.ingest.durations import parse_durations, parse_times_of_day

RACE = make_race(cars=5, laps=2)
PEDAL_CHANNELS = {
    *("accx_can", "accy_can", "pbrake_f", "pbrake_r", "gear", "Steering_Angle", "aps", "VBOX_Lat_Min"),
    *("VBOX_Long_Minutes", "Laptrigger_lapdist_dls", "nmot", "speed"),
}
BLADE_CHANNELS = {"accx_can", "accy_can", "pbrake_f", "pbrake_r", "gear", "Steering_Angle", "ath", "nmot", "speed"}


def write(folder: Path, channel_set: ChannelSet, *, seed: int = 5) -> Path:
    return write_race(RACE, folder, seed=seed, channel_set=channel_set, progress=lambda _: None)


@pytest.fixture(scope="module", autouse=True)
def _short_wait() -> Iterator[None]:
    """Loggers stand for seconds, not minutes, before they drive: every line is read here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dirt, "GRID_S", 10.0)
        yield


@pytest.fixture(scope="module", params=["pedal", "blade"])
def channel_set(request: pytest.FixtureRequest) -> ChannelSet:
    chosen: ChannelSet = request.param
    return chosen


@pytest.fixture(scope="module")
def folder(channel_set: ChannelSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("written"), channel_set)


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict:
    document: dict = json.loads((folder / "truth.json").read_text())
    return document


@pytest.fixture(scope="module")
def lines(folder: Path) -> list[bytes]:
    """The readable data lines of the telemetry file."""
    text = (folder / "R1_test_oval_telemetry_data.csv").read_bytes()
    header, *rows = text.removesuffix(b"\r\n").split(b"\r\n")
    assert header.count(b",") == 12
    return [row for row in rows if is_readable(row)]


def is_readable(row: bytes) -> bool:
    fields = row.split(b",")
    return len(fields) == 13 and b"\xff" not in row and fields[9].count(b".") <= 1


def by_vehicle(lines: list[bytes]) -> dict[str, list[list[str]]]:
    rows = defaultdict(list)
    for line in lines:
        fields = line.decode().split(",")
        rows[fields[11]].append(fields)
    return rows


def test_the_same_seed_gives_the_same_bytes_and_another_one_does_not(
    folder: Path, channel_set: ChannelSet, tmp_path: Path
) -> None:
    again, other = write(tmp_path / "again", channel_set), write(tmp_path / "other", channel_set, seed=6)
    names = sorted(path.name for path in folder.iterdir())
    assert sorted(path.name for path in again.iterdir()) == names
    assert all((again / name).read_bytes() == (folder / name).read_bytes() for name in names)
    assert (other / "truth.json").read_bytes() != (folder / "truth.json").read_bytes()


def test_a_session_that_was_not_finished_has_no_session_file(folder: Path, channel_set: ChannelSet) -> None:
    def stop(_: str) -> None:
        raise KeyboardInterrupt

    complete = {path.name for path in folder.iterdir()}
    cut = folder.parent / "cut"
    write(cut, channel_set)
    with pytest.raises(KeyboardInterrupt):
        write_race(RACE, cut, seed=5, channel_set=channel_set, progress=stop)
    assert complete - {path.name for path in cut.iterdir()} == {"session.toml"}


def test_each_family_has_its_channels(lines: list[bytes], channel_set: ChannelSet) -> None:
    names = {line.split(b",")[8].decode() for line in lines}
    assert names == (PEDAL_CHANNELS if channel_set == "pedal" else BLADE_CHANNELS)


def test_rows_stand_by_vehicle_then_lap_then_newest_first(lines: list[bytes], truth: dict) -> None:
    rows = [line.decode().split(",") for line in lines]
    vehicles = [vehicle for vehicle, _ in groupby(fields[11] for fields in rows)]
    assert vehicles == sorted(truth["vehicles"])
    for vehicle, of_vehicle in by_vehicle(lines).items():
        laps = [int(fields[1]) for fields in of_vehicle]
        assert laps == sorted(laps)
        assert laps[-1] == NO_LAP
        is_frozen = truth["vehicles"][vehicle]["dirt"]["clock_fault"] == "frozen"
        for _, in_lap in groupby(of_vehicle, key=lambda fields: fields[1]):
            stamps = [fields[5 if is_frozen else 10] for fields in in_lap]
            assert stamps == sorted(stamps, reverse=True)


def test_values_are_written_as_python_writes_numbers(lines: list[bytes]) -> None:
    texts = {line.split(b",")[9].decode() for line in lines}
    assert all(repr(float(text)).removesuffix(".0") == text for text in texts)
    assert {"100", "0"} <= texts


def test_the_true_counts_are_those_of_the_lines(lines: list[bytes], truth: dict) -> None:
    for vehicle, rows in by_vehicle(lines).items():
        true = truth["vehicles"][vehicle]
        distinct = Counter(map(tuple, rows))
        values = defaultdict(set)
        for fields in rows:
            values[fields[10], fields[8]].add(fields[9])
        in_conflict = sum(len(values[fields[10], fields[8]]) > 1 for fields in rows)
        is_frozen = true["dirt"]["clock_fault"] == "frozen"
        assert true["rows"] == len(rows)
        assert true["exact_duplicates"] == len(rows) - len(distinct)
        assert true["rows_kept"] == (0 if is_frozen else len(values))
        assert true["rows_merged"] == (0 if is_frozen else len(distinct) - len(values))
        assert true["rows_frozen"] == (len(distinct) if is_frozen else 0)
        assert true["conflict_rows"] == (0 if is_frozen else in_conflict)
        assert true["rows_no_lap"] == sum(fields[1] == str(NO_LAP) for fields in rows)


def test_unreadable_lines_are_counted_by_kind(folder: Path, lines: list[bytes], truth: dict) -> None:
    every = (folder / "R1_test_oval_telemetry_data.csv").read_bytes().removesuffix(b"\r\n").split(b"\r\n")[1:]
    broken = [line for line in every if not is_readable(line)]
    kinds = Counter(
        "too_few_fields" if line.count(b",") < 12 else "not_utf8" if b"\xff" in line else "bad_number"
        for line in broken
    )
    assert truth["telemetry"]["unreadable_lines"] == dict(kinds)
    assert truth["telemetry"]["lines"] == len(every)
    assert set(kinds) == {"too_few_fields", "bad_number", "not_utf8"}


@pytest.mark.parametrize("fault", ["too_few_fields", "bad_number", "not_utf8"])
def test_a_broken_line_cannot_be_read_as_a_row(fault: str) -> None:
    line = (
        b",3,E,R1,kafka:gr-raw,2026-10-31T18:00:00.000Z,GR86-001-1,0,aps,0.5,2026-10-29T18:00:00.000Z,GR86-001-1,1\r\n"
    )
    broken = break_line(line, fault)
    assert broken.endswith(b"\r\n")
    assert is_readable(line)
    assert not is_readable(broken.removesuffix(b"\r\n"))


def test_lap_files_are_in_their_family_s_form(folder: Path, channel_set: ChannelSet, truth: dict) -> None:
    ends = next(folder.glob("*lap_end*")).read_bytes()
    times = next(folder.glob("*lap_time[._]*")).read_bytes()
    rows = sum(logged["rows"] for logged in truth["crossings"].values())
    if channel_set == "pedal":
        assert ends.count(b"\r\n") == ends.count(b"\n") == rows + 1
        assert b"value" not in ends
        assert b'"' not in ends
        assert times == ends
    else:
        assert ends.count(b"\n") == rows
        assert not ends.endswith(b"\n")
        first = times.split(b"\n")[1].split(b",")
        assert first[8].isdigit()
        assert first[9] == b""
        assert ends.split(b"\n")[1].split(b",")[4] == ends.split(b"\n")[1].split(b",")[9]


def test_the_truth_tells_which_loggers_carry_another_number_than_their_car(truth: dict) -> None:
    assert truth["wrong_numbers"] == ["GR86-001-000", "GR86-002-11"]
    assert truth["cars"]["12"]["logger_id"] == "GR86-002-11"
    assert truth["cars_without_logger"] == ["15", "16"]


def analysis_frame() -> pd.DataFrame:
    header, *rows = [line.split(";") for line in analysis_lines(RACE)]
    return pd.DataFrame(rows, columns=[name.strip() for name in header])


def test_sections_add_up_to_laps_and_crossings_to_local_time() -> None:
    frame = analysis_frame()
    times = {name: parse_durations(frame[name].astype("str")) for name in ("LAP_TIME", "S1", "S2", "S3", "ELAPSED")}
    assert (times["S1"] + times["S2"] + times["S3"] == times["LAP_TIME"]).all()
    sections = [f"{name}_time" for name in ("IM1a", "IM1", "IM2a", "IM2", "IM3a", "FL")]
    assert (sum(parse_durations(frame[name].astype("str")) for name in sections) == times["LAP_TIME"]).all()
    local = parse_times_of_day(frame["HOUR"].astype("str")) + LOCAL_OFFSET_MS - START_MS % 86_400_000
    assert (local == times["ELAPSED"]).all()


def test_decimals_lose_their_zeros_unless_the_column_has_minutes() -> None:
    frame = analysis_frame()
    assert not frame["S1"].str.endswith("0").any()
    assert frame["S1_LARGE"].str.fullmatch(r"\d+:\d\d\.\d{3}").all()
    slow = make_race(cars=5, laps=2)
    stretched = slow.cars[0].laps.sections_ms
    stretched[0, :2] += 40_000
    number = slow.cars[0].number
    first = [line.split(";")[6] for line in analysis_lines(slow)[1:]]
    own = [line.split(";")[6] for line in analysis_lines(slow)[1:] if line.startswith(f"{number};")]
    assert ":" in own[0]
    assert all(len(text.partition(".")[2]) == 3 for text in first)


def test_one_lap_is_the_best_and_every_other_car_has_its_own() -> None:
    marks = analysis_frame().groupby("LAP_IMPROVEMENT")["NUMBER"].agg(["size", "nunique"])
    cars = sum(car.laps.lap_number.size > 0 for car in RACE.cars)
    assert marks.loc["3", "size"] == 1
    assert marks.loc["2"].tolist() == [cars - 1, cars - 1]


def test_the_provisional_result_has_a_penalty_that_the_official_one_has_not(channel_set: ChannelSet) -> None:
    files = timing_files(RACE, channel_set=channel_set, rng=np.random.default_rng(1))
    official = next(content for name, content in files.files.items() if "Results GR Cup" in name and name[:2] != "05")
    provisional = next(content for name, content in files.files.items() if name.startswith("03_Provisional"))
    places = [
        {row.split(";")[1]: row.split(";")[:5] for row in content.decode().splitlines()[1:]}
        for content in (provisional, official)
    ]
    changed = {number for number in places[0] if places[0][number][4] != places[1][number][4]}
    assert changed == {files.penalised}
    assert int(places[0][str(files.penalised)][0]) > int(places[1][str(files.penalised)][0])
    assert places[1]["16"][:4] == ["", "16", "Not started", "0"]


def test_the_blade_family_has_lost_the_zeros_of_numbers(folder: Path, channel_set: ChannelSet, truth: dict) -> None:
    started = {"11", "12", "3", "15"} | ({"03"} if channel_set == "pedal" else set())
    for name, column in (("23_Analysis", 0), ("03_Provisional", 1), ("05_", 3), ("99_", 0)):
        rows = next(folder.glob(f"{name}*")).read_text().splitlines()[1:]
        assert {row.split(";")[column] for row in rows} - {"16"} == started
    assert truth["shared_numbers"] == ({} if channel_set == "pedal" else {"3": ["3", "03"]})


def test_one_track_temperature_is_no_reading(folder: Path) -> None:
    text = next(folder.glob("26_Weather*")).read_text()
    temperatures = [row.split(";")[3] for row in text.splitlines()[1:]]
    assert temperatures.count("-999.0") == 1
    seconds = [int(row.split(";")[0]) for row in text.splitlines()[1:]]
    assert set(np.diff(seconds).tolist()) == {63}
