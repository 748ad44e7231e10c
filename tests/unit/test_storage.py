import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from grx_pipeline.errors import ContractError
from grx_pipeline.schemas import TABLES, Column, Table
from grx_pipeline.settings import EngineSettings
from grx_pipeline.storage.atomic import writing
from grx_pipeline.storage.duck import publish_database
from grx_pipeline.storage.parquet import read_frame, read_table, remove_other_parts, write_table

LAPS = Table(
    name="small_laps",
    text="Two columns of a key, a time that may be missing, a count that may not.",
    step="test",
    columns=(
        Column(name="vehicle_id", type="VARCHAR", text="car"),
        Column(name="lap_number", type="INTEGER", text="lap"),
        Column(name="lap_time_ms", type="BIGINT", text="time", unit="ms", nullable=True, minimum=0),
        Column(name="reasons", type="VARCHAR[]", text="why not"),
    ),
    key=("vehicle_id", "lap_number"),
    is_primary=True,
)


def publish(database: Path, tables: Sequence[tuple[Table, Sequence[Path]]]) -> int:
    return publish_database(database, tables, settings=EngineSettings(), temporary=database.parent / "tmp")


def rows(**changes: list[object]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "reasons": [["pit_in"], [], []],
            "vehicle_id": ["b", "a", "a"],
            "lap_number": [1, 2, 1],
            "lap_time_ms": [98_326.0, np.nan, 97_000.0],
        }
        | changes
    )


def test_rows_come_back_in_key_order_and_declared_types(tmp_path: Path) -> None:
    assert write_table(rows(), tmp_path / "laps.parquet", LAPS) == 3
    table = read_table(tmp_path / "laps.parquet")
    assert table.schema.types == [pa.string(), pa.int32(), pa.int64(), pa.list_(pa.string())]
    assert table.column("lap_time_ms").to_pylist() == [97_000, None, 98_326]
    assert table.column("reasons").to_pylist() == [[], [], ["pit_in"]]


def test_the_same_rows_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    write_table(rows(), tmp_path / "one.parquet", LAPS)
    write_table(rows().iloc[::-1], tmp_path / "two.parquet", LAPS)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lap_number": [1, 1, 1]}, "key .* repeats in 1 rows"),
        ({"vehicle_id": ["b", None, "a"]}, "vehicle_id is null in 1 of 3"),
        ({"lap_time_ms": [-1.0, 2.0, 3.0]}, "lap_time_ms is under 0 ms in 1 rows"),
        ({"lap_time_ms": [1.5, 2.0, 3.0]}, "table small_laps"),
        ({"surplus": [1, 2, 3]}, "unknown columns .*surplus"),
    ],
)
def test_rows_that_break_the_declaration_are_refused_and_nothing_is_written(
    tmp_path: Path, changes: dict[str, list[object]], words: str
) -> None:
    with pytest.raises(ContractError, match=words):
        write_table(rows(**changes), tmp_path / "laps.parquet", LAPS)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "laps.parquet"
    write_table(rows(), path, LAPS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ContractError, match=r"laps.parquet: damaged"):
        read_frame(path)


def test_a_database_is_made_of_the_very_files_that_are_named(tmp_path: Path) -> None:
    own, other = (tmp_path / name / "laps.parquet" for name in ("a[1] *?b's", "a1 xyb's"))
    write_table(rows(), own, LAPS)
    write_table(rows(vehicle_id=["x", "y", "z"]), other, LAPS)
    publish(tmp_path / "made.duckdb", [(LAPS, [own])])
    with duckdb.connect(str(tmp_path / "made.duckdb"), read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT vehicle_id FROM small_laps ORDER BY 1").fetchall() == [
            ("a",),
            ("b",),
        ]


def test_parts_of_an_earlier_build_are_removed(tmp_path: Path) -> None:
    for name in ("kept", "old"):
        write_table(rows(), tmp_path / f"{name}.parquet", LAPS)
    remove_other_parts(tmp_path, [tmp_path / "kept.parquet"])
    assert [path.name for path in tmp_path.iterdir()] == ["kept.parquet"]


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), writing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_keeps_the_old_database_while_a_new_one_takes_its_place(tmp_path: Path) -> None:
    database, part = tmp_path / "warehouse" / "s.duckdb", tmp_path / "laps.parquet"
    write_table(rows(), part, LAPS)
    assert publish(database, [(LAPS, [part])]) == 3
    with duckdb.connect(str(database), read_only=True) as reader:
        write_table(rows().head(1), part, LAPS)
        publish(database, [(LAPS, [part])])
        assert reader.execute("SELECT count(*) FROM small_laps").fetchall() == [(3,)]
    with duckdb.connect(str(database), read_only=True) as reader:
        assert reader.execute("SELECT count(*) FROM small_laps").fetchall() == [(1,)]
        keys = reader.execute("SELECT constraint_type FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'")
        assert keys.fetchall() == [("PRIMARY KEY",)]
    assert sorted(path.name for path in database.parent.iterdir()) == ["s.duckdb"]


def test_every_declared_table_can_be_created_and_is_indexed_by_its_key(tmp_path: Path) -> None:
    in_warehouse = [table for table in TABLES.values() if table.in_warehouse]
    publish(tmp_path / "all.duckdb", [(table, []) for table in in_warehouse])
    with duckdb.connect(str(tmp_path / "all.duckdb"), read_only=True) as reader:
        columns = reader.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
        comments = reader.execute(
            "SELECT count(*) FROM duckdb_columns() WHERE comment IS NULL AND NOT internal"
        ).fetchall()
        indexed = {name for (name,) in reader.execute("SELECT table_name FROM duckdb_indexes()").fetchall()}
    assert {(t.name, c.name, c.type) for t in in_warehouse for c in t.columns} == set(columns)
    assert comments == [(0,)]
    assert indexed == {table.name for table in in_warehouse if table.key and not table.is_primary}


def test_a_query_draws_no_progress_in_a_process_without_a_script() -> None:
    ask = "select current_setting('enable_progress_bar')"
    look = (
        "import duckdb; from grx_pipeline.storage.duck import connect; "
        f'print(*(c.execute("{ask}").fetchone()[0] for c in (duckdb.connect(), connect({{}}))))'
    )
    said = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["True", "False"]
