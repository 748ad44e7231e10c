"""Whether a text says what its facts say, and nothing else.

Every sentence of the language model goes through here before it is read, and so does every sentence of the rules in
the tests. A problem is a sentence that a person, or the model in a repair, can act on.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from grx_pipeline.narratives import lexicon
from grx_pipeline.narratives.records import DRIVER, Fact, FactSet, Paragraph, Sentence
from grx_pipeline.narratives.wording import TOKEN, literal_problems

MAX_SENTENCES, MAX_LETTERS = 7, 280
# A fact has to be named in its own clause: these end one.
_CLAUSE_ENDS = frozenset(
    "and but while which so then with after before where against although though yet or whereas".split()  # noqa: SIM905
)
_OTHERS = frozenset(("than", "of"))
_PLACED = ("corner", "sector", "segment", "channel", "event")


@dataclass(frozen=True, kw_only=True)
class RuleWords:
    """What a rule may say: every word of its wordings, of these the verbs of an advice, and words for a direction."""

    words: frozenset[str] = frozenset()
    advice: frozenset[str] = frozenset()
    turning: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class _Clause:
    """A part of a sentence: its words in lower case, and its facts in order."""

    words: tuple[str, ...]
    facts: tuple[Fact, ...]
    items: tuple[str | Fact, ...]

    @cached_property
    def text(self) -> str:
        return f" {' '.join(self.words)} "

    @cached_property
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
    of_rule = _words_of(sentence.rule, rule_words)
    problems = [*literal_problems(sentence.template, facts, of_rule.words), *_unknown_facts(sentence, facts)]
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
        *(problem for clause in clauses for problem in _setting_problems(clause, facts)),
        *(problem for clause in clauses for problem in _rate_problems(sentence, clause)),
        *_turning_problems(sentence, clauses, rule_words),
        *(problem for clause in clauses for problem in _superlative_problems(clause)),
        *_label_problems(sentence, clauses, facts),
        *(problem for clause in clauses for problem in _claim_problems(clause)),
    ]


def _unknown_facts(sentence: Sentence, facts: FactSet) -> Iterator[str]:
    for name in sentence.fact_ids:
        if name not in facts.facts:
            yield f"no such fact ({name})"


def _clauses(template: str, facts: FactSet) -> Iterator[_Clause]:
    items: list[str | Fact] = []
    for token in TOKEN.findall(template):
        word = token.lower()
        if token.startswith("{"):
            items.append(facts.facts[token[1:-1]])
        elif not token[0].isalpha() or word in _CLAUSE_ENDS:
            yield _clause(items)
            items = ["against"] if word == "against" else []
        else:
            items.append(word)
    yield _clause(items)


def _clause(items: Iterable[str | Fact]) -> _Clause:
    items = tuple(items)
    words = tuple(item for item in items if isinstance(item, str))
    return _Clause(words=words, facts=tuple(item for item in items if not isinstance(item, str)), items=items)


def _entity_problems(used: Iterable[Fact], named: dict[str, str]) -> Iterator[str]:
    """A corner, sector or part of the lap is named before its figures, one of a kind in a sentence."""
    used = list(used)
    for kind in _PLACED:
        labels = [fact.entity for fact in used if _names_a_place(fact) and fact.entity_of(kind)]
        if len(set(labels)) > 1:
            yield f"more than one {kind}"
        elif len(labels) > 1:
            yield f"a {kind} is named again in its own sentence"
        elif labels:
            named[kind] = labels[0]
        for fact in used:
            entity = fact.entity_of(kind)
            if entity and not _names_a_place(fact) and named.get(kind) != entity:
                yield f"{fact.id} belongs to {entity}, which is not the {kind} named"
            elif labels and not entity and not fact.told.is_label:
                yield f"{fact.id} is no figure of the {kind} that its sentence names"


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


def _names_a_place(fact: Fact) -> bool:
    return fact.told.is_label and fact.metric not in lexicon.BESIDE_A_PLACE


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
    named = {word for fact in used for stem in fact.told.phrases for word in stem.split()}
    advice, causes = words & lexicon.ADVICE_WORDS, words & lexicon.CAUSE_WORDS - named
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
    if not causes <= allowed.words:
        yield f"a cause ({min(causes - allowed.words)}) that the rule {sentence.rule} does not give"
    if not advice <= allowed.advice:
        yield f"an advice ({min(advice - allowed.advice)}) that the rule {sentence.rule} does not give"
    entity = facts.rules[sentence.rule]
    kind = entity.partition(":")[0]
    others = {placed for fact in used if (placed := fact.entity_of(kind))} - {entity}
    if kind in _PLACED and others:
        yield f"the rule {sentence.rule} is about {entity}, not {min(others)}"


def _words_of(rule: str | None, rule_words: Mapping[str, RuleWords]) -> RuleWords:
    """The words of a rule; of one without wordings, none."""
    return rule_words.get((rule or "").partition(":")[2], RuleWords())


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


def _setting_problems(clause: _Clause, facts: FactSet) -> Iterator[str]:
    """What stands beside a figure and bends it: a comparison, a rate, a place, or somebody else it is told of."""
    for place, fact in enumerate(clause.items):
        if isinstance(fact, str) or fact.told.is_label:
            continue
        named = {word for group in fact.told.words for stem in group for word in stem.split()}
        before = clause.items[place - 1] if place else ""
        if before in lexicon.BENDING and not any(stem.split()[-1] == before for stem in fact.told.phrases):
            yield f"'{before}' before {fact.id} bends it"
        if fact.told.axis and "you" in fact.told.phrases and not _is_of_you(clause.items[:place]):
            yield f"{fact.id} is what you do: say 'you' before it"
        words = set(clause.words)
        loose = {word for word in words & lexicon.PLACES if not any(word.startswith(stem) for stem in named)}
        if loose:
            yield f"a place ({min(loose)}) that {fact.id} is no figure of; places come with the facts"
        pointing = _points(clause.words)
        if pointing and pointing not in named and not any(fact.entity_of(kind) for kind in _PLACED):
            yield f"{fact.id} is of the whole lap or race, not of a place ({pointing})"
        if facts.subject.kind == DRIVER and fact.entity_of("car") is None and fact.entity != "field":
            yield from _subject_problems(fact, clause, named)


def _rate_problems(sentence: Sentence, clause: _Clause) -> Iterator[str]:
    """`A lap` or `a corner` makes a rate of a figure that is none; a rule may speak of a lap."""
    given = {stem for fact in clause.values for stem in fact.told.phrases}
    for article, noun in pairwise(clause.words):
        is_of_rule = noun == "lap" and sentence.rule is not None
        if article in lexicon.RATES and noun in lexicon.RATED and f"{article} {noun}" not in given and not is_of_rule:
            yield f"'{article} {noun}' makes a rate of a figure"


def _is_of_you(items: Iterable[str | Fact]) -> bool:
    return any(item in ("you", "your", "yours") for item in items)


def _points(words: tuple[str, ...]) -> str | None:
    """A word that points to a place named before; `there is` does not."""
    for word, after in zip(words, (*words[1:], ""), strict=False):
        if word in lexicon.ANAPHORS and not (word == "there" and after in lexicon.VERBS):
            return word
    return None


def _subject_problems(fact: Fact, clause: _Clause, named: set[str]) -> Iterator[str]:
    """A driver's own figure is not told of others: `the class loses`."""
    words = clause.words
    for subject, verb in pairwise(words):
        if subject in lexicon.OTHERS_AS_SUBJECT - named and verb in lexicon.VERBS:
            yield f"{fact.id} is the driver's own, and not what '{subject} {verb}' tells"


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
    of_rule = _words_of(sentence.rule, rule_words).turning
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
        if not _has(clause.text, stem):
            continue
        if not any(stem.startswith(word) for fact in clause.values for word in fact.told.phrases):
            yield f"'{stem}' without its figure"


def _label_problems(sentence: Sentence, clauses: Iterable[_Clause], facts: FactSet) -> Iterator[str]:
    """A name stands for what is told of it in its sentence, or what its rule is about; not where a figure should."""
    tokens = TOKEN.findall(sentence.template)
    before = {token[1:-1]: word.lower() for word, token in zip(["", *tokens], tokens, strict=False)}
    clauses = list(clauses)
    values = [fact for clause in clauses for fact in clause.values]
    told = {part for fact in values for part in fact.entity.split("|")}
    of_rule = facts.rules.get(sentence.rule or "")
    for clause in clauses:
        for fact in clause.facts:
            if not fact.told.is_label:
                continue
            has_claim = bool(set(clause.words) & set(fact.told.superlatives))
            is_other = before[fact.id] in _OTHERS and _names_a_car(fact) and any(_is_behind(v, fact) for v in values)
            is_placed = fact.metric in lexicon.LEADS and before[fact.id] in lexicon.LEADS[fact.metric]
            if fact.metric in lexicon.WITHOUT_FIGURES:
                is_placed = is_placed and not values and _has(clause.text, lexicon.WITHOUT_FIGURES[fact.metric])
            is_of_rule = fact.entity == of_rule and before[fact.id] in lexicon.PLACED
            if not (fact.entity in told or has_claim or is_other or is_placed or is_of_rule):
                yield f"{fact.id} is named, but nothing is told of it"
            elif before[fact.id] in lexicon.FIGURE_LEADS and not (has_claim or is_other):
                yield f"{fact.id} is a name and stands where a figure should"


def _is_behind(value: Fact, car: Fact) -> bool:
    """Whether a figure is a gap that may be to that car: to the one that holds the best, where that is known."""
    than = value.entity_of("than")
    return value.told.axis == "time" and (than is None or f"car:{than.removeprefix('than:')}" in car.entity)


def _has(text: str, stem: str) -> bool:
    """Whether a word of the text begins with the stem; of several words, whether they follow one another."""
    return f" {stem}" in text
