import pytest

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.sessions import SessionId, circuit_slug, is_session_id, parse_session


@pytest.mark.parametrize("text", ["barber-2025-r1", "road-america-2025-r2", "sonoma-unknown-r1"])
def test_an_id_survives_reading_and_writing(text: str) -> None:
    assert str(parse_session(text)) == text


@pytest.mark.parametrize("text", ["barber", "barber-25-r1", "barber-2025-r0", "../x-2025-r1", "Barber-2025-r1", "a/b"])
def test_anything_else_is_no_id(text: str) -> None:
    assert not is_session_id(text)
    with pytest.raises(DiscoveryError, match="not a session id"):
        parse_session(text)


def test_sessions_sort_by_season_then_circuit_then_race() -> None:
    ids = ["vir-2024-r2", "barber-2025-r2", "barber-2025-r1", "cota-2025-r1"]
    assert [str(s) for s in sorted(map(parse_session, ids))] == [
        "vir-2024-r2",
        "barber-2025-r1",
        "barber-2025-r2",
        "cota-2025-r1",
    ]


def test_any_folder_name_becomes_a_slug_that_ids_accept() -> None:
    for name in ("Lime Rock Park", "Ümlaut!", "...", "Mid-Ohio"):
        assert is_session_id(str(SessionId(year="2025", circuit=circuit_slug(name), race=1)))
