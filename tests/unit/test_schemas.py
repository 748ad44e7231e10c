import itertools
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.schemas import CHANNELS, TABLES
from grx_pipeline.schemas.contract import is_strictly_ascending
from grx_pipeline.schemas.reference import render_reference

# The specification's tables: names, columns and types that other people's scripts build on.
SPECIFIED = {
    "drivers": "vehicle_id VARCHAR, driver_id VARCHAR, vehicle_number INTEGER, vehicle_class VARCHAR",
    "laps": (
        "vehicle_id VARCHAR, lap_number INTEGER, lap_time_ms BIGINT, sector_1_time DOUBLE, sector_2_time DOUBLE,"
        " sector_3_time DOUBLE, is_valid BOOLEAN"
    ),
    "telemetry_features": (
        "vehicle_id VARCHAR, lap_number INTEGER, speed_mean DOUBLE, speed_std DOUBLE, throttle_mean DOUBLE,"
        " throttle_std DOUBLE, brake_mean DOUBLE, brake_std DOUBLE, steering_angle_mean DOUBLE,"
        " steering_angle_std DOUBLE, brake_spike_count INTEGER, throttle_drop_count INTEGER,"
        " steering_corrections INTEGER, brake_smoothness DOUBLE, throttle_smoothness DOUBLE"
    ),
}


def test_the_specified_tables_have_their_columns_and_types() -> None:
    for name, columns in SPECIFIED.items():
        declared = {column.name: column.type for column in TABLES[name].columns}
        for column in columns.split(", "):
            column_name, column_type = column.split()
            assert declared[column_name] == column_type


def test_cars_and_laps_are_keyed_as_specified() -> None:
    assert TABLES["drivers"].key == ("vehicle_id",)
    assert TABLES["laps"].key == TABLES["telemetry_features"].key == ("vehicle_id", "lap_number")
    assert all(TABLES[name].is_primary for name in SPECIFIED)


def test_every_table_and_column_says_what_it_is() -> None:
    for table in TABLES.values():
        assert table.text.endswith(".")
        assert all(column.text for column in table.columns)
        assert set(table.order) <= set(table.column_names)


def test_a_channel_is_a_column_of_the_samples() -> None:
    assert {column for _, column, *_ in CHANNELS} <= set(TABLES["telemetry"].column_names)


def test_the_table_reference_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "tables.md"
    assert page.read_text(encoding="utf-8") == render_reference(), "run `make docs`"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3) | st.none()), max_size=6))
def test_rows_ascend_strictly_where_each_comes_after_the_one_before(rows: list[tuple[str, int | None]]) -> None:
    names, laps = pa.array([name for name, _ in rows], pa.string()), pa.array([lap for _, lap in rows], pa.int32())
    table = pa.table({"name": names, "lap": laps})
    has_null = len(rows) > 1 and any(lap is None for _, lap in rows)
    expected = not has_null and all(before < here for before, here in itertools.pairwise(rows))
    assert is_strictly_ascending(table, ("name", "lap")) is expected
