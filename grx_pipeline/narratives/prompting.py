"""Facts -> the question to a language model. Texts of the prompts stand in prompts/, each with its version."""

import functools
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

from grx_pipeline.narratives import lexicon
from grx_pipeline.narratives.records import Fact, FactSet, Narrative, Paragraph
from grx_pipeline.narratives.verify import RuleWords
from grx_pipeline.settings import LlmSettings

Message = dict[str, str]

# Parts that are sentences of tables: what is missing is told as it is.
KEPT_PARTS = frozenset(("missing", "data"))


def asked_parts(narrative: Narrative) -> tuple[Paragraph, ...]:
    """The paragraphs that a language model is asked for."""
    return tuple(paragraph for paragraph in narrative.paragraphs if paragraph.part not in KEPT_PARTS)


def question(narrative: Narrative, rule_words: Mapping[str, RuleWords]) -> list[Message]:
    """The messages that ask for a text. The same facts give the same bytes."""
    kind = narrative.facts.subject.kind
    content = {
        "facts": [_fact(fact) for fact in narrative.facts.facts.values()],
        "rules": [_rule(name, narrative.facts, rule_words) for name in narrative.facts.rules],
        "parts": [_part(paragraph) for paragraph in asked_parts(narrative)],
    }
    return [
        {"role": "system", "content": f"{prompt('house')}\n\n{prompt(kind)}\n\nVocabulary: {_vocabulary()}"},
        {"role": "user", "content": json.dumps(content, ensure_ascii=True, separators=(",", ":"))},
    ]


def repair_question(asked: Sequence[Message], answer: str, problems: Mapping[str, Iterable[str]]) -> list[Message]:
    """The messages that ask for the paragraphs with problems once more."""
    wrong = [f"{part}: {problem}" for part, found in problems.items() for problem in found]
    return [
        *asked,
        {"role": "assistant", "content": answer},
        {"role": "user", "content": "\n".join((prompt("repair"), *wrong))},
    ]


def question_hash(messages: Sequence[Message], settings: LlmSettings) -> str:
    """What an answer depends on: facts, prompts, model, and how it is asked."""
    parts = {
        "messages": list(messages),
        "model": settings.model,
        "temperature": settings.temperature,
        "seed": settings.seed,
        "max_tokens": settings.max_tokens,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@functools.cache
def prompt(name: str) -> str:
    """A prompt's text without its version."""
    text = resources.files("grx_pipeline.narratives").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")
    return text.partition("\n\n")[2].strip()


def _vocabulary() -> str:
    return " ".join(sorted(lexicon.vocabulary()))


def _fact(fact: Fact) -> dict[str, Any]:
    told = fact.told
    entry: dict[str, Any] = {"id": fact.id, "entity": fact.entity, "what": told.text, "text": fact.text}
    if fact.n is not None:
        entry["n"] = fact.n
    if told.form == "sentence":
        entry["form"] = "sentence"
    if told.words:
        entry["words"] = [list(group) for group in told.words]
    if told.never:
        entry["never"] = list(told.never)
    if told.axis:
        over, under = lexicon.AXES[told.axis]
        entry["side"] = sorted(over if (fact.value or 0.0) >= 0 else under)
    if told.superlatives:
        entry["superlatives"] = list(told.superlatives)
    return entry


def _rule(name: str, facts: FactSet, rule_words: Mapping[str, RuleWords]) -> dict[str, Any]:
    words = rule_words.get(name.partition(":")[2])
    return {"id": name, "about": facts.rules[name], "words": sorted(words.words) if words else []}


def _part(paragraph: Paragraph) -> dict[str, Any]:
    may = list(dict.fromkeys(name for sentence in paragraph.sentences for name in sentence.fact_ids))
    return {"part": paragraph.part, "must_tell": list(paragraph.required), "facts": may}
