"""The step of the texts: result tables in; texts, their facts and what a language model was asked out."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from grx_pipeline.narratives.cache import AnswerCache
from grx_pipeline.narratives.desk import Desk, Written, write_all
from grx_pipeline.narratives.drafts import session_drafts
from grx_pipeline.narratives.facts.field import Field
from grx_pipeline.narratives.records import LLM_WRITER, Narrative, Subject
from grx_pipeline.narratives.rules.patterns import rule_words
from grx_pipeline.narratives.tables import read_tables
from grx_pipeline.narratives.writer import GroqWriter
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings.load import find_key
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import Figure, StepContext, StepOutcome

UNANSWERED = "llm_unanswered"
_Rows = list[dict[str, Any]]


def build_narratives(context: StepContext) -> StepOutcome:
    """Tables `narratives`, `narrative_facts` and `narrative_requests`."""
    tables = read_tables(context.paths, context.session)
    drafts = list(session_drafts(Field(tables, context.settings.narrative)))
    written, sent = _written(drafts, context)
    outputs = []
    rows = {
        "narratives": [row for text in written for row in _sentence_rows(text.narrative)],
        "narrative_facts": [row for text in written for row in _fact_rows(text.narrative)],
        "narrative_requests": [row for text in written for row in _request_rows(text, context.settings.llm.model)],
    }
    for name, of_table in rows.items():
        table = TABLES[name]
        outputs.append(context.paths.table(context.session, name))
        write_table(pa.Table.from_pylist(of_table, schema=table.arrow_schema()), outputs[-1], table)
    figures = _figures(written, sent, is_asked=context.settings.llm.is_asked)
    return StepOutcome(outputs=tuple(outputs), rows=len(rows["narratives"]), figures=figures)


def _written(drafts: Sequence[Narrative], context: StepContext) -> tuple[list[Written], int]:
    """The texts, and how many requests were sent for them."""
    settings = context.settings.llm
    if not settings.is_asked:
        return [Written(narrative=draft) for draft in drafts], 0
    writer = GroqWriter.of(settings, lambda: find_key(os.environ, dotenv=Path(".env")))
    desk = Desk(
        writer=writer,
        cache=AnswerCache(folder=context.paths.narrative_cache(context.session)),
        settings=settings,
        rule_words=rule_words(),
        progress=context.progress,
    )
    try:
        return write_all(drafts, desk), writer.budget.sent
    finally:
        writer.close()


def _keys(subject: Subject) -> dict[str, str]:
    return {"kind": subject.kind, "vehicle_id": subject.vehicle_id, "other_id": subject.other_id}


def _sentence_rows(narrative: Narrative) -> Iterable[dict[str, Any]]:
    facts = narrative.facts
    for place, paragraph in enumerate(narrative.paragraphs, start=1):
        for number, sentence in enumerate(paragraph.sentences, start=1):
            yield {
                **_keys(facts.subject),
                "paragraph": place,
                "sentence": number,
                "part": paragraph.part,
                "writer": paragraph.writer,
                "template": sentence.template,
                "text": sentence.text(facts.facts),
                "rule": sentence.rule,
                "fact_ids": list(sentence.fact_ids),
            }


def _fact_rows(narrative: Narrative) -> Iterable[dict[str, Any]]:
    for fact in narrative.facts.facts.values():
        yield {
            **_keys(narrative.facts.subject),
            "fact_id": fact.id,
            "entity": fact.entity,
            "metric": fact.metric,
            "value": fact.value,
            "unit": fact.unit,
            "n": fact.n,
            "text": fact.text,
            "source_table": fact.table,
            "source_key": fact.key,
        }


def _request_rows(text: Written, model: str) -> _Rows:
    outcome = text.outcome
    if outcome is None:
        return []
    return [
        {
            **_keys(text.narrative.facts.subject),
            "request": outcome.request,
            "model": model,
            "status": outcome.status,
            "paragraphs": outcome.paragraphs,
            "accepted": outcome.accepted,
            "repaired": outcome.repaired,
            "replaced": outcome.replaced,
            "problems": list(outcome.problems),
            "prompt_tokens": outcome.prompt_tokens,
            "answer_tokens": outcome.answer_tokens,
        }
    ]


def _figures(written: Sequence[Written], sent: int, *, is_asked: bool) -> dict[str, Figure]:
    paragraphs = [paragraph for text in written for paragraph in text.narrative.paragraphs]
    figures: dict[str, Figure] = {"texts": len(written), "paragraphs": len(paragraphs)}
    if not is_asked:
        return figures
    outcomes = [text.outcome for text in written if text.outcome is not None]
    reasons = Counter(outcome.status for outcome in outcomes if not outcome.is_answered)
    return {
        **figures,
        "llm_paragraphs": sum(paragraph.writer == LLM_WRITER for paragraph in paragraphs),
        "llm_accepted": sum(outcome.accepted for outcome in outcomes),
        "llm_repaired": sum(outcome.repaired for outcome in outcomes),
        "llm_replaced_by_rules": sum(outcome.replaced for outcome in outcomes),
        "llm_requests": sent,
        "llm_known": sum(outcome.was_known for outcome in outcomes),
        UNANSWERED: sum(reasons.values()),
        **{f"llm_{reason}": count for reason, count in sorted(reasons.items())},
        "llm_prompt_tokens": sum(outcome.prompt_tokens for outcome in outcomes if not outcome.was_known),
        "llm_answer_tokens": sum(outcome.answer_tokens for outcome in outcomes if not outcome.was_known),
    }
