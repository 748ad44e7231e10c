import zipfile
from pathlib import Path

import pandas as pd
import pytest
from support.contexts import context_of
from support.raw_session import (
    STEP_S,
    TELEMETRY_HEADER,
    analysis_lines,
    default_cars,
    telemetry_lines,
    telemetry_rows,
    write_text,
)

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.accounting import FileAccount, write_accounts
from grx_pipeline.ingest.telemetry import build_telemetry
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext, StepOutcome

CAR = default_cars()[0]
LOGGER = "GR86-006-7"


def value_row(
    channel: str, value: object, *, at_ms: int = 0, lap: object = 3, received_ms: int = 500, vehicle: str = LOGGER
) -> str:
    ecu = f"2025-09-05T00:28:{20 + at_ms // 1000:02d}.{at_ms % 1000:03d}Z"
    received = f"2025-09-06T18:40:{20 + (at_ms + received_ms) // 1000:02d}.{(at_ms + received_ms) % 1000:03d}Z"
    return f",{lap},I_R06_2025-09-07,R1,kafka:gr-raw,{received},{vehicle},0,{channel},{value},{ecu},{vehicle},7"


def ingest(tmp_path: Path, lines: list[str], *, header: str = TELEMETRY_HEADER) -> tuple[StepContext, StepOutcome]:
    raw = tmp_path / "barber" / "race1"
    raw.mkdir(parents=True)
    write_text(raw / "23_AnalysisEnduranceWithSections_Race 1.CSV", analysis_lines(default_cars()))
    write_text(raw / "R1_barber_telemetry_data.csv", [header, *lines], end="\r\n")
    context = context_of(raw.parent, tmp_path)
    return context, build_telemetry(context)


def table(context: StepContext, name: str, part: str) -> pd.DataFrame:
    return read_frame(context.paths.table(context.session, name, part=part))


def account(context: StepContext) -> pd.Series:
    books = table(context, "row_accounting", "raw_telemetry")
    return books.select_dtypes("number").sum()


def quarantine(context: StepContext) -> pd.DataFrame:
    return table(context, "quarantine", "raw_telemetry")


def test_every_row_of_a_clean_lap_is_kept_in_its_channel(tmp_path: Path) -> None:
    rows = telemetry_rows(CAR, 2)
    context, outcome = ingest(tmp_path, rows)
    samples = table(context, "telemetry", LOGGER)
    assert len(samples) == round(CAR.lap_times_ms[1] / 1000 / STEP_S)
    assert account(context)[["rows_read", "rows_kept"]].tolist() == [len(rows), len(rows)]
    assert samples["brake_front_bar"].notna().all()
    assert samples["speed_kmh"].notna().sum() == sum(",speed," in row for row in rows)
    assert samples["throttle_blade_pct"].isna().all()
    assert samples["ecu_ms"].is_monotonic_increasing
    assert (samples["sample_ms"] == samples["ecu_ms"]).all()
    assert outcome.rows == len(samples)


def test_file_order_does_not_matter(tmp_path: Path) -> None:
    rows = telemetry_rows(CAR, 2)[:900]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    forward, _ = ingest(tmp_path / "a", rows)
    backward, _ = ingest(tmp_path / "b", rows[::-1])
    name = forward.paths.table(forward.session, "telemetry", part=LOGGER)
    assert name.read_bytes() == backward.paths.table(backward.session, "telemetry", part=LOGGER).read_bytes()


def test_exact_duplicates_are_counted_and_kept_once(tmp_path: Path) -> None:
    rows = [value_row("aps", 100, at_ms=at) for at in (0, 43, 86)]
    context, _ = ingest(tmp_path, rows + rows[:2])
    assert account(context)[["rows_read", "rows_kept", "exact_duplicates", "rows_merged"]].tolist() == [5, 3, 2, 0]
    assert table(context, "telemetry", LOGGER)["tick_values"].tolist() == [1, 1, 1]


def test_a_collapsed_tick_is_its_mean_in_the_middle_of_the_steps_it_stands_for(tmp_path: Path) -> None:
    rows = [
        value_row("pbrake_f", 10, at_ms=0),
        *(value_row("pbrake_f", value, at_ms=129) for value in (20, 30, 40)),
        *(value_row("gear", gear, at_ms=129, received_ms=500 + n) for n, gear in enumerate((3, 4, 4))),
    ]
    context, _ = ingest(tmp_path, rows)
    samples = table(context, "telemetry", LOGGER)
    assert samples["brake_front_bar"].tolist() == [10.0, 30.0]
    assert samples["tick_values"].tolist() == [1, 3]
    assert (samples["ecu_ms"] - samples["sample_ms"]).tolist() == [0.0, 43.0]
    assert samples["gear"].tolist()[1] == 4.0
    assert account(context)[["rows_kept", "exact_duplicates", "rows_merged", "conflict_rows"]].tolist() == [3, 0, 4, 6]


def test_a_value_received_twice_is_merged_but_no_conflict(tmp_path: Path) -> None:
    rows = [value_row("aps", 50, received_ms=500), value_row("aps", 50, received_ms=900)]
    context, _ = ingest(tmp_path, rows)
    assert account(context)[["rows_kept", "rows_merged", "conflict_rows"]].tolist() == [1, 1, 0]
    assert table(context, "telemetry", LOGGER)["tick_values"].tolist() == [1]


def test_slow_channels_take_the_median_of_their_values(tmp_path: Path) -> None:
    context, _ = ingest(tmp_path, [value_row("speed", value) for value in (90.0, 91.0, 150.0)])
    assert table(context, "telemetry", LOGGER)["speed_kmh"].tolist() == [91.0]


@pytest.mark.parametrize(
    ("row", "reason", "line"),
    [
        (value_row("aps", "full"), "unreadable_value", 3),
        (value_row("aps", 1) + ",surplus", "too_many_fields", 3),
        (value_row("aps", 1)[:-12], "too_few_fields", 3),
        (value_row("aps", 1, lap=9999999999), "unreadable_value", 3),
        (value_row("aps", 1).replace("2025-09-05T", "yesterday "), "unreadable_value", 3),
        (value_row("aps", "nan"), "no_number", None),
        (value_row("aps", ""), "no_number", None),
        (value_row("warp_drive", 1), "unknown_channel", None),
        (value_row("aps", 1, vehicle=""), "no_vehicle", None),
    ],
)
def test_a_row_that_cannot_be_a_sample_is_set_aside_with_its_place(
    tmp_path: Path, row: str, reason: str, line: int | None
) -> None:
    good = [value_row("aps", 1, at_ms=at) for at in (0, 43)]
    context, _ = ingest(tmp_path, [good[0], row, good[1]])
    (aside,) = quarantine(context).to_dict("records")
    assert (aside["file"], aside["reason"]) == ("R1_barber_telemetry_data.csv", reason)
    assert aside["line_number"] == line if line else aside["row_number"] == 2
    assert account(context)[["rows_read", "rows_kept", "rows_set_aside"]].tolist() == [3, 2, 1]


def test_bytes_that_are_no_utf8_set_one_line_aside(tmp_path: Path) -> None:
    raw = tmp_path / "barber" / "race1"
    raw.mkdir(parents=True)
    write_text(raw / "23_AnalysisEnduranceWithSections_Race 1.CSV", analysis_lines(default_cars()))
    lines = [TELEMETRY_HEADER, value_row("aps", 1), value_row("aps", 2, at_ms=43), value_row("aps", 3, at_ms=86)]
    content = "\r\n".join([*lines, ""]).encode().replace(b",aps,2,", b",ap\xff,2,")
    (raw / "R1_barber_telemetry_data.csv").write_bytes(content)
    context = context_of(raw.parent, tmp_path)
    build_telemetry(context)
    assert quarantine(context)["reason"].tolist() == ["not_utf8"]
    assert table(context, "telemetry", LOGGER)["accelerator_pct"].tolist() == [1.0, 3.0]


def test_a_file_cut_in_the_middle_of_a_line_loses_that_line_only_and_counts_it(tmp_path: Path) -> None:
    raw = tmp_path / "barber" / "race1"
    raw.mkdir(parents=True)
    write_text(raw / "23_AnalysisEnduranceWithSections_Race 1.CSV", analysis_lines(default_cars()))
    content = "\r\n".join([TELEMETRY_HEADER, *telemetry_rows(CAR, 2)[:300]]).encode()
    (raw / "R1_barber_telemetry_data.csv").write_bytes(content[:-40])
    context = context_of(raw.parent, tmp_path)
    build_telemetry(context)
    assert account(context)[["rows_read", "rows_kept", "rows_set_aside"]].tolist() == [300, 299, 1]
    assert quarantine(context)["reason"].tolist() == ["too_few_fields"]


def test_lines_that_cannot_be_read_and_rows_without_a_vehicle_are_counted_together(tmp_path: Path) -> None:
    rows = [value_row("aps", 1), value_row("aps", "full"), value_row("aps", 1, vehicle="")]
    context, _ = ingest(tmp_path, rows)
    books = table(context, "row_accounting", "raw_telemetry").set_index("vehicle_id")["rows_set_aside"]
    assert books.to_dict() == {"": 2, LOGGER: 0}


def test_the_no_lap_value_of_the_logger_is_kept_as_it_is(tmp_path: Path) -> None:
    context, _ = ingest(tmp_path, [value_row("aps", 1, lap=32768), value_row("aps", 2, at_ms=43)])
    assert table(context, "telemetry", LOGGER)["logger_lap"].tolist() == [32768, 3]


def test_a_frozen_clock_sets_the_cars_rows_aside_and_says_so(tmp_path: Path) -> None:
    frozen = [value_row("aps", value, received_ms=500 + value, vehicle="GR86-013-80") for value in range(600)]
    running = telemetry_rows(CAR, 2)
    context, outcome = ingest(tmp_path, [*frozen, frozen[0], *running])
    vehicles = read_frame(context.paths.table(context.session, "telemetry_vehicles")).set_index("vehicle_id")
    assert vehicles["is_clock_frozen"].to_dict() == {LOGGER: False, "GR86-013-80": True}
    assert vehicles.loc["GR86-013-80", "samples"] == 0
    assert quarantine(context)["reason"].value_counts().to_dict() == {"frozen_clock": 600}
    assert account(context)[["exact_duplicates", "rows_set_aside"]].tolist() == [1, 600]
    assert outcome.figures["frozen_clocks"] == 1


def test_a_row_a_sample_with_a_list_of_values_gives_the_same_samples(tmp_path: Path) -> None:
    header = "meta_source,meta_time,meta_event,meta_session,timestamp,vehicle_id,outing,lap,value,expire_at"
    start = "k,2025-05-18T14:00:0{n}.500Z,I_R03_2025-05-18,R1,2025-05-17T14:00:0{n}.000Z,GR86-006-7,0,32768,"
    lists = [
        '"[{""name"":""speed"",""value"":145.3},{""name"":""aps"",""value"":99}]",',
        '"[{""name"":""aps"",""value"":98}]",',
        '"[{""name"":",',
        '"",',
    ]
    context, _ = ingest(tmp_path, [start.format(n=n) + text for n, text in enumerate(lists)], header=header)
    samples = table(context, "telemetry", LOGGER)
    assert samples["accelerator_pct"].tolist() == [99.0, 98.0]
    assert samples["speed_kmh"].tolist()[0] == 145.3
    assert quarantine(context)["reason"].tolist() == ["bad_json", "bad_json"]
    assert account(context)[["rows_read", "rows_kept", "rows_set_aside"]].tolist() == [5, 3, 2]


def test_a_header_without_a_required_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no column telemetry_value"):
        ingest(tmp_path, [], header=TELEMETRY_HEADER.replace("telemetry_value", "reading"))


def test_a_gzip_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    raw = tmp_path / "barber" / "race1"
    raw.mkdir(parents=True)
    write_text(raw / "23_AnalysisEnduranceWithSections_Race 1.CSV", analysis_lines(default_cars()))
    path = raw / "R1_barber_telemetry_data.csv.gz"
    write_text(path, telemetry_lines(default_cars()), end="\r\n")
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError, match=r"telemetry_data.csv.gz: .*cut short"):
        build_telemetry(context_of(raw.parent, tmp_path))


def test_a_zip_member_is_streamed_through_a_file_that_is_gone_afterwards(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "barber.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("race1/R1_barber_telemetry_data.csv", "\r\n".join([TELEMETRY_HEADER, *telemetry_rows(CAR, 2)]))
    context = context_of(tmp_path / "barber.zip", tmp_path)
    assert build_telemetry(context).rows == round(CAR.lap_times_ms[1] / 1000 / STEP_S)
    assert [path for path in context.paths.temporary(context.session).rglob("*") if path.is_file()] == []


def test_without_telemetry_the_tables_are_there_and_empty(tmp_path: Path) -> None:
    raw = tmp_path / "barber" / "race1"
    raw.mkdir(parents=True)
    write_text(raw / "23_AnalysisEnduranceWithSections_Race 1.CSV", analysis_lines(default_cars()))
    context = context_of(raw.parent, tmp_path)
    assert build_telemetry(context).rows == 0
    assert read_frame(context.paths.table(context.session, "telemetry_vehicles")).empty
    assert table(context, "row_accounting", "raw_telemetry").empty


def test_rows_that_do_not_add_up_stop_the_step(tmp_path: Path) -> None:
    context, _ = ingest(tmp_path, telemetry_rows(CAR, 2)[:90])
    short = FileAccount(file="a.csv", kind="telemetry", rows_read=10, rows_kept=9)
    with pytest.raises(Exception, match=r"a.csv: 1 rows of 10 are unaccounted for"):
        write_accounts(context, "raw_telemetry", [short], [])
    uncounted = FileAccount(file="a.csv", kind="telemetry", rows_read=10, rows_kept=9, rows_set_aside=1)
    with pytest.raises(Exception, match="1 rows set aside, but 0 in the quarantine"):
        write_accounts(context, "raw_telemetry", [uncounted], [])
