"""What the rules say of each pattern at a corner: what it means, what to try, how to know that it worked.

The patterns are those of the table opportunities; of one that is not here the table's own advice is told.
"""

import re
from collections.abc import Mapping

from grx_pipeline.narratives import lexicon
from grx_pipeline.narratives.rules.texts import PatternTexts
from grx_pipeline.narratives.rules.timing_patterns import TIMING
from grx_pipeline.narratives.verify import RuleWords

_SPEED_CHECK = (
    "You know that it works when the minimum speed comes up to around {*.min_speed_kmh.goal}.",
    "The sign that it works: a minimum speed around {*.min_speed_kmh.goal}.",
)
_EXIT_CHECK = (
    "The exit tells you: look for an exit speed around {*.exit_speed_kmh.goal}.",
    "It works when the exit speed is around {*.exit_speed_kmh.goal}.",
)
_BRAKE_CHECK = (
    "On the traces it shows when braking begins around {*.brake_onset_m.goal} and the minimum speed holds.",
    "Look for it on the traces: braking begins around {*.brake_onset_m.goal}, and the car still makes the apex.",
)

PATTERNS: Mapping[str, PatternTexts] = {
    "early_braking": PatternTexts(
        meaning=("The car is slowed before it has to be.", "That is road you give away before the corner starts."),
        advice=(
            "Move the braking point later in steps of {*.step}, with the same pressure and the same release.",
            "Brake later in steps of {*.step} and keep the rest as it is, so that you feel what it does.",
        ),
        check=_BRAKE_CHECK,
    ),
    "soft_braking": PatternTexts(
        meaning=("The brakes are asked for less than they have, over a longer way.",),
        advice=(
            "Press harder at the start of the braking, and when that sits, move the point later in steps of {*.step}.",
            "Build the pressure up front, then brake later in steps of {*.step}.",
        ),
        check=(
            "On the traces it shows when the pressure peaks around {*.brake_peak_bar.goal} and braking begins around "
            "{*.brake_onset_m.goal}.",
            *_BRAKE_CHECK,
        ),
    ),
    "needless_braking": PatternTexts(
        meaning=("The reference goes through here without the brake.",),
        advice=("Try a lift where you brake now, and keep the car where the exit needs it.",),
        check=_SPEED_CHECK,
    ),
    "over_entry": PatternTexts(
        meaning=("What the late braking wins on the way in, the exit pays back with interest.",),
        advice=(
            "Bring the braking marker back a little and let the exit decide.",
            "Give up a little on the way in: move the marker back until the car is ready for the throttle at the apex.",
        ),
        check=_EXIT_CHECK,
    ),
    "over_slowing": PatternTexts(
        meaning=("The brake stays on past the point where the car is slow enough.",),
        advice=(
            "Release the brake earlier and carry the speed to the apex.",
            "Keep the braking point, release earlier, and let the car roll in.",
        ),
        check=_SPEED_CHECK,
    ),
    "slow_entry_without_brake": PatternTexts(
        meaning=("The lift alone takes the speed here.",),
        advice=("Lift later, or lift less, and carry the speed in.",),
        check=_SPEED_CHECK,
    ),
    "rolling": PatternTexts(
        meaning=("With the feet off the pedals the car just gets slower.",),
        advice=(
            "Stay on the throttle until the lift is needed, and carry the speed in.",
            "Wait with the lift, and let the throttle carry the car to the corner.",
        ),
        check=("It works when you coast for around {*.coasting_s.goal}.", *_SPEED_CHECK),
    ),
    "lift": PatternTexts(
        meaning=("The throttle comes early and has to be taken back.",),
        advice=(
            "Wait with the throttle, then commit to it and keep it down.",
            "Be patient at the apex: open the throttle when you can keep it open.",
        ),
        check=(
            "It works when the throttle stays down and the exit speed is around {*.exit_speed_kmh.goal}.",
            *_EXIT_CHECK,
        ),
    ),
    "late_throttle": PatternTexts(
        meaning=("The car is pointed and waits for your foot.",),
        advice=(
            "Start to squeeze the throttle earlier, gently at the beginning.",
            "Squeeze earlier: as the hands open, the foot goes down.",
        ),
        check=("It works when the throttle comes on around {*.throttle_on_m.goal}.", *_EXIT_CHECK),
    ),
    "slow_to_full_throttle": PatternTexts(
        meaning=("The throttle comes on in time and then hangs.",),
        advice=("Open the throttle in a continuous movement, from the touch to the floor.",),
        check=("It works when full throttle comes around {*.full_throttle_m.goal}.", *_EXIT_CHECK),
    ),
    "slow_exit_from_low_speed": PatternTexts(
        meaning=("The exit is slow because the apex already is.", "The way out suffers from the way in."),
        advice=(
            "Release the brake earlier and carry the speed to the apex; leave the throttle as it is.",
            "Look at the apex before the exit: release earlier and let the car roll through.",
        ),
        check=_SPEED_CHECK,
    ),
    "coasting": PatternTexts(
        meaning=("In between, the pedals rest and the car waits.",),
        advice=(
            "Link the release of the brake to the throttle, so that the car is working all the way.",
            "Let the release of the brake run into the throttle.",
        ),
        check=("It works when you coast for around {*.coasting_s.goal}.", *_SPEED_CHECK),
    ),
    "brake_reapplication": PatternTexts(
        meaning=(
            "The brake comes off and goes on again; a locked wheel is possible, and wheel speeds are missing to tell.",
        ),
        advice=("Build the pressure more gently and release in a continuous movement.",),
        check=_SPEED_CHECK,
    ),
    "steering_reversals": PatternTexts(
        meaning=("The hands are busy; it could be the entry speed, and it could be the set-up.",),
        advice=(
            "Slow the hands, and look at the entry speed before you touch the set-up.",
            "Try calmer hands on a slightly calmer entry, and ask the engineer about the balance if it stays.",
        ),
        check=("It works when steering reversals come down to around {*.steering_reversals.goal}.", *_SPEED_CHECK),
    ),
    "uneven_braking": PatternTexts(
        meaning=("So far this is a braking area rather than a braking point.",),
        advice=(
            "Take a fixed marker and a fixed pressure, lap after lap; the speed follows.",
            "Use the same marker with the same pressure until it is dull, then look at the clock.",
        ),
        check=(
            "You know that it works when you are where the others are: they stay under {*.brake_onset_m.others}.",
            "Others stay under {*.brake_peak_bar.others} from lap to lap, and that is the mark for you.",
        ),
    ),
}
# "You brake 9 m later" is no advice; the figure behind it says so.
_DESCRIBED = frozenset(("brake",))
UNKNOWN = PatternTexts(meaning=(), advice=(), check=())


def rule_words() -> Mapping[str, RuleWords]:
    """What each rule may advise, and which directions it gives: the verbs and directions of its own wordings."""
    return {name: _words_of(texts) for name, texts in {**PATTERNS, **TIMING}.items()}


def _words_of(texts: PatternTexts) -> RuleWords:
    wordings = " ".join((*texts.meaning, *texts.advice, *texts.check)).lower()
    words = frozenset(re.findall(r"[a-z]+", re.sub(r"\{[^}]*\}", " ", wordings)))
    advice = (words & lexicon.ADVICE_WORDS) | _DESCRIBED
    return RuleWords(words=words, advice=advice, turning=words & lexicon.TURNING)
