"""Answers to questions from the published facts: by rules, or by a model whose every word is checked."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from grx_pipeline.publishing.service_records import ChatAnswer, ChatRequest, Source
from grx_pipeline.serve.addresses import LATEST
from grx_pipeline.serve.conversation import Chosen, Context, Named, choose, suggestions
from grx_pipeline.serve.index import Build, SiteIndex

_FLEET_PAGE = "index.html"
_NO_ANSWER = "The facts of this session do not answer that. These they do answer:"
_NO_FACTS = "This session was published without facts to answer from. Run it again to add them."
_BY_MODEL = "llm"


class Speaks(Protocol):
    """Whoever puts facts in words on a question: the answer and the ids of its facts, or None where it has none."""

    def speak(self, question: ChatRequest, context: Context) -> tuple[str, tuple[str, ...]] | None:
        """The answer, checked against the facts."""


class Answers:
    """Answers questions about a session. Without a `speaker`, or where it fails, by rules."""

    def __init__(self, index: SiteIndex, speaker: Speaks | None = None) -> None:
        self._index, self._speaker = index, speaker

    @property
    def mode(self) -> Literal["rules", "model"]:
        return "model" if self._speaker else "rules"

    async def answer(self, question: ChatRequest) -> ChatAnswer | None:
        """The answer; None where there is no such session."""
        build = self._index.build(question.session or LATEST)
        if build is None:
            return None
        contexts, named = _contexts(question, build)
        chosen = choose(question, contexts, named)
        if self._speaker is not None and contexts:
            context = chosen.context if chosen else contexts[0]
            spoken = await asyncio.to_thread(self._speaker.speak, question, context)
            if spoken is not None:
                text, facts = context.to_reader(spoken[0]), spoken[1]
                following = suggestions(question, contexts, chosen)
                return ChatAnswer(answer=text, suggestions=following, sources=_sources(context, facts), mode="model")
        return _by_rules(question, contexts, chosen)


def _by_rules(question: ChatRequest, contexts: list[Context], chosen: Chosen | None) -> ChatAnswer:
    following = suggestions(question, contexts, chosen)
    if chosen is None:
        text = _NO_ANSWER if following else _NO_FACTS
        return ChatAnswer(answer=text, suggestions=following, sources=[], mode="rules")
    return ChatAnswer(
        answer=chosen.text,
        suggestions=following,
        sources=_sources(chosen.context, chosen.answer.facts),
        mode="model" if chosen.answer.writer == _BY_MODEL else "rules",
    )


def _sources(context: Context, names: tuple[str, ...]) -> list[Source]:
    facts = (context.facts[name] for name in names)
    return [Source(fact_id=f["id"], text=f"{f['meaning']}: {f['text']}", path=context.page) for f in facts]


def _contexts(question: ChatRequest, build: Build) -> tuple[list[Context], Named]:
    """What may be said, the nearest first, and the cars that the question names beside those of its page.

    First stands what is about named cars, then the page, then the page's cars, then the fleet.
    """
    page = _context(build, question.page or _FLEET_PAGE)
    drivers = (build.record("api/drivers.json") or {}).get("drivers", [])
    numbers = {driver["vehicle_id"]: f"#{driver['car_number']}" for driver in drivers}
    own = page.vehicle_ids if page else ()
    mentioned = Named.of(question.message, drivers)
    named = [car for car in mentioned.vehicle_ids if car not in own]
    pages: dict[str, str | None] = {}
    if len(own) == 1 and named:
        pages[_pair(build, own[0], named[0])] = None
    elif len(named) > 1:
        pages[_pair(build, named[0], named[1])] = None
    pages |= {_driver(build, car): numbers[car] for car in named[:2]}
    pages[question.page or _FLEET_PAGE] = None
    pages |= {_driver(build, car): numbers.get(car) for car in own if len(own) > 1}
    pages.setdefault(_FLEET_PAGE, None)
    found = [_context(build, name, told_to=told_to) for name, told_to in pages.items()]
    return [context for context in found if context is not None], replace(mentioned, vehicle_ids=tuple(named))


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
    """What was published about a page; None where there is nothing, or not of this version."""
    record: Mapping[str, Any] | None = build.record(_file(page))
    try:
        return None if record is None else Context.of(record, told_to=told_to)
    except (KeyError, TypeError):
        return None
