"""Which telemetry belongs to each official lap."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.laps.clocks import ClockPiece
from grx_pipeline.laps.windows import LapWindow, cut_laps, lap_changes, match_crossings, summarise_crossings
from grx_pipeline.settings import ClockSettings

Array = npt.NDArray[np.float64]

SETTINGS = ClockSettings()
LAP_MS = 100_000.0
STEP = 40.0


def clock(start: float, end: float, *, offset: float = 0.0) -> ClockPiece:
    return ClockPiece(start_ecu_ms=start, end_ecu_ms=end, offset_ms=offset, drift_ms_per_hour=0.0)


def cut(
    sample_ms: Array,
    pieces: list[ClockPiece],
    laps: int = 3,
    bias_ms: float = 0.0,
    misdated_ms: Array = np.empty(0),  # noqa: B008
) -> list[LapWindow]:
    finished = LAP_MS * np.arange(1, laps + 1)
    return cut_laps(
        sample_ms,
        pieces,
        misdated_ms=misdated_ms,
        lap_numbers=np.arange(1, laps + 1),
        finished_at_ms=finished,
        lap_time_ms=np.full(laps, LAP_MS),
        bias_ms=bias_ms,
        settings=SETTINGS,
    )


def test_a_lap_with_a_misdated_stamp_is_not_complete_and_its_neighbours_are() -> None:
    time = np.arange(0.0, 3 * LAP_MS, STEP)
    windows = cut(time, [clock(0.0, time[-1])], misdated_ms=np.array([1.5 * LAP_MS]))
    assert [window.is_complete for window in windows] == [True, False, True]
    assert "set back" in str(windows[1].reason)


def test_lap_changes_at_the_first_sample_of_the_new_lap() -> None:
    time = np.arange(0.0, 10_000, STEP)
    lap = np.where(time < 4000, 7.0, 8.0)
    assert 4000.0 in lap_changes(time, lap, SETTINGS)


def test_edges_of_the_data_count_as_lap_changes() -> None:
    time = np.arange(0.0, 10_000 + STEP, STEP)
    assert lap_changes(time, np.full(time.size, 7.0), SETTINGS).tolist() == [0.0, 10_000 + STEP]


def test_gap_between_two_laps_gives_both_of_its_edges() -> None:
    time = np.concatenate([np.arange(0.0, 1000, STEP), np.arange(60_000.0, 61_000, STEP)])
    lap = np.where(time < 50_000, 7.0, 9.0)
    assert lap_changes(time, lap, SETTINGS).tolist() == [0.0, 1000.0, 60_000.0, 61_000.0]


def test_gap_inside_a_lap_is_no_crossing() -> None:
    time = np.concatenate([np.arange(0.0, 1000, STEP), np.arange(60_000.0, 61_000, STEP)])
    assert lap_changes(time, np.full(time.size, 7.0), SETTINGS).tolist() == [0.0, 61_000.0]


def test_change_inside_a_short_gap_is_not_used() -> None:
    time = np.concatenate([np.arange(0.0, 1000, STEP), np.arange(2500.0, 3500, STEP)])
    lap = np.where(time < 2000, 7.0, 8.0)
    assert lap_changes(time, lap, SETTINGS).tolist() == [0.0, 3500.0]


def test_lap_counter_that_never_says_a_lap_gives_only_edges() -> None:
    time = np.arange(0.0, 1000, STEP)
    assert lap_changes(time, np.full(time.size, np.nan), SETTINGS).size == 2
    assert lap_changes(time[:1], np.array([1.0]), SETTINGS).size == 0


def test_ghost_changes_after_a_crossing_do_not_count() -> None:
    delays = match_crossings(
        np.array([100_300.0, 100_310.0, 101_400.0, 200_350.0]),
        np.array([100_000.0, 200_000.0]),
        bias_ms=200.0,
        settings=SETTINGS,
    )
    assert delays.tolist() == [300.0, 350.0]


def test_crossings_are_looked_for_at_the_bias_of_the_race() -> None:
    changed, finished = np.array([107_450.0]), np.array([100_000.0])
    assert match_crossings(changed, finished, bias_ms=0.0, settings=SETTINGS).size == 0
    assert match_crossings(changed, finished, bias_ms=7370.0, settings=SETTINGS).tolist() == [7450.0]


def test_one_bad_crossing_moves_neither_bias_nor_residual_far() -> None:
    delays = np.array([280.0, 300.0, 320.0, 310.0, 290.0, 1900.0])
    found = summarise_crossings(delays)
    assert found.count == 6
    assert found.bias_ms == pytest.approx(305.0)
    assert found.residual_ms is not None and found.residual_ms < 40


def test_few_crossings_say_what_they_can() -> None:
    assert summarise_crossings(np.empty(0)).bias_ms is None
    single = summarise_crossings(np.array([250.0]))
    assert (single.count, single.bias_ms, single.residual_ms) == (1, 250.0, None)


def test_lap_begins_at_the_crossing_plus_bias_and_lasts_the_lap_time() -> None:
    time = np.arange(0.0, 301_000, STEP)
    first, second, _ = cut(time, [clock(0.0, 301_000.0)], bias_ms=300.0)
    assert (first.start_ms, first.end_ms) == (300.0, 100_300.0)
    assert second.start_ms == first.end_ms
    assert first.coverage == 1.0
    assert first.is_complete and first.reason is None
    assert first.rate_hz == pytest.approx(25.0)


def test_utc_of_the_crossing_becomes_ecu_time() -> None:
    time = np.arange(0.0, 301_000, STEP) - 5_000_000
    (first, *_) = cut(time, [clock(time[0], time[-1], offset=5_000_000.0)])
    assert first.start_ms == pytest.approx(-5_000_000)


def test_gaps_over_half_a_second_lower_the_coverage() -> None:
    time = np.arange(0.0, 100_001, STEP)
    time = time[(time < 20_000) | (time >= 30_000)]
    (lap,) = cut(time, [clock(0.0, 100_000.0)], laps=1)
    assert lap.coverage == pytest.approx(0.9, abs=0.001)
    assert lap.longest_gap_s == pytest.approx(10.0, abs=0.1)
    assert not lap.is_complete
    assert lap.reason == "10.0 s of its 100.0 s are missing from the telemetry"


def test_short_gaps_are_no_loss() -> None:
    time = np.arange(0.0, 100_001, 400.0)
    (lap,) = cut(time, [clock(0.0, 100_000.0)], laps=1)
    assert lap.coverage == 1.0


def test_lap_without_telemetry_has_no_window() -> None:
    time = np.arange(100_000.0, 200_001, STEP)
    assert [lap.lap_number for lap in cut(time, [clock(100_000.0, 200_000.0)])] == [2]


def test_jitter_of_the_line_is_not_telemetry_of_the_next_lap() -> None:
    time = np.arange(100_000.0, 200_201, STEP)
    assert [lap.lap_number for lap in cut(time, [clock(100_000.0, 200_200.0)])] == [2]


def test_lap_in_which_the_clock_paused_is_not_complete() -> None:
    time = np.arange(0.0, 250_000, STEP)
    cut_at = 150_000.0
    pieces = [clock(0.0, cut_at - STEP), clock(cut_at, 250_000.0, offset=60_000.0)]
    laps = {lap.lap_number: lap for lap in cut(time, pieces)}
    assert laps[1].is_complete
    assert not laps[2].is_complete
    assert laps[2].samples <= 50_000 / STEP + 1
    assert laps[2].coverage == pytest.approx(0.5, abs=0.01)
    assert laps[3].start_ms == pytest.approx(200_000.0 - 60_000.0)


@given(
    holes=st.lists(st.tuples(st.floats(0, 200_000), st.floats(100, 60_000)), max_size=6),
    bias=st.floats(-500, 500),
)
def test_coverage_is_a_share_and_duration_is_official(holes: list[tuple[float, float]], bias: float) -> None:
    time = np.arange(0.0, 200_000, 200.0)
    for begin, length in holes:
        time = time[(time < begin) | (time > begin + length)]
    for lap in cut(time, [clock(0.0, 200_000.0)], laps=2, bias_ms=bias):
        assert 0.0 <= lap.coverage <= 1.0
        assert lap.end_ms - lap.start_ms == pytest.approx(LAP_MS)
        assert lap.is_complete == (lap.reason is None)
        assert lap.samples <= time.size
