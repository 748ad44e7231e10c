"""Whether a text says what its facts say, and nothing else.

Every sentence of the language model goes through here before it is read, and so does every sentence of the rules in
the tests. A problem is a sentence that a person, or the model in a repair, can act on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from grx_pipeline.narratives import lexicon
from grx_pipeline.narratives.records import DRIVER, PLACEHOLDER, Fact, FactSet, Paragraph, Sentence

MAX_SENTENCES, MAX_LETTERS = 7, 280
# A fact has to be named in its own clause: these end one.
_CLAUSE_ENDS = frozenset(
    "and but while which so then with after before where against although though yet or whereas".split()  # noqa: SIM905
)
_TOKEN = re.compile(r"\{[^{}]*\}|[A-Za-z]+(?:['’-][A-Za-z]+)*|[.,;:!?()–—]")
_PLAIN = re.compile(r"[A-Za-z ,.;:!?()'’–—-]*")
_ENDS = frozenset(".!?")
_OTHERS = frozenset(("than", "of"))
_PLACED = ("corner", "sector", "segment", "channel", "event")


@dataclass(frozen=True, kw_only=True)
class RuleWords:
    """What a rule may advise: verbs, and words for a direction."""

    advice: frozenset[str]
    turning: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class _Clause:
    """A part of a sentence: its words in lower case, and its facts in order."""

    words: tuple[str, ...]
    facts: tuple[Fact, ...]

    @property
    def text(self) -> str:
        return f" {' '.join(self.words)} "

    @property
    def values(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if not fact.told.is_label)


def paragraph_problems(
    paragraph: Paragraph, facts: FactSet, rule_words: Mapping[str, RuleWords], *, required: Iterable[str] = ()
) -> list[str]:
    """Everything that is wrong with a paragraph; empty where it may be read."""
    problems = []
    if not 1 <= len(paragraph.sentences) <= MAX_SENTENCES:
        problems.append(f"{len(paragraph.sentences)} sentences; 1 to {MAX_SENTENCES} are wanted")
    named: dict[str, str] = {}
    for sentence in paragraph.sentences:
        found = sentence_problems(sentence, facts, rule_words, named)
        problems += [f"{found_problem}: {sentence.template!r}" for found_problem in found]
    told = {fact for sentence in paragraph.sentences for fact in sentence.fact_ids}
    problems += [f"{fact} is not told" for fact in required if fact not in told]
    return problems


def sentence_problems(
    sentence: Sentence, facts: FactSet, rule_words: Mapping[str, RuleWords], named: dict[str, str]
) -> list[str]:
    """As paragraph_problems, of one sentence. `named` are the corner and sector named last, and is kept up to date."""
    problems = [*_literal_problems(sentence.template, facts), *_unknown_facts(sentence, facts)]
    if problems:
        return problems
    if len(sentence.template) > MAX_LETTERS:
        return [f"longer than {MAX_LETTERS} letters"]
    used = [facts.facts[name] for name in sentence.fact_ids]
    alone = [fact for fact in used if fact.told.form == "sentence"]
    if alone:
        is_whole = sentence.template == f"{{{alone[0].id}}}"
        return [] if is_whole else [f"{alone[0].id} is a whole sentence and stands alone"]
    if not used and sentence.rule is None:
        return ["a sentence without a fact"]
    clauses = list(_clauses(sentence.template, facts))
    return [
        *_entity_problems(used, named),
        *_car_problems(sentence, clauses, facts),
        *_rule_problems(sentence, clauses, used, facts, rule_words),
        *(problem for clause in clauses for problem in _clause_problems(clause)),
        *_turning_problems(sentence, clauses, rule_words),
        *(problem for clause in clauses for problem in _superlative_problems(clause)),
        *_label_problems(sentence, clauses),
        *(problem for clause in clauses for problem in _claim_problems(clause)),
    ]


def _literal_problems(template: str, facts: FactSet) -> Iterator[str]:
    """What may not stand between the placeholders."""
    literal = PLACEHOLDER.sub(" ", template)
    if any(character.isnumeric() for character in literal):
        yield "a digit"
    elif not _PLAIN.fullmatch(literal):
        odd = next(character for character in literal if not _PLAIN.fullmatch(character))
        yield f"a character that no sentence needs (U+{ord(odd):04X})"
    tokens = _TOKEN.findall(template)
    is_opening = True
    for before, token in zip(["", *tokens], tokens, strict=False):
        if token.startswith("{"):
            is_opening = False
            continue
        if not token[0].isalpha():
            is_opening = is_opening or token in _ENDS
            continue
        yield from _word_problems(token, before, facts, is_opening=is_opening)
        is_opening = False


def _word_problems(token: str, before: str, facts: FactSet, *, is_opening: bool) -> Iterator[str]:
    word = token.lower().removesuffix("'s").removesuffix("’s")
    pieces = {word, *word.split("-")}
    if pieces & lexicon.NUMBER_WORDS:
        yield f"a number word ({token})"
    if pieces & lexicon.UNIT_WORDS:
        yield f"a unit ({token}); units come with the facts"
    if pieces & lexicon.ABSOLUTES:
        yield f"an absolute ({token}) that no fact holds"
    if pieces & facts.names:
        yield f"a name ({token}); names come with the facts"
    if before.startswith("{") and word in lexicon.COUNTED_WORDS:
        yield f"{before} brings its own unit; {token!r} behind it changes its meaning"
    is_known = word in lexicon.openers()
    if token[0].isupper() and token not in lexicon.ALLOWED_CAPITALS and not (is_opening and is_known):
        yield f"a capital ({token}); names come with the facts, and sentences open with an ordinary word"


def _unknown_facts(sentence: Sentence, facts: FactSet) -> Iterator[str]:
    for name in sentence.fact_ids:
        if name not in facts.facts:
            yield f"no such fact ({name})"


def _clauses(template: str, facts: FactSet) -> Iterator[_Clause]:
    words: list[str] = []
    found: list[Fact] = []
    for token in _TOKEN.findall(template):
        if token.startswith("{"):
            found.append(facts.facts[token[1:-1]])
        elif not token[0].isalpha() or token.lower() in _CLAUSE_ENDS:
            yield _Clause(words=tuple(words), facts=tuple(found))
            words, found = [], []
            if token.lower() == "against":
                words.append("against")
        else:
            words.append(token.lower())
    yield _Clause(words=tuple(words), facts=tuple(found))


def _entity_problems(used: Iterable[Fact], named: dict[str, str]) -> Iterator[str]:
    """A corner, sector or part of the lap is named before its figures, one of a kind in a sentence."""
    used = list(used)
    for kind in _PLACED:
        labels = {fact.entity for fact in used if fact.told.is_label and fact.entity_of(kind)}
        if len(labels) > 1:
            yield f"more than one {kind}"
        elif labels:
            named[kind] = labels.pop()
        for fact in used:
            entity = fact.entity_of(kind)
            if entity and not fact.told.is_label and named.get(kind) != entity:
                yield f"{fact.id} belongs to {entity}, which is not the {kind} named"


def _car_problems(sentence: Sentence, clauses: Iterable[_Clause], facts: FactSet) -> Iterator[str]:
    """A car's figure follows its name; a driver's own figures stand with `you`."""
    labels = [fact.entity for clause in clauses for fact in clause.facts if _names_a_car(fact)]
    if len(labels) != len(set(labels)):
        yield "a car is named again in its own sentence"
    last = None
    for clause in clauses:
        for fact in clause.facts:
            car = fact.entity_of("car")
            if _names_a_car(fact):
                last = car
            elif car is not None and car != last:
                yield f"{fact.id} belongs to another car than the one named before it"
            elif facts.subject.kind == DRIVER and last and not _is_own(fact, clause):
                yield f"{fact.id} is the driver's own and reads as the other car's"


def _is_own(fact: Fact, clause: _Clause) -> bool:
    """Whether a fact is another car's, or stands with `you`."""
    return fact.entity_of("car") is not None or bool({"you", "your", "yours"} & set(clause.words))


def _names_a_car(fact: Fact) -> bool:
    return fact.told.is_label and fact.entity_of("car") is not None


def _rule_problems(
    sentence: Sentence,
    clauses: Iterable[_Clause],
    used: Iterable[Fact],
    facts: FactSet,
    rule_words: Mapping[str, RuleWords],
) -> Iterator[str]:
    """A cause or an advice rests on a rule that holds, about the same place, in the rule's own verbs."""
    words = {word for clause in clauses for word in clause.words}
    advice, causes = words & lexicon.ADVICE_WORDS, words & lexicon.CAUSE_WORDS
    if sentence.rule is None:
        if causes:
            yield f"a cause ({min(causes)}) without a rule"
        if advice:
            yield f"an advice ({min(advice)}) without a rule"
        return
    if sentence.rule not in facts.rules:
        yield f"no such rule ({sentence.rule})"
        return
    allowed = _words_of(sentence.rule, rule_words)
    if not advice <= allowed.advice:
        yield f"an advice ({min(advice - allowed.advice)}) that the rule {sentence.rule} does not give"
    entity = facts.rules[sentence.rule]
    kind = entity.partition(":")[0]
    others = {placed for fact in used if (placed := fact.entity_of(kind))} - {entity}
    if kind in _PLACED and others:
        yield f"the rule {sentence.rule} is about {entity}, not {min(others)}"


def _words_of(rule: str, rule_words: Mapping[str, RuleWords]) -> RuleWords:
    """The words of a rule; of one without wordings, none."""
    return rule_words.get(rule.partition(":")[2], RuleWords(advice=frozenset(), turning=frozenset()))


def _clause_problems(clause: _Clause) -> Iterator[str]:
    """One figure to a clause, named for what it is, on the side that its sign means."""
    values = clause.values
    if len(values) > 1:
        yield f"{values[0].id} and {values[1].id} in one clause"
        return
    for fact in values:
        told, text = fact.told, clause.text
        missing = [group for group in told.words if not any(_has(text, stem) for stem in group)]
        if missing:
            yield f"{fact.id} is not named: one of {', '.join(missing[0])} has to stand with it"
        wrong = [stem for stem in told.never if _has(text, stem)]
        if wrong:
            yield f"{fact.id} is no figure of '{wrong[0]}'"
        if told.axis:
            yield from _side_problems(fact, clause)


def _side_problems(fact: Fact, clause: _Clause) -> Iterator[str]:
    over, under = lexicon.AXES[fact.told.axis]
    right, wrong = (over, under) if (fact.value or 0.0) >= 0 else (under, over)
    words = set(clause.words)
    if not words & right:
        yield f"{fact.id} does not say which way: one of {', '.join(sorted(right))} has to stand with it"
    if words & (wrong - right):
        yield f"{fact.id} is the other way round than '{min(words & (wrong - right))}'"


def _turning_problems(
    sentence: Sentence, clauses: Iterable[_Clause], rule_words: Mapping[str, RuleWords]
) -> Iterator[str]:
    """A word for a direction without a fact or a rule that gives it."""
    of_rule = _words_of(sentence.rule, rule_words).turning if sentence.rule else frozenset()
    for clause in clauses:
        given = set(of_rule)
        for fact in clause.values:
            if fact.told.axis:
                over, under = lexicon.AXES[fact.told.axis]
                given |= over if (fact.value or 0.0) >= 0 else under
            given |= {word for group in fact.told.words for stem in group for word in stem.split()}
        loose = (set(clause.words) & lexicon.TURNING) - given
        if loose:
            yield f"a direction ({min(loose)}) without a fact beside it"


def _superlative_problems(clause: _Clause) -> Iterator[str]:
    """`Most`, `widest`, `best`: the first of its kind is a fact too."""
    text = clause.text
    for phrase in lexicon.BEST_OF:
        text = text.replace(f" {phrase} ", " ")
    given = {word for fact in clause.facts for word in fact.told.superlatives}
    given |= {word for fact in clause.values for group in fact.told.words for stem in group for word in stem.split()}
    loose = (set(text.split()) & lexicon.SUPERLATIVES) - given
    if loose:
        yield f"a superlative ({min(loose)}) without a fact that holds it"


def _claim_problems(clause: _Clause) -> Iterator[str]:
    """Words that only mean something with their figure."""
    for stem in lexicon.CLAIMS:
        named = (stem.startswith(word) for fact in clause.values for group in fact.told.words for word in group)
        if _has(clause.text, stem) and not any(named):
            yield f"'{stem}' without its figure"


def _label_problems(sentence: Sentence, clauses: Iterable[_Clause]) -> Iterator[str]:
    """A name stands for what is told of it in its sentence, and not where a figure should."""
    tokens = _TOKEN.findall(sentence.template)
    before = {token[1:-1]: word.lower() for word, token in zip(["", *tokens], tokens, strict=False)}
    clauses = list(clauses)
    values = [fact for clause in clauses for fact in clause.values]
    told = {part for fact in values for part in fact.entity.split("|")}
    for clause in clauses:
        for fact in clause.facts:
            if not fact.told.is_label:
                continue
            has_claim = bool(set(clause.words) & set(fact.told.superlatives))
            is_other = before[fact.id] in _OTHERS and _names_a_car(fact) and any(v.told.axis == "time" for v in values)
            is_placed = fact.metric in lexicon.LEADS and before[fact.id] in lexicon.LEADS[fact.metric]
            if not (fact.entity in told or has_claim or is_other or is_placed):
                yield f"{fact.id} is named, but nothing is told of it"
            elif before[fact.id] in lexicon.FIGURE_LEADS and not (has_claim or is_other):
                yield f"{fact.id} is a name and stands where a figure should"


def _has(text: str, stem: str) -> bool:
    """Whether a word of the text begins with the stem; of several words, whether they follow one another."""
    return f" {stem}" in text
