"""The text about the session: in short, how the race went, highlights, conditions and what there is to go by."""

from collections.abc import Iterator

from grx_pipeline.narratives.records import FactSet, Paragraph, Sentence
from grx_pipeline.narratives.rules.voice import Voice

PARTS = {
    "summary": "In short",
    "trends": "How the race went",
    "highlights": "Highlights",
    "conditions": "Conditions",
    "data": "What there is to go by",
}


def fleet_report(facts: FactSet) -> tuple[Paragraph, ...]:
    """The whole text."""
    voice = Voice(facts=facts)
    voice.add("summary", _summary(voice), required=("winner.car", "best.value"))
    voice.add("trends", _trends(voice), required=("widest.sector",))
    voice.add("highlights", _highlights(voice), required=("gainer.value", "even.value"))
    voice.add("conditions", _conditions(voice), required=("yellow.least",))
    voice.add("data", _data(voice), required=("telemetry.laps", "habits.judged"))
    return tuple(voice.paragraphs)


def _summary(voice: Voice) -> Iterator[Sentence]:
    yield from voice.say(
        "winner",
        "{winner.car} won at {circuit}, with a margin of {winner.margin}.",
        "{winner.car} won at {circuit} by a margin of {winner.margin}.",
        "At {circuit} the winner is {winner.car}, by a margin of {winner.margin}.",
    )
    if not voice.has("winner.margin"):
        yield from voice.say("winner", "{winner.car} won at {circuit}.")
    if voice.entity("best.car") == voice.entity("winner.car"):
        yield from voice.say("best", "{best.car} also set the best lap of the race at {best.value}.")
    else:
        yield from voice.say(
            "best",
            "{best.car} set the best lap of the race at {best.value}.",
            "The best lap of the race is that of {best.car}, set at {best.value}.",
        )
    yield from voice.say(
        "clean",
        "{cars} stand in the timing, and {clean.laps} are clean; the targets are made of those.",
        "{cars} stand in the timing; of their race {clean.laps} are clean, and the targets rest on those.",
    )


def _trends(voice: Voice) -> Iterator[Sentence]:
    word = voice.side("pace.field", "slower", "faster")
    yield from voice.say(
        "pace",
        f"From the opening to the closing part the field went {{pace.field}} {word}, by medians of clean laps.",
        f"By medians the field was {{pace.field}} {word} in the closing part of the race than in the opening part.",
    )
    yield from voice.say("steady", "From the opening to the closing part the medians show {pace.steady}.")
    for name in ("slower", "faster"):
        side = voice.side(f"{name}.change", "slower", "faster")
        yield from voice.say(
            name,
            f"{{{name}.car}} was {{{name}.change}} {side} in the closing part than in the opening part.",
            f"In the closing part {{{name}.car}} was {{{name}.change}} {side} than in the opening part.",
        )
    yield from voice.say(
        "widest",
        "The field is widest apart in {widest.sector}: the middle of the field is {widest.gap} off the best there.",
        "Widest apart the field is in {widest.sector}: the middle of the field loses {widest.gap} to the best there.",
    )
    yield from voice.say(
        "shared",
        "{shared.corner} is where habits meet: {shared.drivers} have the same corner on the list.",
    )


def _highlights(voice: Voice) -> Iterator[Sentence]:
    yield from voice.say(
        "gainer",
        "{gainer.car} has the most to find: the largest gain is {gainer.value}.",
        "{gainer.car} left the most on the table: the largest gain to be had is {gainer.value}.",
    )
    yield from voice.say(
        "even",
        "{even.car} drove the steadiest race, with a consistency of {even.value}.",
        "The steadiest is {even.car}, whose consistency is {even.value}.",
    )
    yield from voice.say(
        "median",
        "A typical driver has {gain.median} to find in their own best sectors.",
        "In the middle of the field a driver has {gain.median} to find in their own best sectors.",
    )


def _conditions(voice: Voice) -> Iterator[Sentence]:
    together = "together " if voice.value("yellow.phases") > 1 else ""
    most = ", and {yellow.most} from green to green" if voice.has("yellow.most") else ""
    yield from voice.say(
        "yellow",
        f"The race was neutralised by {{yellow.phases}}; {together}the yellow lasted {{yellow.least}} for sure{most}.",
        f"The field ran under yellow for {{yellow.least}} for sure{most}: the race was neutralised by "
        "{yellow.phases}.",
    )
    yield from voice.say("weather", "On average the air was {air.temp} and the track {track.temp}.")
    if not voice.has("track.temp"):
        yield from voice.say("weather", "On average the air was {air.temp}.")
    word = voice.side("track.change", "warmer", "cooler")
    yield from voice.say("change", f"Over the session the track became {{track.change}} {word}.")


def _data(voice: Voice) -> Iterator[Sentence]:
    if not voice.value("telemetry.laps"):
        yield from voice.say(
            "data", "{telemetry.cars} gave telemetry of a complete lap, so the texts rest on the timing."
        )
        return
    yield from voice.say(
        "data",
        "Telemetry covers {telemetry.laps}, and {telemetry.cars} gave telemetry of a complete lap.",
        "There is telemetry of {telemetry.laps}; {telemetry.cars} gave telemetry of a complete lap.",
    )
    yield from voice.say(
        "habits",
        "For {habits.judged} there are laps enough to show a habit."
        if voice.value("habits.judged")
        else "There are laps enough to show a habit for {habits.judged}.",
    )
