"""Lies that a language model could tell in good English, and the words and settings of figures that give them away."""

import json
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import narrative_session as made
from support.narrative_session import HABITS, WINNER

from grx_pipeline.narratives import lexicon
from grx_pipeline.narratives.answers import judge_answer
from grx_pipeline.narratives.records import FactSet, Paragraph, Sentence
from grx_pipeline.narratives.rules.patterns import rule_words
from grx_pipeline.narratives.verify import paragraph_problems

WORDS = rule_words()
FACTS = made.driver_draft(HABITS).facts
PAIR = next(
    d for d in made.drafts() if (d.facts.subject.vehicle_id, d.facts.subject.other_id) == (WINNER, HABITS)
).facts
BEST = "Your best lap was {best.lap}"


def problems(template: str, facts: FactSet = FACTS) -> list[str]:
    return paragraph_problems(Paragraph(part="x", sentences=(Sentence(template=template),)), facts, WORDS)


def test_the_sentences_that_the_lies_are_made_of_are_good() -> None:
    assert problems(f"{BEST}.") == []
    assert problems("You finished {result.position}.") == []
    assert problems("At {change_1.corner} you lose {change_1.loss} a lap.") == []
    assert problems("You are {class.gap} off the class best of {class.car}.") == []


@pytest.mark.parametrize(
    "lie",
    [
        # Denied, doubted, bent
        "Your best lap was not {best.lap}.",
        "Your best lap was hardly {best.lap}.",
        "Your best lap was under {best.lap}.",
        "You did not finish {result.position}.",
        "You could have finished {result.position}.",
        "Without the stop you would have finished {result.position}.",
        "If it counts you finished {result.position}.",
        "At {change_1.corner} you lose up to {change_1.loss} a lap.",
        "At {change_1.corner} you lose less than {change_1.loss} a lap.",
        "At {change_1.corner} you rarely lose {change_1.loss} a lap.",
        "Your own best sectors leave – {target.gain} to find.",
        "Your own best sectors leave minus {target.gain} to find.",
        "Your own best sectors leave {target.gain} a corner to find.",
        "Your own best sectors leave {target.gain} to find per sector.",
        # Somebody or somewhere else
        "At {change_1.corner} the others lose {change_1.loss} a lap.",
        "At {change_1.corner} the leader loses {change_1.loss} a lap.",
        "The class finished {result.position}.",
        "The leader finished {result.position}.",
        "Their best lap was {best.lap}.",
        "The best lap was {best.lap}.",
        "Long finished {result.position}.",
        "The class best is {class.gap} off you.",
        "The class best is {class.gap} slower than you.",
        "You are {class.gap} off the class best at {change_1.corner}.",
        "You are {class.gap} off the class best on the straight.",
        "There you are {class.gap} off the class best.",
        "In {sector_1.name} you are {class.gap} off the class best.",
        "At {change_1.corner} you lose {change_1.loss} a lap on the exit.",
        f"{BEST} in the hairpin.",
        # Numbers and units without a digit
        f"{BEST}, three tenths off.",
        f"{BEST}, half a second off.",
        f"{BEST}, a fortnight.",
        f"{BEST}, XIV.",
        f"{BEST}, I laps.",
        f"{BEST}, sieben.",
        f"{BEST}, threefold.",
        f"{BEST} kilometres.",
        f"{BEST} pct.",
        f"{BEST}{{best.lap}}.",
        f"mini{BEST[4:]}.",
        "Your best lap was x{best.lap}.",
        # Claims without a fact
        f"{BEST}, a record.",
        f"{BEST}, the quickest of the race.",
        f"{BEST}, in the rain.",
        f"{BEST}, and you crashed.",
        f"{BEST}, thanks to the tyres.",
        f"{BEST}, helped by a tow.",
        f"{BEST}; you were on the throttle late.",
        f"{BEST}; stay on the throttle.",
        f"{BEST}, off the pace.",
        f"{BEST}, said hamilton.",
        "You finished {result.position}, on the podium.",
        "You finished {result.position}, a lap down.",
    ],
)
def test_a_lie_in_good_english_is_found(lie: str) -> None:
    assert problems(lie)


@pytest.mark.parametrize(
    "lie",
    [
        "{a.driver} is not {gap} quicker than {b.driver} by best clean lap.",
        "{b.driver} is {gap} quicker than {a.driver} by best clean lap.",
        "Quicker than {a.driver} by {gap} is {b.driver} by best clean lap.",
        "{a.driver} is {gap} quicker than {b.driver} by best clean lap in qualifying.",
        "{a.car} is {gap} quicker by best clean lap than anybody.",
    ],
)
def test_a_lie_about_two_cars_is_found(lie: str) -> None:
    assert problems(lie, PAIR)


def test_a_gap_is_to_the_car_that_holds_the_best_and_to_no_other() -> None:
    gap = FACTS.facts["class.gap"]
    assert gap.entity == f"driver|than:{WINNER}"
    other = replace(FACTS, facts={**FACTS.facts, gap.id: replace(gap, entity="driver|than:car-c")})
    told = "You are {class.gap} off the class best of {class.car}."
    assert problems(told) == []
    assert any("nothing is told of it" in problem for problem in problems(told, other))


@given(st.text(st.characters(categories=("Nd", "Nl", "No")), min_size=1, max_size=3))
def test_no_digit_of_any_script_gets_through(digits: str) -> None:
    assert problems(f"{BEST}, {digits}.")
    assert problems(f"{BEST}{digits}.")


_ODD = st.characters().filter(lambda c: not (c.isascii() or c in "’–—"))


@given(_ODD, st.integers(0, len(BEST)))
def test_no_letter_of_another_script_and_no_hidden_character_gets_through(odd: str, place: int) -> None:
    found = problems(f"{BEST[:place]}{odd}{BEST[place:]}.")
    assert found, unicodedata.name(odd, hex(ord(odd)))


@given(st.text('<>[]`*_#@/\\|=+~^%$&"\n\t{}', min_size=1, max_size=4), st.integers(0, len(BEST)))
def test_no_markup_gets_through(markup: str, place: int) -> None:
    assert problems(f"{BEST[:place]}{markup}{BEST[place:]}.")


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_a_word_that_the_vocabulary_does_not_have_does_not_get_through(word: str) -> None:
    brought = {"best", "lap", "quickest", "your"}
    if word not in lexicon.known_words() | brought and not word.startswith(("best", "quickest", "your")):
        assert problems(f"{BEST}, {word}.")


def test_the_vocabulary_has_no_number_unit_denial_or_advice() -> None:
    vocabulary = lexicon.vocabulary()
    for words in (lexicon.NUMBER_WORDS, lexicon.UNIT_WORDS, lexicon.DENIALS, lexicon.ABSOLUTES, lexicon.CAUSE_WORDS):
        assert not vocabulary & words
    assert not vocabulary & lexicon.ADVICE_WORDS


@given(st.text("aes.lbtp{}_1 ,;'’–-", max_size=40))
def test_no_text_breaks_the_checks(template: str) -> None:
    assert problems(template), "nothing of such letters names a fact"


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.sampled_from(["summary", "{best.lap}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["paragraphs", "part", "sentences", "text", "rule"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(_JSON)
def test_no_document_breaks_the_reading_of_an_answer_and_nothing_of_it_is_read(document: object) -> None:
    asked = [Paragraph(part="summary", sentences=(), required=("best.lap", "target.lap"))]
    judged = judge_answer(json.dumps(document), asked, FACTS, WORDS)
    assert not judged.accepted
    assert judged.problems["summary"]
