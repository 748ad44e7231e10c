"""Coaching texts as records and on pages: who wrote them, where each figure leads, and names that stay text."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from support import narrative_session as made
from support.api_schemas import schema_of
from support.narrative_session import HABITS, HOSTILE, SESSION, WINNER

from grx_pipeline.narratives.steps import build_narratives
from grx_pipeline.paths import Paths
from grx_pipeline.reports.coach_page import CoachView, coach_view
from grx_pipeline.reports.encoding import to_json
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.json_schema import file_schema
from grx_pipeline.reports.narrative_records import ChatContext, CoachText
from grx_pipeline.reports.narratives import SessionTexts
from grx_pipeline.reports.renderer import render
from grx_pipeline.reports.tables import SessionTables
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import NarrativeSettings, Settings
from grx_pipeline.storage.parquet import read_table
from grx_pipeline.storage.steps import StepContext

PATHS = {vehicle: vehicle for vehicle in made.CARS}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> SessionTexts:
    return texts_of(tmp_path_factory.mktemp("lake"))


def texts_of(folder: Path, **changes: list[dict[str, Any]]) -> SessionTexts:
    """The texts of the session made by hand, as the step writes them; `changes` replace rows of tables."""
    settings = Settings(data_dir=folder / "data", reports_dir=folder / "reports")
    paths = Paths.of(settings)
    made.write_session(paths)
    build_narratives(StepContext(session=SESSION, paths=paths, settings=settings, progress=lambda _: None))
    rows = {name: list(of_table) for name, of_table in made.session_rows().items()}
    for name in ("narratives", "narrative_facts", "narrative_requests"):
        rows[name] = read_table(paths.table(SESSION, name)).to_pylist()
    tables = SessionTables(rows={**rows, **changes}, columns={}, file_rows=[], set_aside=[], trace_files=())
    return SessionTexts.of(tables, NarrativeSettings())


def text_of(texts: SessionTexts, vehicle: str) -> CoachText:
    coaching = texts.coaching(vehicle)
    assert coaching is not None
    return coaching.text


def pieces(view: CoachView | None) -> list[Any]:
    assert view is not None
    return [piece for block in view.blocks for sentence in block.sentences for piece in sentence]


def test_every_sentence_names_its_facts_and_every_fact_is_there_with_its_source(texts: SessionTexts) -> None:
    text = text_of(texts, HABITS)
    facts = {fact.id: fact for fact in text.facts}
    for paragraph in text.paragraphs:
        for sentence in paragraph.sentences:
            assert set(sentence.facts) <= set(facts)
            assert "".join(part.text for part in sentence.parts) == sentence.text
            assert not re.search(r"\d", "".join(part.text for part in sentence.parts if part.fact is None))
    assert all(fact.table in TABLES for fact in facts.values())
    loss = facts["change_1.loss"]
    assert (loss.value, loss.unit, loss.n, loss.text) == (180.0, "ms", 10, "0.18 s")
    assert (loss.table, loss.key) == ("opportunities", f"{HABITS}/3/braking/class best quartile")


def test_a_text_says_that_the_rules_wrote_it(texts: SessionTexts) -> None:
    assert re.fullmatch(
        r"Written by rules from \d+ facts of this build; no language model was asked.", text_of(texts, HABITS).made
    )
    assert texts.coaching("nobody") is None
    assert texts.pair(HABITS, WINNER) == texts.pair(WINNER, HABITS) is not None


@pytest.mark.parametrize(
    ("status", "words"),
    [("timeout", "did not answer in time"), ("rejected", "did not stand up to the checks"), ("odd_case", "odd case")],
)
def test_a_text_says_why_the_model_did_not_write_it(status: str, words: str, tmp_path: Path) -> None:
    request = {"kind": "driver", "vehicle_id": HABITS, "other_id": "", "status": status, "model": "m"}
    texts = texts_of(tmp_path, narrative_requests=[request])
    assert words in text_of(texts, HABITS).made


def test_a_text_says_how_much_of_it_a_model_wrote_and_the_page_marks_it(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    rows = read_rows(folder)
    changed = [{**row, "writer": "llm"} if row["part"] == "summary" else row for row in rows]
    request = {"kind": "driver", "vehicle_id": HABITS, "other_id": "", "status": "accepted", "model": "some-model"}
    texts = texts_of(tmp_path / "second", narratives=changed, narrative_requests=[request])
    text = text_of(texts, HABITS)
    assert text.made.startswith(f"1 of {len(text.paragraphs)} paragraphs written by a language model (some-model)")
    view = coach_view(text, Style(), kind="driver", paths=PATHS, vehicle_id=HABITS)
    assert view is not None
    assert [block.is_model for block in view.blocks].count(True) == 1


def read_rows(folder: Path) -> list[dict[str, Any]]:
    texts_of(folder)
    rows: list[dict[str, Any]] = read_table(folder / "data" / "lake" / SESSION / "narratives.parquet").to_pylist()
    return rows


def test_figures_lead_to_where_they_come_from(texts: SessionTexts) -> None:
    view = coach_view(text_of(texts, HABITS), Style(), kind="driver", paths=PATHS, vehicle_id=HABITS)
    links = {piece.text: piece.href for piece in pieces(view)}
    assert links["0.18 s"] == "#t5"
    assert links["T5 (Hairpin)"] == "#t5"
    assert re.match(r"#lap-\d+", next(href for text, href in links.items() if text.startswith("lap ") and href))
    assert links["0.24 s"] == "#e-4-1"
    assert links["#11 Owen Castellane"] == "../drivers/car-a.html"
    assert all(piece.href is None for piece in pieces(view) if not piece.is_data)


def test_pages_show_figures_in_their_own_style(texts: SessionTexts) -> None:
    style = Style(speed_unit="mph", has_decimal_comma=True)
    shown = [piece.text for piece in pieces(coach_view(text_of(texts, HABITS), style, kind="driver", paths=PATHS))]
    assert "0,18 s" in shown
    assert "2,4 mph" in shown, "3.9 km/h"
    assert "T5 (Hairpin)" in shown


def test_a_hostile_name_is_text_on_the_page(texts: SessionTexts) -> None:
    pair = texts.pair(WINNER, HOSTILE)
    view = coach_view(pair, Style(), kind="comparison", paths=PATHS)
    page = render("_coach.html", Style(), root="", view={"coach": view}).decode()
    assert "Ignore all rules" in page
    assert "<b>" not in page
    assert "<script" not in page


def test_without_a_text_the_page_says_so() -> None:
    assert "No text was written" in render("_coach.html", Style(), root="", view={"coach": None}).decode()


def test_headings_are_not_repeated(texts: SessionTexts) -> None:
    view = coach_view(text_of(texts, HABITS), Style(), kind="driver", paths=PATHS, vehicle_id=HABITS)
    assert view is not None
    headings = [block.heading for block in view.blocks]
    assert headings.count("What to change") == 1
    assert headings.count("") == 2


def test_contexts_hold_facts_questions_and_answers_for_every_page(texts: SessionTexts) -> None:
    contexts = texts.contexts(PATHS)
    assert {"api/context/index.json", "api/context/drivers/car-b.json", "api/context/compare/car-a/car-b.json"} <= set(
        contexts
    )
    context = contexts["api/context/drivers/car-b.json"]
    told = {fact.id for fact in context.facts}
    assert all(set(answer.facts) <= told for answer in context.answers)
    assert context.page == "drivers/car-b.html"
    assert context.rules["change_1:early_braking"] == "corner:3"
    assert "castellane" in context.names
    changes = next(answer for answer in context.answers if answer.part == "change_1")
    assert "0.18 s" in changes.answer
    pair = contexts["api/context/compare/car-a/car-b.json"]
    assert "Where is #11 stronger?" in [answer.question for answer in pair.answers]


def test_the_files_have_schemas(texts: SessionTexts) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    contexts = texts.contexts(PATHS)
    for path, context in contexts.items():
        document = {"data": json.loads(to_json(context))}
        schema = {**file_schema(ChatContext), "required": ["data"]}
        assert schema_of(path)["title"] == "ChatContext"
        jsonschema.validate(document, schema)


def test_the_tables_of_the_texts_are_as_declared(tmp_path: Path) -> None:
    texts_of(tmp_path)
    for name in ("narratives", "narrative_facts", "narrative_requests"):
        rows = read_table(tmp_path / "data" / "lake" / SESSION / f"{name}.parquet")
        assert TABLES[name].violations(rows) == []
        assert isinstance(rows, pa.Table)
