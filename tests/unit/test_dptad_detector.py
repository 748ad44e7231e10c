"""Weights, peaks and the budget; scores; what an event is called."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.methods.dptad.detector import (
    find_peaks,
    fitted_weights,
    has_verdict,
    read_weights,
    threshold_of,
    write_weights,
)
from grx_pipeline.methods.dptad.evidence import FEATURES
from grx_pipeline.methods.dptad.insights import insights_of
from grx_pipeline.methods.dptad.kinds import FALLBACKS, RULES, Measures, name_event
from grx_pipeline.methods.dptad.places import Where
from grx_pipeline.methods.dptad.scores import benjamini_hochberg, conformal_p, least_p, score_of
from grx_pipeline.methods.validation.dptad_fit import FITTED_KINDS
from grx_pipeline.settings import DptadSettings

SETTINGS = DptadSettings()
NOTHING = Measures(
    early_m=0.0,
    late_m=0.0,
    dip_bar=0.0,
    more_bar=0.0,
    lift_pct=0.0,
    late_throttle_m=0.0,
    correction_deg=0.0,
    slower_kmh=0.0,
    faster_kmh=0.0,
    has_traffic=False,
)


def test_the_weights_that_come_with_the_package_cover_every_fault_and_feature() -> None:
    weights = fitted_weights()
    assert weights.kinds == FITTED_KINDS
    assert weights.weights.shape == (len(FEATURES), len(FITTED_KINDS))
    steering = [row for row, name in enumerate(FEATURES) if "steering" in name or name.startswith("relative")]
    assert (weights.weights[steering] >= 0).all()


def test_weights_are_written_as_they_are_read() -> None:
    text = write_weights(fitted_weights())
    assert write_weights(read_weights(text)) == text


@given(st.lists(st.floats(-5, 20), max_size=60), st.integers(1, 40))
def test_the_clean_laps_keep_the_budget(peaks: list[float], laps: int) -> None:
    threshold = threshold_of(peaks, laps, SETTINGS)
    assert sum(peak > threshold for peak in peaks) <= SETTINGS.budget * laps
    assert threshold >= SETTINGS.least_log_odds


def test_peaks_nearer_than_the_least_distance_are_one_event() -> None:
    odds = np.full((1, 200, 1), -5.0)
    odds[0, 50, 0], odds[0, 58, 0], odds[0, 120, 0] = 4.0, 3.0, 2.0
    peaks = list(find_peaks(odds, ("lift",), SETTINGS))
    assert [(peak.place, peak.log_odds) for peak in peaks] == [(50, 4.0), (120, 2.0)]
    assert peaks[0].first == 50
    assert peaks[0].last == 50


def test_under_six_own_laps_there_is_no_verdict() -> None:
    assert [has_verdict(count, SETTINGS) for count in (0, 5, 6)] == [False, False, True]


def test_a_lap_that_beats_the_whole_field_has_the_least_p_value() -> None:
    field = np.arange(19.0)
    values, is_in_field = np.array([100.0, 18.0, 18.0, -1.0]), np.array([False, False, True, False])
    assert conformal_p(values, field, is_in_field).tolist() == [1 / 20, 2 / 20, 1 / 19, 1.0]


@pytest.mark.parametrize(("laps", "is_in_field", "highest"), [(6, True, 25.94), (5, False, 25.94), (1000, True, 100.0)])
def test_few_laps_leave_no_room_for_high_scores(laps: int, is_in_field: bool, highest: float) -> None:
    field = np.arange(float(laps))
    top = np.array([field[-1] + (not is_in_field)])
    (p_value,) = conformal_p(top, field, np.array([is_in_field]))
    assert p_value == pytest.approx(least_p(laps, is_in_field=is_in_field))
    assert score_of(np.array([p_value]), 3.0) == pytest.approx([highest], abs=0.01)


def test_scores_are_a_hundred_at_one_in_a_thousand() -> None:
    assert score_of(np.array([1.0, 0.5, 0.1, 0.001, 1e-9]), 3.0) == pytest.approx([0, 10.03, 33.33, 100, 100], abs=0.01)


def test_few_tests_of_many_stand_out() -> None:
    p_values = np.array([0.001, 0.9, 0.5, 0.04, 0.7])
    assert benjamini_hochberg(p_values, 0.1).tolist() == [True, False, False, True, False]
    assert not benjamini_hochberg(np.full(5, 0.5), 0.1).any()
    assert benjamini_hochberg(np.empty(0), 0.1).size == 0


@pytest.mark.parametrize(
    ("kind", "measures", "expected"),
    [
        ("early_braking", {"early_m": 18.0}, "early_braking"),
        ("early_braking", {"early_m": 2.0}, "braking_differs"),
        ("missed_braking_point", {"late_m": 12.0, "late_throttle_m": 20.0}, "late_braking"),
        ("missed_braking_point", {"late_throttle_m": 20.0}, "late_throttle"),
        ("throttle_lift", {"lift_pct": 60.0}, "lift"),
        ("throttle_lift", {"lift_pct": 60.0, "has_traffic": True, "slower_kmh": 5.0}, "traffic_suspected"),
        ("lock_up", {"dip_bar": 40.0, "more_bar": 30.0}, "lock_up_suspected"),
        ("lock_up", {"dip_bar": 40.0}, "brake_reapplication"),
        ("throttle_lift", {"lift_pct": 60.0, "correction_deg": 80.0}, "oversteer_suspected"),
        ("throttle_lift", {"lift_pct": 60.0, "correction_deg": 35.0}, "lift"),
        ("traffic", {"slower_kmh": 6.0}, "over_slowing"),
        ("traffic", {}, "throttle_differs"),
    ],
)
def test_the_traces_decide_what_an_event_is_called(kind: str, measures: dict[str, float], expected: str) -> None:
    shown = Measures(**{**vars(NOTHING), **measures})
    assert name_event(kind, shown, SETTINGS).type == expected


def test_every_rule_needs_what_there_is_and_says_it() -> None:
    for rule in (*RULES, *FALLBACKS.values()):
        assert set(rule.needs) <= set(vars(NOTHING))
        assert all(limit == "" or hasattr(SETTINGS, limit) for limit in rule.needs.values())
        assert rule.words.format(**vars(NOTHING))
        assert rule.why
    assert set(FALLBACKS) == set(FITTED_KINDS)


LAPS = {"laps": 10, "field_laps": 31, "stand_out": (), "least_repeats": 2}


def place(corner: str, phase: str) -> Where:
    return Where(corner_index=1, phase=phase, sector=1, words=f"{corner} {phase}", around=corner)


def test_insights_name_what_repeats_and_what_costs_most() -> None:
    events = [
        {"event_id": "3-1", "type": "lift", "lap_number": 3, "time_lost_ms": 80.0},
        {"event_id": "5-1", "type": "lift", "lap_number": 5, "time_lost_ms": None},
        {"event_id": "6-1", "type": "early_braking", "lap_number": 6, "time_lost_ms": 210.0},
    ]
    places = {"3-1": place("T4", "exit"), "5-1": place("T4", "exit"), "6-1": place("T7", "braking")}
    assert insights_of(events, places, **LAPS, least_loss_ms=50.0) == [
        "3 unusual moments on 10 laps, against the driver's own other laps. "
        "No lap as a whole stands out among the field's 31 judged laps.",
        "Most often: lift, 2 times, both at T4 exit.",
        "Most costly: early braking at T7, lap 6, 0.21 s.",
    ]
    assert insights_of(events, places, **LAPS, least_loss_ms=211.0)[1:] == [
        "Most often: lift, 2 times, both at T4 exit."
    ]
    after = Where(corner_index=1, phase="straight", sector=1, words="After T7", around="After T7")
    assert insights_of(events, places | {"6-1": after}, **LAPS, least_loss_ms=50.0)[2] == (
        "Most costly: early braking after T7, lap 6, 0.21 s."
    )
    places["5-1"] = place("T4", "entry")
    assert insights_of(events, places, **LAPS, least_loss_ms=211.0)[1:] == ["Most often: lift, 2 times, both at T4."]
    events.append({"event_id": "7-1", "type": "lift", "lap_number": 7, "time_lost_ms": None})
    places["7-1"] = place("T9", "exit")
    told = insights_of(events, places, **LAPS, least_loss_ms=211.0)
    assert told[1:] == ["Most often: lift, 3 times, 2 of them at T4."]


def test_insights_say_that_moments_are_the_drivers_and_laps_the_fields() -> None:
    event = {"event_id": "3-1", "type": "lift", "lap_number": 3, "time_lost_ms": None}
    places = {"3-1": place("T4", "exit")}
    laps = {"laps": 1, "field_laps": 31, "least_loss_ms": 50.0, "least_repeats": 2}
    assert insights_of([], {}, **laps, stand_out=[]) == [
        "No moment is unusual on 1 lap, against the driver's own other laps. "
        "No lap as a whole stands out among the field's 31 judged laps."
    ]
    assert insights_of([event], places, **laps, stand_out=[3]) == [
        "1 unusual moment on 1 lap, against the driver's own other laps. "
        "Lap 3 stands out as a whole among the field's 31 judged laps."
    ]
    (two,) = insights_of([event], places, **laps, stand_out=[3, 5])
    assert two.endswith(" Laps 3 and 5 stand out as a whole among the field's 31 judged laps.")
