"""What the rules say where no reference at a corner is needed: sectors, the course of the race, moments, pairs."""

from collections.abc import Mapping

from grx_pipeline.narratives.facts.comparison import BEYOND_RULE, CORNER_RULE, LONE_RULE, WITHIN_RULE
from grx_pipeline.narratives.facts.course import FADE_RULE, PACE_RULE
from grx_pipeline.narratives.facts.driving import FLAT_RULE, MOMENTS_RULE
from grx_pipeline.narratives.facts.sectors import (
    CLASS_RULE,
    CLASS_TRACE_RULE,
    FREE_RULE,
    JOIN_RULE,
    SECTOR_RULE,
    SPENT_RULE,
    TOP_RULE,
    TOW_RULE,
    TRACE_RULE,
    UNEVEN_RULE,
)
from grx_pipeline.narratives.rules.texts import PatternTexts

_TOW = (
    "A car was {*.tow} ahead on that lap, and a tow flatters the clock.",
    "Take that with care: on that lap a car was {*.tow} ahead, and a tow is worth time.",
)
_COUNT = (
    "The mark is {*.goal} for {*.name}, and this time {*.reached} got there; it works when that count grows.",
    "You know that it worked when {*.name} reads {*.goal} again and again; this time {*.reached} got there.",
)
_NEXT_MARK = (
    "The next mark there is {*.mark}: reach it, and you know that it worked.",
    "Your next mark there is {*.mark}, and it has worked when you reach it.",
    "Aim for it in steps: the next mark there is {*.mark}, and it has worked when it stands on the clock.",
    "The mark there is the class best of {*.class_best}: it has worked when your laps come closer to it.",
    "The class best of {*.class_best} is the mark there, and it has worked when your gap to it closes.",
)
TIMING: Mapping[str, PatternTexts] = {
    SECTOR_RULE: PatternTexts(
        meaning=(),
        advice=(
            "Go back to that lap, on video or in your notes, and look for what was different; then repeat it.",
            "Ask what you did on that lap: where you braked, where you went to the throttle, which car was near. Then "
            "make it the rule.",
            "Take that lap apart with your engineer, on video or from memory, and bring what was different to the next "
            "session.",
        ),
        check=_COUNT,
    ),
    TRACE_RULE: PatternTexts(
        meaning=(),
        advice=(
            "On the traces choose the target, which holds that lap in this sector: look where it gets away from your "
            "best lap, and copy that.",
            "Set the target as the reference on the traces: it holds that lap there. Look for where it gets away, and "
            "repeat it.",
        ),
        check=_COUNT,
    ),
    SPENT_RULE: PatternTexts(
        meaning=(
            "Take that with care: the next sector of that lap was {*.cost} slower than your median.",
            "The next sector of that lap was {*.cost} slower than your median, so look at what that time took with it.",
        ),
        advice=(
            "Before you copy that lap, look on video or in your notes at how that sector ends: what is found there has "
            "to last through the next sector.",
            "Look at the end of that sector on video or in your notes, and copy what leaves the next sector as it is.",
        ),
        check=(
            "The mark is {*.goal} for {*.name}, and it has worked when the next sector of such a lap stays at your "
            "median.",
            "It has worked when {*.name} reads {*.goal} and the next sector of that lap stays at your median.",
        ),
    ),
    JOIN_RULE: PatternTexts(
        meaning=(
            "The mark is {*.goal}, and {*.reached} got there: that is your usual pace in this sector.",
            "It is in your hands already: {*.reached} got there, as the mark is {*.goal}.",
        ),
        advice=(
            "Bring it to the lap on which the other sectors are good.",
            "Keep doing the same there, and put the good sectors together in the same lap.",
        ),
        check=("You know that it worked when a lap reads the target.",),
    ),
    TOW_RULE: PatternTexts(
        meaning=_TOW,
        advice=(
            "Take the tow again when a car is there to follow, and leave your markers as they are.",
            "It takes a car to follow: when there is such a car, drive your own lap behind it and let the tow work.",
            "Keep your own markers, and when a car is ahead again, stay close for the tow in that sector.",
        ),
        check=_COUNT,
    ),
    TOP_RULE: PatternTexts(
        meaning=_TOW,
        advice=(
            "With a clear road your best there is {*.free}, driven on {*.free_lap}: that is the lap to copy, and the "
            "tow comes on top.",
            "Copy the lap with a clear road before that: your best with a clear road is {*.free}, driven on "
            "{*.free_lap}.",
        ),
        check=_COUNT,
    ),
    FREE_RULE: PatternTexts(
        meaning=(
            "On that lap a car was {*.tow} ahead, so it takes another to go by: with a clear road your best there is "
            "{*.free}, driven on {*.free_lap}.",
            "A car was {*.tow} ahead on that lap; with a clear road your best there is {*.free}, driven on "
            "{*.free_lap}.",
        ),
        advice=(
            "So that is the lap to go back to, on video or in your notes, and to copy.",
            "Go back to that lap with your engineer, and copy it.",
        ),
        check=_COUNT,
    ),
    FLAT_RULE: PatternTexts(
        meaning=(
            "By the ledger {*.gain} of it is to find on the straight ({*.name}), and there the throttle is flat on "
            "either lap: it is made at the exit before, or by a car ahead.",
        ),
        advice=("Look at the exit before that straight, and whether a car was ahead, before you copy that lap.",),
        check=("It has worked when the speed at the end of that straight comes up with a clear road.",),
    ),
    CLASS_RULE: PatternTexts(
        meaning=(),
        advice=(
            "Ask that car's crew for a look at its video of the sector, and look where it gets away.",
            "Ask the driver of that car for the markers there, and try them in practice, a marker at a time.",
            "Follow that car in practice and look where it gets away in that sector: on the brakes or on the throttle.",
            "Take that driver for a coffee and go through the sector: where the brake goes on, and where the throttle "
            "comes on.",
        ),
        check=_NEXT_MARK,
    ),
    CLASS_TRACE_RULE: PatternTexts(
        meaning=(),
        advice=(
            "On the traces choose the class best, a lap of {trace.car}, and look where it gets away in that sector.",
            "Set the class best as the reference on the traces: it is a lap of {trace.car}. Look where the delta opens "
            "in that sector, and start there.",
        ),
        check=_NEXT_MARK,
    ),
    UNEVEN_RULE: PatternTexts(
        meaning=(),
        advice=(
            "Look at the slow laps there, choose a marker for the brake and a marker for the throttle, and repeat "
            "them lap after lap.",
            "Drive that sector to fixed markers for a run, and leave the speed for later.",
        ),
        check=(
            "It has worked when your times there lie as close together as those of the others.",
            "You know that it worked when your spread there comes down to that of the others.",
        ),
    ),
    FADE_RULE: PatternTexts(
        meaning=(),
        advice=(
            "Compare the sectors of an opening lap with those of a closing lap and ask what changed: the line, the "
            "markers, or the hands.",
            "Ask what changed on the way, the car or the driving: the lap table has the sectors of the opening laps "
            "and of the closing laps.",
            "Look through the lap table for the lap from which on the sectors drift, and ask what changed there.",
        ),
        check=(
            "It has worked when your closing part stays as close to the opening as that of the field.",
            "You know that it worked when the closing laps stay near your opening pace of {pace.opening}.",
        ),
    ),
    PACE_RULE: PatternTexts(
        meaning=(),
        advice=(
            "Look for what you found on the way, and begin the next race with it.",
            "Write down what you changed on the way, and bring it to the start of the next race.",
        ),
        check=("The mark for the start of the next race is your closing pace of {pace.closing}.",),
    ),
    MOMENTS_RULE: PatternTexts(
        meaning=(),
        advice=(
            "Look at those laps side by side at that corner and find what they share.",
            "Start with that corner: watch those laps there and look for what they have in common.",
        ),
        check=(
            "You know that it worked when that corner is off this list next time.",
            "It has worked when that corner stays quiet next time.",
        ),
    ),
    CORNER_RULE: PatternTexts(
        meaning=(
            "Begin at {*.corner}: on the traces {*.other} is {*.through} quicker through it.",
            "Take the traces and begin at {*.corner}: {*.other} is {*.through} quicker through it.",
        ),
        advice=(
            "Put the traces of that corner side by side: the brake, then the minimum speed, then the throttle.",
            "Look at that corner on the traces: where the brake goes on, how low the speed gets, where the throttle "
            "comes on.",
        ),
        check=(
            "It has worked when the delta stays level through that corner.",
            "The sign that it worked: the delta keeps level through that corner.",
        ),
    ),
    WITHIN_RULE: PatternTexts(
        meaning=(),
        advice=(
            "So the pace is there: go back to those laps, on video or in the notes, and look for what they share.",
            "Start from those laps: ask what was different in {*.sector} on them, and make it the rule.",
            "What those laps have in common is what to repeat: the markers, the line, or the gap to the car ahead.",
            "Put those laps beside the usual laps in the lap table, and ask what changed in {*.sector} on them.",
            "It is a matter of doing it more often: look through {*.sector} on those laps, on video or in the "
            "notes, and find what they share.",
        ),
        check=(
            "It has worked when that count grows.",
            "You know that it worked when those laps become the usual laps.",
            "The next race tells: it has worked when more laps get there.",
        ),
    ),
    LONE_RULE: PatternTexts(
        meaning=(),
        advice=(
            "That lap is the lap to go back to, on video or in the notes: look for what was different.",
            "Ask what was different on that lap in {*.sector}, and repeat it.",
            "So it has been done: take that lap apart, and bring what was different to the next session.",
        ),
        check=(
            "It has worked when that count grows.",
            "The next race tells: it has worked when more laps get there.",
        ),
    ),
    BEYOND_RULE: PatternTexts(
        meaning=(),
        advice=(
            "Ask the driver of the quicker car for the markers in {*.sector}, and try them in practice.",
            "Follow the quicker car through {*.sector} in practice and look where it gets away: on the brakes, or on "
            "the throttle.",
            "Here something of the other car's has to be learned: ask its driver where the brake goes on in "
            "{*.sector}, and where the throttle comes on.",
            "That is a gap to close in steps: take a marker at a time in {*.sector}, and look what the clock says.",
            "Go through {*.sector} with the other driver, from the brake to the throttle, and ask what is different.",
            "In practice, follow the other car into {*.sector} and keep to its markers as far as they go.",
        ),
        check=(
            "It has worked when a lap gets there in {*.sector}.",
            "The sign that it worked: a lap that reaches the mark in {*.sector}.",
            "You know that it worked when laps begin to reach that mark.",
            "The next race tells: look for laps that reach the mark in {*.sector}.",
        ),
    ),
}
