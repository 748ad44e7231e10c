"""From a session's Parquet tables to its published site and DuckDB file, on a small session made for it."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import html5lib
import pytest
from support.html_pages import assert_links_hold, assert_runs_nothing
from support.report_session import (
    LAPS,
    LONE,
    NAMES,
    ODD,
    PATHS_OF,
    PLAIN,
    SESSION,
    TRACED,
    official_laps,
    session_tables,
    write_session,
)

from grx_pipeline.errors import ContractError, StorageError
from grx_pipeline.paths import Paths
from grx_pipeline.reports import steps as report_steps
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.steps import build_reports, build_season
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import ReportSettings, Settings
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.storage.warehouse import build_warehouse


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StepContext:
    """A session whose tables are all there; its manifest misses nothing but the weather."""
    settings = Settings(data_dir=tmp_path / "data", reports_dir=tmp_path / "reports")
    context = StepContext(session=SESSION, paths=Paths.of(settings), settings=settings, progress=lambda text: None)
    write_session(context, session_tables())
    monkeypatch.setattr(report_steps, "read_manifest", lambda path: _ManifestDouble())
    return context


class _ManifestDouble:
    missing_kinds = ("weather",)


def html_pages(context: StepContext) -> Iterable[Path]:
    build_season(context.paths, context.settings)
    yield context.paths.season_page()
    yield from sorted(context.paths.published(SESSION).rglob("*.html"))


def record(context: StepContext, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((context.paths.published(SESSION) / "api" / name).read_bytes())
    return document


PER_CAR = (
    *("drivers/{}.html", "api/laps/{}.json", "api/corners/{}.json", "api/ledger/{}.json", "api/opportunities/{}.json"),
    *("api/ml/siwtl/calculate/{}.json", "api/ml/dptad/analyze/{}.json", "api/references/{}.json"),
)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def readable(site: Path) -> dict[str, bytes]:
    """The files of a site without their compressed twins."""
    return {name: content for name, content in tree(site).items() if not name.endswith(".gz")}


def test_a_session_has_every_file_of_the_contract(context: StepContext) -> None:
    build_reports(context)
    site = context.paths.published(SESSION)
    names = {name for name in readable(site) if not name.startswith(("assets/", "api/schemas/"))}
    per_car = {pattern.format(PATHS_OF[vehicle]) for vehicle in NAMES for pattern in PER_CAR}
    traces = {f"api/telemetry/{PATHS_OF[PLAIN]}/{lap}.json" for lap in TRACED}
    whole = {"index.html", "manifest.json", "api/drivers.json", "api/fleet/summary.json", "api/track.json"}
    loaded = {name for name in names if name.startswith("data/")}
    assert names - loaded == whole | per_car | traces
    assert all(re.fullmatch(r"data/.+/lap-\d\d\.[0-9a-f]{10}\.js", name) for name in loaded)


def test_every_json_file_is_an_envelope_on_one_line(context: StepContext) -> None:
    build_reports(context)
    site = context.paths.published(SESSION)
    for path in set(site.glob("api/**/*.json")) - set(site.glob("api/schemas/*")):
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
        assert list(document) == ["schema_version", "session", "build", "generated_at", "data"]
        assert document["session"] == SESSION
        assert text.endswith("}\n")
        assert text.count("\n") == 1


def test_siwtl_has_exactly_the_fields_of_the_contract(context: StepContext) -> None:
    build_reports(context)
    data = record(context, f"ml/siwtl/calculate/{PATHS_OF[PLAIN]}.json")["data"]
    assert list(data) == [
        *("vehicle_id", "best_lap_ms", "ideal_lap_ms", "siwtl_lap_ms", "potential_gain_ms", "achievability"),
        *("consistency_score", "consistency_percentile", "clean_laps", "confidence", "jackknife_range_ms"),
        *("rolling_best_ms", "sectors", "sections6", "spec_reference"),
    ]
    fields = ["sector", "best_ms", "in_best_lap_ms", "gap_ms", "weight", "gain_ms", "donor_lap", "done_on_laps"]
    assert [list(sector) for sector in data["sectors"]] == [fields] * 3
    assert data["best_lap_ms"] - data["siwtl_lap_ms"] == data["potential_gain_ms"]
    assert sum(sector["gain_ms"] for sector in data["sectors"]) == data["potential_gain_ms"]
    assert list(data["spec_reference"]) == ["siwtl_literal_s", "note"]


def test_a_car_without_a_clean_lap_has_a_record_of_nulls_and_a_page_that_says_why(context: StepContext) -> None:
    build_reports(context)
    data = record(context, f"ml/siwtl/calculate/{LONE}.json")["data"]
    assert data["siwtl_lap_ms"] is None
    assert data["sectors"] == []
    assert data["jackknife_range_ms"] is None
    page = (context.paths.published(SESSION) / f"drivers/{LONE}.html").read_text(encoding="utf-8")
    assert "none of 6 laps is clean" in page
    assert "full-course yellow (6 laps)" in page
    assert "No logger was matched to this car" in page


def test_laps_carry_reasons_with_their_sentences_and_every_time_is_an_integer(context: StepContext) -> None:
    build_reports(context)
    data = record(context, f"laps/{PATHS_OF[PLAIN]}.json")["data"]
    assert data["laps"][0]["reasons"] == [
        {"code": "first_lap", "text": "first lap, from the green flag", "excludes": "clean"}
    ]
    times = [lap[name] for lap in data["laps"] for name in ("lap_time_ms", "elapsed_ms", "gap_to_best_ms")]
    times += [time for lap in data["laps"] for time in lap["sectors_ms"]]
    assert {type(time) for time in times} == {int}
    assert [lap["has_telemetry"] for lap in data["laps"]] == [lap in TRACED for lap in range(1, LAPS + 1)]
    assert data["laps"][3]["telemetry_note"] == "the logger has gaps of 49 s"


def test_a_trace_keeps_its_gap_as_null_and_its_columns_in_step(context: StepContext) -> None:
    build_reports(context)
    data = record(context, f"telemetry/{PATHS_OF[PLAIN]}/5.json")["data"]
    columns = ("distance_m", "time_ms", "speed_kmh", "throttle_pct", "brake_bar", "steering_deg")
    assert {len(data[name]) for name in columns} == {1837}
    assert [data["speed_kmh"][i] is None for i in (499, 500, 549, 550)] == [False, True, True, False]
    assert data["throttle_pct"][0] == 60.13
    assert (data["brake_bar"][0], data["steering_deg"][0]) == (0, 0)
    assert all(isinstance(time, int) for time in data["time_ms"])
    assert data["synthetic"] is False
    assert data["features"]["brake_spike_count"] == 2


def test_the_row_account_is_summed_over_cars_and_said_in_sentences(context: StepContext) -> None:
    build_reports(context)
    quality = record(context, "fleet/summary.json")["data"]["data_quality"]
    assert [(file["rows_read"], file["rows_kept"]) for file in quality["files"]] == [(200, 180)]
    assert quality["set_aside"] == [{"kind": "telemetry", "reason": "value is no number", "rows": 4}]
    assert quality["matched_share"] == round(11 / 12, 6)
    assert quality["frozen_clocks"] == [ODD]
    assert "No file of weather: no temperatures, wind or rain." in quality["notes"]
    assert any(note.startswith("Logger GR86-015-31 belongs to no car") for note in quality["notes"])


def test_names_from_the_raw_files_are_text_and_nothing_else(context: StepContext) -> None:
    build_reports(context)
    for path in html_pages(context):
        assert_runs_nothing(path)


def test_every_page_is_strict_html(context: StepContext) -> None:
    build_reports(context)
    for path in html_pages(context):
        html5lib.HTMLParser(strict=True).parse(path.read_bytes())


def test_every_link_leads_to_a_file_and_none_to_another_host(context: StepContext) -> None:
    build_reports(context)
    for path in html_pages(context):
        assert_links_hold(path)


def test_numbers_of_a_page_are_those_of_the_records(context: StepContext) -> None:
    build_reports(context)
    page = (context.paths.published(SESSION) / f"drivers/{PATHS_OF[PLAIN]}.html").read_text(encoding="utf-8")
    data = record(context, f"ml/siwtl/calculate/{PATHS_OF[PLAIN]}.json")["data"]
    gain = f"{data['potential_gain_ms'] / 1000:.3f}"
    best = max(data["sectors"], key=lambda sector: sector["gain_ms"])
    shown = [Style().seconds(ms) for ms in (data["potential_gain_ms"], best["gain_ms"])]
    assert f"<h1>{shown[0]}\u00a0s to find, {shown[1]}\u00a0s of it in sector {best['sector']}</h1>" in page
    assert f'<tr><th scope="row">Lap</th><td class="n"><b class="gain">{gain}</b></td>' in page
    assert f"{data['siwtl_lap_ms'] // 60_000}:{data['siwtl_lap_ms'] % 60_000 / 1000:06.3f}" in page


def test_an_unchanged_rebuild_publishes_nothing_and_keeps_every_byte(
    context: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_reports(context)
    build_season(context.paths, context.settings)
    site = context.paths.published(SESSION)
    before, target, stamp = tree(context.paths.reports), site.readlink(), site.lstat().st_mtime_ns
    monkeypatch.setattr(report_steps, "clock_now", lambda: "2099-01-01T00:00:00Z")
    outcome = build_reports(context)
    build_season(context.paths, context.settings)
    assert outcome.figures["published"] == "unchanged"
    assert (site.readlink(), site.lstat().st_mtime_ns) == (target, stamp)
    assert tree(context.paths.reports) == before


def test_a_change_of_one_car_leaves_the_files_of_the_others_alone(
    context: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_reports(context)
    site = context.paths.published(SESSION)
    before = readable(site)
    tables = session_tables()
    tables["drivers"][2]["team"] = "Team 7"
    write_session(context, tables)
    monkeypatch.setattr(report_steps, "clock_now", lambda: "2099-01-01T00:00:00Z")
    build_reports(context)
    after = readable(site)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"manifest.json", "api/drivers.json", "api/fleet/summary.json", f"drivers/{LONE}.html"}
    assert record(context, "drivers.json")["generated_at"] == "2099-01-01T00:00:00Z"


def test_a_missing_trace_folder_gives_a_report_without_telemetry(context: StepContext) -> None:
    for file in context.paths.table_folder(SESSION, "lap_traces").iterdir():
        file.unlink()
    context.paths.table_folder(SESSION, "lap_traces").rmdir()
    build_reports(context)
    driver = record(context, "drivers.json")["data"]["drivers"][0]
    assert driver["telemetry_laps"] == []
    assert driver["telemetry_note"] == "The telemetry of this car covers no complete lap."


def test_a_session_without_a_single_car_still_has_its_page(context: StepContext) -> None:
    empty = {name: [] for name in session_tables() if name != "sessions"}
    write_session(context, {**empty, "sessions": session_tables()["sessions"]})
    for file in context.paths.table_folder(SESSION, "lap_traces").iterdir():
        file.unlink()
    build_reports(context)
    assert record(context, "drivers.json")["data"]["drivers"] == []
    assert "This session has no weather file." in (context.paths.published(SESSION) / "index.html").read_text("utf-8")


def test_a_damaged_table_fails_with_its_path_and_the_earlier_report_stands(context: StepContext) -> None:
    build_reports(context)
    before = tree(context.paths.published(SESSION))
    file = context.paths.table(SESSION, "laps")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(ContractError, match=re.escape(str(file))):
        build_reports(context)
    assert tree(context.paths.published(SESSION)) == before


def test_a_full_disk_leaves_the_earlier_report_standing(context: StepContext, monkeypatch: pytest.MonkeyPatch) -> None:
    build_reports(context)
    before = tree(context.paths.reports)
    tables = session_tables()
    tables["drivers"][0]["team"] = "Team 7"
    write_session(context, tables)

    def place(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", place)
    with pytest.raises(StorageError, match="No space left on device"):
        build_reports(context)
    assert tree(context.paths.reports) == before


def test_the_season_lists_published_sessions_by_date_and_says_which_are_of_another_version(
    context: StepContext,
) -> None:
    build_reports(context)
    other = replace(context, session="old-2024-r1")
    folder = context.paths.builds(other.session) / "0001-000000000000"
    (folder / "api/fleet").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    (folder / "api/fleet/summary.json").write_text('{"schema_version": "0.1"}', encoding="utf-8")
    context.paths.published(other.session).symlink_to(folder)
    assert build_season(context.paths, context.settings) == 2
    page = context.paths.season_page().read_text(encoding="utf-8")
    assert page.index("Barber Motorsports Park, race 1") < page.index("old-2024-r1")
    assert "run the session again" in page


def test_the_season_page_of_no_session_says_how_to_make_one(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", reports_dir=tmp_path / "reports")
    assert build_season(Paths.of(settings), settings) == 0
    assert "grx run PATH" in (tmp_path / "reports/index.html").read_text(encoding="utf-8")


def test_only_the_set_number_of_builds_is_kept(context: StepContext) -> None:
    context = replace(context, settings=replace(context.settings, report=ReportSettings(keep_builds=2)))
    tables = session_tables()
    for team in ("Team 1", "Team 2", "Team 3"):
        tables["drivers"][0]["team"] = team
        write_session(context, tables)
        build_reports(context)
    builds = sorted(folder.name[:4] for folder in context.paths.builds(SESSION).iterdir())
    assert builds == ["0002", "0003"]


def test_the_duckdb_file_has_every_declared_table_with_the_rows_of_its_parquet_files(context: StepContext) -> None:
    outcome = build_warehouse(context)
    with duckdb.connect(str(context.paths.warehouse_file(SESSION)), read_only=True) as connection:
        names = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert names == {name for name, table in TABLES.items() if table.in_warehouse}
        laps = connection.execute("SELECT count(*), sum(lap_time_ms) FROM laps WHERE is_valid").fetchone()
        expected = official_laps()
        assert laps == (len(expected), expected["lap_time_ms"].sum())
        assert connection.execute("SELECT count(*) FROM row_accounting").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM timing_laps").fetchone() == (0,)
    assert outcome.outputs == (context.paths.warehouse_file(SESSION),)
