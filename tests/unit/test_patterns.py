"""The table of patterns: which rule speaks, and in which words."""

import pytest

from grx_pipeline.methods.advice.losses import CLASS, OWN
from grx_pipeline.methods.advice.patterns import RULES, Habit, explain
from grx_pipeline.methods.advice.places import FIGURES
from grx_pipeline.schemas.columns import PHASES
from grx_pipeline.settings import CornerSettings, OpportunitySettings

SETTINGS, CORNERS = OpportunitySettings(), CornerSettings()
USUAL = {
    "entry_speed_kmh": 150.0,
    "min_speed_kmh": 80.0,
    "exit_speed_kmh": 110.0,
    "brake_onset_m": 600.0,
    "brake_peak_bar": 60.0,
    "throttle_on_m": 700.0,
    "full_throttle_m": 740.0,
    "coasting_s": 0.1,
    "exit_steering_deg": 40.0,
    "brake_reapplications": 0.0,
    "throttle_lifts": 0.0,
    "steering_reversals": 1.0,
}


def habit(*, reference_name: str = CLASS, length_m: float = 4000.0, **changes: float) -> Habit:
    """The usual figures as reference, and a driver who differs by `changes`."""
    own = {name: value + changes.get(name, 0.0) for name, value in USUAL.items()}
    return Habit(
        own=own,
        reference=USUAL,
        reference_name=reference_name,
        spread={},
        field_spread={},
        length_m=length_m,
    )


def rule_of(phase: str, driver: Habit) -> str | None:
    pattern = explain(phase, driver, SETTINGS, CORNERS)
    return pattern.rule if pattern else None


@pytest.mark.parametrize(
    ("phase", "changes", "rule"),
    [
        ("braking", {"brake_onset_m": -9}, "early_braking"),
        ("braking", {"brake_onset_m": -9, "brake_peak_bar": -10}, "soft_braking"),
        ("braking", {"brake_onset_m": -9, "min_speed_kmh": 2}, None),
        ("braking", {"brake_onset_m": -7}, None),
        ("entry", {"min_speed_kmh": -4}, "over_slowing"),
        ("entry", {"min_speed_kmh": -4, "entry_speed_kmh": -5}, None),
        ("entry", {"min_speed_kmh": -4, "brake_peak_bar": -55}, "slow_entry_without_brake"),
        ("exit", {"brake_onset_m": 9, "exit_speed_kmh": -4}, "over_entry"),
        ("exit", {"throttle_on_m": 9}, "late_throttle"),
        ("exit", {"throttle_on_m": 9, "exit_steering_deg": 15}, None),
        ("exit", {"full_throttle_m": 15}, "slow_to_full_throttle"),
        ("exit", {"throttle_lifts": 1}, "lift"),
        ("entry", {"min_speed_kmh": -4, "entry_speed_kmh": -2.5, "brake_peak_bar": -55}, None),
        ("entry", {"coasting_s": 0.4}, "coasting"),
        ("entry", {"coasting_s": 0.4, "brake_peak_bar": -55}, "rolling"),
        ("braking", {"brake_reapplications": 0.6}, "brake_reapplication"),
        ("exit", {"steering_reversals": 3}, "steering_reversals"),
        ("exit", {"min_speed_kmh": -4}, "slow_exit_from_low_speed"),
        ("braking", {}, None),
    ],
)
def test_the_rule_that_explains_a_difference(phase: str, changes: dict[str, float], rule: str | None) -> None:
    assert rule_of(phase, habit(**changes)) == rule


@pytest.mark.parametrize("phase", PHASES)
def test_unknown_figures_explain_nothing(phase: str) -> None:
    unknown = Habit(own={}, reference={}, reference_name=OWN, spread={}, field_spread={}, length_m=4000.0)
    assert rule_of(phase, unknown) is None


def test_evidence_states_both_figures_and_their_difference() -> None:
    pattern = explain("braking", habit(reference_name=OWN, brake_onset_m=-9), SETTINGS, CORNERS)
    assert pattern is not None
    assert pattern.evidence[0] == "braking begins at 591 m, 9 m earlier than on the own best three laps (600 m)"


def test_a_place_behind_the_line_is_told_from_the_line_on() -> None:
    pattern = explain("exit", habit(length_m=695.0, throttle_on_m=9), SETTINGS, CORNERS)
    assert pattern is not None
    assert pattern.evidence[0] == "throttle comes on at 14 m, 9 m later than the class's quickest quarter (5 m)"


def test_braking_that_varies_more_than_four_of_five_drivers() -> None:
    uneven = Habit(
        own=USUAL,
        reference=USUAL,
        reference_name=CLASS,
        spread={"brake_onset_m": 9.0, "brake_peak_bar": 2.0},
        field_spread={"brake_onset_m": 5.0, "brake_peak_bar": 4.0},
        length_m=4000.0,
    )
    pattern = explain("braking", uneven, SETTINGS, CORNERS)
    assert pattern is not None
    assert pattern.rule == "uneven_braking"
    assert pattern.evidence == ("braking varies by 9 m from lap to lap; four of five drivers stay under 5 m",)


def test_every_rule_tells_known_figures_of_known_phases_and_has_a_name_of_its_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule.figures) | set(rule.varying) <= set(FIGURES)
        assert set(rule.phases) <= set(PHASES)
        assert rule.figures or rule.varying
