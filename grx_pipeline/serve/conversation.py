"""Which of the published answers a question means, and what may be asked next. Rules only; nothing is made up here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grx_pipeline.publishing.service_records import ChatRequest

_SUGGESTIONS = 4
_TOKEN = re.compile(r"#?[\w'-]+")
_CAR = re.compile(r"(?:#|\b(?:car|number|no\.?)\s+)(\d{1,3})\b")
_CORNER = re.compile(r"\b(?:t|turn|corner)[ -]?(\d{1,2}[a-z]?)\b")
_SECTOR = re.compile(r"\b(?:s|sector)[ -]?([123])\b")
# A place that is named outweighs words that fit by chance.
_PLACE_SCORE = 3
_PAIR_WORDS = frozenset(("compare", "compared", "than", "versus", "vs", "against", "between", "beat", "beaten"))
_FOLLOW_UPS = frozenset(("more", "next", "else", "then", "and", "further", "continue", "after", "on"))
_ABOUT = frozenset(("about", "show", "how", "who"))
_COMMON = frozenset(
    (
        *("a", "am", "an", "and", "any", "are", "at", "be", "by", "can", "could", "did", "do", "does", "for", "from"),
        *("give", "had", "has", "have", "i", "in", "is", "it", "me", "my", "of", "on", "or", "our", "please", "tell"),
        *("than", "that", "the", "their", "there", "they", "this", "to", "was", "we", "were", "what", "which", "will"),
        *("with", "would", "you", "your"),
    )
)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A published question with its answer; `places` are what its facts are about, as corner:T5."""

    question: str
    words: frozenset[str]
    answer: str
    writer: str
    facts: tuple[str, ...]
    places: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What may be said about one page. `told_to` is the car whose driver "you" is, where that is not the reader."""

    page: str
    kind: str
    vehicle_ids: tuple[str, ...]
    facts: Mapping[str, Mapping[str, Any]]
    answers: tuple[Prepared, ...]
    record: Mapping[str, Any]
    told_to: str | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any], *, told_to: str | None = None) -> "Context":
        """From the `data` of a file under api/context/."""
        facts = {fact["id"]: fact for fact in record["facts"]}
        return cls(
            page=record["page"],
            kind=record["kind"],
            vehicle_ids=tuple(vehicle for vehicle in (record["vehicle_id"], record["other_id"]) if vehicle),
            facts=facts,
            answers=tuple(_prepared(entry, facts) for entry in record["answers"]),
            record=record,
            told_to=told_to,
        )

    def to_reader(self, text: str) -> str:
        """The text, with whom it speaks to where that is not the reader."""
        return f"What the driver of {self.told_to} is told: {text}" if self.told_to else text

    def asked(self, answer: "Prepared") -> str:
        """The question as it is suggested: with the car's number where it is not the reader's page."""
        return f"{answer.question} ({self.told_to})" if self.told_to else answer.question


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The answer that a question means, and whose it is."""

    context: Context
    answer: Prepared

    @property
    def text(self) -> str:
        """The answer, with whom it speaks to where that is not the reader."""
        return self.context.to_reader(self.answer.answer)


@dataclass(frozen=True, kw_only=True)
class Named:
    """The cars that a message names by number or by their driver, and the message without these names."""

    vehicle_ids: tuple[str, ...]
    rest: str

    @classmethod
    def of(cls, message: str, drivers: Sequence[Mapping[str, Any]]) -> "Named":
        text = message.casefold()
        numbers = {number.lstrip("0") or "0" for number in _CAR.findall(text)}
        rest, found = _CAR.sub(" ", text), []
        for driver in drivers:
            name = (driver["driver_name"] or "").casefold()
            has_name = bool(name) and re.search(rf"\b{re.escape(name)}\b", text) is not None
            if has_name or (driver["car_number"].lstrip("0") or "0") in numbers:
                found.append(driver["vehicle_id"])
                rest = rest.replace(name, " ") if has_name else rest
        return cls(vehicle_ids=tuple(found), rest=rest)


def choose(question: ChatRequest, contexts: Sequence[Context], named: Named) -> Chosen | None:
    """The prepared answer with most in common with the question, the first page's before the others'.

    Where the question names cars (`named`), only what is about them is an answer. A question that only asks to go on
    gets what follows the last one of the history.
    """
    cars = set(named.vehicle_ids)
    about = [context for context in contexts if not cars or cars & set(context.vehicle_ids)]
    everything = [Chosen(context=context, answer=answer) for context in about for answer in context.answers]
    asked = question.message.strip().casefold()
    for chosen in everything:
        if asked in (chosen.context.asked(chosen.answer).casefold(), chosen.answer.question.casefold()):
            return chosen
    words = _words(named.rest)
    if words <= _FOLLOW_UPS and not cars:
        return _following(question, contexts)
    places = _places(question.message)
    if places and not any(places & chosen.answer.places for chosen in everything):
        return None
    scores = [(_score(chosen, words, places), -place) for place, chosen in enumerate(everything)]
    score, place = max(scores, default=(0, 0))
    if not score and cars and not words - _ABOUT:
        return everything[0] if everything else None
    return everything[-place] if score else None


def _score(chosen: Chosen, words: frozenset[str], places: frozenset[str]) -> int:
    is_pair = len(chosen.context.vehicle_ids) > 1 and bool(words & _PAIR_WORDS)
    fitting = words & chosen.answer.words
    return len(fitting) + _PLACE_SCORE * len(places & chosen.answer.places) + (_PLACE_SCORE if is_pair else 0)


def suggestions(question: ChatRequest, contexts: Sequence[Context], chosen: Chosen | None) -> list[str]:
    """What to ask next: what follows the answer on its page, then from the other pages; nothing that was asked."""
    asked = _asked(question) | ({chosen.context.asked(chosen.answer).casefold()} if chosen else set())
    lists: list[list[str]] = []
    for context in contexts:
        questions = [context.asked(answer) for answer in context.answers]
        if chosen is not None and context is chosen.context:
            start = questions.index(context.asked(chosen.answer)) + 1
            lists.insert(0, questions[start:] + questions[:start])
        else:
            lists.append(questions)
    open_lists = [[text for text in texts if text.casefold() not in asked] for texts in lists]
    own, others = open_lists[:1], open_lists[1:]
    # One place is kept for another page, so that nobody is held on this one.
    firsts = [text for texts in own for text in texts[: _SUGGESTIONS - 1]]
    rest = [text for texts in (*others, *(texts[_SUGGESTIONS - 1 :] for texts in own)) for text in texts]
    return list(dict.fromkeys([*firsts, *rest]))[:_SUGGESTIONS]


def _following(question: ChatRequest, contexts: Iterable[Context]) -> Chosen | None:
    earlier = [turn.text.strip().casefold() for turn in question.history if turn.role == "user"]
    for context in contexts:
        questions = [context.asked(answer).casefold() for answer in context.answers]
        places = [questions.index(text) for text in earlier if text in questions]
        if places and max(places) + 1 < len(questions):
            return Chosen(context=context, answer=context.answers[max(places) + 1])
    return None


def _asked(question: ChatRequest) -> set[str]:
    turns = (turn.text for turn in question.history if turn.role == "user")
    return {text.strip().casefold() for text in (*turns, question.message)}


def _prepared(entry: Mapping[str, Any], facts: Mapping[str, Mapping[str, Any]]) -> Prepared:
    return Prepared(
        question=entry["question"],
        words=frozenset(word.casefold() for word in entry["words"]) | _words(entry["question"]),
        answer=entry["answer"],
        writer=entry["writer"],
        facts=tuple(name for name in entry["facts"] if name in facts),
        places=frozenset(facts[name]["entity"].casefold() for name in entry["facts"] if name in facts),
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(_TOKEN.findall(text.casefold())) - _COMMON


def _places(message: str) -> frozenset[str]:
    text = message.casefold()
    corners = {f"corner:t{number}" for number in _CORNER.findall(text)}
    return frozenset(corners | {f"sector:{number}" for number in _SECTOR.findall(text)})
