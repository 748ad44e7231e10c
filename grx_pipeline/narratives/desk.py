"""Drafts of the rules -> texts: each draft is offered to the language model, and keeps what the model does not better.

A paragraph of the model that fails a check gets one repair request; what fails again, or is not answered, stays as
the rules wrote it.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from grx_pipeline.narratives.answers import Judged, judge_answer
from grx_pipeline.narratives.cache import AnswerCache, Exchange
from grx_pipeline.narratives.prompting import asked_parts, question, question_hash, repair_question
from grx_pipeline.narratives.records import Narrative, Paragraph
from grx_pipeline.narratives.verify import RuleWords
from grx_pipeline.narratives.writer import Asks, NoAnswerError, Reply
from grx_pipeline.settings import LlmSettings
from grx_pipeline.storage.steps import Progress

ACCEPTED, PARTLY, REJECTED = "accepted", "partly", "rejected"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the request for one text. `was_known` where nothing had to be asked."""

    request: str
    status: str
    paragraphs: int
    accepted: int = 0
    repaired: int = 0
    problems: tuple[str, ...] = ()
    prompt_tokens: int = 0
    answer_tokens: int = 0
    was_known: bool = False

    @property
    def replaced(self) -> int:
        return self.paragraphs - self.accepted - self.repaired

    @property
    def is_answered(self) -> bool:
        return self.status in (ACCEPTED, PARTLY, REJECTED)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A text as it will be read, and what became of its request; None where nothing was asked."""

    narrative: Narrative
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Everything that a request needs."""

    writer: Asks
    cache: AnswerCache
    settings: LlmSettings
    rule_words: Mapping[str, RuleWords]
    progress: Progress


@dataclass(kw_only=True)
class _Talk:
    """The exchange about one draft, as far as it went."""

    exchange: Exchange | None
    problems: list[str] = field(default_factory=list)
    asked: int = 0
    failure: str | None = None


def write_all(drafts: Sequence[Narrative], desk: Desk) -> list[Written]:
    """All texts in the order of their drafts, so many requests at once as the settings allow."""
    done = 0
    written: list[Written] = []
    with ThreadPoolExecutor(max_workers=desk.settings.concurrency) as pool:
        for text in pool.map(lambda draft: write_text(draft, desk), drafts):
            written.append(text)
            done += 1
            desk.progress(f"text {done} of {len(drafts)}")
    return written


def write_text(draft: Narrative, desk: Desk) -> Written:
    """One text: from the cache where the question is known, else asked."""
    asked = asked_parts(draft)
    if not asked:
        return Written(narrative=draft)
    messages = question(draft, desk.rule_words)
    request = question_hash(messages, desk.settings)
    talk = _Talk(exchange=desk.cache.read(request))
    was_kept = talk.exchange
    if talk.exchange is None:
        answer = _ask(messages, desk, talk)
        if answer is None:
            outcome = Outcome(request=request, status=talk.failure or "", paragraphs=len(asked))
            return Written(narrative=draft, outcome=outcome)
        talk.exchange = Exchange(asked=messages, answer=answer)
    judged = judge_answer(talk.exchange.answer.text, asked, draft.facts, desk.rule_words)
    checks: dict[str, tuple[str, ...]] = dict(judged.problems)
    repaired: Mapping[str, Paragraph] = {}
    if judged.problems:
        again = _repair(judged, asked, draft, desk, talk)
        if again is not None:
            repaired = again.accepted
            checks |= {f"{part} (repair)": found for part, found in again.problems.items()}
    if talk.exchange is not was_kept:
        desk.cache.write(request, talk.exchange, model=desk.settings.model, checks=checks)
    talk.problems = [f"{part}: {problem}" for part, found in checks.items() for problem in found]
    outcome = _outcome(request, len(asked), judged, repaired, talk)
    return Written(narrative=_merged(draft, {**judged.accepted, **repaired}), outcome=outcome)


def _ask(messages: Sequence[dict[str, str]], desk: Desk, talk: _Talk) -> Reply | None:
    talk.asked += 1
    try:
        return desk.writer.ask(messages)
    except NoAnswerError as error:
        talk.failure = error.reason
        return None


def _repair(judged: Judged, asked: Sequence[Paragraph], draft: Narrative, desk: Desk, talk: _Talk) -> Judged | None:
    """The broken paragraphs once more; None where there is no answer to that."""
    exchange = talk.exchange
    if exchange is None:
        return None
    wanted = [paragraph for paragraph in asked if paragraph.part in judged.problems]
    messages = repair_question(exchange.asked, exchange.answer.text, judged.problems)
    if exchange.repair is None or exchange.repair_asked != messages:
        answer = _ask(messages, desk, talk)
        if answer is None:
            return None
        exchange = replace(exchange, repair_asked=messages, repair=answer)
        talk.exchange = exchange
    if exchange.repair is None:
        return None
    return judge_answer(exchange.repair.text, wanted, draft.facts, desk.rule_words)


def _outcome(
    request: str,
    paragraphs: int,
    judged: Judged,
    repaired: Mapping[str, Paragraph],
    talk: _Talk,
) -> Outcome:
    good = len(judged.accepted) + len(repaired)
    status = ACCEPTED if good == paragraphs else PARTLY if good else REJECTED
    replies = [reply for reply in (talk.exchange.answer, talk.exchange.repair) if reply] if talk.exchange else []
    return Outcome(
        request=request,
        status=talk.failure or status,
        paragraphs=paragraphs,
        accepted=len(judged.accepted),
        repaired=len(repaired),
        problems=tuple(talk.problems),
        prompt_tokens=sum(reply.prompt_tokens for reply in replies),
        answer_tokens=sum(reply.answer_tokens for reply in replies),
        was_known=not talk.asked,
    )


def _merged(draft: Narrative, better: Mapping[str, Paragraph]) -> Narrative:
    paragraphs = tuple(better.get(paragraph.part, paragraph) for paragraph in draft.paragraphs)
    return replace(draft, paragraphs=paragraphs)
