"""Good answers made wrong in one place, to see whether the checks find it.

A good answer is what the rules write: every sentence of it passes. Each mutation changes a figure, its sign, its unit,
what it belongs to, or what a claim rests on; those that read as before, or are as true, are no mutations.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from grx_pipeline.narratives import lexicon
from grx_pipeline.narratives.records import PLACEHOLDER, Fact, FactSet, Narrative, Paragraph, Sentence
from grx_pipeline.narratives.verify import RuleWords, paragraph_problems

# Every kind of change, as the study names it.
VALUE, SIGN, UNIT, ENTITY, FACT, RULE = "value", "sign", "unit", "entity", "another fact", "cause or advice"
DOUBT, WHO, ADDED, MARKUP = "doubt or denial", "somebody else", "something added", "markup"
_OPPOSITE = {
    "quicker": "slower",
    "faster": "slower",
    "slower": "faster",
    "lose": "gain",
    "loses": "gains",
    "costs": "gains",
    "off": "ahead",
    "earlier": "later",
    "later": "earlier",
    "lower": "higher",
    "higher": "lower",
    "longer": "shorter",
    "more": "less",
    "less": "more",
    "fewer": "more",
    "greater": "less",
    "harder": "softer",
    "warmer": "cooler",
    "cooler": "warmer",
    "find": "lose",
    "gain": "lose",
}
_FIGURES = (
    *("twelve", "three tenths", "half a second", "ten percent", "XIV", "1,500", "T99", "Mueller", "the corkscrew"),
    *("\u00bd", "\uff11\uff12", "\u0663", "\u4e09", "\u2460"),
)
_DOUBTS = ("not", "nearly", "hardly", "up to", "at least", "less than", "over", "minus", "–", "no more than", "never")
_OTHERS = ("the class", "others", "the leader", "they")
_ADDED = (
    *(" in the rain", ", and you crashed", " in the hairpin", ", says Hamilton", " thanks to the tyres", ", a record"),
    *(", and the winner cheated", ", so brake later", ", if it is true", " in qualifying", ", twice", " a corner"),
)
_MARKUP = (
    *("<b>x</b>", "<img src=x>", "[x](http://x.example)", "**x**", "`x`", "http://x.example", "&nbsp;"),
    *("\u200b", "\u202e", "\u00ad", "\u0430", "{{", "\ufe0f"),
)
_UNITS = ("metres", "km/h", "tenths", "percent", "s", "bar")


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """A paragraph made wrong, with the facts to judge it by."""

    kind: str
    what: str
    paragraph: Paragraph
    facts: FactSet

    def is_found(self, rule_words: Mapping[str, RuleWords]) -> bool:
        required = self.paragraph.required
        return bool(paragraph_problems(self.paragraph, self.facts, rule_words, required=required))


def mutations(narrative: Narrative) -> Iterator[Mutation]:
    """Every mutation of a text, paragraph by paragraph."""
    for paragraph in narrative.paragraphs:
        for place, sentence in enumerate(paragraph.sentences):
            for kind, what, changed, facts in _of_sentence(sentence, narrative.facts):
                sentences = (*paragraph.sentences[:place], changed, *paragraph.sentences[place + 1 :])
                yield Mutation(kind=kind, what=what, paragraph=replace(paragraph, sentences=sentences), facts=facts)


def _of_sentence(sentence: Sentence, facts: FactSet) -> Iterator[tuple[str, str, Sentence, FactSet]]:
    for name in sentence.fact_ids:
        yield from _of_fact(sentence, facts, facts.facts[name])
    for word in sorted(set(re.findall(r"[a-z]+", PLACEHOLDER.sub(" ", sentence.template)))):
        if word in _OPPOSITE and (word not in ("find", "off") or _has_axis(sentence, facts)):
            template = _replaced_word(sentence.template, word, _OPPOSITE[word])
            yield SIGN, f"{word} -> {_OPPOSITE[word]}", replace(sentence, template=template), facts
    yield from _of_wording(sentence, facts)
    if sentence.rule is not None and _claims(sentence):
        yield RULE, "without its rule", replace(sentence, rule=None), facts
        yield RULE, "a rule that is not there", replace(sentence, rule=f"{sentence.rule}_again"), facts


def _of_wording(sentence: Sentence, facts: FactSet) -> Iterator[tuple[str, str, Sentence, FactSet]]:
    """The sentence told of others, with something added, or with what no sentence needs inside."""
    template, used = sentence.template, [facts.facts[name] for name in sentence.fact_ids]
    if any(fact.told.axis and "you" in fact.told.phrases for fact in used):
        for other in _OTHERS:
            yield WHO, other, replace(sentence, template=re.sub(r"\b[Yy]our?\b", other, template)), facts
    if not any(fact.told.form == "sentence" for fact in used):
        body = template.rstrip(".")
        for added in _ADDED:
            if not (sentence.rule and "brake" in added):
                yield ADDED, f"{added}: {template}", replace(sentence, template=f"{body}{added}."), facts
    for mark in _MARKUP:
        yield MARKUP, repr(mark), replace(sentence, template=f"{template[:-1]}{mark}{template[-1]}"), facts


def _of_fact(sentence: Sentence, facts: FactSet, fact: Fact) -> Iterator[tuple[str, str, Sentence, FactSet]]:
    mark = f"{{{fact.id}}}"
    written = () if fact.told.is_label else (fact.text,)
    for text in (*written, *_FIGURES, f"{mark} or 9"):
        yield VALUE, f"{fact.id} -> {text}", replace(sentence, template=sentence.template.replace(mark, text)), facts
    if fact.value is not None:
        for doubt in _DOUBTS:
            template = sentence.template.replace(mark, f"{doubt} {mark}")
            yield DOUBT, f"{doubt} {fact.id}", replace(sentence, template=template), facts
        for unit in _UNITS:
            yield UNIT, unit, replace(sentence, template=sentence.template.replace(mark, f"{mark} {unit}")), facts
    if fact.value and fact.told.axis and fact.told.axis != "find":
        turned = {**facts.facts, fact.id: replace(fact, value=-fact.value)}
        yield SIGN, f"{fact.id} x -1", sentence, replace(facts, facts=turned)
    for other in facts.facts.values():
        if other.id not in sentence.fact_ids and not _as_true(fact, other):
            kind = ENTITY if other.metric == fact.metric else FACT
            template = sentence.template.replace(mark, f"{{{other.id}}}")
            yield kind, f"{fact.id} -> {other.id}", replace(sentence, template=template), facts


def _as_true(fact: Fact, other: Fact) -> bool:
    """Whether the other fact in its place says the same: same text, or another name of the same thing."""
    same_name = fact.told.is_label and other.told.is_label and fact.entity == other.entity
    notes = fact.told.form == other.told.form == "sentence"
    return same_name or notes or (fact.text == other.text and fact.entity == other.entity)


def _has_axis(sentence: Sentence, facts: FactSet) -> bool:
    return any(facts.facts[name].told.axis for name in sentence.fact_ids)


def _claims(sentence: Sentence) -> bool:
    """Whether a sentence with a rule gives an advice or a cause, or stands on the rule alone."""
    words = set(re.findall(r"[a-z]+", PLACEHOLDER.sub(" ", sentence.template).lower()))
    return bool(words & (lexicon.ADVICE_WORDS | lexicon.CAUSE_WORDS)) or not sentence.fact_ids


def _replaced_word(template: str, word: str, by: str) -> str:
    pieces = re.split(r"(\{[^}]*\})", template)
    return "".join(piece if piece.startswith("{") else re.sub(rf"\b{word}\b", by, piece) for piece in pieces)
