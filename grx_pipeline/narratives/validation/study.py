"""The study of the checks: every good answer of the sessions at hand made wrong in one place, again and again."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.narratives.drafts import session_drafts
from grx_pipeline.narratives.facts.field import Field
from grx_pipeline.narratives.records import Narrative
from grx_pipeline.narratives.rules.patterns import rule_words
from grx_pipeline.narratives.tables import READ, read_tables
from grx_pipeline.narratives.validation.mutations import (
    ADDED,
    DOUBT,
    ENTITY,
    FACT,
    MARKUP,
    RULE,
    SIGN,
    UNIT,
    VALUE,
    WHO,
    mutations,
)
from grx_pipeline.narratives.verify import RuleWords, paragraph_problems
from grx_pipeline.paths import Paths
from grx_pipeline.sessions import known_sessions
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes

WHAT = {
    VALUE: "a figure typed out, a number word, digits of other scripts, an invented corner or name",
    SIGN: "the word for the direction turned, or the sign of the fact",
    UNIT: "a unit behind the figure",
    ENTITY: "the same figure of another corner, sector, car or lap",
    FACT: "any other fact in its place",
    DOUBT: "not, nearly, up to, less than or a minus before the figure",
    WHO: "what the driver does told of the class, the others or the leader",
    ADDED: "a crash, rain, a place, a person, a cause or an advice at the end",
    MARKUP: "HTML, a link, Markdown, hidden and look-alike characters",
    RULE: "an advice or a cause without its rule, or with one that does not hold",
}


@dataclass(kw_only=True)
class Tally:
    """Counts by kind of mutation. `broken` are good answers that do not pass to begin with."""

    texts: int = 0
    paragraphs: int = 0
    broken: list[str] = field(default_factory=list)
    made: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def add(self, narrative: Narrative, words: Mapping[str, RuleWords]) -> None:
        """Judge a text as it is, and every mutation of it."""
        self.texts += 1
        for paragraph in narrative.paragraphs:
            self.paragraphs += 1
            self.broken += paragraph_problems(paragraph, narrative.facts, words, required=paragraph.required)
        for mutation in mutations(narrative):
            self.made[mutation.kind] += 1
            if not mutation.is_found(words):
                self.passed[mutation.kind] += 1
                self.examples.append(f"{mutation.kind}: {mutation.what}")


def store_study(settings: Settings, sessions: Sequence[str] = ()) -> tuple[str, Path]:
    """The study's text, and the file it was written to; of `sessions`, or without any of all that were built.

    Raises DiscoveryError where none of them was built as far as its results.
    """
    paths = Paths.of(settings)
    names = [name for name in known_sessions(paths) if not sessions or name in sessions]
    built = [name for name in names if all(paths.table(name, table).is_file() for table in READ)]
    if not built:
        raise DiscoveryError(f"{paths.lake}: no session was built as far as its texts; run `grx run PATH` first")
    tally, words = Tally(), rule_words()
    for name in built:
        for narrative in _chosen(name, paths, settings):
            tally.add(narrative, words)
    text = render_study(tally, built)
    write_bytes(paths.study("narratives"), text.encode())
    return text, paths.study("narratives")


def _chosen(session: str, paths: Paths, settings: Settings) -> Iterator[Narrative]:
    """The first texts of each kind."""
    kinds: Counter[str] = Counter()
    for narrative in session_drafts(Field(read_tables(paths, session), settings.narrative)):
        kind = narrative.facts.subject.kind
        kinds[kind] += 1
        if kinds[kind] <= settings.study.texts:
            yield narrative


def render_study(tally: Tally, sessions: Sequence[str]) -> str:
    """The study as Markdown."""
    rows = [
        f"| {kind} | {what} | {tally.made[kind]:,} | {tally.passed[kind]:,} | {_share(tally, kind)} |"
        for kind, what in WHAT.items()
    ]
    made, passed = tally.made.total(), tally.passed.total()
    share = f"{100 * passed / made:.2f} %" if made else "none made"
    lines = [
        "# Texts: do the checks find what is wrong?",
        "",
        f"{tally.texts} texts ({tally.paragraphs} paragraphs) of {', '.join(sessions)}, written by the rules, are the "
        f"good answers: {len(tally.broken)} problems in them. Each placeholder, direction, unit and rule is made wrong "
        "in every way below, a single one at a time; what reads as before is left out. A mutation gets through where "
        "no check finds it.",
        "",
        "| changed | how | mutations | got through | share |",
        "|---|---|--:|--:|--:|",
        *rows,
        f"| **all** | | {made:,} | {passed:,} | {share} |",
        "",
        "What this does not show: a sentence may be true and yet dull, or leave out what matters more. The checks know "
        "facts, not judgement.",
    ]
    return "\n".join([*lines, *(f"* {example}" for example in tally.examples[:20]), ""])


def _share(tally: Tally, kind: str) -> str:
    made = tally.made[kind]
    return f"{100 * tally.passed[kind] / made:.2f} %" if made else "–"
