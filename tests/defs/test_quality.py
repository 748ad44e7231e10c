"""Checks on meaning: what they accept, what they warn of, what they stop."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.errors import ContractError
from grx_pipeline.quality import (
    MEANING_CHECKS,
    CheckOutcome,
    Tables,
    check_channels,
    check_crossings,
    check_result_laps,
    check_row_accounting,
    check_sector_sums,
    check_siwtl,
    check_weather,
    contract_problems,
    file_problems,
)
from grx_pipeline.schemas import TABLES, Table
from grx_pipeline.settings import QualitySettings
from grx_pipeline.steps import STEPS

Judge = Callable[[Tables, QualitySettings], CheckOutcome]
SETTINGS = QualitySettings()
CHANNELS = ["speed", "aps", "pbrake_f", "Steering_Angle", "accx_can", "accy_can", "gear", "nmot"]


def _rows(table: str, rows: list[dict[str, object]]) -> dict[str, pa.Table]:
    """Rows of a table, nulls where a column is not given; not validated, as a damaged lake would not be."""
    schema = TABLES[table].arrow_schema()
    nullable = pa.schema([pa.field(field.name, field.type) for field in schema])
    return {table: pa.Table.from_pylist(rows, schema=nullable)}


def _lap(number: int, sectors: tuple[int | None, ...], lap_time: int | None) -> dict[str, object]:
    names = ("sector_1_ms", "sector_2_ms", "sector_3_ms")
    return {"lap_number": number, "lap_time_ms": lap_time} | dict(zip(names, sectors, strict=True))


@given(st.lists(st.tuples(*[st.integers(20_000, 60_000)] * 3), min_size=1), st.integers(-2, 2))
def test_sectors_within_rounding_of_the_lap_pass(laps: list[tuple[int, int, int]], rounding: int) -> None:
    rows = [_lap(number, sectors, sum(sectors) + rounding) for number, sectors in enumerate(laps, start=1)]
    assert check_sector_sums(_rows("laps", rows), SETTINGS).passed


def test_laps_whose_sectors_do_not_add_up_are_counted_and_warned_of() -> None:
    rows = [_lap(1, (30_000, 30_000, 30_000), 90_003), _lap(2, (30_000, 30_000, 30_000), 90_000)]
    outcome = check_sector_sums(_rows("laps", rows), SETTINGS)
    assert not outcome.passed
    assert not outcome.is_blocking
    assert outcome.figures["laps_off"] == 1
    assert outcome.figures["largest_difference_ms"] == 3
    assert [(row["lap_number"], row["difference_ms"]) for row in outcome.offenders] == [(1, 3)]


def test_of_many_laps_that_do_not_add_up_the_worst_are_shown() -> None:
    rows = [_lap(number, (30_000, 30_000, 30_000), 90_010 + number) for number in range(1, 60)]
    outcome = check_sector_sums(_rows("laps", rows), SETTINGS)
    assert outcome.figures["laps_off"] == 59
    assert [row["lap_number"] for row in outcome.offenders] == list(range(59, 59 - SETTINGS.shown_rows, -1))


def test_laps_without_a_sector_are_not_judged_but_said() -> None:
    outcome = check_sector_sums(_rows("laps", [_lap(1, (None, 30_000, 30_000), 90_000)]), SETTINGS)
    assert outcome.passed
    assert outcome.figures["laps_without_all_sectors"] == 1


def _result(laps: dict[str, int], timed: list[tuple[str, int]]) -> dict[str, pa.Table]:
    results = [{"car_number": number, "laps": count, "is_used": True} for number, count in laps.items()]
    provisional = [{"car_number": number, "laps": 99, "is_used": False} for number in laps]
    drivers = [{"car_number": number, "laps": count} for number, count in timed]
    return _rows("results", results + provisional) | _rows("drivers", drivers)


def test_a_timing_file_that_was_cut_short_is_told_by_the_laps_of_the_result() -> None:
    outcome = check_result_laps(_result({"3": 20, "7": 20, "9": 0}, [("3", 20), ("7", 8)]), SETTINGS)
    assert not outcome.passed
    assert "1 of 3 car numbers has other laps in the timing than in the result: 8 instead of 20" in outcome.text
    assert outcome.offenders == ({"car_number": "7", "laps_in_result": 20, "laps_in_timing": 8},)


def test_two_cars_of_one_number_are_held_against_the_result_together() -> None:
    assert check_result_laps(_result({"3": 37}, [("3", 20), ("3", 17)]), SETTINGS).passed


def _crossings(crossings: int, matched: int) -> dict[str, pa.Table]:
    counts = {"crossings": crossings, "crossings_matched": matched}
    loggers = [
        {"logger_id": "A", "car_number": "7", **counts},
        {"logger_id": "B", "crossings": 9, "crossings_matched": 9},
    ]
    return _rows("sessions", [counts]) | _rows("logger_matches", loggers)


def test_loggers_that_fit_badly_are_the_rows_to_look_at() -> None:
    offenders = check_crossings(_crossings(10, 2), SETTINGS).offenders
    assert [(row["logger_id"], row["crossings_matched"]) for row in offenders] == [("A", 2)]


@given(st.integers(0, 500), st.integers(0, 500))
def test_crossings_pass_from_the_wanted_share(crossings: int, matched: int) -> None:
    matched = min(crossings, matched)
    outcome = check_crossings(_crossings(crossings, matched), SETTINGS)
    assert outcome.passed == (crossings > 0 and matched >= SETTINGS.min_matched_share * crossings)
    assert not outcome.is_blocking


def test_a_session_without_lap_files_is_a_sentence_and_no_failure() -> None:
    outcome = check_crossings(_crossings(0, 0), SETTINGS)
    assert not outcome.passed
    assert not outcome.is_blocking
    assert "no lap files" in outcome.text


@pytest.mark.parametrize("throttle", ["aps", "ath"])
def test_either_throttle_channel_will_do(throttle: str) -> None:
    channels = [*CHANNELS[:1], throttle, *CHANNELS[2:]]
    outcome = check_channels(_rows("telemetry_vehicles", [_vehicle("A", channels)]), SETTINGS)
    assert outcome.passed


def _vehicle(name: str, channels: list[str], *, is_frozen: bool = False) -> dict[str, object]:
    return {"vehicle_id": name, "is_clock_frozen": is_frozen, "channels": channels}


def test_missing_channels_and_frozen_clocks_are_named_by_car() -> None:
    cars = [_vehicle("A", CHANNELS[:-1]), _vehicle("B", [], is_frozen=True), _vehicle("C", CHANNELS)]
    outcome = check_channels(_rows("telemetry_vehicles", cars), SETTINGS)
    assert not outcome.passed
    assert outcome.text.startswith("A has no engine speed. The clock of B stood still")
    assert [row["car"] for row in outcome.offenders] == ["A", "B"]


@pytest.mark.parametrize(("table", "check"), [("telemetry_vehicles", check_channels), ("weather", check_weather)])
def test_missing_files_are_a_warning_with_a_sentence(table: str, check: Judge) -> None:
    outcome = check({table: TABLES[table].arrow_schema().empty_table()}, SETTINGS)
    assert not outcome.passed
    assert not outcome.is_blocking
    assert outcome.text.startswith("There is no ")


def test_a_reading_missing_throughout_is_named() -> None:
    reading = {"air_temp_c": 25.0, "wind_speed_kmh": 3.6, "is_rain": False}
    outcome = check_weather(_rows("weather", [reading, reading]), SETTINGS)
    assert not outcome.passed
    assert "track temperature" in outcome.text
    assert "air temperature" not in outcome.text


def _account(read: int, kept: int, duplicates: int, merged: int, aside: int) -> dict[str, object]:
    counts = {"rows_kept": kept, "exact_duplicates": duplicates, "rows_merged": merged, "rows_set_aside": aside}
    return {"file": "lap_end.csv", "kind": "lap_end", "vehicle_id": "", "rows_read": read} | counts


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(0, 9), st.integers(-1, 1))
def test_an_account_passes_only_where_it_closes(kept: int, duplicates: int, merged: int, aside: int, lost: int) -> None:
    account = _account(kept + duplicates + merged + aside + lost, kept, duplicates, merged, aside)
    tables = _rows("row_accounting", [account]) | _rows("quarantine", [{"file": "lap_end.csv"}] * aside)
    outcome = check_row_accounting(tables, SETTINGS)
    assert outcome.passed == (lost == 0)
    assert len(outcome.offenders) == (lost != 0)
    assert outcome.is_blocking


def test_a_quarantine_that_lost_rows_is_noticed() -> None:
    tables = _rows("row_accounting", [_account(10, 8, 0, 0, 2)]) | _rows("quarantine", [{"file": "lap_end.csv"}])
    assert not check_row_accounting(tables, SETTINGS).passed


def _targets(*, ideal: int, target: int, best: int, gains: tuple[int, int, int]) -> dict[str, pa.Table]:
    driver = {"vehicle_id": "A", "ideal_lap_ms": ideal, "siwtl_lap_ms": target, "best_lap_ms": best}
    driver |= {"potential_gain_ms": best - target}
    sectors = [{"vehicle_id": "A", "sector_count": 3, "sector": n, "gain_ms": g} for n, g in enumerate(gains, start=1)]
    sections = [{"vehicle_id": "A", "sector_count": 6, "sector": n, "gain_ms": 1} for n in range(1, 7)]
    return _rows("siwtl", [driver, {"vehicle_id": "no clean lap"}]) | _rows("siwtl_sectors", sectors + sections)


def test_a_target_between_ideal_and_best_whose_gains_add_up_passes() -> None:
    outcome = check_siwtl(_targets(ideal=97_000, target=97_500, best=98_000, gains=(200, 300, 0)), SETTINGS)
    assert outcome.passed
    assert outcome.figures == {"targets": 1, "targets_wrong": 0}


@pytest.mark.parametrize(("target", "gains"), [(96_999, (500, 501, 1)), (98_001, (0, 0, -1)), (97_500, (200, 299, 0))])
def test_a_wrong_target_stops_the_run(target: int, gains: tuple[int, int, int]) -> None:
    outcome = check_siwtl(_targets(ideal=97_000, target=target, best=98_000, gains=gains), SETTINGS)
    assert not outcome.passed
    assert outcome.is_blocking
    assert "A" in outcome.text
    assert [row["siwtl_lap_ms"] for row in outcome.offenders] == [target]


def test_a_session_without_clean_laps_has_no_target_and_goes_on() -> None:
    tables = {name: TABLES[name].arrow_schema().empty_table() for name in ("siwtl", "siwtl_sectors")}
    outcome = check_siwtl(tables, SETTINGS)
    assert not outcome.passed
    assert not outcome.is_blocking


def test_a_contract_names_lost_columns_other_types_and_broken_rules() -> None:
    table = TABLES["unmatched_loggers"]
    row = {"logger_id": "A", "reason": "no crossing", "crossings": 1, "telemetry_rows": 2}
    good = pa.Table.from_pylist([row], schema=table.arrow_schema())
    assert contract_problems(table, good) == []
    assert "declared are" in contract_problems(table, good.drop_columns(["reason"]))[0]
    texts = good.set_column(2, "crossings", pa.array(["1"]))
    assert contract_problems(table, texts) == ["crossings is string, not int32"]
    assert contract_problems(table, pa.concat_tables([good, good])) == ["key (logger_id) repeats in 1 rows"]


def _written(rows: list[dict[str, object]], path: Path) -> tuple[Table, pa.Table]:
    """A table written as a damaged lake would hold it, without validation, in two row groups."""
    table = TABLES["timing_laps"]
    filled = [dict.fromkeys(table.column_names, None) | row for row in rows]
    nullable = pa.schema([pa.field(field.name, field.type) for field in table.arrow_schema()])
    whole = pa.Table.from_pylist(filled, schema=nullable)
    pq.write_table(whole, path, row_group_size=2)
    return table, whole


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "row_number": st.sampled_from([None, 0, 1, 2, 3]),
                "car_number": st.sampled_from([None, "3"]),
                "driver_number": st.sampled_from([None, -1, 1]),
                "lap_number": st.sampled_from([None, -1, 1]),
                "is_pit_in": st.sampled_from([None, True]),
            }
        ),
        max_size=5,
    )
)
def test_a_file_has_the_problems_that_its_rows_have(rows: list[dict[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "timing_laps.parquet"
        table, whole = _written(rows, path)
        assert file_problems(table, path) == (len(rows), contract_problems(table, whole))


def test_a_file_that_was_cut_or_has_other_columns_is_said(tmp_path: Path) -> None:
    path = tmp_path / "timing_laps.parquet"
    table, whole = _written([{"row_number": 1}], path)
    pq.write_table(whole.drop_columns(["car_number"]), path)
    assert "declared are" in file_problems(table, path)[1][0]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ContractError, match=r"timing_laps.parquet: damaged"):
        file_problems(table, path)


def test_every_check_looks_at_tables_of_its_own_step_and_of_those_it_reads() -> None:
    for check in MEANING_CHECKS:
        step = STEPS[check.step]
        known = {table for name in (step.name, *step.reads) for table in STEPS[name].tables}
        assert set(check.tables) <= known


def test_an_outcome_carries_the_name_it_is_declared_under() -> None:
    for check in MEANING_CHECKS:
        empty = {name: TABLES[name].arrow_schema().empty_table() for name in check.tables}
        outcome = check.judge(empty, SETTINGS)
        assert outcome.name == check.name
        assert outcome.offenders_are not in outcome.figures
