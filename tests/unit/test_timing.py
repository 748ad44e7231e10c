import io
from pathlib import Path

import pandas as pd
import pytest

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.delimited import read_delimited
from grx_pipeline.ingest.manifest import Manifest, RawFile, write_manifest
from grx_pipeline.ingest.steps import build_timing
from grx_pipeline.ingest.timing import ANALYSIS, timing_laps
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import conform, read_frame
from grx_pipeline.storage.steps import StepContext

LAP = {
    "NUMBER": "03",
    " DRIVER_NUMBER": "1",
    " LAP_NUMBER": "5",
    " LAP_TIME": "1:38.326",
    " LAP_IMPROVEMENT": "0",
    " CROSSING_FINISH_LINE_IN_PIT": "",
    " S1": "26.5",
    " S2": "41.75",
    " S3": "30.076",
    " KPH": "135.5",
    " ELAPSED": "8:30.001",
    " HOUR": "13:51:34.730",
    "S1_LARGE": "0:26.500",
    "TOP_SPEED": "182.1",
    "PIT_TIME": "",
    "CLASS": "Am",
    "FLAG_AT_FL": "GF",
    "IM1a_time": "16.25",
    "IM1_time": "10.25",
    "IM2a_time": "30.75",
    "IM2_time": "11.0",
    "IM3a_time": "11.076",
    "FL_time": "19",
}


def analysis(*laps: dict[str, str], end: str = "\n") -> str:
    """An analysis file with the columns of its first lap."""
    return end.join(";".join(row) for row in (laps[0].keys(), *(lap.values() for lap in laps))) + end


def laps_of(content: str) -> pd.DataFrame:
    rows = read_delimited(io.BytesIO(content.encode()), file="23_Analysis.CSV", layout=ANALYSIS)
    return conform(timing_laps(rows), TABLES["timing_laps"]).to_pandas()


def test_a_lap_is_typed_in_milliseconds() -> None:
    lap = laps_of(analysis(LAP)).iloc[0]
    assert (lap["car_number"], lap["lap_number"], lap["driver_number"]) == ("03", 5, 1)
    assert (lap["lap_time_ms"], lap["elapsed_ms"]) == (98_326, 510_001)
    assert list(lap[["sector_1_ms", "sector_2_ms", "sector_3_ms"]]) == [26_500, 41_750, 30_076]
    sections = list(lap[["im1a_ms", "im1_ms", "im2a_ms", "im2_ms", "im3a_ms", "fl_ms"]])
    assert sections == [16_250, 10_250, 30_750, 11_000, 11_076, 19_000]
    assert lap["hour_ms"] == ((13 * 60 + 51) * 60 + 34) * 1000 + 730
    assert (lap["top_speed_kmh"], lap["mean_speed_kmh"]) == (182.1, 135.5)


def test_intermediates_named_int_are_the_same_sections() -> None:
    renamed = {key.replace("IM1_", "INT-1_").replace("IM2_", "INT-2_"): value for key, value in LAP.items()}
    assert "INT-1_time" in renamed
    pd.testing.assert_frame_equal(laps_of(analysis(renamed)), laps_of(analysis(LAP)))


def test_columns_in_another_order_say_the_same() -> None:
    turned = dict(reversed(LAP.items()))
    pd.testing.assert_frame_equal(laps_of(analysis(turned)), laps_of(analysis(LAP)))


def test_names_group_and_team_are_read_where_the_file_has_them() -> None:
    named = LAP | {"DRIVER_NAME": "Ann Lee", "TEAM": "Blue", "GROUP": "Legends "}
    columns = ["driver_name", "team", "vehicle_group"]
    assert laps_of(analysis(named))[columns].to_numpy().tolist() == [["Ann Lee", "Blue", "Legends"]]
    assert laps_of(analysis(LAP))[columns].isna().all(axis=None)


def test_empty_times_are_null_and_the_lap_is_kept() -> None:
    lap = laps_of(
        analysis(LAP | {" LAP_TIME": "", " S1": "", "IM1a_time": "", "TOP_SPEED": "", "FLAG_AT_FL": ""})
    ).iloc[0]
    assert lap[["lap_time_ms", "sector_1_ms", "im1a_ms", "top_speed_kmh", "flag"]].isna().all()


def test_a_lap_of_hours_and_a_pit_stop_are_read() -> None:
    slow = laps_of(analysis(LAP | {" LAP_TIME": "1:58:47.986", "PIT_TIME": "0:02:41.5"})).iloc[0]
    assert slow["lap_time_ms"] == ((60 + 58) * 60 + 47) * 1000 + 986
    assert slow["pit_time_ms"] == 161_500


def test_only_a_b_marks_a_crossing_in_the_pit_lane() -> None:
    marked = [
        LAP | {" CROSSING_FINISH_LINE_IN_PIT": mark, " LAP_NUMBER": str(n)} for n, mark in enumerate(("B", "", "x"))
    ]
    assert laps_of(analysis(*marked))["is_pit_in"].tolist() == [True, False, False]


def test_two_cars_of_one_number_keep_all_their_laps() -> None:
    other = LAP | {" LAP_TIME": "1:39.000"}
    assert len(laps_of(analysis(LAP, other))) == 2


def context_with(folder: Path, *files: tuple[str, str, str]) -> StepContext:
    """A session of files given as kind, name and content; its messages are gathered in `messages.txt`."""
    paths = Paths(data=folder / "data", reports=folder / "reports")
    raw_files = []
    for kind, name, content in files:
        path = folder / name
        path.write_bytes(content.encode())
        raw_files.append(RawFile(kind=kind, path=str(path), member=None, size=len(content), sha256=name))
    session = "barber-2025-r1"
    manifest = Manifest(
        session=session, circuit="barber", year="2025", race=1, root=str(folder), files=tuple(raw_files)
    )
    write_manifest(paths.manifest(session), manifest)

    def tell(message: str) -> None:
        with (folder / "messages.txt").open("a") as log:
            log.write(message + "\n")

    return StepContext(session=session, paths=paths, settings=Settings(), progress=tell)


def test_the_step_writes_empty_tables_for_missing_files_and_says_which(tmp_path: Path) -> None:
    context = context_with(tmp_path, ("analysis", "23_A.CSV", analysis(LAP)))
    outcome = build_timing(context)
    assert outcome.rows == outcome.figures["laps"] == outcome.figures["car_numbers"] == 1
    assert outcome.figures["missing"] == "results, class_results, best_laps"
    for table in ("results", "class_results", "best_laps"):
        assert read_frame(context.paths.table(context.session, table)).empty
    assert all(path.is_file() for path in outcome.outputs)


def test_two_analysis_files_are_an_error_that_names_both(tmp_path: Path) -> None:
    files = [("analysis", name, analysis(LAP)) for name in ("23_A.CSV", "23_B.CSV")]
    with pytest.raises(InputError, match=r"23_A\.CSV, 23_B\.CSV"):
        build_timing(context_with(tmp_path, *files))


def test_bad_rows_go_to_the_quarantine_and_bad_values_are_told(tmp_path: Path) -> None:
    laps = [LAP, LAP | {" LAP_NUMBER": "?"}, LAP | {" LAP_NUMBER": "7", "TOP_SPEED": "fast"}, LAP]
    context = context_with(tmp_path, ("analysis", "23_A.CSV", analysis(*laps, end="\r\n")))
    outcome = build_timing(context)
    figures = {name: outcome.figures[name] for name in ("laps", "set_aside", "exact_duplicates", "values_unreadable")}
    assert figures == {"laps": 2, "set_aside": 1, "exact_duplicates": 1, "values_unreadable": 1}
    quarantine = read_frame(context.paths.table(context.session, "quarantine", part="raw_timing"))
    assert quarantine[["file", "line_number", "row_number"]].to_numpy().tolist() == [["23_A.CSV", 3, 2]]
    assert "'fast' in line 4" in (tmp_path / "messages.txt").read_text()
