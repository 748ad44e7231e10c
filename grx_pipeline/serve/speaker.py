"""A question put to the language model, and its answer checked as every text of the narratives is.

Imported only where there is a key. What leaves here is an answer that stood up to the checks, or nothing.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from grx_pipeline.narratives.answers import judge_answer
from grx_pipeline.narratives.prompting import Message, prompt
from grx_pipeline.narratives.prompting import question as facts_question
from grx_pipeline.narratives.records import Fact, FactSet, Narrative, Paragraph, Subject
from grx_pipeline.narratives.rules.patterns import rule_words
from grx_pipeline.narratives.writer import Asks, Budget, GroqWriter, NoAnswerError, RateLimit
from grx_pipeline.publishing.service_records import ChatRequest
from grx_pipeline.serve.conversation import Context
from grx_pipeline.serve.limits import Rate
from grx_pipeline.settings import Settings
from grx_pipeline.settings.load import find_key

_PART = "answer"
_SERVICE = "service"


class ModelSpeaker:
    """Asks the model about one page's facts."""

    def __init__(self, writer: Asks, rate: Rate) -> None:
        self._writer, self._rate = writer, rate

    @classmethod
    def of(cls, settings: Settings) -> "ModelSpeaker":
        """The service of the settings. A person waits, so it is asked once and not for long."""
        limits = replace(settings.llm, timeout_s=settings.serve.answer_timeout_s, retries=0)
        writer = GroqWriter(
            settings=limits,
            read_key=lambda: find_key(os.environ, dotenv=Path(".env")),
            budget=Budget(left=settings.serve.model_questions),
            # Nobody waits in a queue: past the service's rate the rules answer.
            rate=RateLimit(per_minute=0),
        )
        per_minute = settings.llm.requests_per_minute or settings.serve.model_questions
        return cls(writer, Rate(per_minute=per_minute, burst=per_minute, clients=1))

    def speak(self, question: ChatRequest, context: Context) -> tuple[str, tuple[str, ...]] | None:
        """The answer and the facts it names; None where there is none that may be read."""
        if self._rate.seconds_to_wait(_SERVICE):
            return None
        facts = fact_set(context.record, session=question.session or "")
        words = rule_words()
        wanted = Paragraph(part=_PART, sentences=())
        messages = _messages(question, Narrative(facts=facts, paragraphs=(wanted,)))
        try:
            reply = self._writer.ask(messages)
        except NoAnswerError:
            return None
        paragraph = judge_answer(reply.text, [wanted], facts, words).accepted.get(_PART)
        if paragraph is None:
            return None
        text = " ".join(sentence.text(facts.facts) for sentence in paragraph.sentences)
        return text, tuple(dict.fromkeys(name for sentence in paragraph.sentences for name in sentence.fact_ids))


def fact_set(record: Mapping[str, Any], *, session: str) -> FactSet:
    """The facts of a published context, as the checks take them."""
    facts = {
        fact["id"]: Fact(**{name: value for name, value in fact.items() if name != "meaning"})
        for fact in record["facts"]
    }
    return FactSet(
        subject=Subject(kind=record["kind"], vehicle_id=record["vehicle_id"], other_id=record["other_id"]),
        session=session,
        facts=facts,
        rules=record["rules"],
        names=frozenset(record["names"]),
    )


def _messages(question: ChatRequest, narrative: Narrative) -> list[Message]:
    """The facts as for any text, then what was asked, as data."""
    system, given = facts_question(narrative, rule_words())
    asked = {"question": question.message, "history": [turn.model_dump() for turn in question.history]}
    return [
        {**system, "content": f"{system['content']}\n\n{prompt('chat')}"},
        given,
        {"role": "user", "content": json.dumps(asked, ensure_ascii=True)},
    ]
