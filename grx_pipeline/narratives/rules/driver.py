"""The report of one driver: in short, what to change, where the target lies, the race, strengths, what is missing."""

import re
from collections.abc import Iterator

from grx_pipeline.narratives.facts.driver import CLASS_RULE, SECTOR_RULE
from grx_pipeline.narratives.facts.driving import CHANNELS
from grx_pipeline.narratives.records import FactSet, Paragraph, Sentence
from grx_pipeline.narratives.rules.patterns import CLASS_TEXTS, PATTERNS, SECTOR_TEXTS, UNKNOWN
from grx_pipeline.narratives.rules.voice import Voice
from grx_pipeline.settings import NarrativeSettings

PARTS = {
    "summary": "In short",
    **{f"change_{rank}": "What to change" for rank in (1, 2, 3)},
    "sector": "Where the target lies",
    "class": "Beside the class",
    "race": "Over the race",
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
    voice.add("sector", _sector(voice, settings), required=("most.sector",))
    voice.add("class", _beside_class(voice), required=("widest.sector",))
    voice.add("race", _race(voice), required=("out.laps",))
    voice.add("strengths", _strengths(voice))
    voice.add("moments", _moments(voice), required=("moments.count",))
    voice.add("hands", _hands(voice))
    voice.add("missing", _missing(voice))
    return tuple(voice.paragraphs)


def _summary(voice: Voice, settings: NarrativeSettings) -> Iterator[Sentence]:
    finished = "{result.position} at the flag, with a best lap of {best.lap}, set on {best.number}."
    yield from voice.say(
        "result",
        "You finished {result.position}. Your best lap was {best.lap}, set on {best.number}.",
        finished,
        "Your best lap was {best.lap}, set on {best.number}, and you finished {result.position}.",
    )
    if not voice.has("result.position"):
        yield from voice.say("result", "Your best lap was {best.lap}, set on {best.number}.")
    yield from voice.say("completed", "You completed {result.completed}.")
    yield from _pace_in_class(voice)
    gain = voice.value("target.gain")
    if not voice.has("target.lap"):
        yield from voice.say("target", "{clean.laps} counts as clean, so no target can be given.")
    elif voice.value("clean.laps") == 1:
        yield from voice.say("target", "There is nothing to compare for a target, as {clean.laps} counts as clean.")
    elif gain >= settings.worth_ms:
        yield from voice.say(
            "target",
            "The target for next time is {target.lap}: your own best sectors leave {target.gain} to find.",
            "The target is {target.lap}: in your own best sectors there is {target.gain} to find.",
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
            "Your best clean lap of {clean.best} already joins your own best sectors, so the target is {target.lap} "
            "again.",
            "The target stays at {target.lap}: your best clean lap joins your own best sectors.",
        )


def _pace_in_class(voice: Voice) -> Iterator[Sentence]:
    if voice.has("class.gap"):
        yield from voice.say(
            "class",
            "That is {class.gap} off the class best, which {class.car} set at {class.lap}; on pace you rank "
            "{best.place}.",
            "On pace you rank {best.place}, and you are {class.gap} off the class best of {class.car}.",
            "You are {class.gap} off the class best, which {class.car} set at {class.lap}.",
        )
    elif voice.value("best.place") == 1:
        yield from voice.say("class", "On pace you rank {best.place}: the class best is yours.")


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
            "{*.corner} is the dearest corner: you lose {*.loss} a lap {*.phase}, against {*.reference}.",
        )
    return (
        "It is about {*.corner}: {*.phase} you lose {*.loss} a lap against {*.reference}.",
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


def _sector(voice: Voice, settings: NarrativeSettings) -> Iterator[Sentence]:
    """The sector with most of the target: how much, which lap showed it, what to do, how to know."""
    most = voice.facts.facts.get("most.sector")
    if most is None or voice.value("target.gain") < settings.worth_ms:
        return
    name = most.entity.replace(":", "_")
    rule = f"{name}:{SECTOR_RULE}"
    told = {"*": name}
    yield from _filled(
        voice,
        "sector",
        told,
        "Most of it sits in {most.sector}: {*.gain} of it is there to find.",
        "The most is in {most.sector}, with {*.gain} of it to find.",
        "{most.sector} holds the most: {*.gain} of it is to find there.",
    )
    yield from _filled(
        voice,
        "sector.donor",
        told,
        "Your best there is {*.best}, and it comes from {*.donor}; {*.done} came close to that, this lap included.",
        "You have driven it: your best there is {*.best}, it came on {*.donor}, and {*.done} came close to that, this "
        "lap included.",
    )
    yield from voice.say(
        "place",
        "By the ledger {place.name} alone has {place.gain} to find.",
        "The ledger points to {place.name}: in the ledger it has {place.gain} to find.",
    )
    if rule in voice.facts.rules:
        yield from voice.say("sector.advice", *SECTOR_TEXTS.advice, rule=rule)
        yield from _filled(
            voice,
            "sector.check",
            told,
            "You know that it worked when {*.name} reads {*.goal} on an ordinary lap.",
            "The clock tells you: {*.name} reads {*.goal} when it works, and not on a lucky lap alone.",
        )


def _filled(voice: Voice, key: str, told: dict[str, str], *templates: str) -> Iterator[Sentence]:
    yield from voice.say(key, *(template.replace("*", told["*"]) for template in templates))


def _beside_class(voice: Voice) -> Iterator[Sentence]:
    widest, closest = voice.facts.facts.get("widest.sector"), voice.facts.facts.get("closest.sector")
    if widest is None or closest is None:
        return
    far, near = widest.entity.replace(":", "_"), closest.entity.replace(":", "_")
    yield from _filled(
        voice,
        "widest",
        {"*": far},
        "The class is furthest away in {widest.sector}: there you are {*.class_gap} off the class.",
        "The gap to the class is widest in {widest.sector}, where you are {*.class_gap} off the best of the class "
        "there.",
    )
    rule = f"{far}:{CLASS_RULE}"
    if rule in voice.facts.rules:
        yield from voice.say("class.advice", *CLASS_TEXTS.advice, rule=rule)
    yield from _filled(
        voice,
        "closest",
        {"*": near},
        "You are closest in {closest.sector}, where you rank {*.place}.",
        "{closest.sector} is your strongest: there you rank {*.place}."
        if voice.value(f"{near}.place") <= voice.share_limit(f"{near}.place")
        else "You are closest in {closest.sector}, though you rank {*.place} there.",
    )


def _race(voice: Voice) -> Iterator[Sentence]:
    yield from voice.say(
        "even",
        "For consistency you rank {even.place}; you were within reach of your best lap on {near.laps}.",
        "You were within reach of your best lap on {near.laps}, and for consistency you rank {even.place}.",
    )
    if not voice.has("even.place"):
        yield from voice.say("even", "You were within reach of your best lap on {near.laps}.")
    change, of_field = (voice.side(name, "slower", "faster") for name in ("pace.change", "pace.field"))
    yield from voice.say(
        "pace",
        f"The closing part of your race was {{pace.change}} {change} than the opening part, while the field went "
        f"{{pace.field}} {of_field}.",
    )
    if not voice.has("pace.change", "pace.field"):
        yield from voice.say(
            "pace",
            f"The closing part of your race was {{pace.change}} {change} than the opening part.",
            f"By medians the closing part of your race was {{pace.change}} {change}.",
        )
    yield from voice.say(
        "steady",
        "From the opening to the closing part of the race your medians show {pace.steady}.",
        "Your medians show {pace.steady} between the opening and the closing part.",
    )
    yield from voice.say(
        "uneven",
        "{uneven.name} is where your laps differ: they vary by {uneven.spread} there, and the usual spread of the "
        "others is {uneven.usual}.",
        "In {uneven.name} your times vary by {uneven.spread}; the others have a usual spread of {uneven.usual}.",
    )
    yield from voice.say(
        "out",
        "The count leaves out {out.laps}, and the reasons are {out.reasons}.",
        "For this the count leaves out {out.laps}; the reasons are {out.reasons}.",
    )


def _strengths(voice: Voice) -> Iterator[Sentence]:
    for number in (1, 2):
        yield from _filled(
            voice,
            f"strong_{number}",
            {"*": f"strong_{number}"},
            "{*.corner} is yours: you are {*.gap} quicker than the class median.",
            "At {*.corner} you are {*.gap} quicker than the class median.",
        )


def _moments(voice: Voice) -> Iterator[Sentence]:
    yield from voice.say("moments", "Out of the ordinary on the laps judged you have {moments.count}.")
    for number in (1, 2):
        yield from _filled(
            voice,
            f"moment_{number}",
            {"*": f"moment_{number}"},
            "{*.type} cost {*.loss}, and it happened on {*.lap}.",
            "{*.type}: the moment cost {*.loss} and happened on {*.lap}.",
        )


def _hands(voice: Voice) -> Iterator[Sentence]:
    for channel in CHANNELS:
        yield from _filled(
            voice,
            f"smooth.{channel}",
            {"*": f"strong.{channel}"},
            "On the {*.name} you rank {*.place} for smoothness.",
            "Your {*.name} ranks {*.place} for smoothness.",
        )
    yield from voice.say(
        "smooth.speed", "By how your {strong.speed.name} repeats from lap to lap you rank {strong.speed.place}."
    )
    for channel in CHANNELS:
        yield from _filled(
            voice,
            f"rough.{channel}",
            {"*": f"rough.{channel}"},
            "For smoothness of the {*.name} you rank {*.place}.",
        )


def _missing(voice: Voice) -> Iterator[Sentence]:
    """What the tables say is missing, in their own sentences."""

    def opening(name: str) -> str:
        return re.split(r"[;:.]", voice.facts.facts[name].text)[0]

    yield from voice.say("habits", "{habits.reason}")
    if voice.has("without.telemetry"):
        yield from voice.say("without", "{without.telemetry}")
        return
    if not voice.has("habits.reason", "moments.reason") or opening("habits.reason") != opening("moments.reason"):
        yield from voice.say("moments", "{moments.reason}")
    yield from voice.say("place", "{place.note}")
