"""The report of one driver: in short, what to change, where the target lies, the race, strengths, what is missing."""

from collections.abc import Iterator

from grx_pipeline.narratives.records import FactSet, Paragraph, Sentence
from grx_pipeline.narratives.rules.driving import hands_part, missing_part, moments_part, strengths_part
from grx_pipeline.narratives.rules.patterns import PATTERNS, UNKNOWN
from grx_pipeline.narratives.rules.timing import class_part, race_part, sector_part, uneven_part
from grx_pipeline.narratives.rules.voice import Voice
from grx_pipeline.settings import NarrativeSettings

PARTS = {
    "summary": "In short",
    **{f"change_{rank}": "What to change" for rank in (1, 2, 3)},
    "sector": "Where the target lies",
    "class": "Beside the class",
    "race": "Over the race",
    "uneven": "From lap to lap",
    "strengths": "What to keep",
    "moments": "Out of the ordinary",
    "hands": "Hands and feet",
    "missing": "What is missing",
}
_CHANGES = ("change_1", "change_2", "change_3")
_APART = {
    "brake_onset_m": ("you brake {} later", "you brake {} earlier"),
    "brake_peak_bar": ("the peak pressure is {} higher", "the peak pressure is {} lower"),
    "entry_speed_kmh": ("the entry speed is {} higher", "the entry speed is {} lower"),
    "min_speed_kmh": ("the minimum speed is {} higher", "the minimum speed is {} lower"),
    "exit_speed_kmh": ("the exit speed is {} higher", "the exit speed is {} lower"),
    "throttle_on_m": ("the throttle comes on {} later", "the throttle comes on {} earlier"),
    "full_throttle_m": ("full throttle comes {} later", "full throttle comes {} earlier"),
    "coasting_s": ("you coast {} longer", "you coast {} less"),
    "exit_steering_deg": ("the steering angle is {} greater", "the steering angle is {} less"),
    "brake_reapplications": ("you brake again {} more", "you brake again {} less"),
    "throttle_lifts": ("you lift {} more", "you lift {} less"),
    "steering_reversals": ("steering reversals are {} more", "steering reversals are {} fewer"),
}


def driver_report(facts: FactSet, settings: NarrativeSettings) -> tuple[Paragraph, ...]:
    """The whole report. Every paragraph stands on its own, so that any may be replaced."""
    voice = Voice(facts=facts)
    voice.add("summary", _summary(voice, settings), required=("best.lap", "target.lap"))
    for change in _CHANGES:
        required = tuple(f"{change}.{name}" for name in ("corner", "loss", "often"))
        voice.add(change, _change(voice, change), required=required)
    voice.add("sector", sector_part(voice, settings), required=("most.sector",))
    voice.add("class", class_part(voice), required=("widest.sector",))
    voice.add("race", race_part(voice), required=("out.laps", "pace.change"))
    voice.add("uneven", uneven_part(voice), required=("uneven.spread",))
    voice.add("strengths", strengths_part(voice))
    voice.add("moments", moments_part(voice), required=("moments.count",))
    voice.add("hands", hands_part(voice))
    voice.add("missing", missing_part(voice))
    return tuple(voice.paragraphs)


def _summary(voice: Voice, settings: NarrativeSettings) -> Iterator[Sentence]:
    yield from voice.say(
        "result",
        "You finished {result.position}. Your best lap was {best.lap}, set on {best.number}.",
        "You finished {result.position}, and your best lap was {best.lap}, set on {best.number}.",
        "Your best lap was {best.lap}, set on {best.number}, and you finished {result.position}.",
    )
    if not voice.has("result.position"):
        yield from voice.say("result", "Your best lap was {best.lap}, set on {best.number}.")
    yield from _pace_in_class(voice)
    yield from voice.say("completed", "You completed {result.completed}.")
    yield from voice.say("target", "{target.none}")
    if not voice.has("target.none"):
        yield from _target(voice, settings)


def _pace_in_class(voice: Voice) -> Iterator[Sentence]:
    if voice.has("class.gap"):
        yield from voice.say(
            "class",
            "On pace you rank {best.place}, and you are {class.gap} off the class best of {class.car}.",
            "You rank {best.place} on pace: you are {class.gap} off the class best, which {class.car} set at "
            "{class.lap}.",
            "You are {class.gap} off the class best, which {class.car} set at {class.lap}; on pace you rank "
            "{best.place}.",
        )
        if not voice.has("best.place"):
            yield from voice.say(
                "class", "You are {class.gap} off the class best, which {class.car} set at {class.lap}."
            )
    elif voice.value("best.place") == 1:
        yield from voice.say("class", "On pace you rank {best.place}: the class best is yours.")


def _target(voice: Voice, settings: NarrativeSettings) -> Iterator[Sentence]:
    gain = voice.value("target.gain")
    if gain >= settings.worth_ms:
        yield from voice.say(
            "target",
            "The target for next time is {target.lap}: your own best sectors leave {target.gain} to find.",
            "The target is {target.lap}: in your own best sectors there is {target.gain} to find.",
            "In your own best sectors there is {target.gain} to find, so the target is {target.lap}.",
            "Your own best sectors leave {target.gain} to find, which makes {target.lap} the target.",
        )
    elif gain > 0:
        yield from voice.say(
            "target",
            "The target is {target.lap}, so there is little in it: your own best sectors leave {target.gain} to find.",
            "Your best clean lap of {clean.best} is close to the sum of your sectors, and the target is {target.lap}.",
        )
    else:
        yield from voice.say(
            "target",
            "Your best clean lap of {clean.best} joins your own best sectors, so the target is {target.lap} again.",
            "The target stays at {target.lap}: your best clean lap joins your own best sectors.",
        )


def _change(voice: Voice, change: str) -> Iterator[Sentence]:
    if not voice.has(f"{change}.loss"):
        return
    rule = next((name for name in voice.facts.rules if name.startswith(f"{change}:")), None)
    texts = PATTERNS.get(rule.partition(":")[2] if rule else "", UNKNOWN)
    yield from voice.say(change, *(text.replace("*", change) for text in _openings(voice, change)))
    is_habit = not voice.value(f"{change}.done")
    yield from voice.say(
        f"{change}.often",
        *(
            text.replace("*", change)
            for text in ("It shows on {*.often}.", "It happened on {*.often}.", "This repeats on {*.often}.")
            if is_habit
        ),
        *(
            text.replace("*", change)
            for text in (
                "It shows on {*.often}, and {*.done} went as well as the reference.",
                "It happened on {*.often}; {*.done} went as well as the reference.",
                "This repeats on {*.often}, while {*.done} went as well as the reference.",
            )
            if not is_habit
        ),
    )
    yield from _differences(voice, change, rule)
    for step, wordings in (("meaning", texts.meaning), ("advice", texts.advice), ("check", texts.check)):
        told = list(voice.say(f"{change}.{step}", *(text.replace("*", change) for text in wordings), rule=rule))
        if step == "advice" and not told:
            told = list(voice.say(f"{change}.{step}", f"{{{change}.advice}}"))
        yield from told


def _openings(voice: Voice, change: str) -> tuple[str, ...]:
    if change != "change_1":
        return (
            "Then {*.corner}: {*.phase} you lose {*.loss} a lap against {*.reference}.",
            "At {*.corner} you lose {*.loss} a lap {*.phase}, against {*.reference}.",
            "{*.corner} comes after that: you lose {*.loss} a lap {*.phase}, measured against {*.reference}.",
        )
    if voice.has("change_2.corner"):
        return (
            "The most is to be had at {*.corner}: {*.phase} you lose {*.loss} a lap against {*.reference}.",
            "{*.corner} is the dearest: you lose {*.loss} a lap {*.phase}, against {*.reference}.",
        )
    return (
        "{*.corner} is the place: {*.phase} you lose {*.loss} a lap against {*.reference}.",
        "At {*.corner} you lose {*.loss} a lap {*.phase}, against {*.reference}.",
    )


def _differences(voice: Voice, change: str, rule: str | None) -> Iterator[Sentence]:
    """What was measured there beside the reference, at most three figures, in the order of the evidence."""
    phrases = []
    for name, fact in voice.facts.facts.items():
        figure = fact.metric.removesuffix(".apart")
        if name.startswith(f"{change}.") and fact.metric.endswith(".apart") and fact.value and figure in _APART:
            phrases.append(voice.side(name, *_APART[figure]).format(f"{{{name}}}"))
    if phrases:
        told = phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:3][:-1])} and {phrases[:3][-1]}"
        yield from voice.say(
            f"{change}.differences",
            f"Beside the reference {told}.",
            f"What differs: {told}.",
            f"The figures there: {told}.",
            rule=rule,
        )
    for figure, noun in (("brake_onset_m", "braking point"), ("brake_peak_bar", "brake pressure")):
        spread = f"{{{change}.{figure}.spread}}"
        yield from voice.say(f"{change}.{figure}", f"Your {noun} varies by {spread} from lap to lap.", rule=rule)
