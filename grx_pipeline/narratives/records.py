"""What a text is made of: facts, sentences with the ids of their facts in braces, paragraphs.

A sentence never holds a figure. Its placeholders are replaced by the facts' own texts, here and nowhere else.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from grx_pipeline.narratives.metric import Metric
from grx_pipeline.narratives.metrics import METRICS

DRIVER, FLEET, COMPARISON = "driver", "fleet", "comparison"
RULES_WRITER, LLM_WRITER = "rules", "llm"
PLACEHOLDER = re.compile(r"\{([a-z0-9_]+(?:\.[a-z0-9_]+)*)\}")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whom a text is about: one driver, the fleet, or a pair."""

    kind: str
    vehicle_id: str = ""
    other_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One figure of a result table. `entity` is what it is a figure of, as `driver`, `sector:2`, `car:x|sector:2`, and
    whom a gap is behind, as `driver|than:x`;
    `value` is None of a name or a sentence; `text` is how it is read, without a sign."""

    id: str
    entity: str
    metric: str
    value: float | None
    unit: str
    n: int | None
    text: str
    table: str
    key: str

    @property
    def told(self) -> Metric:
        return METRICS[self.metric]

    def entity_of(self, kind: str) -> str | None:
        """The entity of that kind, as `corner`; of a figure of two, as a car in a sector, either."""
        return next((part for part in self.entity.split("|") if part.startswith(f"{kind}:")), None)


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """`template` has fact ids in braces; `rule` is what a cause or an advice in it rests on."""

    template: str
    rule: str | None = None

    @property
    def fact_ids(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(PLACEHOLDER.findall(self.template)))

    def parts(self, facts: Mapping[str, Fact]) -> Iterator[tuple[str, str | None]]:
        """The sentence as it is read, in pieces: text, and the id of the fact that it is from."""
        pieces = PLACEHOLDER.split(self.template)
        for place, piece in enumerate(pieces):
            if place % 2:
                text = facts[piece].text
                yield (text[:1].upper() + text[1:] if _opens(pieces, place) else text), piece
            elif piece:
                yield piece, None

    def text(self, facts: Mapping[str, Fact]) -> str:
        """The sentence as it is read."""
        return "".join(piece for piece, _ in self.parts(facts))


def _opens(pieces: list[str], place: int) -> bool:
    """Whether a fact opens its sentence, or one within a template."""
    before = "".join(pieces[:place]).rstrip()
    return not before or before.endswith((".", "!", "?"))


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """`part` says what it is for; `required` are facts that any text in its place has to tell."""

    part: str
    sentences: tuple[Sentence, ...]
    required: tuple[str, ...] = ()
    writer: str = RULES_WRITER


@dataclass(frozen=True, kw_only=True)
class FactSet:
    """Everything one text may say. `rules` are the rules that hold: id -> entity that they are about.

    `names` are words of drivers, teams and circuits of the session, which no text may write itself.
    """

    subject: Subject
    session: str
    facts: Mapping[str, Fact]
    rules: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Narrative:
    """A text: the facts it may use and the paragraphs written from them."""

    facts: FactSet
    paragraphs: tuple[Paragraph, ...]
