"""Which of the published answers a question means, and what may be asked next. Rules only; nothing is made up here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grx_pipeline.publishing.service_records import ChatRequest
from grx_pipeline.serve.lookups.asked import Asked

_SUGGESTIONS = 4
_TOKEN = re.compile(r"#?[\w'-]+")
# A place that is named outweighs words that fit by chance.
_PLACE_SCORE = 3
_STRENGTHS = "strengths_"
_PAIR_WORDS = frozenset(("compare", "compared", "than", "versus", "vs", "against", "between", "beat", "beaten"))
_FOLLOW_UPS = frozenset(("more", "next", "else", "then", "and", "further", "continue", "after", "on"))
_ABOUT = frozenset(("about", "show", "how", "who"))
_NUMBER = re.compile(r"\d+[a-z]?")
# Parts of the texts by other words than the published ones.
_INTENTS = tuple(
    (re.compile(words), frozenset(parts.split()))
    for words, parts in (
        (
            r"\bhow (?:did|was|were|has|have)\b.*\b(?:go|gone|do|done|race|it|i|he|she|they)\b|\bsumm|\boverview"
            r"|\btell (?:my|the) \w+|\bdebrief",
            "summary",
        ),
        (r"\bhow did\s*(?:do)?\W*$|^\W*(?:about|tell|and|what)\b\W*(?:me|about|of)?\W*(?:about)?\W*$", "summary"),
        (r"\bwon\b|\bwins?\b|\bwinner\b|\bvictor", "summary"),
        (
            r"\bt[yi]res?\b|\bfad(?:e|ed|ing)\b|\bf[ae]ll off|\bdrop(?:ped)? off|\bstint|\bend of the race|\bconsisten",
            "race",
        ),
        (
            r"\bimproved\b|\bg[eo]t (?:faster|slower|quicker)|\bduring the race|\bpace of the|\bfad(?:e|ed|ing)\b"
            r"|\b(?:track|field) (?:get|got|was|become|became)\b",
            "trends",
        ),
        (r"\bmistake|\berrors?\b|\bmoments?\b|\bwrong\b|\bspun|\bspin|\block", "moments"),
        (r"\bdata\b|\btelemetry|\btrust|\breliab|\baccura|\blogger", "missing data"),
        (r"\bimprove\b|\badvice|\btips?\b|\bwork on|\bdo differently|\bpracti[cs]e", "change_1"),
        (r"\bstrength|\bstrong\b|\bgood at|\bdo(?:ing)? well|\bdid well", "strengths"),
        (r"\bsmooth|\bhands\b|\bfeet\b", "hands"),
        (r"\bwhere\b|\bstronger|\bbeats?\b|\bbetter in", f"{_STRENGTHS}a {_STRENGTHS}b"),
        (r"\bclass\b|\bothers\b|\boff the pace", "class"),
    )
)
_COMMON = frozenset(
    _TOKEN.findall(
        "a about also am an and any are at be been being best by can car cars could did do does down driver "
        "drivers first for from get give go good got had has have he her here him his how i if in into is it just "
        "lap laps last made make many me most much my need no now of on one or our out please race really she "
        "should so some take tell than that the their them there they thing this time to too up use was we were "
        "what when where which who why will with would yes you your"
    )
)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A published question with its answer; `places` are what its facts are about, as corner:T5."""

    question: str
    words: frozenset[str]
    answer: str
    part: str
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


def choose(
    question: ChatRequest, contexts: Sequence[Context], asked: Asked, others: Sequence[str], *, side: str = ""
) -> Chosen | None:
    """The prepared answer with most in common with the question, the first page's before the others'.

    Where the question names `others` than the page's cars, only what is about them is an answer; `side` is the one of
    two cars that it asks about, as #13. A question that only asks to go on gets what follows the last one of the
    history.
    """
    cars = set(others)
    about = [context for context in contexts if not cars or cars & set(context.vehicle_ids)]
    everything = [Chosen(context=context, answer=answer) for context in about for answer in context.answers]
    words = _words(asked.rest)
    if words <= _FOLLOW_UPS and not cars and (words or asked.rest.strip("?!. ")):
        following = _following(question, contexts)
        if following or words:
            return following
    places = frozenset(f"corner:t{corner}" for corner in asked.corners) | {f"sector:{n}" for n in asked.sectors}
    if places and not any(_at(places, chosen.answer) for chosen in everything):
        return None
    parts = frozenset(part for pattern, meant in _INTENTS if pattern.search(asked.rest) for part in meant)
    wanted = words | {side} if side else words
    fitting = [
        c for c in everything if not (side and c.answer.part.startswith(_STRENGTHS) and side not in c.answer.words)
    ]
    scores = [(_score(chosen, wanted, places, parts), -place) for place, chosen in enumerate(fitting)]
    score, place = max(scores, default=(0, 0))
    if not score and cars and not words - _ABOUT:
        return everything[0] if everything else None
    return fitting[-place] if score else None


def chosen_as_written(question: ChatRequest, contexts: Sequence[Context], others: Sequence[str]) -> Chosen | None:
    """The prepared answer whose own question was asked, as a suggestion is."""
    asked, cars = question.message.strip().casefold(), set(others)
    for context in contexts:
        if cars and not cars & set(context.vehicle_ids):
            continue
        for answer in context.answers:
            if asked in (context.asked(answer).casefold(), answer.question.casefold()):
                return Chosen(context=context, answer=answer)
    return None


def _score(chosen: Chosen, words: frozenset[str], places: frozenset[str], parts: frozenset[str]) -> int:
    """How well an answer fits; 0 where less than half of the words that say something are its own."""
    is_pair = len(chosen.context.vehicle_ids) > 1 and bool(words & _PAIR_WORDS)
    fitting = words & chosen.answer.words
    meant = (_PLACE_SCORE if is_pair else 0) + (_PLACE_SCORE if chosen.answer.part in parts else 0)
    meant += _PLACE_SCORE * len(_at(places, chosen.answer))
    return meant + len(fitting) if meant or 2 * len(fitting) >= len(words) else 0


def _at(places: frozenset[str], answer: Prepared) -> set[str]:
    """Which of the named places an answer is about; T5 is part of T5-T6."""
    return {
        place
        for place in places
        for own in answer.places
        if own == place or (own.startswith("corner:") and place.removeprefix("corner:t") in _NUMBER.findall(own))
    }


def suggestions(
    question: ChatRequest, contexts: Sequence[Context], chosen: Chosen | None, more: Sequence[str] = ()
) -> list[str]:
    """What to ask next: what follows the answer on its page, one of `more`, then the others; nothing that was asked."""
    asked = _asked(question) | ({chosen.context.asked(chosen.answer).casefold()} if chosen else set())
    lists: list[list[str]] = []
    for context in contexts:
        questions = [context.asked(answer) for answer in context.answers]
        if chosen is not None and context is chosen.context:
            start = questions.index(context.asked(chosen.answer)) + 1
            lists.insert(0, questions[start:] + questions[:start])
        else:
            lists.append(questions)
    open_lists = [[text for text in texts if text.casefold() not in asked] for texts in (*lists[:1], more, *lists[1:])]
    own, looked_up, *others = open_lists if lists else ([], *open_lists)
    # One place is kept for another page, so that nobody is held on this one.
    count = _SUGGESTIONS - 1 - min(len(looked_up), 1)
    firsts = [*own[:count], *looked_up[:1]]
    rest = [text for texts in (*others, looked_up[1:], own[count:]) for text in texts]
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
        part=entry["part"],
        writer=entry["writer"],
        facts=tuple(name for name in entry["facts"] if name in facts),
        places=frozenset(facts[name]["entity"].casefold() for name in entry["facts"] if name in facts),
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(_TOKEN.findall(text.casefold())) - _COMMON
