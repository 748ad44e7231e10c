from pathlib import Path

import pytest

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.manifest import Manifest, RawFile, write_manifest
from grx_pipeline.ingest.steps import build_logger_laps
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext, StepOutcome

# 10^9 s after 1970 is 2001-09-09T01:46:40Z.
CROSSED, CROSSED_MS = "2001-09-09T01:46:40.775Z", 1_000_000_000_775
RECEIVED, RECEIVED_MS = "2001-09-09T01:46:41.927Z", 1_000_000_001_927

PLAIN_HEADER = (
    "expire_at,lap,meta_event,meta_session,meta_source,meta_time,original_vehicle_id,outing,timestamp,"
    "vehicle_id,vehicle_number\r\n"
)
PLAIN_ROW = f",2,I_R06_2001-09-09,R1,kafka:gr-raw,{RECEIVED},GR86-002-000,0,{CROSSED},GR86-002-000,0\r\n"
VALUE_HEADER = "expire_at,lap,meta_event,meta_session,meta_source,meta_time,outing,timestamp,value,vehicle_id\r\n"
VALUE_ROW = f",2,I_R06_2001-09-09,R1,kafka:gr-raw,{RECEIVED},0,{CROSSED},%s,GR86-002-000\r\n"
QUOTED_HEADER = '"meta_source","meta_time","meta_event","meta_session","timestamp","vehicle_id","outing","lap",%s\n'
QUOTED_ROW = f'"kafka:gr-raw","{RECEIVED}","I_R06_2001-09-09","R1","{CROSSED}","GR86-002-000",0,2,%s'


def ingest(folder: Path, **contents: str) -> tuple[StepContext, StepOutcome]:
    """Files by kind through the step."""
    paths = Paths(data=folder / "data", reports=folder / "reports")
    context = StepContext(session="barber-2025-r1", paths=paths, settings=Settings(), progress=lambda _: None)
    files = []
    for kind, content in contents.items():
        path = folder / f"{kind}.csv"
        path.write_bytes(content.encode())
        files.append(RawFile(kind=kind, path=str(path), member=None, size=len(content), sha256=kind))
    manifest = Manifest(
        session=context.session, circuit="barber", year="2025", race=1, root=str(folder), files=tuple(files)
    )
    write_manifest(paths.manifest(context.session), manifest)
    return context, build_logger_laps(context)


def crossings(context: StepContext) -> list[dict[str, object]]:
    frame = read_frame(context.paths.table(context.session, "logger_crossings")).astype(object)
    return frame.where(frame.notna(), None).to_dict("records")


@pytest.mark.parametrize(
    ("content", "value_ms"),
    [
        (PLAIN_HEADER + PLAIN_ROW, None),
        (VALUE_HEADER + VALUE_ROW % 98_326, 98_326),
        (QUOTED_HEADER % '"value","expire_at"' + QUOTED_ROW % "98326,", 98_326),
    ],
    ids=["without_value", "with_value", "quoted"],
)
def test_all_families_of_lap_time_files_say_the_same(tmp_path: Path, content: str, value_ms: int | None) -> None:
    context, _ = ingest(tmp_path, lap_time=content)
    assert crossings(context) == [
        {
            "kind": "lap_time",
            "vehicle_id": "GR86-002-000",
            "row_number": 1,
            "logger_lap": 2,
            "crossed_at_ms": CROSSED_MS,
            "received_at_ms": RECEIVED_MS,
            "value_ms": value_ms,
        }
    ]


def test_the_repeated_time_stamp_in_lap_end_is_no_duration(tmp_path: Path) -> None:
    context, outcome = ingest(tmp_path, lap_end=QUOTED_HEADER % '"expire_at","value"' + QUOTED_ROW % f',"{CROSSED}"')
    assert [row["value_ms"] for row in crossings(context)] == [None]
    assert outcome.figures["values_unreadable"] == 0


def test_lap_32768_and_ghosts_are_kept_as_logged(tmp_path: Path) -> None:
    rows = [VALUE_ROW.replace(",2,", f",{lap},", 1) % CROSSED for lap in (32768, 0, 3)]
    context, outcome = ingest(tmp_path, lap_start=VALUE_HEADER + "".join(rows))
    assert [row["logger_lap"] for row in crossings(context)] == [32768, 0, 3]
    assert (outcome.rows, outcome.figures["lap_start"], outcome.figures["loggers"]) == (3, 3, 1)


def test_a_crossing_without_a_readable_time_is_set_aside(tmp_path: Path) -> None:
    context, outcome = ingest(tmp_path, lap_end=PLAIN_HEADER + PLAIN_ROW + PLAIN_ROW.replace(CROSSED, "yesterday"))
    quarantine = read_frame(context.paths.table(context.session, "quarantine", part="raw_logger_laps"))
    assert quarantine[["kind", "line_number", "reason"]].to_numpy().tolist() == [["lap_end", 3, "unreadable_value"]]
    assert outcome.figures["set_aside"] == 1
    assert len(crossings(context)) == 1


def test_a_session_without_lap_files_has_an_empty_table_and_says_so(tmp_path: Path) -> None:
    context, outcome = ingest(tmp_path)
    assert crossings(context) == []
    assert outcome.rows == 0
    assert outcome.figures["missing"] == "lap_start, lap_end, lap_time"
    assert all(path.is_file() for path in outcome.outputs)


def test_a_lap_file_without_its_time_column_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"lap_end\.csv.*timestamp"):
        ingest(tmp_path, lap_end="lap,vehicle_id\n1,GR86-002-000\n")
