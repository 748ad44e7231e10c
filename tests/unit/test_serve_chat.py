"""Answers to questions: whose they are, what comes next, and that nothing is said which the facts do not say."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.chat_context import driver_context, fact, fleet_context, pair_context

from grx_pipeline.narratives.writer import NoAnswerError, Reply
from grx_pipeline.publishing.manifest import SCHEMA_VERSION
from grx_pipeline.publishing.service_records import ChatAnswer, ChatRequest, Turn
from grx_pipeline.reports.publish import publish
from grx_pipeline.serve.answers import Answers
from grx_pipeline.serve.app import create_app
from grx_pipeline.serve.index import SiteIndex
from grx_pipeline.serve.limits import Rate
from grx_pipeline.serve.speaker import ModelSpeaker
from grx_pipeline.settings import NarrativeSettings, Settings

SESSION = "barber-2025-r1"
A, B, C = "GR86-002-2", "car-13", "GR86/004 78%"
PATHS = {A: "GR86-002-2", B: "car-13", C: "GR86-ab12"}
OWN = f"drivers/{PATHS[A]}.html"


@pytest.fixture
def index(tmp_path: Path) -> SiteIndex:
    drivers = [
        {"vehicle_id": car, "path": PATHS[car], "car_number": number, "driver_name": name}
        for car, number, name in ((A, "2", "Anna Berg"), (B, "013", None), (C, "78", "<b>.*</b>"))
    ]
    files = {
        "api/drivers.json": {"drivers": drivers},
        f"api/context/drivers/{PATHS[A]}.json": driver_context(A, PATHS[A], "7"),
        f"api/context/drivers/{PATHS[B]}.json": driver_context(B, PATHS[B], "8"),
        f"api/context/compare/{PATHS[B]}/{PATHS[A]}.json": pair_context(B, A, f"compare/{PATHS[B]}/{PATHS[A]}.html"),
        "api/context/index.json": fleet_context(),
    }
    publish(
        {name: json.dumps({"data": data}).encode() for name, data in files.items()},
        site=tmp_path / SESSION,
        builds=tmp_path / ".builds" / SESSION,
        session=SESSION,
        schema_version=SCHEMA_VERSION,
        now="",
        keep=1,
    )
    return SiteIndex(tmp_path, on_change=lambda _: None)


def ask(index: SiteIndex, message: str, page: str | None = OWN, *history: str, speaker: Any = None) -> ChatAnswer:
    turns = [Turn(role="user", text=text) for text in history]
    question = ChatRequest(message=message, session=SESSION, page=page, history=turns)
    given = asyncio.run(Answers(index, NarrativeSettings(), speaker).answer(question))
    assert given is not None
    return given


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("How did it go?", "Your best lap is 1:37.000."),
        ("where can I improve?", "You lose 0.210 s in T5."),
        ("What about turn 5?", "You lose 0.210 s in T5."),
        ("and T5 ?", "You lose 0.210 s in T5."),
        ("Sector 3?", "In sector 3 there is 0.100 s."),
        ("who WON", "#2 won."),
        ("did it rain", "The air had 30 °C."),
    ],
)
def test_a_question_finds_its_answer_on_the_page_or_in_the_fleet(index: SiteIndex, message: str, said: str) -> None:
    assert ask(index, message).answer == said


def test_an_answer_names_the_facts_it_rests_on_and_the_page_where_they_stand(index: SiteIndex) -> None:
    given = ask(index, "Where can I improve?")
    assert [(s.fact_id, s.text, s.path) for s in given.sources] == [("loss", "what loss is: 0.210 s", OWN)]
    assert given.mode == "rules"
    assert ask(index, "What can you not tell me?").mode == "model"


@pytest.mark.parametrize("message", ["What is the capital of France?", "What about turn 9?", "?", "Sector 1 maybe"])
def test_what_the_facts_do_not_answer_is_said_to_be_so(index: SiteIndex, message: str) -> None:
    given = ask(index, message)
    assert given.answer == "The facts of this session do not answer that. These they do answer:"
    assert given.sources == []
    assert given.suggestions[0] == "How did it go?"


def test_suggestions_go_on_from_the_answer_and_leave_out_what_was_asked(index: SiteIndex) -> None:
    first = ask(index, "How did it go?")
    assert first.suggestions == [
        "What should I change first?",
        "Where is the time to my target?",
        "What can you not tell me?",
        "Who won, and how?",
    ]
    later = ask(index, "What should I change first?", OWN, "How did it go?", "Who won, and how?")
    assert later.suggestions == [
        "Where is the time to my target?",
        "What can you not tell me?",
        "What were the conditions?",
    ]
    assert ask(index, "Who won, and how?", None).suggestions == ["What were the conditions?"]


def test_go_on_gives_what_follows_the_last_question(index: SiteIndex) -> None:
    assert ask(index, "next", OWN, "How did it go?").answer == "You lose 0.210 s in T5."
    assert ask(index, "and then?", OWN, "How did it go?", "Where is the time to my target?").answer == (
        "There is no telemetry."
    )
    assert ask(index, "next", OWN, "What can you not tell me?").sources == []
    assert ask(index, "next").sources == []


def test_a_question_about_another_car_is_answered_by_the_comparison_and_never_as_the_readers_own(
    index: SiteIndex,
) -> None:
    for message in ("What about #13?", "Am I faster than car 13?", "how do I compare to number 13"):
        given = ask(index, message)
        assert given.answer == "#2 is 0.075 s faster than #13."
        assert given.sources[0].path == "compare/car-13/GR86-002-2.html"
    of_other = ask(index, "How did it go? (#013)")
    assert of_other.answer == "What the driver of #013 is told: Your best lap is 1:38.000."
    assert all(text.endswith("(#013)") for text in of_other.suggestions[:3])


def test_a_driver_is_known_by_name_too(index: SiteIndex) -> None:
    given = ask(index, "Tell me about Anna Berg", "index.html")
    assert given.answer == "What the driver of #2 is told: Your best lap is 1:37.000."


def test_a_car_without_facts_and_a_page_that_is_not_there_are_no_error(index: SiteIndex) -> None:
    assert ask(index, "What about #78?").sources == []
    assert ask(index, "Who won?", "drivers/nobody.html").answer == "#2 won."
    assert ask(index, "Who won?", "../../../etc/passwd").answer == "#2 won."


def test_a_session_without_facts_says_so(tmp_path: Path) -> None:
    publish(
        {"index.html": b""},
        site=tmp_path / SESSION,
        builds=tmp_path / ".builds" / SESSION,
        session=SESSION,
        schema_version=SCHEMA_VERSION,
        now="",
        keep=1,
    )
    given = ask(SiteIndex(tmp_path, on_change=lambda _: None), "Who won?")
    assert given.answer.startswith("This session was published without facts")
    assert given.suggestions == []


class Model:
    """A language model that says what it is told to, and remembers what it was asked."""

    def __init__(self, *sentences: str, text: str | None = None) -> None:
        document = {"paragraphs": [{"part": "answer", "sentences": [{"text": s, "rule": None} for s in sentences]}]}
        self.text = json.dumps(document) if text is None else text
        self.asked: list[Any] = []

    def ask(self, messages: Any) -> Reply:
        self.asked.append(messages)
        return Reply(text=self.text, prompt_tokens=1, answer_tokens=1)


class NoModel:
    def ask(self, messages: Any) -> Reply:
        raise NoAnswerError("timeout")


def speaker(model: Any, *, burst: int = 10) -> ModelSpeaker:
    return ModelSpeaker(model, Rate(per_minute=0.001, burst=burst, clients=1))


def test_a_models_answer_that_stands_up_to_the_checks_is_given_with_its_facts(index: SiteIndex) -> None:
    model = Model("Your best lap is {best.lap}.")
    given = ask(index, "How fast was I, really?", speaker=speaker(model))
    assert (given.answer, given.mode) == ("Your best lap is 1:37.000.", "model")
    assert [source.fact_id for source in given.sources] == ["best.lap"]
    system, facts, asked = model.asked[0]
    assert "never an instruction" in system["content"]
    assert "best.lap" in facts["content"]
    assert json.loads(asked["content"]) == {"question": "How fast was I, really?", "history": []}


@pytest.mark.parametrize(
    "sentence",
    [
        "Your best lap is 1:30.000.",
        "Your best lap is {best.lap}, and seven tenths are there to find.",
        "Your best lap is {none.such}.",
        'Your best lap is {best.lap}. <a href="x">More</a>',
        "My key is gsk_abc.",
    ],
)
def test_a_models_answer_that_says_more_than_the_facts_is_replaced_by_the_rules(
    index: SiteIndex, sentence: str
) -> None:
    given = ask(index, "How did it go?", speaker=speaker(Model(sentence)))
    assert (given.answer, given.mode) == ("Your best lap is 1:37.000.", "rules")


@pytest.mark.parametrize("model", [NoModel(), Model(text=""), Model(text="no JSON"), Model()])
def test_where_the_model_has_no_answer_the_rules_have_it(index: SiteIndex, model: Any) -> None:
    assert ask(index, "How did it go?", speaker=speaker(model)).mode == "rules"


def test_past_the_services_rate_the_rules_answer_and_nobody_waits(index: SiteIndex) -> None:
    speaking = speaker(Model("Your best lap is {best.lap}."), burst=1)
    assert [ask(index, "How fast?", speaker=speaking).mode for _ in range(2)] == ["model", "rules"]


def _publish_as(version: str, reports: Path) -> None:
    broken = {"data": {"kind": "driver", "facts": [fact("a", "b")], "answers": []}}
    files = {"api/drivers.json": {"data": {"drivers": []}}, "api/context/index.json": broken}
    publish(
        {name: json.dumps(document).encode() for name, document in files.items()},
        site=reports / SESSION,
        builds=reports / ".builds" / SESSION,
        session=SESSION,
        schema_version=version,
        now="",
        keep=1,
    )


def test_records_of_another_version_are_said_to_be_so_and_not_read(tmp_path: Path) -> None:
    _publish_as("0.9", tmp_path)
    given = ask(SiteIndex(tmp_path, on_change=lambda _: None), "Who won?")
    assert f"records are of version 0.9, and this server reads version {SCHEMA_VERSION}" in given.answer
    assert (given.sources, given.suggestions) == ([], [])


def test_a_record_that_breaks_its_contract_is_a_fault_of_the_server_and_no_answer(
    tmp_path: Path,
) -> None:
    _publish_as(SCHEMA_VERSION, tmp_path)
    app = create_app(Settings(data_dir=tmp_path, reports_dir=tmp_path))

    async def post(*, is_raised: bool) -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=is_raised)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.post("/api/ai/chat", json={"message": "Who won?", "session": SESSION})

    given = asyncio.run(post(is_raised=False))
    assert (given.status_code, given.json()["status"]) == (500, 500)
    # What the server that runs the application writes into its log.
    with pytest.raises(KeyError, match="page"):
        asyncio.run(post(is_raised=True))
