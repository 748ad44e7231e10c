"""Answers to questions from the published facts: by rules, or by a model whose every word is checked."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from grx_pipeline.publishing.manifest import SCHEMA_VERSION
from grx_pipeline.publishing.service_records import ChatAnswer, ChatRequest, Source
from grx_pipeline.serve.addresses import LATEST, SITE
from grx_pipeline.serve.conversation import Chosen, Context, choose, chosen_as_written, suggestions
from grx_pipeline.serve.index import Build, SiteIndex
from grx_pipeline.serve.lookups import outside, pairs
from grx_pipeline.serve.lookups.asked import Asked
from grx_pipeline.serve.lookups.followups import asks_why, carried
from grx_pipeline.serve.lookups.places import advice_reason
from grx_pipeline.serve.lookups.published import Found, Published, found
from grx_pipeline.serve.lookups.sessions import all_races, heading, listed_sessions, meant_sessions, which_race
from grx_pipeline.serve.lookups.topics import fall_back, look_up
from grx_pipeline.settings import NarrativeSettings

_FLEET_PAGE = "index.html"
_NO_ANSWER = "The facts of this session do not answer that. These they do answer:"
_NO_FACTS = "This session was published without facts to answer from. Run it again to add them."
_OTHER_VERSION = (
    "This session's records are of version {found}, and this server reads version {read}: it cannot answer from them. "
    "Run the session again."
)
_BY_MODEL = "llm"
_THE_WINNER = re.compile(r"\b(?:than|with|to|against|vs|versus|and) the (?:winner|leader)\b(?!')")
_SIDES = re.compile(r"\bwhere\b|\bstrong|\bbeats?\b|\bbetter in")
_LOSES = re.compile(r"\blos(?:e|es|ing|t)\b|\bslow|\bweak")
_OWN_SIDE = re.compile(r"\b(?:am|do|did|can|could|was) i\b")
_OF_A_CAR = (
    "Where am I losing time?",
    "What is my target lap?",
    "What was my best lap?",
    "Who was quickest in sector 1?",
)
_OF_THE_FIELD = (
    "Who finished on the podium?",
    "Who set the fastest lap?",
    "Who was quickest in sector 1?",
    "Who was the most consistent?",
)


class Speaks(Protocol):
    """Whoever puts facts in words on a question: the answer and the ids of its facts, or None where it has none."""

    def speak(self, question: ChatRequest, context: Context) -> tuple[str, tuple[str, ...]] | None:
        """The answer, checked against the facts."""


class Answers:
    """Answers questions about a session. Without a `speaker`, or where it fails, by rules."""

    def __init__(self, index: SiteIndex, worth: NarrativeSettings, speaker: Speaks | None = None) -> None:
        self._index, self._worth, self._speaker = index, worth, speaker

    @property
    def mode(self) -> Literal["rules", "model"]:
        return "model" if self._speaker else "rules"

    async def answer(self, question: ChatRequest) -> ChatAnswer | None:
        """The answer; None where there is no such session."""
        build = self._index.build(question.session or LATEST)
        if build is None:
            return None
        if not build.is_readable:
            return _unreadable(build)
        return await self._across(question, _Subject.of(question, build, self._worth), build)

    async def _across(self, question: ChatRequest, subject: "_Subject", build: Build) -> ChatAnswer:
        """The answer from the session that the question means: its own, another one, or all of a circuit."""
        site = self._index.build(SITE)
        listed = site.record("api/sessions.json") if site is not None and site.is_readable else None
        entries = listed["sessions"] if listed is not None else []
        if (sessions := listed_sessions(question.message, entries)) is not None:
            return _answer(question, subject, sessions, ())
        if len(races := all_races(question.message, entries, build.name)) > 1:
            return await self._of_all(question, races, subject)
        meant = (
            () if outside.not_published(subject.asked.rest) else meant_sessions(question.message, entries, build.name)
        )
        if len(meant) > 1:
            again = [f"{question.message.strip(' ?!.')}, race {entry['race']}?" for entry in meant]
            return ChatAnswer(answer=which_race(meant), suggestions=again, sources=[], mode="rules")
        other = self._index.build(meant[0]["session"]) if meant else None
        if other is None:
            return await self._of(question, subject)
        answer = await self._of_build(question, other)
        return answer.model_copy(
            update={"answer": f"{heading(meant[0])}: {answer.answer}", "sources": _elsewhere(answer, other)}
        )

    async def _of_all(
        self, question: ChatRequest, races: Sequence[Mapping[str, Any]], subject: "_Subject"
    ) -> ChatAnswer:
        """The answer from each race, one after the other; the pages are those of the question's own."""
        texts, sources = [], []
        for entry in races:
            build = self._index.build(entry["session"])
            if build is None:
                continue
            of_race = question.model_copy(update={"page": None}) if build.name != subject.session else question
            answer = await self._of_build(of_race, build)
            texts.append(f"{heading(entry)}: {answer.answer}")
            sources += answer.sources if build.name == subject.session else _elsewhere(answer, build)
        return _answer(question, subject, " ".join(texts), sources)

    async def _of_build(self, question: ChatRequest, build: Build) -> ChatAnswer:
        """The answer from the session of a build, or that it cannot be read."""
        if not build.is_readable:
            return _unreadable(build)
        return await self._of(question, _Subject.of(question, build, self._worth))

    async def _of(self, question: ChatRequest, subject: "_Subject") -> ChatAnswer:
        """The answer from one session."""
        chosen = chosen_as_written(question, subject.contexts, subject.others)
        if chosen is None and (looked_up := _looked_up(subject)) is not None:
            return _answer(question, subject, looked_up.text, looked_up.sources)
        chosen = chosen or choose(question, subject.contexts, subject.asked, subject.others, side=subject.side)
        if self._speaker is not None and subject.contexts:
            context = chosen.context if chosen else subject.contexts[0]
            spoken = await asyncio.to_thread(self._speaker.speak, question, context)
            if spoken is not None:
                text, facts = context.to_reader(spoken[0]), _sources(context, spoken[1])
                return _answer(question, subject, text, facts, chosen=chosen, mode="model")
        return _by_rules(question, subject, chosen)


@dataclass(frozen=True, kw_only=True)
class _Subject:
    """What a question is about: its parts, what was written about its pages, and the records that it may look into.

    `others` are the cars it names beside those of its page.
    """

    session: str
    asked: Asked
    others: tuple[str, ...]
    own: tuple[str, ...]
    contexts: tuple[Context, ...]
    published: Published | None

    @classmethod
    def of(cls, question: ChatRequest, build: Build, worth: NarrativeSettings) -> "_Subject":
        drivers = (build.record("api/drivers.json") or {}).get("drivers", [])
        parts = (question.page or _FLEET_PAGE).removesuffix(".html").split("/")
        cars = {driver["path"]: driver["vehicle_id"] for driver in drivers}
        own = tuple(cars[part] for part in parts[1:] if part in cars)
        asked = carried(
            Asked.of(question.message, drivers, page_cars=own),
            question.message,
            question.history,
            lambda text: Asked.of(text, drivers, page_cars=own),
        )
        published = Published.of(build, worth)
        asked = _beside_the_winner(asked, published, own)
        others = tuple(car for car in asked.named if car not in own)
        contexts = _contexts(question, build, own, others, drivers)
        return cls(session=build.name, asked=asked, others=others, own=own, contexts=contexts, published=published)

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two cars that the question sets against each other; on the page of two, these."""
        if len(self.own) > 1 and set(self.asked.named) <= set(self.own):
            return self.own[0], self.own[1]
        cars = (*self.own, *self.others) if len(self.own) == 1 and self.others else self.asked.named
        return (cars[0], cars[1]) if len(cars) > 1 else None

    @property
    def side_car(self) -> str:
        """Of two cars the one whose strengths are asked for: "where am I stronger" is about one's own."""
        if self.pair is None or not _SIDES.search(self.asked.rest) or (len(self.own) > 1 and not self.asked.named):
            return ""
        if len(self.own) > 1:
            is_other = _LOSES.search(self.asked.rest) is not None
            return self.pair[int((self.asked.named[0] == self.pair[1]) ^ is_other)]
        is_other = len(self.own) == 1 and bool(self.others) and not _OWN_SIDE.search(self.asked.rest)
        return self.pair[int(is_other) ^ int(_LOSES.search(self.asked.rest) is not None)]

    @property
    def side(self) -> str:
        """The number of that car, as #13."""
        if not self.side_car or self.published is None:
            return ""
        return f"#{self.published.driver(self.side_car)['car_number']}"

    @property
    def more(self) -> tuple[str, ...]:
        """Questions that lookups answer."""
        if self.published is None:
            return ()
        return _OF_A_CAR if len(self.own) == 1 else _OF_THE_FIELD


def _looked_up(subject: _Subject) -> Found | None:
    """What the published files hold on the question as it is, or that it is of nothing published."""
    asked, published = subject.asked, subject.published
    if asks_why(asked.rest) and published is not None and asked.car is not None:
        return advice_reason(asked, published)
    said = outside.other_language(asked.rest)
    said = (
        said
        or (None if asked.named else outside.meaning(asked.rest))
        or outside.small_talk(asked.rest)
        or outside.not_published(asked.rest)
    )
    if said is not None:
        return found(said)
    if published is None:
        return None
    return look_up(asked, published) if subject.pair is None else _of_pair(subject, published, subject.pair)


def _beside_the_winner(asked: Asked, published: Published | None, own: Sequence[str]) -> Asked:
    """The question with the winner's car, where one's own is set against it."""
    if published is None or len(own) != 1 or asked.named or not _THE_WINNER.search(asked.rest):
        return asked
    winner = next((car["vehicle_id"] for car in published.classified()), own[0])
    if winner == own[0] or pairs.at_the_flag(asked):
        return asked
    return replace(asked, named=(winner,), car=winner, is_own=False, places=())


def _of_pair(subject: _Subject, published: Published, pair: pairs.Pair) -> Found | None:
    """What the files hold on two cars, or on the one of them that is meant; None where their text has the word."""
    asked = subject.asked
    if len(asked.named) > len(pair) and not (asked.corners or asked.sectors):
        return pairs.with_each(published, asked.named)
    if pairs.is_about_one(asked) and (answer := look_up(asked, published)) is not None:
        return answer
    if (answer := pairs.precisely(asked, published, pair)) is not None:
        return answer
    texts = [context for context in subject.contexts if set(pair) == set(context.vehicle_ids)]
    if subject.side_car and not any(subject.side in answer.words for context in texts for answer in context.answers):
        return pairs.where_quicker(published, pair, subject.side_car)
    if texts:
        return None
    return look_up(asked, published) or pairs.on_best_laps(published, pair)


def _last_resort(subject: _Subject) -> Found | None:
    """What the files hold on a question that no text of the session answers."""
    if subject.published is None:
        return None
    if subject.pair is not None:
        return pairs.on_best_laps(subject.published, subject.pair)
    return fall_back(subject.asked, subject.published)


def _by_rules(question: ChatRequest, subject: _Subject, chosen: Chosen | None) -> ChatAnswer:
    if chosen is None and (last := _last_resort(subject)) is not None:
        return _answer(question, subject, last.text, last.sources)
    if chosen is None:
        has_any = bool(suggestions(question, subject.contexts, None, subject.more))
        return _answer(question, subject, _NO_ANSWER if has_any else _NO_FACTS, ())
    mode: Literal["rules", "model"] = "model" if chosen.answer.writer == _BY_MODEL else "rules"
    sources = _sources(chosen.context, chosen.answer.facts)
    return _answer(question, subject, chosen.text, sources, chosen=chosen, mode=mode)


def _answer(
    question: ChatRequest,
    subject: _Subject,
    text: str,
    sources: Sequence[Source],
    *,
    chosen: Chosen | None = None,
    mode: Literal["rules", "model"] = "rules",
) -> ChatAnswer:
    following = suggestions(question, subject.contexts, chosen, subject.more)
    return ChatAnswer(answer=text, suggestions=following, sources=list(sources), mode=mode)


def _unreadable(build: Build) -> ChatAnswer:
    """That a build's records are not of the version that is read here."""
    text = _OTHER_VERSION.format(found=build.manifest.schema_version, read=SCHEMA_VERSION)
    return ChatAnswer(answer=text, suggestions=[], sources=[], mode="rules")


def _elsewhere(answer: ChatAnswer, build: Build) -> list[Source]:
    """Sources in another session than the question's, as seen from there."""
    return [source.model_copy(update={"path": f"../{build.name}/{source.path}"}) for source in answer.sources]


def _sources(context: Context, names: tuple[str, ...]) -> list[Source]:
    facts = (context.facts[name] for name in names)
    return [Source(fact_id=f["id"], text=f"{f['meaning']}: {f['text']}", path=context.page) for f in facts]


def _contexts(
    question: ChatRequest, build: Build, own: Sequence[str], others: Sequence[str], drivers: Sequence[Mapping[str, Any]]
) -> tuple[Context, ...]:
    """What may be said, the nearest first: about other cars that are named, the page, its cars, the fleet."""
    numbers = {driver["vehicle_id"]: f"#{driver['car_number']}" for driver in drivers}
    pages: dict[str, str | None] = {}
    if len(own) == 1 and others:
        pages[_pair(build, own[0], others[0])] = None
    elif len(others) > 1:
        pages[_pair(build, others[0], others[1])] = None
    pages |= {_driver(build, car): numbers[car] for car in others[:2]}
    pages[question.page or _FLEET_PAGE] = None
    pages |= {_driver(build, car): numbers.get(car) for car in own if len(own) > 1}
    pages.setdefault(_FLEET_PAGE, None)
    found = [_context(build, name, told_to=told_to) for name, told_to in pages.items()]
    return tuple(context for context in found if context is not None)


def _driver(build: Build, vehicle: str) -> str:
    return f"drivers/{build.paths.get(vehicle, vehicle)}.html"


def _pair(build: Build, first: str, second: str) -> str:
    """The page of two cars; texts are written one way round."""
    names = [build.paths.get(car, car) for car in (first, second)]
    ways = [f"compare/{a}/{b}.html" for a, b in (names, names[::-1])]
    return next((way for way in ways if _file(way) in build.files), ways[0])


def _file(page: str) -> str:
    return f"api/context/{page.removesuffix('.html')}.json"


def _context(build: Build, page: str, *, told_to: str | None = None) -> Context | None:
    """What was published about a page; None where there is nothing."""
    record: Mapping[str, Any] | None = build.record(_file(page))
    return None if record is None else Context.of(record, told_to=told_to)
