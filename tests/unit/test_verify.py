"""The checks on a text: what each of them finds, and that good answers made wrong in one place never pass."""

from dataclasses import replace

import pytest
from support import narrative_session as made
from support.narrative_session import HABITS, WINNER

from grx_pipeline.narratives.records import Fact, FactSet, Paragraph, Sentence, Subject
from grx_pipeline.narratives.rules.patterns import rule_words
from grx_pipeline.narratives.validation.mutations import mutations
from grx_pipeline.narratives.validation.study import WHAT, Tally, render_study
from grx_pipeline.narratives.verify import MAX_LETTERS, MAX_SENTENCES, paragraph_problems

WORDS = rule_words()
FACTS = made.driver_draft(HABITS).facts
PAIR = next(
    d for d in made.drafts() if (d.facts.subject.vehicle_id, d.facts.subject.other_id) == (WINNER, HABITS)
).facts
RULE = "change_1:early_braking"
_JUDGED = ({HABITS, ""}, {WINNER, HABITS})
CORNER = "At {change_1.corner} you lose {change_1.loss} a lap against {change_1.reference}."


def problems(*templates: str, facts: FactSet = FACTS, rule: str | None = None) -> list[str]:
    sentences = tuple(Sentence(template=template, rule=rule) for template in templates)
    return paragraph_problems(Paragraph(part="x", sentences=sentences), facts, WORDS)


@pytest.mark.parametrize(
    "template",
    [
        "You finished {result.position}, and your best lap was {best.lap}.",
        CORNER,
        "Your own best sectors leave {target.gain} to find.",
        "{without.telemetry}",
    ],
)
def test_a_good_sentence_passes(template: str) -> None:
    facts = made.driver_draft(made.BARE).facts if "telemetry" in template else FACTS
    assert problems(template, facts=facts) == []


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("Your best lap was 1:37 and {best.lap}.", "a digit"),
        ("Your best lap was {best.lap}, lap ⅔.", "a digit"),
        ("Your best lap was {best.lap}, three times.", "number word"),
        ("Your best lap was {best.lap}, twenty-two times.", "number word"),
        ("Your best lap was {best.lap} seconds.", "number word"),
        ("Your best lap was {best.lap} km fast.", "a unit"),
        ("You finished {result.position} places.", "brings its own unit"),
        ("Your best lap was {best.lapp}.", "no such fact"),
        ("Your best lap was {best.lap.", "character"),
        ("Your best lap was <b>{best.lap}</b>.", "character"),
        ("Your best lap was {best.lap}, see http://x.example.", "character"),
        ("Your best lap was [{best.lap}](x).", "character"),
        ("Your b\u0435st lap was {best.lap}.", "character"),
        ("Your best lap was {best.lap}\u202e.", "character"),
        ("Strand set a best lap of {best.lap}.", "name"),
        ("Your best lap was {best.lap}, says castellane.", "a name"),
        ("Your best lap was {best.lap}, says Verstappen.", "a capital"),
        ("Verstappen says your best lap was {best.lap}.", "a capital"),
        ("Your best lap was always {best.lap}.", "an absolute"),
        ("You drove well.", "without a fact"),
        ("Your target was {best.lap}.", "best.lap is no"),
        ("It was {best.lap}.", "not named"),
        ("Your best lap was {best.lap} and your best lap {best.lap} to {target.lap}.", "in one clause"),
        ("At {change_2.corner} you lose {change_1.loss} a lap.", "belongs to corner"),
        ("At {change_1.corner} you gain {change_1.loss} a lap.", "change_1.loss"),
        ("At {change_1.corner} there is {change_1.loss} a lap.", "which way"),
        ("You lose {change_1.loss} a lap.", "not the corner named"),
        ("At {change_1.corner} and {change_2.corner} you lose {change_1.loss} a lap.", "more than one corner"),
        ("Your best lap was {best.lap}, and you are slower there.", "a direction"),
        ("Your worst lap is {best.lap}, your best lap.", "superlative"),
        ("Most of it sits in {sector_1.name}: {sector_1.gain} of it is there to find.", "superlative"),
        ("Your best lap was {best.lap}, because it was clear.", "a cause"),
        ("Your best lap was {best.lap}, so try again.", "an advice"),
        ("{class.car} finished {result.position}.", "the driver's own"),
        ("{result.position} at the flag for {class.car}.", "nothing is told"),
        ("By your pace you rank {sector_1.name}.", "nothing is told"),
        (f"{CORNER[:-1]} {'and so on ' * 40}.", "longer than"),
    ],
)
def test_what_no_fact_holds_is_found(template: str, word: str) -> None:
    assert any(word in problem for problem in problems(template)), problems(template)


def test_an_advice_needs_a_rule_about_the_same_corner_in_its_own_words() -> None:
    advice = "Brake later in steps of {change_1.step}."
    assert problems(CORNER, advice, rule=RULE) == []
    assert any("without a rule" in p for p in problems(CORNER, advice))
    assert any("no such rule" in p for p in problems(CORNER, advice, rule="change_1:no_such"))
    assert any("direction (earlier)" in p for p in problems(CORNER, advice.replace("later", "earlier"), rule=RULE))
    assert any("does not give" in p for p in problems(CORNER, "Wait, then brake later.", rule=RULE))
    assert any("is about corner:3" in p for p in problems("At {change_2.corner} brake later.", rule=RULE))


def test_a_difference_of_two_cars_belongs_to_the_one_named_before_it() -> None:
    good = "{a.driver} is {gap} quicker than {b.driver} by best clean lap."
    assert problems(good, facts=PAIR) == []
    assert problems("{b.driver} is {gap} quicker than {a.driver} by best clean lap.", facts=PAIR)
    assert problems(good.replace("quicker", "slower"), facts=PAIR)
    assert problems("{a.driver} is {gap} quicker than {a.driver} by best clean lap.", facts=PAIR)


def test_a_paragraph_has_to_tell_what_is_required_and_no_novel() -> None:
    sentence = Sentence(template="Your best lap was {best.lap}.")
    paragraph = Paragraph(part="summary", sentences=(sentence,))
    assert paragraph_problems(paragraph, FACTS, WORDS, required=("target.lap",)) == ["target.lap is not told"]
    assert paragraph_problems(replace(paragraph, sentences=()), FACTS, WORDS)
    assert paragraph_problems(replace(paragraph, sentences=(sentence,) * (MAX_SENTENCES + 1)), FACTS, WORDS)
    assert len(CORNER) < MAX_LETTERS


def test_the_text_of_a_fact_opens_a_sentence_with_a_capital_and_nothing_else_is_touched() -> None:
    fact = Fact(
        id="x",
        entity="sector:1",
        metric="sector_name",
        value=None,
        unit="text",
        n=None,
        text="sector 1",
        table="",
        key="",
    )
    facts = {"x": fact}
    assert Sentence(template="{x} is fine. {x} is fine, as {x}.").text(facts) == (
        "Sector 1 is fine. Sector 1 is fine, as sector 1."
    )
    assert FactSet(subject=Subject(kind="driver"), session="s", facts=facts).rules == {}


def test_no_mutation_of_a_good_answer_gets_through() -> None:
    tally = Tally()
    fleet, *others = made.drafts()
    kinds = [draft for draft in others if {draft.facts.subject.vehicle_id, draft.facts.subject.other_id} in _JUDGED]
    for draft in (fleet, *kinds):
        tally.add(draft, WORDS)
    assert tally.broken == [], "good answers pass to begin with"
    assert tally.made.total() >= 500
    assert set(WHAT) == set(tally.made)
    assert tally.passed.total() == 0, tally.examples[:5]
    assert "| **all** |" in render_study(tally, ["round"])


def test_the_study_counts_what_gets_through() -> None:
    draft = made.driver_draft(HABITS)
    mutation = next(mutations(draft))
    harmless = replace(mutation, paragraph=next(iter(draft.paragraphs)), facts=draft.facts)
    assert not harmless.is_found(WORDS)
    assert mutation.is_found(WORDS)
