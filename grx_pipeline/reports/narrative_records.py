"""The JSON contract of coaching texts, and of what a chat about a page starts from."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CoachFact:
    """One fact: what it is, its value in its unit, how many laps, cars or readings it rests on (`n`), how it is read,
    and the table and key it is from. `value` is null of a name or a sentence."""

    id: str
    entity: str
    metric: str
    meaning: str
    value: float | None
    unit: str
    n: int | None
    text: str
    table: str
    key: str


@dataclass(frozen=True, kw_only=True)
class CoachPart:
    """A piece of a sentence; `fact` is the id of the fact that it is from."""

    text: str
    fact: str | None


@dataclass(frozen=True, kw_only=True)
class CoachSentence:
    """A sentence, whole and in pieces. `rule` is what a cause or an advice in it rests on."""

    text: str
    parts: tuple[CoachPart, ...]
    facts: tuple[str, ...]
    rule: str | None


@dataclass(frozen=True, kw_only=True)
class CoachParagraph:
    """A paragraph, written by `rules` or by `llm` (a language model, checked against the facts)."""

    part: str
    heading: str
    writer: str
    sentences: tuple[CoachSentence, ...]


@dataclass(frozen=True, kw_only=True)
class CoachText:
    """A text and the facts that its sentences name; `made` says who wrote it."""

    made: str
    paragraphs: tuple[CoachParagraph, ...]
    facts: tuple[CoachFact, ...]


@dataclass(frozen=True, kw_only=True)
class Coaching:
    """api/coaching/<path>.json: what a coach says of one driver."""

    vehicle_id: str
    text: CoachText


@dataclass(frozen=True, kw_only=True)
class PreparedAnswer:
    """A question that the page's text answers; `words` are by which another wording of it is known."""

    question: str
    words: tuple[str, ...]
    part: str
    writer: str
    answer: str
    facts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChatContext:
    """api/context/...: what may be said in a chat about a page, and answers to the questions it suggests.

    `rules` are the rules that hold and what each is about; `names` are words that no answer may write itself.
    """

    kind: str
    vehicle_id: str
    other_id: str
    page: str
    facts: tuple[CoachFact, ...]
    rules: Mapping[str, str]
    names: tuple[str, ...]
    answers: tuple[PreparedAnswer, ...]
