"""The table of patterns: what a driver does at a corner beside what the reference does, and what to do about it.

A rule speaks of differences that were measured; whether the time is really lost there is decided in losses.py.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from grx_pipeline.methods.advice.losses import CLASS, OWN
from grx_pipeline.schemas.columns import PHASES
from grx_pipeline.settings import CornerSettings, OpportunitySettings

_NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Habit:
    """A driver's usual figures at a corner and the reference's, by column of corner_laps; NaN where unknown.

    `spread` is the driver's own robust sd from lap to lap, `field_spread` what four of five drivers stay under.
    """

    own: Mapping[str, float]
    reference: Mapping[str, float]
    reference_name: str
    spread: Mapping[str, float]
    field_spread: Mapping[str, float]
    length_m: float

    def more(self, figure: str) -> float:
        """Own - reference; NaN where either is unknown. All comparisons with it are then false."""
        return self.own.get(figure, _NAN) - self.reference.get(figure, _NAN)

    def is_uneven(self, figure: str, least: float) -> bool:
        own, field = self.spread.get(figure, _NAN), self.field_spread.get(figure, _NAN)
        return own > field and own >= least


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A rule that applies: its id, the figures that made it, and the advice."""

    rule: str
    evidence: tuple[str, ...]
    advice: str


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`applies` decides; `figures` are told as evidence, `varying` as a spread from lap to lap."""

    name: str
    phases: tuple[str, ...]
    advice: str
    applies: Callable[[Habit, OpportunitySettings, CornerSettings], bool]
    figures: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()


def explain(phase: str, habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> Pattern | None:
    """The first rule of the table that applies in this phase; None where nothing measured explains a loss."""
    for rule in RULES:
        if phase in rule.phases and rule.applies(habit, settings, corners):
            told = [_compared(figure, habit) for figure in rule.figures]
            told += [_varied(figure, habit) for figure in rule.varying]
            return Pattern(rule=rule.name, evidence=tuple(text for text in told if text), advice=rule.advice)
    return None


def _brakes_needlessly(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    own, reference = habit.own.get("brake_peak_bar", _NAN), habit.reference.get("brake_peak_bar", _NAN)
    return own >= 2 * corners.braking_peak_bar and reference < corners.braking_peak_bar


def _brakes_early(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    is_early = habit.more("brake_onset_m") <= -settings.early_braking_m
    return is_early and habit.more("min_speed_kmh") <= settings.same_speed_kmh


def _brakes_softly(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    least = max(settings.softer_bar, settings.softer_share * habit.reference.get("brake_peak_bar", _NAN))
    return habit.more("brake_peak_bar") <= -least and _brakes_early(habit, settings, corners)


def _is_slow(habit: Habit, settings: OpportunitySettings) -> bool:
    """Slower at the slowest point, and not because it arrives slower or brakes earlier."""
    arrives_slower = habit.more("entry_speed_kmh") <= -settings.low_speed_kmh
    brakes_elsewhere = abs(habit.more("brake_onset_m")) >= settings.early_braking_m
    return habit.more("min_speed_kmh") <= -settings.low_speed_kmh and not arrives_slower and not brakes_elsewhere


def _slows_too_much(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    return _is_slow(habit, settings) and _brakes(habit, corners)


def _lifts_too_much(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    """Without a brake the speed at entry comes through to the slowest point; only what is lost between counts."""
    is_own = habit.more("entry_speed_kmh") > settings.inherited_share * habit.more("min_speed_kmh")
    return _is_slow(habit, settings) and is_own and not _brakes(habit, corners)


def _rolls(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    return _is_long_coasting(habit, settings) and not _brakes(habit, corners)


def _coasts(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    return _is_long_coasting(habit, settings) and _brakes(habit, corners)


def _is_long_coasting(habit: Habit, settings: OpportunitySettings) -> bool:
    is_long = habit.own.get("coasting_s", _NAN) >= settings.coasting_s
    return is_long and habit.more("coasting_s") >= settings.more_coasting_s


def _brakes(habit: Habit, corners: CornerSettings) -> bool:
    return habit.own.get("brake_peak_bar", _NAN) >= corners.braking_peak_bar


def _enters_too_fast(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    is_late = habit.more("brake_onset_m") >= settings.late_braking_m
    return is_late and habit.more("exit_speed_kmh") <= -settings.low_speed_kmh


def _lifts(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    return habit.more("throttle_lifts") >= settings.more_per_lap


def _squeezes_late(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    is_late = habit.more("throttle_on_m") >= settings.late_throttle_m
    return is_late and habit.more("exit_steering_deg") <= settings.same_steering_deg


def _opens_slowly(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    is_late = habit.more("full_throttle_m") >= settings.late_full_throttle_m
    return is_late and habit.more("throttle_on_m") < settings.late_throttle_m


def _brakes_again(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    return habit.more("brake_reapplications") >= settings.more_per_lap


def _saws(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    return habit.more("steering_reversals") >= settings.more_reversals


def _brakes_unevenly(habit: Habit, settings: OpportunitySettings, corners: CornerSettings) -> bool:
    return habit.is_uneven("brake_onset_m", settings.uneven_onset_m) or habit.is_uneven(
        "brake_peak_bar", settings.uneven_bar
    )


# In the order in which they are tried: what happens first in the corner explains what follows.
RULES: tuple[Rule, ...] = (
    Rule(
        name="needless_braking",
        phases=("braking", "entry"),
        advice="The reference does not brake here. Try a lift where you brake now, and keep what the exit needs.",
        applies=_brakes_needlessly,
        figures=("brake_peak_bar", "min_speed_kmh"),
    ),
    Rule(
        name="soft_braking",
        phases=("braking", "entry"),
        advice="Press harder at first, then move the braking point later in steps of 3 to 5 m.",
        applies=_brakes_softly,
        figures=("brake_onset_m", "brake_peak_bar", "min_speed_kmh"),
    ),
    Rule(
        name="early_braking",
        phases=("braking", "entry"),
        advice="Brake later in steps of 3 to 5 m, with the same release.",
        applies=_brakes_early,
        figures=("brake_onset_m", "min_speed_kmh", "brake_peak_bar"),
    ),
    Rule(
        name="over_entry",
        phases=("entry", "exit"),
        advice="Move the braking marker back: the exit comes first.",
        applies=_enters_too_fast,
        figures=("brake_onset_m", "min_speed_kmh", "exit_speed_kmh"),
    ),
    Rule(
        name="over_slowing",
        phases=("braking", "entry"),
        advice="Release the brake earlier and carry the speed in.",
        applies=_slows_too_much,
        figures=("min_speed_kmh", "brake_onset_m", "entry_speed_kmh"),
    ),
    Rule(
        name="slow_entry_without_brake",
        phases=("entry",),
        advice="Lift later or less, and carry the speed in.",
        applies=_lifts_too_much,
        figures=("min_speed_kmh", "entry_speed_kmh"),
    ),
    Rule(
        name="lift",
        phases=("exit",),
        advice="Wait with the throttle, then commit to it once.",
        applies=_lifts,
        figures=("throttle_lifts", "throttle_on_m", "exit_speed_kmh"),
    ),
    Rule(
        name="late_throttle",
        phases=("exit",),
        advice="Start squeezing the throttle earlier.",
        applies=_squeezes_late,
        figures=("throttle_on_m", "exit_steering_deg", "exit_speed_kmh"),
    ),
    Rule(
        name="slow_to_full_throttle",
        phases=("exit",),
        advice="The throttle comes on in time but opens slowly: go from first touch to full in one movement.",
        applies=_opens_slowly,
        figures=("full_throttle_m", "throttle_on_m", "exit_speed_kmh"),
    ),
    Rule(
        name="slow_exit_from_low_speed",
        phases=("exit",),
        advice="The exit starts too slow: release the brake earlier and carry the speed to the apex.",
        applies=_slows_too_much,
        figures=("min_speed_kmh", "exit_speed_kmh", "throttle_on_m"),
    ),
    Rule(
        name="rolling",
        phases=("entry", "exit"),
        advice="The car rolls with neither pedal down: lift later, or for less.",
        applies=_rolls,
        figures=("coasting_s", "min_speed_kmh"),
    ),
    Rule(
        name="coasting",
        phases=PHASES,
        advice="Link the release of the brake to the throttle; neither pedal is down in between.",
        applies=_coasts,
        figures=("coasting_s", "min_speed_kmh"),
    ),
    Rule(
        name="brake_reapplication",
        phases=("braking", "entry"),
        advice="Build the pressure more gently at first and release once. A locked wheel is possible; there are no "
        "wheel speeds to tell.",
        applies=_brakes_again,
        figures=("brake_reapplications", "brake_peak_bar"),
    ),
    Rule(
        name="steering_reversals",
        phases=("entry", "exit"),
        advice="Slow the hands and check the entry speed. It could be the set-up.",
        applies=_saws,
        figures=("steering_reversals", "min_speed_kmh"),
    ),
    Rule(
        name="uneven_braking",
        phases=("braking", "entry"),
        advice="One marker and one pressure, lap after lap; speed comes after.",
        applies=_brakes_unevenly,
        varying=("brake_onset_m", "brake_peak_bar"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class _Wording:
    """How a figure is told: what it is, unit, digits, and the words for less and more of it."""

    label: str
    unit: str
    digits: int
    less: str
    more: str


def _speed(label: str) -> _Wording:
    return _Wording(label=label, unit="km/h", digits=1, less="lower", more="higher")


def _place(label: str) -> _Wording:
    return _Wording(label=label, unit="m", digits=0, less="earlier", more="later")


def _count(label: str) -> _Wording:
    return _Wording(label=label, unit="a lap", digits=1, less="fewer", more="more")


_WORDINGS: Mapping[str, _Wording] = {
    "entry_speed_kmh": _speed("entry speed"),
    "min_speed_kmh": _speed("minimum speed"),
    "exit_speed_kmh": _speed("exit speed"),
    "brake_onset_m": _place("braking begins at"),
    "brake_peak_bar": _Wording(label="peak brake pressure", unit="bar", digits=0, less="lower", more="higher"),
    "throttle_on_m": _place("throttle comes on at"),
    "full_throttle_m": _place("full throttle at"),
    "coasting_s": _Wording(label="coasting", unit="s", digits=2, less="shorter", more="longer"),
    "exit_steering_deg": _Wording(label="steering at throttle on", unit="deg", digits=0, less="less", more="more"),
    "brake_reapplications": _count("brake re-applications"),
    "throttle_lifts": _count("lifts"),
    "steering_reversals": _count("steering reversals"),
}
_REFERENCES = {OWN: "on the own best three laps", CLASS: "the class's quickest quarter"}


def _compared(figure: str, habit: Habit) -> str | None:
    """As "braking begins at 612 m, 9 m earlier than on the own best three laps (621 m)"; None where unknown."""
    wording, beside = _WORDINGS[figure], _REFERENCES[habit.reference_name]
    own, reference = habit.own.get(figure, _NAN), habit.reference.get(figure, _NAN)
    if not (math.isfinite(own) and math.isfinite(reference)):
        return None
    own, reference = round(own, wording.digits), round(reference, wording.digits)
    apart = own - reference
    if wording.unit == "m":
        own, reference = own % habit.length_m, reference % habit.length_m
    told = f"{wording.label} {own:.{wording.digits}f} {wording.unit}"
    against = f"{reference:.{wording.digits}f} {wording.unit}"
    if apart == 0:
        return f"{told}, as {beside}"
    word = wording.more if apart > 0 else wording.less
    return f"{told}, {abs(apart):.{wording.digits}f} {wording.unit} {word} than {beside} ({against})"


def _varied(figure: str, habit: Habit) -> str | None:
    """As "braking begins at: 9 m spread from lap to lap, 5 m for four of five drivers"."""
    wording, own, field = _WORDINGS[figure], habit.spread.get(figure, _NAN), habit.field_spread.get(figure, _NAN)
    if not own > field:
        return None
    label = wording.label.removesuffix(" begins at")
    return (
        f"{label} varies by {own:.{wording.digits}f} {wording.unit} from lap to lap; "
        f"four of five drivers stay under {field:.{wording.digits}f} {wording.unit}"
    )
