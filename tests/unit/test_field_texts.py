"""Texts about the session and about pairs say what their tables say, and how sure it is."""

from support import narrative_session as made
from support.narrative_session import BARE, HABITS, HOSTILE, WINNER

from grx_pipeline.narratives.facts.comparison import comparison_facts
from grx_pipeline.narratives.facts.field import Field
from grx_pipeline.narratives.facts.fleet import fleet_facts
from grx_pipeline.narratives.records import FactSet, Paragraph
from grx_pipeline.narratives.rules.comparison import comparison_report
from grx_pipeline.narratives.rules.fleet import fleet_report
from grx_pipeline.narratives.rules.patterns import rule_words
from grx_pipeline.narratives.verify import paragraph_problems
from grx_pipeline.settings import NarrativeSettings

SETTINGS = NarrativeSettings()


def texts_of(facts: FactSet, paragraphs: tuple[Paragraph, ...]) -> dict[str, str]:
    """The parts as they are read, each checked as an answer of a language model is."""
    words = rule_words()
    problems = [paragraph_problems(part, facts, words, required=part.required) for part in paragraphs]
    assert problems == [[]] * len(paragraphs)
    return {part.part: " ".join(said.text(facts.facts) for said in part.sentences) for part in paragraphs}


def field_of(rows: made.Rows) -> Field:
    return Field(made.result_tables(rows), SETTINGS)


def fleet_texts(rows: made.Rows) -> dict[str, str]:
    facts = fleet_facts(field_of(rows))
    return texts_of(facts, fleet_report(facts))


def pair_texts(a: str, b: str, rows: made.Rows) -> dict[str, str]:
    row = next(row for row in rows["comparisons"] if (row["vehicle_a"], row["vehicle_b"]) == (a, b))
    facts = comparison_facts(field_of(rows), row, sector_lines(a, b, rows))
    return texts_of(facts, comparison_report(facts, SETTINGS))


def sector_lines(a: str, b: str, rows: made.Rows) -> list[dict[str, object]]:
    return [
        line
        for line in rows["comparison_lines"]
        if (line["vehicle_a"], line["vehicle_b"], line["level"]) == (a, b, "sector")
    ]


def test_a_yellow_is_told_with_the_bounds_that_its_table_gives() -> None:
    rows = made.session_rows()
    text = fleet_texts(rows)["conditions"]
    assert "5:13 min for sure" in text, "613 - 300 s"
    assert "6:40 min from green to green" in text, "680 - 280 s"
    rows["neutralisations"][0]["green_until_ms"] = None
    assert "11:20 min from green to green" in fleet_texts(rows)["conditions"], "it may have begun at the start"
    rows["neutralisations"][0]["green_from_ms"] = None
    assert "from green to green" not in fleet_texts(rows)["conditions"], "how long it went on is not known"


def test_the_gain_in_the_middle_of_the_field_is_that_of_the_statistics() -> None:
    rows = made.session_rows()
    assert "0.095 s to find in their own best sectors" in fleet_texts(rows)["highlights"]


def test_cars_with_telemetry_are_those_with_a_complete_lap() -> None:
    rows = made.session_rows()
    assert "2 cars gave telemetry of a complete lap" in fleet_texts(rows)["data"], "a third has parts of laps"


def test_who_stopped_early_has_no_closing_part_of_the_race() -> None:
    """#13 is 0.3 s slower in the second half of its laps: of a race of 13 laps, but not of one of 20."""
    rows = made.session_rows()
    assert "#13 Ignore" in fleet_texts(rows)["trends"]
    for row in rows["drivers"]:
        row["laps"] = 13 if row["vehicle_id"] == HOSTILE else 20
    assert "#13 Ignore" not in fleet_texts(rows)["trends"]
    field = field_of(rows)
    assert HOSTILE in field.pace_changes
    assert HOSTILE not in field.whole_changes


def test_a_pair_that_stopped_early_is_told_so() -> None:
    rows = made.session_rows()
    assert "stopped" not in pair_texts(HABITS, HOSTILE, rows)["summary"]
    for row, laps in zip(rows["drivers"][1:3], (5, 8), strict=True):
        row |= {"laps": laps, "total_time_ms": 100_000 * laps}
    text = pair_texts(HABITS, HOSTILE, rows)["summary"]
    assert "#12 stopped with 5 of 13 laps driven, and #13 stopped with 8 of 13 laps driven" in text
    assert "#13 stopped with 8 of 13 laps driven" in pair_texts(WINNER, HOSTILE, rows)["summary"]


def test_the_largest_gain_on_the_compared_laps_is_told_with_what_the_medians_show() -> None:
    rows = made.session_rows()
    first, second, third = sector_lines(WINNER, BARE, rows)
    first |= {"gap_ms": 500.0, "median_gap_ms": 400.0}
    second |= {"gap_ms": -624.0, "median_gap_ms": -1.0}
    third |= {"gap_ms": -193.0, "median_gap_ms": 400.0}
    text = pair_texts(WINNER, BARE, rows)
    assert "0.624 s quicker" in text["strengths_b"]
    assert "no sure difference" in text["strengths_b"]
    assert "0.193 s quicker" in text["strengths_a"], "beside the median there, which is the other way round"
    second |= {"gap_ms": -100.0}
    text = pair_texts(WINNER, BARE, rows)
    assert "sector 3" in text["strengths_b"].lower()
    assert "the opposite" in text["strengths_b"]


def test_the_closest_sector_is_close_on_the_laps_as_by_median() -> None:
    """By median alone sector 1 would be the closest, with 0.253 s lost there on the compared laps."""
    rows = made.session_rows()
    first, second, third = sector_lines(WINNER, BARE, rows)
    first |= {"gap_ms": 253.0, "median_gap_ms": 1.0}
    second |= {"gap_ms": 500.0, "median_gap_ms": 500.0}
    third |= {"gap_ms": 90.0, "median_gap_ms": 2.0}
    text = pair_texts(WINNER, BARE, rows)["strengths_b"]
    assert "sector 3" in text.lower()
    assert "on the laps compared it is 0.090 s behind" in text
