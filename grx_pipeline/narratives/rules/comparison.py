"""The text about two drivers: the gap, the strengths of either, what each has to take from the other."""

from collections.abc import Iterator

from grx_pipeline.narratives.facts.comparison import PAIR_RULE
from grx_pipeline.narratives.records import FactSet, Paragraph, Sentence
from grx_pipeline.narratives.rules.voice import Voice

PARTS = {
    "summary": "In short",
    "strengths_a": "Strengths of {a}",
    "strengths_b": "Strengths of {b}",
    "strategy": "What to take from it",
    "missing": "What is missing",
}
_SECTORS = (1, 2, 3)


def comparison_report(facts: FactSet) -> tuple[Paragraph, ...]:
    """The whole text."""
    voice = Voice(facts=facts)
    voice.add("summary", _summary(voice), required=("gap",))
    for side in ("a", "b"):
        voice.add(f"strengths_{side}", _strengths(voice, side), required=(f"{side}.car",))
    voice.add("strategy", _strategy(voice))
    voice.add("missing", voice.say("note", "{note}"))
    return tuple(voice.paragraphs)


def _summary(voice: Voice) -> Iterator[Sentence]:
    gap = voice.facts.facts.get("gap")
    if gap is not None:
        x, y = _sides(voice, "gap", kind="driver")
        yield from voice.say(
            "gap",
            f"{x} is {{gap}} faster than {y} by best clean lap.",
            f"By best clean lap {x} is {{gap}} quicker than {y}.",
        )
    if voice.has("median"):
        x, y = _sides(voice, "median")
        yield from voice.say(
            "median",
            f"The median lap of {x} is {{median}} faster than that of {y}.",
            f"By median lap {x} is {{median}} quicker than {y}.",
        )
    if voice.has("steadier.car", "a.even", "b.even"):
        steady = voice.facts.facts["steadier.car"].entity
        side, other = ("a", "b") if voice.facts.facts["a.car"].entity == steady else ("b", "a")
        yield from voice.say(
            "even",
            f"{{steadier.car}} is steadier, with a consistency of {{{side}.even}}, and {{{other}.car}} has a "
            f"consistency of {{{other}.even}}.",
        )


def _sides(voice: Voice, name: str, *, kind: str = "car") -> tuple[str, str]:
    """Placeholders of the car that a difference is told of, and of the other."""
    car = voice.facts.facts[name].entity_of("car")
    order = ("a", "b") if voice.facts.facts["a.car"].entity == car else ("b", "a")
    return f"{{{order[0]}.{kind}}}", f"{{{order[1]}.{kind}}}"


def _strengths(voice: Voice, side: str) -> Iterator[Sentence]:
    own = voice.facts.facts[f"{side}.car"].entity
    for sector in _SECTORS:
        names = (f"sector_{sector}.gap", f"sector_{sector}.median")
        told = [name for name in names if voice.has(name) and voice.facts.facts[name].entity_of("car") == own]
        if len(told) == len(names):
            yield from voice.say(
                f"{side}.{sector}",
                f"In {{sector_{sector}.name}} {{{side}.car}} is {{{names[0]}}} quicker on the laps compared, and "
                f"{{{names[1]}}} quicker by median.",
                f"Lap for lap {{{side}.car}} is {{{names[0]}}} quicker in {{sector_{sector}.name}}, and by median "
                f"{{{names[1]}}} quicker.",
            )
        elif names[1] in told:
            yield from voice.say(
                f"{side}.{sector}",
                f"By median {{{side}.car}} is {{{names[1]}}} quicker in {{sector_{sector}.name}}.",
            )
    for number in (1, 2):
        name = f"{side}.corner_{number}"
        yield from voice.say(
            name,
            f"Through {{{name}.name}} {{{side}.car}} is {{{name}.gap}} quicker.",
            f"{{{side}.car}} is {{{name}.gap}} quicker through {{{name}.name}}.",
        )


def _strategy(voice: Voice) -> Iterator[Sentence]:
    for side in ("a", "b"):
        name = f"take_{side}"
        rule = f"{name}:{PAIR_RULE}"
        if rule not in voice.facts.rules:
            continue
        yield from voice.say(
            name,
            f"For {{{side}.car}} the most is to be had in {{{name}.sector}}: by median it loses {{{name}.loss}}.",
            f"{{{name}.sector}} has most in it for {{{side}.car}}: by median it loses {{{name}.loss}}.",
        )
        yield from voice.say_rule(name, PAIR_RULE)
