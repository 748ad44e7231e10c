"""Reports of the rules for every driver of two real races: complete, checked, and no two alike."""

import re
from collections import Counter

import pytest
from support.chain_part import run_up_to
from support.contexts import context_of
from support.real_data import NEEDS_REAL_DATA, REAL_DATA

from grx_pipeline.narratives.drafts import session_drafts
from grx_pipeline.narratives.facts.comparison import PAIR_RULES
from grx_pipeline.narratives.facts.course import FADE_RULE, PACE_RULE
from grx_pipeline.narratives.facts.driving import MOMENTS_RULE
from grx_pipeline.narratives.facts.field import Field
from grx_pipeline.narratives.facts.sectors import AIMS, CLASS_RULE, CLASS_TRACE_RULE, UNEVEN_RULE
from grx_pipeline.narratives.records import FactSet, Narrative
from grx_pipeline.narratives.rules.patterns import rule_words
from grx_pipeline.narratives.tables import read_tables
from grx_pipeline.narratives.verify import paragraph_problems
from grx_pipeline.settings import NarrativeSettings
from grx_pipeline.storage.parquet import read_table
from grx_pipeline.storage.steps import StepContext

pytestmark = NEEDS_REAL_DATA


@pytest.fixture(scope="module", params=["barber", "indianapolis"])
def context(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> StepContext:
    session = f"{request.param}-2025-r1"
    context = context_of(REAL_DATA / request.param / "race1", tmp_path_factory.mktemp("texts"), session=session)
    run_up_to("out_narratives", context)
    return context


@pytest.fixture(scope="module")
def drafts(context: StepContext) -> list[Narrative]:
    tables = read_tables(context.paths, context.session)
    return list(session_drafts(Field(tables, context.settings.narrative)))


def read(draft: Narrative) -> str:
    facts = draft.facts.facts
    return " ".join(s.text(facts) for paragraph in draft.paragraphs for s in paragraph.sentences)


def test_every_driver_has_a_report_and_no_two_are_alike(context: StepContext, drafts: list[Narrative]) -> None:
    cars = read_table(context.paths.table(context.session, "drivers"))["vehicle_id"].to_pylist()
    reports = {d.facts.subject.vehicle_id: read(d) for d in drafts if d.facts.subject.kind == "driver"}
    assert set(reports) == set(cars)
    wordings = Counter(re.sub(r"[\d.:,]+", "", report) for report in reports.values())
    assert max(wordings.values()) == 1, "alike even without their figures"
    assert all(len(report.split()) >= 25 for report in reports.values())


def test_nothing_is_claimed_without_a_fact(drafts: list[Narrative]) -> None:
    words = rule_words()
    for draft in drafts:
        for paragraph in draft.paragraphs:
            assert paragraph_problems(paragraph, draft.facts, words, required=paragraph.required) == []
            for sentence in paragraph.sentences:
                assert sentence.fact_ids or sentence.rule
                assert not re.search(r"\d", re.sub(r"\{[^}]*\}", "", sentence.template))


def test_there_is_no_advice_below_the_noise_floor(context: StepContext, drafts: list[Narrative]) -> None:
    told = read_table(context.paths.table(context.session, "opportunities")).to_pylist()
    habits = {(row["vehicle_id"], f"change_{row['rank']}:{row['pattern']}") for row in told if row["rank"]}
    advised = 0
    for draft in drafts:
        for sentence in (s for paragraph in draft.paragraphs for s in paragraph.sentences if s.rule):
            is_habit = (draft.facts.subject.vehicle_id, sentence.rule) in habits
            assert is_habit or is_worth_it(sentence.rule or "", draft.facts, context.settings.narrative)
            advised += 1
    assert advised > 100


def is_worth_it(name: str, facts: FactSet, settings: NarrativeSettings) -> bool:
    """Whether what a rule rests on is over the floor of its kind."""
    about, _, rule = name.partition(":")

    def value(fact: str) -> float:
        return abs(facts.facts[fact].value or 0.0) if fact in facts.facts else 0.0

    if rule in AIMS:
        return value(f"{about}.gain") >= settings.worth_ms
    if rule == UNEVEN_RULE:
        return value("uneven.spread") >= settings.uneven_ratio * value("uneven.usual")
    if rule == MOMENTS_RULE:
        return value("busy.there") >= settings.repeated_events
    if rule in (FADE_RULE, PACE_RULE):
        return value("pace.change") >= settings.worth_ms
    figures = dict.fromkeys(PAIR_RULES, f"{about}.loss") | dict.fromkeys(
        (CLASS_RULE, CLASS_TRACE_RULE), f"{about}.class_gap"
    )
    return value(figures.get(rule, "flat.gain")) >= settings.worth_ms


def test_traces_are_advised_only_where_both_laps_have_one(context: StepContext, drafts: list[Narrative]) -> None:
    """Read from the tables anew: laps with a trace of the driver, and of the car that stands on the page."""
    rows = read_table(context.paths.table(context.session, "lap_statistics")).to_pylist()
    traced = {row["vehicle_id"] for row in rows if row["telemetry_laps"]}
    advised = 0
    for draft in drafts:
        rules = [name.partition(":")[2] for name in draft.facts.rules]
        if draft.facts.subject.kind == "driver" and CLASS_TRACE_RULE in rules:
            assert draft.facts.subject.vehicle_id in traced
            assert draft.facts.facts["trace.car"].entity.removeprefix("car:") in traced
            advised += 1
        elif draft.facts.subject.kind == "driver" and draft.facts.subject.vehicle_id not in traced:
            words = " ".join(s.text(draft.facts.facts) for p in draft.paragraphs for s in p.sentences if s.rule)
            assert "traces" not in words
    assert advised


def test_sentences_of_pairs_repeat_seldom(drafts: list[Narrative]) -> None:
    """What is said of one pair is hardly ever said of another in the same words, figures and names included."""
    pairs = [d for d in drafts if d.facts.subject.kind == "comparison"]
    told = Counter(
        s.text(d.facts.facts) for d in pairs for p in d.paragraphs for s in p.sentences if p.part != "missing"
    )
    repeated = sum(count for count in told.values() if count > 1)
    assert repeated < told.total() / 5
    assert max(told.values()) <= len(pairs) / 6
