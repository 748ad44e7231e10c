"""What the timing alone tells a driver: the sector to aim at, the class beside it, and how the race went."""

from collections.abc import Iterator

from grx_pipeline.narratives.facts.course import FADE_RULE, PACE_RULE
from grx_pipeline.narratives.facts.driving import FLAT_RULE
from grx_pipeline.narratives.facts.sectors import AIMS, CLASS_RULE, CLASS_TRACE_RULE, TOW_RULE, UNEVEN_RULE
from grx_pipeline.narratives.records import Sentence
from grx_pipeline.narratives.rules.voice import Voice
from grx_pipeline.settings import NarrativeSettings

# By how much of the target the sector holds.
_HELD = {
    "sole_sector": (
        "It sits in {most.sector} alone: {*.gain} of it is there to find.",
        "{most.sector} alone holds it: {*.gain} of it is there to find.",
    ),
    "most_sector": (
        "Most of it sits in {most.sector}: {*.gain} of it is there to find.",
        "Most of it sits in {most.sector}, so begin there: {*.gain} of it is there to find.",
        "{most.sector} holds the biggest part: {*.gain} of it is there to find.",
    ),
    "largest_sector": (
        "The largest part sits in {most.sector}: {*.gain} of it is there to find.",
        "Begin with {most.sector}: {*.gain} of it is to find there.",
        "{most.sector} holds the largest part: {*.gain} of it is there to find.",
    ),
}


def sector_part(voice: Voice, settings: NarrativeSettings) -> Iterator[Sentence]:
    """The sector with most of the target: how much, which lap showed it, what to do, how to know."""
    most = voice.facts.facts.get("most.sector")
    if most is None or voice.value("target.gain") < settings.worth_ms:
        return
    name = most.entity.replace(":", "_")
    yield from voice.say_of(
        name,
        "sector",
        *_HELD[most.metric],
    )
    yield from voice.say_of(
        name,
        "sector.donor",
        "Your best there is {*.best}, and it comes from {*.donor}; {*.done} came close to that.",
        "You have driven it: your best there is {*.best}, it came on {*.donor}, and {*.done} came close to that.",
        "The clock has seen it: your best there is {*.best}, it came on {*.donor}, and {*.done} came close to that.",
        "It came on {*.donor}: your best there is {*.best}, and {*.done} came close to that.",
    )
    if f"{name}:{TOW_RULE}" in voice.facts.rules:
        yield from voice.say_of(
            name, "sector.cost", "The next sector of that lap was {*.cost} slower than your median."
        )
    yield from voice.say(
        "place",
        "By the ledger {place.name} alone has {place.gain} to find.",
        "The ledger points to {place.name}: in the ledger it has {place.gain} to find.",
    )
    yield from voice.say_rule("flat", FLAT_RULE)
    for rule in AIMS:
        yield from voice.say_rule(name, rule)


def class_part(voice: Voice) -> Iterator[Sentence]:
    """Where the class is furthest away, what to do about it, and where it is nearest."""
    widest, closest = voice.facts.facts.get("widest.sector"), voice.facts.facts.get("closest.sector")
    if widest is None or closest is None:
        return
    far, near = widest.entity.replace(":", "_"), closest.entity.replace(":", "_")
    yield from voice.say_of(
        far,
        "widest",
        "The gap to the class is widest in {widest.sector}: there you are {*.class_gap} off the class best of "
        "{*.class_car}.",
        "In {widest.sector} the class is furthest away, and you are {*.class_gap} off the best of {*.class_car} there.",
        "Of the sectors {widest.sector} is furthest from the class: you are {*.class_gap} off the best of "
        "{*.class_car} there.",
    )
    for rule in (CLASS_RULE, CLASS_TRACE_RULE):
        yield from voice.say_rule(far, rule)
    is_strong = voice.value(f"{near}.place") <= voice.share_limit(f"{near}.place")
    yield from voice.say_of(
        near,
        "closest",
        *(
            (
                "You are closest in {closest.sector}, where you rank {*.place}.",
                "{closest.sector} is your strongest: there you rank {*.place}.",
            )
            if is_strong and closest.metric == "strongest_sector"
            else (
                "You are closest in {closest.sector}, where you rank {*.place}.",
                "{closest.sector} is closest to the class best: there you rank {*.place}.",
            )
            if is_strong
            else (
                "You are closest in {closest.sector}, though you rank {*.place} there.",
                "{closest.sector} is closest to the class, and there you rank {*.place}.",
            )
        ),
    )


def race_part(voice: Voice) -> Iterator[Sentence]:
    """How close the laps were, whether the pace changed and where, which laps are left out."""
    yield from voice.say(
        "even",
        "You rank {even.place} for consistency: {near.laps} came within reach of your best lap.",
        "For consistency you rank {even.place}; {near.laps} came within reach of your best lap, that is within "
        "{near.limit} of it.",
        "{near.laps} came within reach of your best lap, and for consistency you rank {even.place}.",
        "{near.laps} came within reach of your best lap, that is within {near.limit} of it; for consistency you rank "
        "{even.place}.",
    )
    if not voice.has("even.place"):
        yield from voice.say("even", "{near.laps} came within reach of your best lap.")
    yield from _pace(voice)
    verb = "is" if voice.value("out.laps") == 1 else "are"
    yield from voice.say(
        "out",
        *(
            template
            for reasons in ("reason is {out.reason}", "reasons are {out.reasons}")
            for template in (
                f"{{out.laps}} of yours {verb} left out of the count: the {reasons}.",
                f"Left out of the count {verb} {{out.laps}} of yours, and the {reasons}.",
            )
        ),
    )


def uneven_part(voice: Voice) -> Iterator[Sentence]:
    """The sector that varies more than the others' do."""
    yield from voice.say(
        "uneven",
        "{uneven.name} is where your laps differ: your times vary by {uneven.spread} there, and the usual spread of "
        "the others is {uneven.usual}.",
        "Your times in {uneven.name} vary by {uneven.spread} from lap to lap; the others have a usual spread of "
        "{uneven.usual}.",
    )
    yield from voice.say_rule("uneven", UNEVEN_RULE)


def _pace(voice: Voice) -> Iterator[Sentence]:
    change, of_field = (voice.side(name, "slower", "faster") for name in ("pace.change", "pace.field"))
    yield from voice.say(
        "pace",
        f"You were {{pace.change}} {change} in the closing part of the race than in the opening part, while the field "
        f"went {{pace.field}} {of_field}.",
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
        "changed",
        f"The largest part is in {{changed.sector}}: there you were {{changed.by}} {change} in the closing part.",
        f"It shows most in {{changed.sector}}: there you were {{changed.by}} {change} in the closing part.",
    )
    for rule in (FADE_RULE, PACE_RULE):
        yield from voice.say_rule("pace", rule)
    if voice.has("pace.steady"):
        yield from _steady(voice, of_field)


def _steady(voice: Voice, of_field: str) -> Iterator[Sentence]:
    yield from voice.say(
        "steady",
        f"From the opening to the closing part your medians show {{pace.steady}}, while the field went {{pace.field}} "
        f"{of_field}.",
        f"The field went {{pace.field}} {of_field} over the race; between the opening and the closing part your "
        "medians show {pace.steady}.",
        f"You kept your pace: from the opening to the closing part your medians show {{pace.steady}}, while the field "
        f"went {{pace.field}} {of_field}.",
        f"While the field went {{pace.field}} {of_field}, your medians show {{pace.steady}} from the opening to the "
        "closing part.",
    )
    if not voice.has("pace.field"):
        yield from voice.say(
            "steady",
            "From the opening to the closing part of the race your medians show {pace.steady}.",
            "Between the opening and the closing part your medians show {pace.steady}.",
        )
