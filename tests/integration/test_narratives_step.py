"""The step of the texts with a language model: what a run asks, keeps, counts and never tells."""

import json
import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support import narrative_session as made
from support.groq_server import Handler, Respond, serving
from support.llm_answers import DRAFT, KEY, WORDS, WRONG_SUMMARIES, desk_of, fail, good, llm, with_summary
from support.narrative_session import HABITS, SESSION

from grx_pipeline.narratives.desk import write_all
from grx_pipeline.narratives.prompting import asked_parts, question
from grx_pipeline.narratives.steps import UNANSWERED, build_narratives
from grx_pipeline.paths import Paths
from grx_pipeline.settings import LlmSettings, Settings
from grx_pipeline.storage.parquet import read_table
from grx_pipeline.storage.steps import StepContext


@dataclass
class Session:
    """A session in the lake and a service for it."""

    context: StepContext
    answers: dict[str, str]
    lines: list[str] = field(default_factory=list)


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    settings = Settings(data_dir=tmp_path / "data", reports_dir=tmp_path / "reports")
    made.write_session(Paths.of(settings))
    lines: list[str] = []
    context = StepContext(session=SESSION, paths=Paths.of(settings), settings=settings, progress=lines.append)
    drafts = [draft for draft in made.drafts() if asked_parts(draft)]
    answers = {question(draft, WORDS)[1]["content"]: json.dumps(good(draft)) for draft in drafts}
    return Session(context=context, answers=answers, lines=lines)


def knowing(session: Session) -> Respond:
    def respond(handler: Handler, body: dict[str, Any], number: int) -> None:
        handler.answer(session.answers[body["messages"][1]["content"]])

    return respond


def with_llm(session: Session, settings: LlmSettings) -> StepContext:
    return replace(session.context, settings=replace(session.context.settings, llm=settings))


def lake(session: Session) -> dict[str, bytes]:
    folder = session.context.paths.session_lake(SESSION)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_rerun_asks_nothing_and_changes_no_byte_and_nothing_holds_the_key(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(knowing(session)) as server:
        context = with_llm(session, llm(server))
        first = build_narratives(context)
        before, asked = lake(session), len(server.requests)
        second = build_narratives(context)
        assert len(server.requests) == asked == len(session.answers)
    assert lake(session) == before
    assert first.figures["llm_requests"] == asked
    assert first.figures["llm_accepted"] == first.figures["llm_paragraphs"]
    assert first.figures["llm_replaced_by_rules"] == 0
    assert (second.figures["llm_requests"], second.figures["llm_known"]) == (0, asked)
    assert second.figures[UNANSWERED] == 0
    held = [name for name, content in before.items() if KEY.encode() in content]
    assert held == []
    assert KEY not in caplog.text
    assert KEY not in " ".join(session.lines) + repr(first) + repr(context)


def test_without_a_key_the_rules_write_the_same_bytes_every_time_and_nobody_is_asked(session: Session) -> None:
    outcome = build_narratives(session.context)
    before = lake(session)
    assert build_narratives(session.context).figures == outcome.figures
    assert lake(session) == before
    assert "llm_requests" not in outcome.figures
    requests = read_table(session.context.paths.table(SESSION, "narrative_requests"))
    assert requests.num_rows == 0


def test_a_budget_ends_the_questions_and_the_next_run_goes_on_from_there(session: Session) -> None:
    with serving(knowing(session)) as server:
        small = build_narratives(with_llm(session, llm(server, budget=5)))
        assert (len(server.requests), small.figures["llm_requests"]) == (5, 5)
        assert small.figures["llm_budget"] == small.figures[UNANSWERED] == len(session.answers) - 5
        rest = build_narratives(with_llm(session, llm(server)))
        assert len(server.requests) == len(session.answers)
    assert (rest.figures["llm_known"], rest.figures[UNANSWERED]) == (5, 0)


def test_a_refused_key_is_tried_a_few_times_at_most_not_once_a_text(session: Session) -> None:
    with serving(fail(401)) as server:
        outcome = build_narratives(with_llm(session, llm(server, concurrency=3)))
        assert len(server.requests) <= 3
    assert outcome.figures["llm_unauthorised"] == len(session.answers)
    statuses = read_table(session.context.paths.table(SESSION, "narrative_requests"))["status"].to_pylist()
    assert set(statuses) == {"unauthorised"}


def test_the_counts_of_a_mixed_run_stand_in_the_figures_of_the_step(session: Session) -> None:
    fleet, wrong = made.drafts()[0], DRAFT
    texts = {question(draft, WORDS)[1]["content"]: draft for draft in made.drafts() if asked_parts(draft)}

    def respond(handler: Handler, body: dict[str, Any], number: int) -> None:
        draft = texts[body["messages"][1]["content"]]
        if draft.facts.subject == fleet.facts.subject:
            handler.status(500, {})
        elif draft.facts.subject == wrong.facts.subject:
            handler.answer(with_summary(draft, *WRONG_SUMMARIES["html"]))
        else:
            handler.answer(json.dumps(good(draft)))

    with serving(respond) as server:
        figures = build_narratives(with_llm(session, llm(server, retries=0))).figures
    assert figures["llm_server_error"] == figures[UNANSWERED] == 1
    assert figures["llm_replaced_by_rules"] == 1 + len(asked_parts(fleet))
    assert figures["llm_requests"] == len(texts) + 1, "one repair"
    rows = read_table(session.context.paths.table(SESSION, "narratives")).to_pylist()
    shown = [row["text"] for row in rows if row["vehicle_id"] == HABITS and row["kind"] == "driver"]
    assert not any("<img" in text for text in shown)


def test_twenty_drivers_and_a_slow_service_are_asked_at_once_within_the_limit(tmp_path: Path) -> None:
    drafts = [replace(DRAFT, facts=replace(DRAFT.facts, session=f"s{n}")) for n in range(20)]
    for number, draft in enumerate(drafts):
        fact = replace(draft.facts.facts["result.position"], n=100 + number)
        drafts[number] = replace(draft, facts=replace(draft.facts, facts={**draft.facts.facts, fact.id: fact}))

    def respond(handler: Handler, body: dict[str, Any], number: int) -> None:
        time.sleep(1.0)
        handler.answer(json.dumps(good(DRAFT)))

    with serving(respond) as server, desk_of(llm(server, concurrency=5), tmp_path) as (desk, writer):
        started = time.monotonic()
        written = write_all(drafts, desk)
        seconds = time.monotonic() - started
        assert (len(server.requests), writer.budget.sent) == (20, 20)
        assert server.most_at_once == 5
    assert seconds < 12, "20 s one after the other"
    assert all(text.outcome is not None and text.outcome.status == "accepted" for text in written)


def test_requests_of_a_minute_are_counted_over_all_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grx_pipeline.narratives.writer._MINUTE_S", 1.0)
    drafts = [DRAFT, *(draft for draft in made.drafts() if draft.facts.subject.kind == "driver")][1:6]
    times: list[float] = []

    def respond(handler: Handler, body: dict[str, Any], number: int) -> None:
        times.append(time.monotonic())
        handler.answer("{}")

    with serving(respond) as server, desk_of(llm(server, requests_per_minute=4), tmp_path) as (desk, _):
        write_all(drafts, desk)
    for start in times:
        assert sum(start <= at < start + 0.5 for at in times) <= 4
