import io

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.ingest.delimited import Layout, TypedRows, read_delimited
from grx_pipeline.ingest.manifest import RawFile
from grx_pipeline.ingest.results import (
    BEST_LAPS,
    CLASS_RESULTS,
    RESULTS,
    best_laps,
    choose_used,
    class_results,
    is_official,
    results,
)
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import conform

RESULTS_HEADER = "POSITION;NUMBER;STATUS;LAPS;TOTAL_TIME;GAP_FIRST;GAP_PREVIOUS;FL_LAPNUM;FL_TIME;FL_KPH;CLASS\n"
CLASS_HEADER = (
    "CLASS_TYPE;POS;PIC;NUMBER;VEHICLE;LAPS;ELAPSED;GAP_FIRST;GAP_PREVIOUS;BEST_LAP_NUM;BEST_LAP_TIME;BEST_LAP_KPH\n"
)


def raw_file(name: str, member: str | None = None) -> RawFile:
    return RawFile(kind="results", path=f"/data/{name}", member=member, size=1, sha256=name)


def read(content: str, layout: Layout) -> TypedRows:
    return read_delimited(io.BytesIO(content.encode()), file="03_Results.CSV", layout=layout)


def results_of(content: str) -> pd.DataFrame:
    rows = results(read(content, RESULTS), file=raw_file("03_Results.CSV"), is_used=True)
    return conform(rows, TABLES["results"]).to_pandas()


@pytest.mark.parametrize(
    ("names", "used"),
    [
        (["03_Provisional Results_Race 1.CSV", "00_Results GR Cup Race 1 Official.CSV"], 1),
        (["03_Provisional_Results_Race 2.CSV", "03_Results.CSV"], 1),
        (["03_Results.CSV", "03_Results Race 1 OFFICIAL.CSV"], 1),
        (["05_Provisionals Results by Class_Race 2.CSV", "05_GR Cup Race 2 Official Results by Class.CSV"], 1),
        (["03_Results Official1.CSV", "00_Results Official.CSV"], 1),
        (["03_Provisional Results.CSV"], 0),
    ],
)
def test_the_official_file_counts_before_the_provisional_one(names: list[str], used: int) -> None:
    files = [raw_file(name) for name in names]
    assert choose_used(files) == files[used]


@given(st.permutations(["03_Provisional.CSV", "03_Results.CSV", "03_Official B.CSV", "03_Official A.CSV"]))
def test_the_choice_does_not_depend_on_the_order_of_the_files(names: list[str]) -> None:
    used = choose_used([raw_file(name) for name in names])
    assert used is not None
    assert used.name == "03_Official A.CSV"


def test_without_files_none_counts() -> None:
    assert choose_used([]) is None


def test_only_the_file_name_tells_what_is_provisional() -> None:
    assert is_official(raw_file("provisional and official.zip", member="Provisional/03_Results.CSV"))
    assert not is_official(raw_file("official.zip", member="Race 1/03_PROVISIONAL Results.CSV"))


def test_a_classified_car_is_typed() -> None:
    car = results_of(RESULTS_HEADER + "2;021;Classified;27;45:15.035;+2:15.141;+2.740;8;1:37.428;136.8;Am\n").iloc[0]
    assert (car["position"], car["car_number"], car["status"], car["laps"]) == (2, "021", "Classified", 27)
    assert (car["total_time_ms"], car["fastest_lap_ms"]) == (45 * 60_000 + 15_035, 97_428)
    assert (car["gap_first"], car["fastest_lap_number"], car["vehicle_class"]) == ("+2:15.141", 8, "Am")
    assert pd.isna(car["driver_name"])


def test_a_car_that_did_not_start_has_no_position_and_no_fastest_lap() -> None:
    car = results_of(RESULTS_HEADER + ";51;Not started;0;;-;-;0;;;Am\n").iloc[0]
    assert car["status"] == "Not started"
    assert car[["position", "total_time_ms", "fastest_lap_ms"]].isna().all()


def test_a_total_time_of_more_than_an_hour_is_read_in_both_forms() -> None:
    rows = "".join(f"{n};{n};Classified;9;{time};-;-;0;;;Am\n" for n, time in ((1, "61:00.5"), (2, "1:01:00.5")))
    assert results_of(RESULTS_HEADER + rows)["total_time_ms"].tolist() == [3_660_500, 3_660_500]


@pytest.mark.parametrize(("first", "second", "name"), [("Ann", "Lee", "Ann Lee"), ("", "Lee", "Lee"), ("", "", None)])
def test_a_driver_is_called_by_first_and_second_name(first: str, second: str, name: str | None) -> None:
    header = RESULTS_HEADER.strip() + ";DRIVER_FIRSTNAME;DRIVER_SECONDNAME\n"
    found = results_of(header + f"1;3;Classified;9;1:00.5;-;-;0;;;Am;{first};{second}\n")["driver_name"]
    assert [None if pd.isna(value) else value for value in found] == [name]


def test_two_cars_of_one_number_are_two_results() -> None:
    rows = "1;3;Classified;9;1:00.5;-;-;2;30.5;;Am\n2;3;Classified;9;1:01.5;-;-;2;30.9;;Am\n"
    assert results_of(RESULTS_HEADER + rows)["car_number"].tolist() == ["3", "3"]


def test_a_class_result_is_typed() -> None:
    rows = read(CLASS_HEADER + "Am;3;2;13;Toyota GR86;27;45:15.035;;;8;1:37.428;136.8\n", CLASS_RESULTS)
    table = conform(class_results(rows, file=raw_file("05_P.CSV"), is_used=False), TABLES["class_results"])
    (car,) = table.to_pylist()
    assert (car["vehicle_class"], car["position"], car["position_in_class"]) == ("Am", 3, 2)
    assert (car["elapsed_ms"], car["best_lap_number"], car["best_lap_ms"]) == (45 * 60_000 + 15_035, 8, 97_428)
    assert (car["file"], car["is_used"]) == ("05_P.CSV", False)


def best_file(*cars: list[tuple[str, str]], ranks: int = 10) -> str:
    header = ["NUMBER", *(name for n in range(1, ranks + 1) for name in (f"BESTLAP_{n}", f"BESTLAP_{n}_LAPNUM"))]
    lines = [";".join(header)]
    for number, laps in enumerate(cars):
        cells = [cell for lap in [*laps, *[("", "0")] * (ranks - len(laps))] for cell in lap]
        lines.append(";".join([str(number), *cells]))
    return "\n".join(lines)


@settings(deadline=None, max_examples=20)
@given(st.lists(st.lists(st.integers(30_000, 59_999), max_size=10), min_size=1, max_size=4))
def test_every_listed_lap_stands_once_with_its_rank(cars: list[list[int]]) -> None:
    printed = [[(f"{ms // 1000}.{ms % 1000:03d}", str(lap)) for lap, ms in enumerate(car, 1)] for car in cars]
    table = conform(best_laps(read(best_file(*printed), BEST_LAPS)), TABLES["best_laps"]).to_pylist()
    found = {(int(row["car_number"]), row["rank"]): (row["lap_number"], row["lap_time_ms"]) for row in table}
    assert found == {(n, rank): (rank, ms) for n, car in enumerate(cars) for rank, ms in enumerate(car, 1)}
    assert len(table) == len(found)


def test_a_file_with_fewer_than_ten_laps_a_driver_is_read() -> None:
    assert len(best_laps(read(best_file([("31.5", "4"), ("32.5", "2")], ranks=2), BEST_LAPS))) == 2
