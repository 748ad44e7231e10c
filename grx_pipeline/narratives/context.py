"""What a chat about a page may be asked and answer without a language model: a question to each part of its text.

Works on plain texts, so that a server can use it that reads files alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grx_pipeline.narratives.records import COMPARISON, DRIVER, FLEET


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question to a part of a text, and words by which another wording of it is known."""

    part: str
    text: str
    words: tuple[str, ...]


QUESTIONS: Mapping[str, tuple[Question, ...]] = {
    DRIVER: (
        Question(
            part="summary", text="How did it go?", words=("how", "go", "result", "best", "race", "summary", "finish")
        ),
        Question(
            part="change_1",
            text="What should I change first?",
            words=("change", "improve", "first", "brake", "braking", "corner", "throttle", "advice", "try", "faster"),
        ),
        Question(part="change_2", text="What comes after that?", words=("next", "after", "second", "then", "else")),
        Question(part="change_3", text="And what is the third thing?", words=("third", "last", "more")),
        Question(
            part="sector",
            text="Where is the time to my target?",
            words=("target", "siwtl", "sector", "time", "gain", "find", "ideal", "potential"),
        ),
        Question(
            part="class",
            text="Where am I off the class best?",
            words=("class", "gap", "others", "quickest", "behind", "lose", "losing"),
        ),
        Question(
            part="race",
            text="How even was my race?",
            words=("consistent", "consistency", "even", "pace", "fade", "tyres", "stint", "laps", "count", "race"),
        ),
        Question(
            part="uneven",
            text="Where do my laps differ?",
            words=("uneven", "vary", "varies", "spread", "differ", "different", "repeat"),
        ),
        Question(
            part="strengths",
            text="What should I keep?",
            words=("strength", "strengths", "strong", "keep", "good", "well"),
        ),
        Question(
            part="moments",
            text="Which moments stand out?",
            words=(
                "moment",
                "moments",
                "mistake",
                "mistakes",
                "wrong",
                "unusual",
                "event",
                "events",
                "anomaly",
                "dptad",
                "cost",
            ),
        ),
        Question(
            part="hands", text="How smooth am I?", words=("smooth", "smoothness", "hands", "feet", "steering", "pedals")
        ),
        Question(
            part="missing",
            text="What can you not tell me?",
            words=("missing", "not", "why", "telemetry", "data", "unknown", "cannot"),
        ),
    ),
    FLEET: (
        Question(part="summary", text="Who won, and how?", words=("won", "winner", "win", "result", "best", "summary")),
        Question(
            part="trends",
            text="How did the race go?",
            words=("trend", "pace", "race", "go", "slower", "faster", "sector"),
        ),
        Question(
            part="highlights",
            text="Who stands out?",
            words=("highlight", "stand", "out", "steadiest", "consistent", "most", "gain", "find", "target"),
        ),
        Question(
            part="conditions",
            text="What were the conditions?",
            words=("weather", "condition", "conditions", "yellow", "temperature", "track", "air", "rain"),
        ),
        Question(
            part="data", text="What do the texts rest on?", words=("data", "telemetry", "habit", "rest", "missing")
        ),
    ),
    COMPARISON: (
        Question(
            part="summary", text="Who is quicker?", words=("quicker", "faster", "gap", "who", "difference", "summary")
        ),
        Question(
            part="strengths_a", text="Where is {a} stronger?", words=("strong", "stronger", "strength", "where", "{a}")
        ),
        Question(
            part="strengths_b", text="Where is {b} stronger?", words=("strong", "stronger", "strength", "where", "{b}")
        ),
        Question(
            part="strategy",
            text="What is there to take from it?",
            words=("take", "learn", "change", "improve", "lose", "loses"),
        ),
        Question(part="missing", text="What is missing?", words=("missing", "telemetry", "data", "why")),
    ),
}


def suggested(kind: str, parts: Iterable[str], names: Mapping[str, str]) -> list[Question]:
    """The questions that a text of these parts answers; `names` are what a and b are called."""
    have = set(parts)
    return [
        Question(
            part=question.part,
            text=_named(question.text, names),
            words=tuple(_named(word, names).lower() for word in question.words),
        )
        for question in QUESTIONS[kind]
        if question.part in have
    ]


def _named(text: str, names: Mapping[str, str]) -> str:
    for side, name in names.items():
        text = text.replace(f"{{{side}}}", name)
    return text
