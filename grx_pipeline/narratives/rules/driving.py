"""What the traces tell a driver beside habits: strong corners, moments out of the ordinary, hands and feet."""

from collections.abc import Iterator

from grx_pipeline.narratives.facts.driving import CHANNELS, MOMENTS_RULE
from grx_pipeline.narratives.records import Sentence
from grx_pipeline.narratives.rules.voice import Voice


def strengths_part(voice: Voice) -> Iterator[Sentence]:
    """Corners that are surely quick."""
    for number in (1, 2):
        yield from voice.say_of(
            f"strong_{number}",
            f"strong_{number}",
            "{*.corner} is yours: you are {*.gap} quicker than the class median.",
            "At {*.corner} you are {*.gap} quicker than the class median.",
        )


def moments_part(voice: Voice) -> Iterator[Sentence]:
    """How many moments, the dearest, and the corner that comes up most with what to do about it."""
    verb = "stands" if voice.value("moments.count") == 1 else "stand"
    yield from voice.say(
        "moments",
        f"{{moments.count}} {verb} out against your own other laps.",
        f"Beside your own other laps {{moments.count}} {verb} out.",
    )
    yield from voice.say_of(
        "moment_1",
        "moment_1",
        "{*.type}, on {*.lap}, cost {*.loss}.",
        "The dearest is {*.type}, on {*.lap}, and it cost {*.loss}."
        if voice.has("moment_2.type")
        else "{*.type}, on {*.lap}, cost {*.loss}.",
    )
    yield from voice.say_of("moment_2", "moment_2", "{*.type}, on {*.lap}, cost {*.loss}.")
    yield from voice.say(
        "busy",
        "Most often it happens at {busy.corner}, with {busy.there} of them.",
        "The most are at {busy.corner}, with {busy.there} of them.",
    )
    yield from voice.say_rule("busy", MOMENTS_RULE)


def hands_part(voice: Voice) -> Iterator[Sentence]:
    """Places by smoothness, the good ones first."""
    for channel in CHANNELS:
        yield from voice.say_of(
            f"strong.{channel}",
            f"smooth.{channel}",
            "On the {*.name} you rank {*.place} for smoothness.",
            "Your {*.name} ranks {*.place} for smoothness.",
        )
    yield from voice.say(
        "smooth.speed", "By how your {strong.speed.name} repeats from lap to lap you rank {strong.speed.place}."
    )
    for channel in CHANNELS:
        yield from voice.say_of(
            f"rough.{channel}", f"rough.{channel}", "For smoothness of the {*.name} you rank {*.place}."
        )


def missing_part(voice: Voice) -> Iterator[Sentence]:
    """What is missing, in the tables' own sentences."""
    for name in ("without.telemetry", "habits.reason", "moments.reason", "place.note"):
        yield from voice.say(name, f"{{{name}}}")
