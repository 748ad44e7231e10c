"""How the rule base speaks: one of several wordings, chosen by driver, session and fact, never by chance."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from grx_pipeline.narratives.records import PLACEHOLDER, FactSet, Paragraph, Sentence
from grx_pipeline.narratives.rules.timing_patterns import TIMING


@dataclass(kw_only=True)
class Voice:
    """Writes the paragraphs of one text."""

    facts: FactSet
    paragraphs: list[Paragraph] = field(default_factory=list)

    def has(self, *names: str) -> bool:
        return all(name in self.facts.facts for name in names)

    def value(self, name: str) -> float:
        """A fact's value; 0 where it is not known."""
        fact = self.facts.facts.get(name)
        return (fact.value or 0.0) if fact else 0.0

    def entity(self, name: str) -> str:
        """What a fact is about; nothing where it is not known."""
        fact = self.facts.facts.get(name)
        return fact.entity if fact else ""

    def share_limit(self, name: str) -> float:
        """Up to which place a place is in the upper half."""
        fact = self.facts.facts.get(name)
        return (fact.n or 0) / 2 if fact else 0.0

    def say(self, key: str, *templates: str, rule: str | None = None) -> Iterator[Sentence]:
        """One of the wordings whose facts are all there; nothing where there is none."""
        able = [template for template in templates if self.has(*PLACEHOLDER.findall(template))]
        if able:
            subject = self.facts.subject
            text = "|".join((subject.vehicle_id, subject.other_id, self.facts.session, key))
            choice = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % len(able)
            yield Sentence(template=able[choice], rule=rule)

    def say_of(self, name: str, key: str, *templates: str, rule: str | None = None) -> Iterator[Sentence]:
        """As say; `*` in a wording stands for `name`."""
        yield from self.say(key, *(template.replace("*", name) for template in templates), rule=rule)

    def say_rule(self, name: str, rule: str) -> Iterator[Sentence]:
        """What a rule of the timing means, advises, and how to know that it worked; nothing where it does not hold."""
        whole = f"{name}:{rule}"
        if whole in self.facts.rules:
            texts = TIMING[rule]
            for step, wordings in (("meaning", texts.meaning), ("advice", texts.advice), ("check", texts.check)):
                yield from self.say_of(name, f"{whole}.{step}", *wordings, rule=whole)

    def side(self, name: str, over: str, under: str) -> str:
        """The word for the sign of a fact."""
        return over if self.value(name) >= 0 else under

    def add(self, part: str, sentences: Iterator[Sentence], *, required: tuple[str, ...] = ()) -> None:
        """A paragraph, where there is anything to say; `required` are those of its facts that are there."""
        written = tuple(sentences)
        if written:
            told = {name for sentence in written for name in sentence.fact_ids}
            kept = tuple(name for name in required if name in told)
            self.paragraphs.append(Paragraph(part=part, sentences=written, required=kept))
