"""The season's DuckDB file: views that find the lake of every session whenever they are asked."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from grx_pipeline.errors import StorageError
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.season import refresh_season
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.season_views import build_views

NEUTRAL = TABLES["neutralisations"]


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(data=tmp_path / "data", reports=tmp_path / "reports")


def _write(paths: Paths, session: str, table: str, rows: int, *, part: str | None = None) -> None:
    """Numbered rows, whatever the columns are."""
    values = range(1, rows + 1)
    columns = {field.name: pa.array(values).cast(field.type) for field in TABLES[table].arrow_schema()}
    write_table(pa.table(columns), paths.table(session, table, part=part), TABLES[table])


def _ask(paths: Paths, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(paths.season_database()), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_sessions_that_come_later_are_there_without_making_the_file_again(paths: Paths) -> None:
    _write(paths, "a-2025-r1", "weather", 2)
    assert build_views(paths)
    assert _ask(paths, "SELECT session, count(*) FROM weather GROUP BY 1") == [("a-2025-r1", 2)]
    _write(paths, "b-2025-r1", "weather", 3)
    assert not build_views(paths)
    assert _ask(paths, "SELECT session, count(*) FROM weather GROUP BY 1 ORDER BY 1") == [
        ("a-2025-r1", 2),
        ("b-2025-r1", 3),
    ]


def test_a_data_folder_whose_name_reads_as_a_pattern_is_taken_as_it_is(tmp_path: Path) -> None:
    for name, session in (("a[1] *b's", "own-2025-r1"), ("a1 xyb's", "other-2025-r1")):
        paths = Paths(data=tmp_path / name, reports=tmp_path / "reports")
        _write(paths, session, "weather", 2)
        _write(paths, session, "telemetry", 3, part="GR86-002-000")
        build_views(paths)
    paths = Paths(data=tmp_path / "a[1] *b's", reports=tmp_path / "reports")
    assert _ask(paths, "SELECT DISTINCT session FROM weather") == [("own-2025-r1",)]
    assert _ask(paths, "SELECT DISTINCT session, part FROM telemetry") == [("own-2025-r1", "GR86-002-000")]


def test_a_table_of_parts_says_of_which_file_a_row_is(paths: Paths) -> None:
    _write(paths, "a-2025-r1", "telemetry", 2, part="GR86-002-000")
    _write(paths, "a-2025-r1", "telemetry", 1, part="x%20y-1")
    build_views(paths)
    found = _ask(paths, "SELECT session, part, count(*) FROM telemetry GROUP BY ALL ORDER BY part")
    assert found == [("a-2025-r1", "GR86-002-000", 2), ("a-2025-r1", "x%20y-1", 1)]


def test_a_table_that_no_session_has_is_empty_and_typed_as_declared(paths: Paths) -> None:
    build_views(paths)
    types = _ask(paths, "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'laps'")
    assert types == [("session", "VARCHAR"), *((column.name, column.type) for column in TABLES["laps"].columns)]
    assert _ask(paths, "SELECT count(*) FROM laps") == [(0,)]
    _write(paths, "a-2025-r1", "weather", 1)
    assert build_views(paths)
    assert _ask(paths, "SELECT count(*) FROM weather") == [(1,)]


def test_a_session_of_an_earlier_version_has_nulls_where_it_lacks_columns(paths: Paths) -> None:
    pq.write_table(pa.table({"row_number": [7]}), _folder(paths.table("a-2025-r1", "weather")))
    build_views(paths)
    assert _ask(paths, "SELECT session, row_number, observed_at_ms FROM weather") == [("a-2025-r1", 7, None)]


def test_whoever_has_the_old_file_open_keeps_it_and_stops_nobody(paths: Paths) -> None:
    _write(paths, "a-2025-r1", "weather", 1)
    build_views(paths)
    with duckdb.connect(str(paths.season_database()), read_only=True) as reader:
        _write(paths, "a-2025-r1", "neutralisations", 1)
        assert build_views(paths)
        assert reader.execute("SELECT count(*) FROM neutralisations").fetchall() == [(0,)]
    assert _ask(paths, "SELECT count(*) FROM neutralisations") == [(1,)]


def test_a_damaged_file_of_one_session_is_told_and_the_season_goes_on(paths: Paths) -> None:
    write_bytes(paths.table("a-2025-r1", "weather"), b"PAR1 nothing PAR1")
    with pytest.raises(StorageError, match=r"a-2025-r1/weather\.parquet"):
        build_views(paths)
    settings = Settings(data_dir=paths.data, reports_dir=paths.reports)

    def build(paths: Paths, settings: Settings) -> int:
        write_bytes(paths.season_page(), b"page")
        return 1

    first = refresh_season(paths, settings, build)
    assert (first.sessions, first.was_built) == (1, True)
    assert "a-2025-r1/weather.parquet" in str(first.problem)
    _write(paths, "a-2025-r1", "weather", 1)
    mended = refresh_season(paths, settings, build)
    assert (mended.was_built, mended.problem) == (True, None)
    assert not refresh_season(paths, settings, build).was_built


def _folder(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file
