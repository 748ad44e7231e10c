import pytest
from support import raw_session

from grx_pipeline.ingest.recognition import race_in, recognise

QUOTED_LAP_TIME = (
    b'"meta_source","meta_time","meta_event","meta_session","timestamp","vehicle_id","outing","lap","value","expire_at"\n'
    b'"kafka:gr-raw","2025-04-26T21:43:13.981Z","I_R02_2025-04-27","R1","2025-04-26T21:43:12.083Z","GR86-002-2",0,2,1476949,'
)
JSON_TELEMETRY = (
    b'"meta_source","meta_time","meta_event","meta_session","timestamp","vehicle_id","outing","lap","value","expire_at"\n'
    b'"k","2025-05-18T14:00:00.000Z","I_R03_2025-05-18","R2","2025-05-17T14:00:00.000Z","GR86-002-2",0,2,'
    b'"[{""name"":""speed"",""value"":145.3}]",'
)


def test_telemetry_is_known_by_its_header_whatever_its_name() -> None:
    cars = raw_session.default_cars()
    head = "\r\n".join(raw_session.telemetry_lines(cars)[:3]).encode()
    what = recognise("download (3).csv", head)
    assert (what.kind, what.race, what.year_by_event) == ("telemetry", 1, "2025")


def test_the_timing_is_known_with_byte_order_mark_and_leading_blanks() -> None:
    head = b"\xef\xbb\xbf" + raw_session.ANALYSIS_HEADER.encode() + b";\r\n"
    assert recognise("laps.csv", head).kind == "analysis"


def test_a_list_of_values_is_telemetry_and_a_whole_number_is_a_lap_time() -> None:
    assert recognise("sebring_telemetry_R2.csv", JSON_TELEMETRY).kind == "telemetry_json"
    assert recognise("whatever.csv", QUOTED_LAP_TIME).kind == "lap_time"
    assert recognise("whatever.csv", QUOTED_LAP_TIME).year_by_clock == "2025"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("R1_barber_lap_start.csv", "lap_start"),
        ("COTA_lap_end_time_R1.csv", "lap_end"),
        ("vir_lap_time_R1.csv", "lap_time"),
    ],
)
def test_laps_without_a_value_are_told_apart_by_name(name: str, kind: str) -> None:
    head = "\r\n".join(raw_session.crossing_lines(raw_session.default_cars(), "lap_end")[:2]).encode()
    assert recognise(name, head).kind == kind
    assert recognise("crossings.csv", head).kind is None


def test_a_file_whose_name_promises_what_its_header_does_not_hold_is_not_passed_over() -> None:
    assert recognise("R1_barber_telemetry_data.csv", b"a,b,c\r\n1,2,3\r\n").kind == "telemetry"
    assert recognise("23_AnalysisEnduranceWithSections_Race 1.CSV", b"").kind == "analysis"


def test_an_unknown_file_is_none_and_says_why() -> None:
    assert recognise("notes.csv", b"a;b\n").kind is None
    assert recognise("notes.csv", b"").reason == "empty"


@pytest.mark.parametrize(
    ("text", "race"),
    [
        ("R1_barber_lap_end.csv", 1),
        ("sebring_lap_end_time_R2.csv", 2),
        ("26_Weather_ Race 2_Anonymized.CSV", 2),
        ("Race 1", 1),
        ("race2", 2),
        ("03_Results_Anonymized.CSV", None),
        ("I_R06_2025-09-07", None),
        ("barber-r10", None),
        ("tracer1", None),
    ],
)
def test_the_race_is_read_from_both_orders_of_the_token(text: str, race: int | None) -> None:
    assert race_in(text) == race
