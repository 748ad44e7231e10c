"""The ECU clock: envelope, drift line, pauses."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.laps.clocks import ClockPiece, find_pauses, fit_clock, utc_of
from grx_pipeline.settings import ClockSettings

Array = npt.NDArray[np.float64]

SETTINGS = ClockSettings()
ECU_START = 1_757_000_000_000.0
OFFSET = 150_000_000.0


def stamps(seconds: float) -> Array:
    return ECU_START + np.arange(0.0, seconds * 1000, 43.0)


def late(count: int) -> Array:
    """Receipt delays of 0 to 3 s: bursts, in which every 50th message comes at once."""
    return (np.arange(count) % 50) * 60.0


def test_offset_is_the_least_receipt_delay() -> None:
    ecu = stamps(100)
    (piece,) = fit_clock(ecu, ecu + OFFSET + late(ecu.size), SETTINGS)
    assert piece.offset_ms == OFFSET
    assert (piece.start_ecu_ms, piece.end_ecu_ms) == (ecu[0], ecu[-1])


def test_drift_is_found_on_a_long_piece() -> None:
    ecu = stamps(3600)
    received = ecu + OFFSET + 60.0 * (ecu - ecu[0]) / 3_600_000 + late(ecu.size)
    (piece,) = fit_clock(ecu, received, SETTINGS)
    assert piece.drift_ms_per_hour == pytest.approx(60.0, abs=0.5)
    assert piece.offset_ms == pytest.approx(OFFSET, abs=0.5)


def test_short_piece_gets_no_drift_line() -> None:
    ecu = stamps(SETTINGS.drift_min_s - 60)
    received = ecu + OFFSET + 60.0 * (ecu - ecu[0]) / 3_600_000 + late(ecu.size)
    (piece,) = fit_clock(ecu, received, SETTINGS)
    assert piece.drift_ms_per_hour == 0.0


def test_line_steeper_than_any_oscillator_is_not_a_drift() -> None:
    ecu = stamps(1800)
    received = ecu + OFFSET + np.where(ecu - ecu[0] > 1_200_000, 900.0, 0.0)
    (piece,) = fit_clock(ecu, received, SETTINGS)
    assert piece.drift_ms_per_hour == 0.0


@pytest.mark.parametrize("jump_s", [271.0, 418.0, 10.0, -30.0])
def test_pause_starts_a_piece_at_its_sample(jump_s: float) -> None:
    ecu = stamps(1200)
    cut = 12_000
    received = ecu + OFFSET + late(ecu.size)
    received[cut:] += jump_s * 1000
    before, after = fit_clock(ecu, received, SETTINGS)
    assert (before.end_ecu_ms, after.start_ecu_ms) == (ecu[cut - 1], ecu[cut])
    assert after.offset_ms - before.offset_ms == pytest.approx(jump_s * 1000)


def test_two_pauses_give_three_pieces() -> None:
    ecu = stamps(1800)
    received = ecu + OFFSET + late(ecu.size)
    received[15_000:] += 271_000
    received[30_000:] += 100_000
    pieces = fit_clock(ecu, received, SETTINGS)
    assert [piece.offset_ms - OFFSET for piece in pieces] == [0.0, 271_000.0, 371_000.0]


@pytest.mark.parametrize("where", ["start", "middle", "end"])
def test_burst_of_late_messages_is_no_pause(where: str) -> None:
    ecu = stamps(600)
    received = ecu + OFFSET + late(ecu.size)
    begin = {"start": ecu[0], "middle": ecu[5000], "end": ecu[-1] - 60_000}[where]
    is_burst = (ecu >= begin) & (ecu < begin + 60_000)
    received[is_burst] = received[is_burst].max()
    assert find_pauses(ecu, received - ecu, SETTINGS) == []


def test_late_end_after_a_pause_is_no_second_pause() -> None:
    ecu = stamps(900)
    received = ecu + OFFSET + late(ecu.size)
    received[10_000:] += 271_000
    received[-1000:] += 40_000
    assert find_pauses(ecu, received - ecu, SETTINGS) == [10_000]


def test_gap_in_the_data_is_no_pause() -> None:
    ecu = np.concatenate([stamps(100), stamps(100) + 1_500_000])
    assert len(fit_clock(ecu, ecu + OFFSET + late(ecu.size), SETTINGS)) == 1


def test_single_sample_makes_a_piece() -> None:
    (piece,) = fit_clock(np.array([ECU_START]), np.array([ECU_START + OFFSET]), SETTINGS)
    assert piece.offset_ms == OFFSET


def test_times_are_converted_by_the_piece_they_lie_in() -> None:
    pieces = [
        ClockPiece(start_ecu_ms=0.0, end_ecu_ms=1000.0, offset_ms=10.0, drift_ms_per_hour=0.0),
        ClockPiece(start_ecu_ms=1043.0, end_ecu_ms=2000.0, offset_ms=500.0, drift_ms_per_hour=0.0),
    ]
    assert utc_of(pieces, np.array([0.0, 1042.0, 1043.0, 2500.0])).tolist() == [10.0, 1052.0, 1543.0, 3000.0]


@given(
    drift=st.floats(-150, 150),
    delays=st.lists(st.floats(0, 60_000), min_size=50, max_size=200),
    minutes=st.floats(1, 60),
)
def test_no_message_is_received_before_it_was_sent(drift: float, delays: list[float], minutes: float) -> None:
    ecu = ECU_START + np.linspace(0, minutes * 60_000, len(delays))
    received = ecu + OFFSET + drift * (ecu - ecu[0]) / 3_600_000 + np.array(delays)
    pieces = fit_clock(ecu, received, SETTINGS)
    assert (utc_of(pieces, ecu) <= received + 1e-3).all()


@given(drift=st.floats(-200, 200), ecu=st.floats(0, 1e7), offset=st.floats(-4e8, 4e8))
def test_ecu_and_utc_are_inverse(drift: float, ecu: float, offset: float) -> None:
    piece = ClockPiece(start_ecu_ms=ECU_START, end_ecu_ms=ECU_START + 1e7, offset_ms=offset, drift_ms_per_hour=drift)
    there = piece.utc(np.array([ECU_START + ecu]))
    assert piece.ecu(there)[0] == pytest.approx(ECU_START + ecu, abs=2e-3)
