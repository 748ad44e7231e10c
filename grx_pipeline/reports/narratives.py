"""Tables -> records of coaching texts, and of what a chat starts from. The texts are made in narratives/."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from grx_pipeline.formats import counted
from grx_pipeline.narratives.context import suggested
from grx_pipeline.narratives.facts.field import Field
from grx_pipeline.narratives.metrics import METRICS
from grx_pipeline.narratives.records import COMPARISON, DRIVER, FLEET, LLM_WRITER, Fact, Sentence
from grx_pipeline.narratives.rules import comparison, driver, fleet
from grx_pipeline.narratives.tables import ResultTables
from grx_pipeline.reports.narrative_records import (
    ChatContext,
    CoachFact,
    Coaching,
    CoachParagraph,
    CoachPart,
    CoachSentence,
    CoachText,
    PreparedAnswer,
)
from grx_pipeline.reports.precision import rounded
from grx_pipeline.reports.tables import Row, SessionTables
from grx_pipeline.settings import NarrativeSettings

_HEADINGS = {DRIVER: driver.PARTS, FLEET: fleet.PARTS, COMPARISON: comparison.PARTS}
_PRECISION = {"ms": "ms", "m": "m", "km/h": "km/h", "s": "s"}
_Subject = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class SessionTexts:
    """The texts of a session by what they are about."""

    sentences: Mapping[_Subject, list[Row]] = field(default_factory=dict)
    facts: Mapping[_Subject, list[Row]] = field(default_factory=dict)
    requests: Mapping[_Subject, Row] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, tables: SessionTables, settings: NarrativeSettings) -> "SessionTexts":
        sentences: dict[_Subject, list[Row]] = {}
        facts: dict[_Subject, list[Row]] = {}
        for row in tables.rows["narratives"]:
            sentences.setdefault(_subject(row), []).append(row)
        for row in tables.rows["narrative_facts"]:
            facts.setdefault(_subject(row), []).append(row)
        known = Field(ResultTables(rows=tables.rows), settings)
        return cls(
            sentences=sentences,
            facts=facts,
            requests={_subject(row): row for row in tables.rows["narrative_requests"]},
            names=tuple(sorted(known.names)),
        )

    def text(self, kind: str, vehicle_id: str = "", other_id: str = "") -> CoachText | None:
        """The text about a subject; None where none was written."""
        about = _About(texts=self, subject=(kind, vehicle_id, other_id))
        return about.text() if about.sentences else None

    def coaching(self, vehicle_id: str) -> Coaching | None:
        text = self.text(DRIVER, vehicle_id)
        return Coaching(vehicle_id=vehicle_id, text=text) if text else None

    def pair(self, a: str, b: str) -> CoachText | None:
        """The text about a pair, whichever stands first."""
        return self.text(COMPARISON, a, b) or self.text(COMPARISON, b, a)

    def contexts(self, paths: Mapping[str, str]) -> dict[str, ChatContext]:
        """What a chat starts from, by the file's path in the site; `paths` are the cars' file names."""
        contexts = {}
        for kind, vehicle, other in self.sentences:
            page = _page(kind, paths.get(vehicle, ""), paths.get(other, ""))
            about = _About(texts=self, subject=(kind, vehicle, other))
            contexts[f"api/context/{page.removesuffix('.html')}.json"] = about.context(page)
        return contexts


@dataclass(frozen=True, kw_only=True)
class _About:
    """One text while its records are made."""

    texts: SessionTexts
    subject: _Subject

    @cached_property
    def sentences(self) -> list[Row]:
        return self.texts.sentences.get(self.subject, [])

    @cached_property
    def facts(self) -> dict[str, Fact]:
        return {row["fact_id"]: _fact(row) for row in self.texts.facts.get(self.subject, [])}

    @cached_property
    def names(self) -> dict[str, str]:
        """What a pair's cars are called in headings and questions."""
        return {side: self.facts[f"{side}.car"].text for side in ("a", "b") if f"{side}.car" in self.facts}

    def text(self) -> CoachText:
        paragraphs = self.paragraphs()
        told = {name for paragraph in paragraphs for sentence in paragraph.sentences for name in sentence.facts}
        return CoachText(
            made=self._made(paragraphs),
            paragraphs=paragraphs,
            facts=tuple(_coach_fact(fact) for name, fact in self.facts.items() if name in told),
        )

    def context(self, page: str) -> ChatContext:
        kind, vehicle, other = self.subject
        paragraphs = {paragraph.part: paragraph for paragraph in self.paragraphs()}
        return ChatContext(
            kind=kind,
            vehicle_id=vehicle,
            other_id=other,
            page=page,
            facts=tuple(_coach_fact(fact) for fact in self.facts.values()),
            rules={row["rule"]: self._entity(row["rule"]) for row in self.sentences if row["rule"]},
            names=self.texts.names,
            answers=tuple(
                _answer(question.text, question.words, paragraphs[question.part])
                for question in suggested(kind, paragraphs, self.names)
            ),
        )

    def paragraphs(self) -> tuple[CoachParagraph, ...]:
        grouped: dict[int, list[Row]] = {}
        for row in self.sentences:
            grouped.setdefault(row["paragraph"], []).append(row)
        headings = _HEADINGS[self.subject[0]]
        return tuple(
            CoachParagraph(
                part=rows[0]["part"],
                heading=_named(headings[rows[0]["part"]], self.names),
                writer=rows[0]["writer"],
                sentences=tuple(self._sentence(row) for row in rows),
            )
            for _, rows in sorted(grouped.items())
        )

    def _sentence(self, row: Row) -> CoachSentence:
        sentence = Sentence(template=row["template"], rule=row["rule"])
        parts = tuple(CoachPart(text=text, fact=name) for text, name in sentence.parts(self.facts))
        return CoachSentence(text=row["text"], parts=parts, facts=tuple(row["fact_ids"]), rule=row["rule"])

    def _entity(self, rule: str) -> str:
        """What a rule is about: the place that the facts of its name are about."""
        name = rule.partition(":")[0]
        return next((fact.entity for key, fact in self.facts.items() if key.startswith(f"{name}.")), "")

    def _made(self, paragraphs: Iterable[CoachParagraph]) -> str:
        paragraphs = tuple(paragraphs)
        by_model = sum(paragraph.writer == LLM_WRITER for paragraph in paragraphs)
        request = self.texts.requests.get(self.subject)
        facts = counted(len(self.facts), "fact")
        if request is None:
            return f"Written by rules from {facts} of this build; no language model was asked."
        if by_model:
            of = f"{by_model} of {counted(len(paragraphs), 'paragraph')}"
            return (
                f"{of} written by a language model ({request['model']}) and checked against {facts} of this build; "
                "the others by rules."
            )
        reason = _REASONS.get(request["status"], request["status"].replace("_", " "))
        return f"Written by rules from {facts} of this build: {reason}."


_REASONS = {
    "rejected": "what the language model wrote did not stand up to the checks",
    "unauthorised": "the language model's service refused the key",
    "rate_limited": "the language model's service was too busy",
    "server_error": "the language model's service failed",
    "timeout": "the language model did not answer in time",
    "connection": "the language model's service could not be reached",
    "refused": "the language model's service refused the question",
    "unreadable": "the language model's service gave no answer that can be read",
    "budget": "the run's budget of requests was used up",
}


def _subject(row: Row) -> _Subject:
    return row["kind"], row["vehicle_id"], row["other_id"]


def _page(kind: str, path: str, other: str) -> str:
    return {DRIVER: f"drivers/{path}.html", FLEET: "index.html", COMPARISON: f"compare/{path}/{other}.html"}[kind]


def _named(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\{([ab])\}", lambda match: names.get(match[1], match[1]), text)


def _fact(row: Row) -> Fact:
    return Fact(
        id=row["fact_id"],
        entity=row["entity"],
        metric=row["metric"],
        value=row["value"],
        unit=row["unit"],
        n=row["n"],
        text=row["text"],
        table=row["source_table"],
        key=row["source_key"],
    )


def _coach_fact(fact: Fact) -> CoachFact:
    return CoachFact(
        id=fact.id,
        entity=fact.entity,
        metric=fact.metric,
        meaning=METRICS[fact.metric].text,
        value=rounded(fact.value, _PRECISION.get(fact.unit, "")),
        unit=fact.unit,
        n=fact.n,
        text=fact.text,
        table=fact.table,
        key=fact.key,
    )


def _answer(question: str, words: tuple[str, ...], paragraph: CoachParagraph) -> PreparedAnswer:
    facts = tuple(dict.fromkeys(name for sentence in paragraph.sentences for name in sentence.facts))
    return PreparedAnswer(
        question=question,
        words=words,
        part=paragraph.part,
        writer=paragraph.writer,
        answer=" ".join(sentence.text for sentence in paragraph.sentences),
        facts=facts,
    )
