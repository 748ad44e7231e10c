"""The text about two drivers: the gap, the strengths of either, what each has to take from the other."""

from collections.abc import Iterator

from grx_pipeline.narratives.facts.comparison import PAIR_RULES
from grx_pipeline.narratives.records import FactSet, Paragraph, Sentence
from grx_pipeline.narratives.rules.voice import Voice
from grx_pipeline.narratives.verify import MAX_SENTENCES
from grx_pipeline.settings import NarrativeSettings

PARTS = {
    "summary": "In short",
    "strengths_a": "Strengths of {a}",
    "strengths_b": "Strengths of {b}",
    "strategy": "What to take from it",
    "missing": "What is missing",
}
_SECTORS = (1, 2, 3)
_OTHER = {"a": "b", "b": "a"}


def comparison_report(facts: FactSet, settings: NarrativeSettings) -> tuple[Paragraph, ...]:
    """The whole text."""
    voice = Voice(facts=facts)
    voice.add("summary", _summary(voice), required=("gap",))
    for side in ("a", "b"):
        voice.add(f"strengths_{side}", _strengths(voice, side, settings), required=(f"{side}.car",))
    voice.add("strategy", _strategy(voice, settings))
    voice.add("missing", voice.say("note", "{note}"))
    return tuple(voice.paragraphs)


def _summary(voice: Voice) -> Iterator[Sentence]:
    if voice.has("gap", "median") and _car(voice, "gap") == _car(voice, "median"):
        x, y = _sides(voice, "gap", kind="driver")
        yield from voice.say(
            "pace",
            f"By best clean lap {x} is {{gap}} quicker, and by median lap it is {{median}} quicker than {y}.",
            f"{x} has the pace: it is {{gap}} quicker by best clean lap, and {{median}} quicker by median lap "
            f"than {y}.",
            f"By median lap {x} is {{median}} quicker, and by best clean lap it is {{gap}} quicker than {y}.",
        )
    else:
        yield from _apart(voice)
    if voice.has("flag"):
        x, y = _sides(voice, "flag")
        yield from voice.say(
            "flag",
            f"At the flag {x} was {{flag}} ahead of {y}.",
            f"{x} was {{flag}} ahead of {y} at the flag.",
            f"In the race {x} was {{flag}} ahead of {y} at the flag.",
        )
    yield from _stopped(voice)
    if voice.has("steadier.car", "a.even", "b.even"):
        side = "a" if voice.entity("a.car") == voice.entity("steadier.car") else "b"
        other = _OTHER[side]
        yield from voice.say(
            "even",
            f"{{steadier.car}} is steadier, with a consistency of {{{side}.even}}, and {{{other}.car}} has a "
            f"consistency of {{{other}.even}}.",
            f"The steadier is {{steadier.car}}, at a consistency of {{{side}.even}}, while {{{other}.car}} has a "
            f"consistency of {{{other}.even}}.",
        )


def _stopped(voice: Voice) -> Iterator[Sentence]:
    """Who stopped early, and after how many laps."""
    sides = [side for side in _OTHER if voice.has(f"{side}.stopped")]
    told = [f"{{{side}.car}} stopped with {{{side}.stopped}} driven" for side in sides]
    if told:
        yield from voice.say("stopped", f"{', and '.join(told)}.")


def _apart(voice: Voice) -> Iterator[Sentence]:
    """The best laps and the medians, where they do not tell the same, or only one of them does."""
    for name, lap in (("gap", "best clean lap"), ("median", "median lap")):
        if not voice.has(name):
            continue
        x, y = _sides(voice, name, kind="driver" if name == "gap" else "car")
        if name == "median" and voice.has("gap"):
            yield from voice.say(
                name,
                f"Over the distance it is the other way round: by median lap {x} is {{median}} quicker.",
                f"But by median lap {x} is {{median}} quicker than {y}.",
            )
        else:
            yield from voice.say(
                name,
                f"{x} is {{{name}}} faster than {y} by {lap}.",
                f"By {lap} {x} is {{{name}}} quicker than {y}.",
            )


def _car(voice: Voice, name: str) -> str | None:
    return voice.facts.facts[name].entity_of("car")


def _sides(voice: Voice, name: str, *, kind: str = "car") -> tuple[str, str]:
    """Placeholders of the car that a difference is told of, and of the other."""
    order = ("a", "b") if voice.facts.facts["a.car"].entity == _car(voice, name) else ("b", "a")
    return f"{{{order[0]}.{kind}}}", f"{{{order[1]}.{kind}}}"


def _strengths(voice: Voice, side: str, settings: NarrativeSettings) -> Iterator[Sentence]:
    own, car = voice.entity(f"{side}.car"), f"{{{side}.car}}"
    most = voice.entity(f"take_{_OTHER[side]}.sector")
    won = [
        sector
        for sector in _SECTORS
        if voice.has(f"sector_{sector}.median") and _car(voice, f"sector_{sector}.median") == own
    ]
    ordered = sorted(won, key=lambda sector: (f"sector:{sector}" != most, voice.value(f"sector_{sector}.median")))
    for place, sector in enumerate(ordered):
        gap, usual, name = f"{{sector_{sector}.gap}}", f"{{sector_{sector}.median}}", f"{{sector_{sector}.name}}"
        key = f"{side}.{place}"
        if not voice.has(f"sector_{sector}.gap") or _car(voice, f"sector_{sector}.gap") != own:
            yield from voice.say(
                key,
                *(
                    f"By median {car} is {usual} quicker in {name}, while {{{_OTHER[side]}.car}} is {gap} quicker "
                    "on the laps compared.",
                    f"In {name} {car} is {usual} quicker by median, but on the laps compared "
                    f"{{{_OTHER[side]}.car}} is {gap} quicker.",
                )
                if voice.has(f"sector_{sector}.gap")
                else (f"By median {car} is {usual} quicker in {name}.",),
            )
        elif place:
            yield from voice.say(key, *_nexts(car, name, gap=gap, usual=usual)[place % 2 :: 2])
        else:
            first = f"{{take_{_OTHER[side]}.sector}}" if f"sector:{sector}" == most and len(won) > 1 else ""
            yield from voice.say(
                key,
                *_firsts(car, first, gap=gap, usual=usual)
                if first
                else (
                    f"{name} is the strength of {car}: it is {usual} quicker there by median, and {gap} quicker on the "
                    "laps compared.",
                    f"{car} has its strength in {name}: by median it is {usual} quicker there, and {gap} quicker on "
                    "the laps compared.",
                    f"In {name} {car} is {gap} quicker on the laps compared, and {usual} quicker by median.",
                ),
            )
    yield from _unconfirmed(voice, side, settings)
    yield from _corners(voice, side)
    yield from _closest(voice, side)


def _firsts(car: str, sector: str, *, gap: str, usual: str) -> tuple[str, ...]:
    """The first of several sectors, which holds most."""
    return (
        f"In {sector} {car} makes the most of its time: it is {usual} quicker by median, and {gap} quicker on the laps "
        "compared.",
        f"{sector} holds the most for {car}: by median it is {usual} quicker there, and {gap} quicker on the laps "
        "compared.",
        f"{car} makes the most of its time in {sector}: it is {usual} quicker by median, and {gap} quicker lap "
        "for lap.",
    )


def _nexts(car: str, sector: str, *, gap: str, usual: str) -> tuple[str, ...]:
    """The sectors after the first: even and odd places have wordings of their own, so that no text has one twice."""
    return (
        f"{sector} goes the same way: by median {car} is {usual} quicker there, and {gap} quicker on the laps "
        "compared.",
        f"In {sector} too {car} has the edge: it is {gap} quicker on the laps compared, and {usual} quicker by median.",
        f"Last comes {sector}: there {car} is {usual} quicker by median, and {gap} quicker lap for lap.",
        f"{sector} also belongs to {car}: there it is {usual} quicker by median, and {gap} quicker lap for lap.",
        f"{sector} completes the picture: {car} is {gap} quicker there on the laps compared, and {usual} quicker by "
        "median.",
        f"By median {car} is {usual} quicker in {sector} as well; lap for lap it is {gap} quicker.",
    )


def _unconfirmed(voice: Voice, side: str, settings: NarrativeSettings) -> Iterator[Sentence]:
    """The sector where the car gains most on the compared laps, where its medians do not tell it already."""
    own, car = voice.entity(f"{side}.car"), f"{{{side}.car}}"
    gains = {
        sector: -voice.value(f"sector_{sector}.gap")
        for sector in _SECTORS
        if voice.has(f"sector_{sector}.gap") and _car(voice, f"sector_{sector}.gap") == own
    }
    sector = max(gains, key=lambda sector: (gains[sector], -sector), default=0)
    if gains.get(sector, 0.0) < settings.worth_ms:
        return
    name = f"sector_{sector}"
    if voice.has(f"{name}.even"):
        yield from voice.say_of(
            name,
            f"{side}.unconfirmed",
            f"On the laps compared {car} is {{*.gap}} quicker in {{*.name}}; the medians show {{*.even}} there.",
            f"In {{*.name}} {car} is {{*.gap}} quicker on the laps compared, while the medians show {{*.even}} there.",
        )
    elif not voice.has(f"{name}.median"):
        yield from voice.say_of(
            name,
            f"{side}.unconfirmed",
            f"On the laps compared {car} is {{*.gap}} quicker in {{*.name}}.",
        )


def _corners(voice: Voice, side: str) -> Iterator[Sentence]:
    car = f"{{{side}.car}}"
    yield from voice.say_of(
        f"{side}.corner_1",
        f"{side}.corner_1",
        f"On the traces {car} is {{*.gap}} quicker through {{*.name}}.",
        f"Through {{*.name}} {car} is {{*.gap}} quicker on the traces.",
        f"The traces point to {{*.name}}: {car} is {{*.gap}} quicker through it.",
    )
    yield from voice.say_of(
        f"{side}.corner_2",
        f"{side}.corner_2",
        f"Then comes {{*.name}}: {car} is {{*.gap}} quicker through it.",
        f"{{*.name}} comes after that: {car} is {{*.gap}} quicker through it.",
    )


def _closest(voice: Voice, side: str) -> Iterator[Sentence]:
    """What there is to say of a car that surely gains nowhere: where it comes closest."""
    car, has_laps = f"{{{side}.car}}", voice.has(f"close_{side}.laps")
    laps = ", and on the laps compared it is {*.laps} behind" if has_laps else ""
    yield from voice.say_of(
        f"close_{side}",
        f"close_{side}",
        f"{car} comes closest in {{*.sector}}: by median it is {{*.gap}} behind there{laps}.",
        f"The closest {car} comes is {{*.sector}}: by median it is {{*.gap}} behind there{laps}.",
        f"{car} comes closest in {{*.sector}}: the medians show {{*.even}} there{laps}.",
        f"The closest {car} comes is {{*.sector}}: the medians show {{*.even}} there{laps}.",
    )


def _strategy(voice: Voice, settings: NarrativeSettings) -> Iterator[Sentence]:
    takes = [told for side in ("a", "b") if (told := list(_take(voice, f"take_{side}")))]
    while sum(map(len, takes)) > MAX_SENTENCES:
        # Of two cars that may both take something the longer advice is told without its check.
        max(takes, key=len).pop()
    for told in takes:
        yield from told
    slower = next(
        (side for side in _OTHER if voice.has("gap") and voice.entity(f"{side}.car") != _car(voice, "gap")), ""
    )
    if len(takes) < len(_OTHER) and voice.value(f"{slower}.gain") >= settings.worth_ms:
        yield from voice.say_of(
            slower,
            f"{slower}.gain",
            *(
                (
                    "In its own best sectors {*.car} has {*.gain} to find, whatever the other does.",
                    "{*.car} has {*.gain} to find in its own best sectors too.",
                    "Beside that, for {*.car} there is {*.gain} to find in its own best sectors.",
                    "And {*.car} has {*.gain} left to find in its own best sectors.",
                )
                if takes
                else (
                    "For {*.car} there is {*.gain} to find in its own best sectors, and that is the place to begin.",
                    "{*.car} has {*.gain} to find in its own best sectors: begin with those.",
                )
            ),
        )


def _take(voice: Voice, name: str) -> Iterator[Sentence]:
    """What one car may take from the other: where, how much, how often it got there, what to do, how to know."""
    yield from voice.say_of(
        name,
        name,
        "For {*.car} the most is to be had in {*.sector}: by median it loses {*.loss} there.",
        "{*.car} has the most to find in {*.sector}: there it loses {*.loss} by median.",
        "{*.sector} is where {*.car} loses {*.loss} by median, so that is the place to begin.",
    )
    yield from voice.say_of(
        name,
        f"{name}.mark",
        "The mark of {*.other} there is {*.mark}; {*.car} got there on {*.reached}.",
        "{*.other} sets the mark there at {*.mark}, and {*.car} got there on {*.reached}.",
    )
    for rule in PAIR_RULES:
        yield from voice.say_rule(name, rule)
