"""The answer of a language model -> paragraphs that may be read, and what is wrong with the others."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from grx_pipeline.narratives.records import LLM_WRITER, FactSet, Paragraph, Sentence
from grx_pipeline.narratives.verify import RuleWords, paragraph_problems

_MAX_ANSWER = 60_000


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Paragraphs that passed every check, by part, and what is wrong with each other part that was asked for."""

    accepted: Mapping[str, Paragraph]
    problems: Mapping[str, tuple[str, ...]]


def judge_answer(
    answer: str, asked: Iterable[Paragraph], facts: FactSet, rule_words: Mapping[str, RuleWords]
) -> Judged:
    """Each asked part of the answer: its paragraph, or its problems."""
    accepted: dict[str, Paragraph] = {}
    problems: dict[str, tuple[str, ...]] = {}
    written, whole = _read(answer)
    for wanted in asked:
        sentences = written.get(wanted.part)
        if sentences is None:
            problems[wanted.part] = (whole or "this part is missing",)
            continue
        paragraph = Paragraph(part=wanted.part, sentences=sentences, required=wanted.required, writer=LLM_WRITER)
        found = [
            *paragraph_problems(paragraph, facts, rule_words, required=wanted.required),
            *_foreign_rules(paragraph),
        ]
        if found:
            problems[wanted.part] = tuple(found)
        else:
            accepted[wanted.part] = paragraph
    return Judged(accepted=accepted, problems=problems)


def _foreign_rules(paragraph: Paragraph) -> list[str]:
    """A habit's paragraph rests on the rule of that habit alone."""
    if not paragraph.part.startswith("change_"):
        return []
    foreign = [s.rule for s in paragraph.sentences if s.rule and not s.rule.startswith(f"{paragraph.part}:")]
    return [f"the rule {rule} belongs to another part" for rule in foreign]


def _read(answer: str) -> tuple[dict[str, tuple[Sentence, ...]], str | None]:
    """Sentences by part, and what is wrong with the answer as a whole."""
    if not answer.strip():
        return {}, "the answer is empty"
    if len(answer) > _MAX_ANSWER:
        return {}, "the answer is too long"
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return {}, "the answer is no JSON"
    paragraphs = document.get("paragraphs") if isinstance(document, dict) else None
    if not isinstance(paragraphs, list):
        return {}, "the answer has no paragraphs"
    written: dict[str, tuple[Sentence, ...]] = {}
    for entry in paragraphs:
        if isinstance(entry, dict) and isinstance(entry.get("part"), str) and entry["part"] not in written:
            sentences = _sentences(entry.get("sentences"))
            if sentences is not None:
                written[entry["part"]] = sentences
    return written, None


def _sentences(entries: object) -> tuple[Sentence, ...] | None:
    if not isinstance(entries, list):
        return None
    sentences = []
    for entry in entries:
        text = entry.get("text") if isinstance(entry, dict) else None
        rule = entry.get("rule") if isinstance(entry, dict) else None
        if not isinstance(text, str) or not (rule is None or isinstance(rule, str)):
            return None
        sentences.append(Sentence(template=text.strip(), rule=rule or None))
    return tuple(sentences)
