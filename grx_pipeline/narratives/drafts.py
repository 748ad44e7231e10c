"""The texts of a session as the rules write them: the fleet, each driver, each pair with a page."""

from collections.abc import Iterator

from grx_pipeline.narratives.facts.book import Row
from grx_pipeline.narratives.facts.comparison import comparison_facts, pairs_with_page
from grx_pipeline.narratives.facts.driver import driver_facts
from grx_pipeline.narratives.facts.field import Field
from grx_pipeline.narratives.facts.fleet import fleet_facts
from grx_pipeline.narratives.records import Narrative
from grx_pipeline.narratives.rules.comparison import comparison_report
from grx_pipeline.narratives.rules.driver import driver_report
from grx_pipeline.narratives.rules.fleet import fleet_report


def session_drafts(field: Field) -> Iterator[Narrative]:
    """All drafts, in the order in which a budget is spent on them."""
    facts = fleet_facts(field)
    yield Narrative(facts=facts, paragraphs=fleet_report(facts))
    for driver in field.drivers:
        facts = driver_facts(field, driver["vehicle_id"])
        yield Narrative(facts=facts, paragraphs=driver_report(facts, field.settings))
    rows = {(row["vehicle_a"], row["vehicle_b"]): row for row in field.tables.rows["comparisons"]}
    lines: dict[tuple[str, str], list[Row]] = {}
    for line in field.tables.rows["comparison_lines"]:
        lines.setdefault((line["vehicle_a"], line["vehicle_b"]), []).append(line)
    for pair in pairs_with_page(field):
        facts = comparison_facts(field, rows[pair], lines.get(pair, ()))
        yield Narrative(facts=facts, paragraphs=comparison_report(facts, field.settings))
