"""What the timing lets a coach say: which lap to copy, what a tow gave, where the pace went, who is surely slower."""

from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import narrative_session as made
from support.narrative_session import HABITS, HOSTILE, WINNER

from grx_pipeline.formats import ordinal
from grx_pipeline.methods.driving.ledger_lines import FLAT_EVIDENCE
from grx_pipeline.narratives.facts.driving import shortened
from grx_pipeline.narratives.facts.field import Place, sure_difference
from grx_pipeline.narratives.records import Narrative
from grx_pipeline.narratives.rules.patterns import rule_words
from grx_pipeline.narratives.verify import paragraph_problems
from grx_pipeline.settings import NarrativeSettings

SETTINGS = NarrativeSettings()
DONOR, OTHER = 8, 5


def part(narrative: Narrative, name: str) -> str:
    return " ".join(
        sentence.text(narrative.facts.facts)
        for paragraph in narrative.paragraphs
        for sentence in paragraph.sentences
        if paragraph.part == name
    )


def checked(narrative: Narrative) -> Narrative:
    words = rule_words()
    for paragraph in narrative.paragraphs:
        assert paragraph_problems(paragraph, narrative.facts, words, required=paragraph.required) == []
    return narrative


def aiming_at_sector_2(gain: int, times: dict[int, int], ahead_ms: int | None = None) -> made.Rows:
    """The target asks for `gain` in sector 2, lap DONOR had its best time; `times` are that sector's by lap; on DONOR
    a car is `ahead_ms` ahead."""
    rows = made.session_rows()
    best_lap = 41_000
    laps = [row for row in rows["laps"] if row["vehicle_id"] == HABITS]
    for lap in laps:
        lap["sector_2_ms"] = times.get(lap["lap_number"], 42_000)
        lap["lap_time_ms"] = lap["sector_1_ms"] + lap["sector_2_ms"] + lap["sector_3_ms"]
        lap["elapsed_ms"] = 200_000 * lap["lap_number"]
    if ahead_ms is not None:
        donor = next(lap for lap in laps if lap["lap_number"] == DONOR)
        other = next(row for row in rows["laps"] if row["vehicle_id"] == WINNER and row["lap_number"] == DONOR)
        sectors = {f"sector_{n}_ms": donor[f"sector_{n}_ms"] for n in (1, 2, 3)}
        other |= sectors | {"lap_time_ms": donor["lap_time_ms"], "elapsed_ms": donor["elapsed_ms"] - ahead_ms}
    for row in rows["siwtl"]:
        if row["vehicle_id"] == HABITS:
            row |= {"potential_gain_ms": gain, "siwtl_lap_ms": row["best_lap_ms"] - gain}
    for row in rows["siwtl_sectors"]:
        if row["vehicle_id"] == HABITS:
            row["gain_ms"] = gain if row["sector"] == 2 else 0
            if row["sector"] == 2:
                row |= {"best_ms": times[DONOR], "donor_lap": DONOR, "in_best_lap_ms": best_lap, "done_on_laps": 1}
    return rows


def test_the_lap_to_copy_is_named_with_the_mark_and_who_reached_it() -> None:
    text = part(checked(made.driver_draft(HABITS, aiming_at_sector_2(200, {DONOR: 40_600}))), "sector")
    assert "lap 8" in text
    assert "no other lap" in text
    assert "40.800 s" in text, "the mark: 41.000 - 0.200"
    assert "1 of 12 laps got there" in text
    assert "tow" not in text


def test_a_lap_behind_a_car_is_not_one_to_copy_as_it_is() -> None:
    text = part(checked(made.driver_draft(HABITS, aiming_at_sector_2(200, {DONOR: 40_600}, ahead_ms=400))), "sector")
    assert "a car was 0.40 s ahead" in text.lower()
    assert "tow" in text
    assert "repeat what you did" not in text
    assert "copy the difference" not in text


def test_a_lap_with_a_clear_road_that_did_as_well_is_the_one_to_copy() -> None:
    rows = aiming_at_sector_2(200, {DONOR: 40_600, OTHER: 40_700}, ahead_ms=400)
    text = part(checked(made.driver_draft(HABITS, rows)), "sector")
    assert "40.700 s" in text
    assert "lap 5" in text
    slower = aiming_at_sector_2(200, {DONOR: 40_600, OTHER: 40_900}, ahead_ms=400)
    draft = checked(made.driver_draft(HABITS, slower))
    assert "sector_2:sector_tow_on_top" in draft.facts.rules
    assert "40.900 s" in part(draft, "sector")


@pytest.mark.parametrize(("ahead_ms", "rule"), [(None, "sector_2:sector_spent"), (400, "sector_2:sector_tow")])
def test_a_sector_that_the_next_one_paid_for_comes_with_a_warning(ahead_ms: int | None, rule: str) -> None:
    rows = aiming_at_sector_2(200, {DONOR: 40_600}, ahead_ms=ahead_ms)
    usual = made.driver_draft(HABITS, rows)
    assert "sector_2.cost" not in usual.facts.facts
    rest = [
        lap["sector_3_ms"]
        for lap in rows["laps"]
        if lap["vehicle_id"] == HABITS and lap["is_clean"] and lap["lap_number"] != DONOR
    ]
    donor = next(lap for lap in rows["laps"] if lap["vehicle_id"] == HABITS and lap["lap_number"] == DONOR)
    donor["sector_3_ms"] = max(rest) + 1_400
    draft = checked(made.driver_draft(HABITS, rows))
    assert rule in draft.facts.rules
    told = draft.facts.facts["sector_2.cost"].value
    assert told == pytest.approx(donor["sector_3_ms"] - median([*rest, donor["sector_3_ms"]]))
    text = part(draft, "sector")
    assert "the next sector of that lap was 1." in text.lower()
    assert "make it the rule" not in text


@pytest.mark.parametrize(
    ("others", "told", "untold"),
    [
        (0, ("sector 2 alone",), ("most", "part")),
        (90, ("most", "biggest part"), ("largest", "alone")),
        (150, ("largest part", "begin with sector 2:"), ("most", "biggest", "alone")),
    ],
)
def test_what_a_sector_holds_of_the_target_is_told_by_its_share(
    others: int, told: tuple[str, ...], untold: tuple[str, ...]
) -> None:
    rows = aiming_at_sector_2(200, {DONOR: 40_600})
    for row in rows["siwtl_sectors"]:
        if row["vehicle_id"] == HABITS and row["sector"] != 2:
            row["gain_ms"] = others
    sentence = part(checked(made.driver_draft(HABITS, rows)), "sector").lower().split(" is there to find")[0]
    assert any(words in sentence for words in told)
    assert not any(words in sentence for words in untold)


def test_the_class_best_is_a_mark_of_its_own_and_no_step() -> None:
    kinds = set()
    for draft in made.drafts():
        for n in (1, 2, 3):
            mark, best = (draft.facts.facts.get(f"sector_{n}.{name}") for name in ("mark", "class_best"))
            assert not (mark and best)
            kinds |= {name for name, fact in (("mark", mark), ("class_best", best)) if fact}
            widest = draft.facts.facts.get("widest.sector")
            if best and widest and widest.entity == f"sector:{n}":
                assert "next mark" not in part(checked(draft), "class")
    assert "class_best" in kinds


def test_a_sector_is_the_strongest_only_where_the_place_is_the_best_too() -> None:
    for draft in made.drafts():
        closest = draft.facts.facts.get("closest.sector")
        if closest is not None and closest.entity.startswith("sector:") and draft.facts.subject.kind == "driver":
            places = {f"sector:{n}": draft.facts.facts[f"sector_{n}.place"].value or 0.0 for n in (1, 2, 3)}
            is_best = places[closest.entity] == min(places.values())
            assert (closest.metric == "strongest_sector") == is_best
            assert is_best or "strongest" not in part(draft, "class")


def test_what_most_laps_reach_has_only_to_be_joined() -> None:
    times = dict.fromkeys(range(2, 10), 40700) | {DONOR: 40_600}
    text = part(checked(made.driver_draft(HABITS, aiming_at_sector_2(200, times))), "sector")
    assert "8 of 12 laps got there" in text
    assert "other sectors are good" in text or "good sectors together" in text


def test_a_straight_that_is_flat_on_both_laps_is_no_advice_for_the_pedal() -> None:
    rows = aiming_at_sector_2(200, {DONOR: 40_600})
    line: dict[str, Any] = {"vehicle_id": HABITS, "level": "segment", "sector": 2, "phase": "straight", "gap_ms": 150}
    line |= {"best_lap_number": 3, "donor_lap": DONOR, "corner_index": None, "event_ids": []}
    rows["ledger"] = [
        line | {"line": 1, "name": "T2 to T5", "segment": 1, "gain_ms": 110, "evidence": [FLAT_EVIDENCE]},
        line | {"line": 2, "name": "T5 entry", "segment": 2, "gain_ms": 60, "evidence": []},
        line | {"line": 3, "name": "T1 exit", "segment": 3, "gain_ms": 300, "evidence": [], "sector": 1},
    ]
    draft = checked(made.driver_draft(HABITS, rows))
    text = part(draft, "sector")
    assert "0.11 s of it is to find on the straight (T2 to T5)" in text
    assert "exit before that straight" in text
    assert not [name for name in draft.facts.rules if name.startswith("sector_2:sector")], "0.11 of 0.20 s"
    assert "flat on either lap" in text
    assert "T5 entry" in text
    assert "T1 exit" not in text, "another sector"


def test_a_fade_is_placed_and_comes_with_what_to_look_for_and_a_mark() -> None:
    draft = checked(made.driver_draft(HOSTILE))
    text = part(draft, "race")
    assert "sector 2" in text, "where car-c is 0.3 s slower from lap 8 on"
    assert "pace:fade" in draft.facts.rules
    assert "worked" in text
    assert "pace:fade" not in made.driver_draft(WINNER).facts.rules


def test_an_uneven_sector_is_judged_on_laps_without_a_car_ahead() -> None:
    assert "uneven:uneven_sector" in checked(made.driver_draft(HABITS)).facts.rules
    rows = made.session_rows()
    for row in rows["laps"]:
        row["elapsed_ms"] = 100_000 * row["lap_number"] + 100 * made.CARS.index(row["vehicle_id"])
    assert "uneven.name" not in made.driver_draft(HABITS, rows).facts.facts, "all laps in a train of cars"


def test_laps_that_everybody_lost_are_no_news_and_ones_own_are() -> None:
    assert "out.laps" not in made.driver_draft(HABITS).facts.facts
    rows = made.session_rows()
    own = next(row for row in rows["laps"] if row["vehicle_id"] == HABITS and row["lap_number"] == 6)
    own |= {"is_clean": False, "reasons": ["off_pace", "pit_in"]}
    text = part(checked(made.driver_draft(HABITS, rows)), "race")
    assert "the reason is the way into the pits" in text
    assert "1 lap" in text


def test_a_difference_of_medians_within_their_scatter_is_told_of_nobody() -> None:
    rows = made.session_rows()
    for row in rows["laps"]:
        if row["vehicle_id"] == HABITS:
            row["sector_1_ms"] = 30_060 + 200 * (row["lap_number"] % 5)
    for line in rows["comparison_lines"]:
        if line["level"] == "sector" and line["line"] == 1 and HABITS in (line["vehicle_a"], line["vehicle_b"]):
            line["median_gap_ms"] = 70.0
    drafts = made.drafts(rows)
    pair = next(d for d in drafts if (d.facts.subject.vehicle_id, d.facts.subject.other_id) == (WINNER, HABITS))
    assert "sector_1.median" not in pair.facts.facts
    assert "sector_2.median" in pair.facts.facts


def test_a_corner_gap_that_the_placing_of_the_laps_could_make_is_told_of_nobody() -> None:
    rows = made.session_rows()
    drafts = {d.facts.subject.other_id: d for d in made.drafts(rows) if d.facts.subject.vehicle_id == WINNER}
    assert drafts[HABITS].facts.facts["a.corner_1.gap"].value == -210.0
    row = next(r for r in rows["comparisons"] if (r["vehicle_a"], r["vehicle_b"]) == (WINNER, HABITS))
    row["uncertain_ms"] = 250.0
    pair = next(
        d for d in made.drafts(rows) if (d.facts.subject.vehicle_id, d.facts.subject.other_id) == (WINNER, HABITS)
    )
    assert not [name for name in pair.facts.facts if ".corner_" in name]


def test_a_corner_where_moments_gather_is_the_place_to_look() -> None:
    rows = made.session_rows()
    event = next(row for row in rows["dptad_events"] if row["corner_index"] == 3)
    rows["dptad_events"] += [{**event, "event_id": f"{lap}-1", "lap_number": lap} for lap in (6, 7)]
    draft = checked(made.driver_draft(HABITS, rows))
    assert draft.facts.rules["busy:moments_corner"] == "corner:3"
    assert "3 of them" in part(draft, "moments")
    assert "busy.corner" not in made.driver_draft(HABITS).facts.facts, "once each at two corners"


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("No clean lap of this car has a trusted trace.", "No clean lap of this car has a trusted trace."),
        (
            "On 3 of 5 laps a car was near. What is left is too little. Against your own it takes 6. You have 3.",
            "On 3 of 5 laps a car was near. What is left is too little.",
        ),
        ("No corner costs you 0.05 s a lap; all were tested. The class: none.", "No corner costs you 0.05 s a lap."),
        ("", ""),
    ],
)
def test_a_reason_is_told_as_far_as_a_driver_needs_it(reason: str, told: str) -> None:
    assert shortened(reason) == told


@given(st.lists(st.integers(20_000, 40_000), min_size=4, max_size=30))
def test_what_is_sure_is_never_below_what_is_worth_telling(times: list[int]) -> None:
    assert sure_difference(times, times, SETTINGS) >= SETTINGS.worth_ms
    assert sure_difference([25_000] * 4, [25_000] * 4, SETTINGS) == SETTINGS.worth_ms


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (112, "112th"),
    ],
)
def test_places_are_read_as_people_say_them(place: int, text: str) -> None:
    assert ordinal(place) == text


@pytest.mark.parametrize(("value", "mark"), [(109.0, 103.0), (103.5, 103.0), (103.0, 101.0), (101.0, 100.0)])
def test_the_next_mark_of_the_class_is_one_within_reach(value: float, mark: float) -> None:
    """The middle for the slow half, then the best quarter, then the best."""
    place = Place(place=1, of=10, best=100.0, best_vehicle="x", quarter=101.0, middle=103.0)
    assert place.mark(value) == mark
