"""The ledger: lines add up to the gain, to the millisecond; each says what differed, or why it is not there."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulated_laps import laps_of, tiles_of

from grx_pipeline.methods.driving.corner_table import FIGURES
from grx_pipeline.methods.driving.evidence import corner_evidence
from grx_pipeline.methods.driving.exit_loss import FullThrottle
from grx_pipeline.methods.driving.ledger import SectorGain, largest_remainder, split_by_delta
from grx_pipeline.methods.driving.ledger_lines import (
    GAP_EVIDENCE,
    DriverGains,
    DriverLedger,
    Event,
    LedgerSession,
    make_ledger,
)
from grx_pipeline.methods.driving.segment_times import border_times, pinned_laps
from grx_pipeline.methods.siwtl import compute_siwtl
from grx_pipeline.settings import LedgerSettings, SiwtlSettings
from grx_pipeline.track.field import FieldTraces

LENGTH = 901.0
GRID = np.arange(0.0, LENGTH, 2.0)
LINES = (300.5, 640.0)
TILES = tiles_of(
    ("straight", 2, 1, 90.0), ("braking", 1, 1, 150.0), ("entry", 1, 1, 200.0), ("exit", 1, 1, 260.0),
    ("straight", 1, 1, LINES[0]), ("straight", 1, 2, 560.0), ("entry", 2, 2, LINES[1]), ("entry", 2, 3, 700.0),
    ("exit", 2, 3, 780.0), ("straight", 2, 3, LENGTH),
)  # fmt: skip
CURVE = FullThrottle(power=89.0, rolling=0.1, drag=0.0003, samples=1000)
KNOTS = st.lists(st.floats(60, 200), min_size=7, max_size=7)


def laps(knots: list[list[float]]) -> FieldTraces:
    speeds = [np.interp(GRID, np.linspace(0, LENGTH, len(k)), k) for k in knots]
    return laps_of(np.array(speeds), length_m=LENGTH, lines_m=LINES)


def gains_of(field: FieldTraces) -> DriverGains:
    """The target of the one driver whose laps these are."""
    ends = np.column_stack([field.anchors_ms, field.lap_time_ms])
    sectors = np.diff(ends, axis=1, prepend=0).astype(np.int64)
    frame = pd.DataFrame({"vehicle_id": "a", "lap_number": field.lap_numbers, "is_clean": True})
    for number in (1, 2, 3):
        frame[f"sector_{number}_ms"] = sectors[:, number - 1]
    for name in ("im1a", "im1", "im2a", "im2", "im3a", "fl"):
        frame[f"{name}_ms"] = np.nan
    tables = compute_siwtl(frame, ["a"], SiwtlSettings())
    names = SectorGain.__dataclass_fields__
    rows = [SectorGain(**{name: row[name] for name in names}) for row in tables.sectors.to_pylist()]
    (target,) = tables.targets.to_pylist()
    return DriverGains(
        vehicle_id="a",
        best_lap=target["best_lap_number"],
        clean_laps=target["clean_laps"],
        sectors=tuple(sorted(rows, key=lambda row: row.sector)),
    )


def session_of(field: FieldTraces, **changes: Any) -> LedgerSession:
    session = LedgerSession(
        field=field,
        tiles=TILES,
        corners={1: "T1", 2: "T2"},
        borders_ms=border_times(field, TILES),
        is_pinned=pinned_laps(field),
        rows={("a", int(lap)): row for row, lap in enumerate(field.lap_numbers)},
        figures={},
        events={},
        curve=CURVE,
        ill_placed=frozenset(),
        least_loss_ms=250.0,
        settings=LedgerSettings(),
    )
    return replace(session, **changes)


def figures(**known: float) -> dict[str, float]:
    return dict.fromkeys(FIGURES, np.nan) | known


def assert_closes(ledger: DriverLedger, driver: DriverGains) -> None:
    potential = sum(gain.gain_ms for gain in driver.sectors)
    assert sum(line.gain_ms for line in ledger.sector_lines) == potential
    assert sum(line.gain_ms for line in ledger.segment_lines) == potential
    for gain in driver.sectors:
        inside = [line for line in ledger.segment_lines if line.sector == gain.sector]
        assert sum(line.gain_ms for line in inside) == gain.gain_ms
        assert sum(line.gap_ms for line in inside) == gain.gap_ms


@given(shares=st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=30), off=st.floats(-0.5, 0.5))
def test_whole_shares_add_up_and_are_within_one_of_the_exact_ones(shares: list[float], off: float) -> None:
    total = round(sum(shares) + off)
    whole = largest_remainder(np.array(shares), total)
    assert whole.sum() == total
    assert (np.abs(whole - np.array(shares)) <= 1 + 1e-6).all()


@given(knots=st.lists(KNOTS, min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_every_level_closes_to_the_millisecond(knots: list[list[float]]) -> None:
    field = laps(knots)
    driver = gains_of(field)
    ledger = make_ledger(session_of(field), driver)
    assert_closes(ledger, driver)
    assert ledger.note is None


@given(knots=st.lists(KNOTS, min_size=2, max_size=4), hole=st.floats(10, LENGTH - 60), where=st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_ledger_closes_over_gaps_in_the_telemetry(knots: list[list[float]], hole: float, where: int) -> None:
    whole = laps(knots)
    is_gap = np.zeros((len(knots), GRID.size), dtype=bool)
    is_gap[where % len(knots)] = (hole < GRID) & (hole + 50 > GRID)
    channels = {name: np.where(is_gap, np.nan, values) for name, values in whole.channels.items()}
    field = replace(whole, channels=channels)
    driver = gains_of(whole)
    assert_closes(make_ledger(session_of(field), driver), driver)


def test_straight_is_parted_into_what_the_exit_carried_and_the_rest() -> None:
    field = laps([[100, 120, 80, 120, 150, 100, 140], [100, 120, 80, 130, 158, 90, 120]])
    driver = gains_of(field)
    parted = make_ledger(session_of(field), driver)
    plain = make_ledger(session_of(field, curve=None), driver)
    carried = [line for line in parted.segment_lines if line.phase == "carried"]
    assert carried
    assert {line.corner_index for line in carried} <= {1, 2}
    for line in carried:
        (rest,) = [o for o in parted.segment_lines if o.segment == line.segment and o.phase == "straight"]
        (before,) = [o for o in plain.segment_lines if o.segment == line.segment]
        assert abs(line.gap_ms + rest.gap_ms - before.gap_ms) <= 2
    assert not [line for line in plain.segment_lines if line.phase == "carried"]


def test_exit_of_the_lap_before_is_charged_on_the_straight_after_the_line() -> None:
    field = laps([[150, 120, 80, 120, 150, 100, 140], [170, 130, 80, 100, 120, 80, 120]])
    driver = gains_of(field)
    (line, *_) = make_ledger(session_of(field), driver).segment_lines
    assert (line.name, line.phase, line.corner_index) == ("T2 exit, carried from the lap before", "carried", 2)
    assert line.gap_ms > 0
    assert line.evidence == ["20.0 km/h slower onto the straight (150.0 against 170.0 km/h)"]


def test_tiles_with_a_border_in_a_gap_are_one_line_that_says_so() -> None:
    parts = split_by_delta(TILES[1:4], np.array([0.0, np.nan, 30.0, 45.0]))
    assert [(part.name, part.gap_ms, part.corner_index, part.phase) for part in parts] == [
        ("braking 2 + entry 3", 30.0, 1, None),
        ("exit 4", 15.0, 1, "exit"),
    ]
    field = laps([[100, 100, 100, 100, 100, 100, 100], [100, 120, 110, 100, 90, 90, 90]])
    gap = np.where((GRID > 140) & (GRID < 160), np.nan, field.channels["time_ms"])
    holed = replace(field, channels={**field.channels, "time_ms": gap})
    session = session_of(holed, figures={("a", 2, 1): figures(), ("a", 3, 1): figures()})
    (line,) = [o for o in make_ledger(session, gains_of(field)).segment_lines if "+" in o.name]
    assert line.evidence == [GAP_EVIDENCE]


def test_lines_say_what_differed_over_the_noise_and_name_the_events() -> None:
    field = laps([[100, 100, 100, 100, 100, 100, 100], [100, 120, 110, 100, 90, 90, 90]])
    own = figures(brake_onset_m=92.0, brake_peak_bar=60.0, min_speed_kmh=90.0, throttle_on_m=210.0, throttle_lifts=1)
    other = figures(
        brake_onset_m=101.4, brake_peak_bar=58.0, min_speed_kmh=93.06, throttle_on_m=212.0, throttle_lifts=0
    )
    session = session_of(
        field,
        figures={("a", 2, 1): own, ("a", 3, 1): other},
        events={("a", 2): [Event(event_id="2-1", start_m=130.0, end_m=170.0)]},
    )
    ledger = make_ledger(session, gains_of(field))
    lines = {line.name: line for line in ledger.segment_lines}
    assert lines["braking 2"].evidence == ["brakes 9 m earlier (92 against 101 m)"]
    assert lines["entry 3"].evidence == ["minimum speed 3.1 km/h lower (90.0 against 93.1 km/h)"]
    assert lines["exit 4"].evidence == ["lifts of the throttle: 1 against 0"]
    assert [name for name, line in lines.items() if line.event_ids] == ["braking 2", "entry 3"]
    assert ledger.sector_lines[0].event_ids == ["2-1"]
    assert ledger.sector_lines[0].evidence[0].startswith("lap 3: ")


def test_a_difference_told_is_that_of_the_figures_told() -> None:
    own, other = (
        dict.fromkeys(FIGURES, np.nan) | {"brake_onset_m": onset, "coasting_s": coasting}
        for onset, coasting in ((2211.6, 0.736), (2247.4, 0.314))
    )
    assert corner_evidence(["braking", "entry"], own, other, LedgerSettings()) == [
        "brakes 35 m earlier (2212 against 2247 m)",
        "coasts 0.43 s longer (0.74 against 0.31 s)",
    ]


def test_braking_of_only_one_lap_is_told_if_the_other_is_known() -> None:
    braked, coasted = figures(brake_onset_m=92.0, brake_peak_bar=30.0), figures(brake_peak_bar=1.0)
    settings_ = LedgerSettings()
    assert corner_evidence(["braking"], braked, coasted, settings_)[0] == (
        "brakes at 92 m, where the other lap does not brake"
    )
    assert corner_evidence(["braking"], coasted, braked, settings_)[0] == "does not brake, the other lap does at 92 m"
    assert corner_evidence(["braking"], braked, figures(), settings_) == []


def test_phase_without_a_tile_is_told_at_the_next_one() -> None:
    field = laps([[150, 150, 100, 90, 90, 110, 110], [100, 100, 100, 100, 100, 100, 100]])
    own, other = figures(brake_onset_m=560.0), figures(brake_onset_m=580.0)
    session = session_of(field, figures={("a", 2, 2): own, ("a", 3, 2): other})
    lines = {line.name: line.evidence for line in make_ledger(session, gains_of(field)).segment_lines}
    assert lines["entry 7"] == ["brakes 20 m earlier (560 against 580 m)"]


def test_small_losses_are_not_split_for_a_car_that_few_crossings_place() -> None:
    field = laps([[100, 100, 100, 100, 100, 100, 100], [101, 101, 101, 100, 70, 70, 70]])
    driver = gains_of(field)
    ledger = make_ledger(session_of(field, ill_placed=frozenset({"a"})), driver)
    assert_closes(ledger, driver)
    assert ledger.note == (
        "Not split into segments: S1, because too few line crossings of its own logger place this car's laps for a "
        "loss this small."
    )


def test_sector_without_a_trace_stands_alone_with_its_reason() -> None:
    field = laps([[100, 100, 100, 100, 100, 100, 100], [120, 120, 90, 90, 90, 90, 90]])
    driver = gains_of(field)
    ledger = make_ledger(session_of(field, rows={("a", 2): 0}), driver)
    assert_closes(ledger, driver)
    assert [line.name for line in ledger.segment_lines if line.sector == 1] == ["S1"]
    assert ledger.note == ("Not split into segments: S1, because the lap with the best S1 (3) has no trusted trace.")


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"rows": {}}, "The ledger stops at sectors: no lap of this car has a trusted trace."),
        (
            {"rows": {("a", 9): 0}},
            "The ledger stops at sectors: the best lap (2) has no trusted trace.",
        ),
        (
            {"is_pinned": np.zeros(2, dtype=bool)},
            "The ledger stops at sectors: the best lap (2) is not pinned at the sector lines.",
        ),
        (
            {"tiles": tiles_of(("straight", None, 1, LENGTH))},
            "The ledger stops at sectors: too few laps of the field tell where the sector lines are.",
        ),
    ],
)
def test_driver_without_what_segments_need_has_sectors_and_a_sentence(changes: dict[str, Any], note: str) -> None:
    field = laps([[100, 100, 100, 100, 100, 100, 100], [120, 120, 90, 90, 90, 90, 90]])
    driver = gains_of(field)
    ledger = make_ledger(session_of(field, **changes), driver)
    assert ledger.segment_lines == ()
    assert sum(line.gain_ms for line in ledger.sector_lines) == sum(gain.gain_ms for gain in driver.sectors) > 0
    assert ledger.note == note
