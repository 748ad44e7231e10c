"""Coaching texts as pages show them: each figure in the style of the page, and a link to where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from grx_pipeline.reports.corner_table import anchor
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.narrative_records import CoachFact, CoachPart, CoachText

_SPEEDS = "km/h"
# Where the figures of a table stand on the page of the kind of text: driver, fleet, comparison.
_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "driver": {
        **dict.fromkeys(("siwtl", "siwtl_sectors", "ledger"), "#ledger"),
        **dict.fromkeys(("laps", "lap_statistics"), "#laps"),
        **dict.fromkeys(("opportunities", "opportunity_drivers"), "#places"),
        "corner_drivers": "#corners",
        "dptad_drivers": "#driving",
        "rankings": "../index.html#best",
        "drivers": "../index.html#classification",
        "sessions": "../index.html",
    },
    "fleet": {
        **dict.fromkeys(("drivers", "laps", "lap_statistics", "siwtl", "fleet_statistics"), "#classification"),
        **dict.fromkeys(("weather", "neutralisations"), "#conditions"),
        **dict.fromkeys(("opportunities", "opportunity_drivers"), "#track"),
    },
    "comparison": {"comparison_lines": "#sectors"},
}
_CORNER_TABLES = ("opportunities", "corner_drivers", "comparison_lines")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A piece of a sentence. `is_data` is text of a fact: a name, or a figure that a line does not break in."""

    text: str
    href: str | None
    is_data: bool
    is_figure: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """A paragraph under its heading; `is_model` where a language model wrote it."""

    heading: str
    is_model: bool
    sentences: tuple[tuple[Piece, ...], ...]


@dataclass(frozen=True, kw_only=True)
class CoachView:
    """A whole text."""

    made: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class _Linker:
    """Knows the page that a text stands on: its kind, the way to the site's root, the cars' file names."""

    kind: str
    vehicle_id: str
    root: str
    paths: Mapping[str, str]
    corners: Mapping[str, str]

    def href(self, fact: CoachFact) -> str | None:
        """Where a figure comes from; None for what has no place on a page."""
        if fact.value is None and not fact.metric.endswith(("corner", "driver", "car", "winner")):
            return None
        corner = next((self.corners[part] for part in fact.entity.split("|") if part in self.corners), None)
        if corner is not None and fact.table in _CORNER_TABLES:
            return f"#{corner}"
        vehicle, _, rest = fact.key.partition("/")
        if self.kind == "driver" and vehicle == self.vehicle_id and fact.table == "laps" and rest:
            return f"#lap-{rest}"
        if self.kind == "driver" and fact.table == "dptad_events":
            return f"#e-{rest}"
        other = fact.entity.partition("|")[0].removeprefix("car:")
        if other in self.paths and fact.table != "comparison_lines":
            return f"{self.root}drivers/{quote(self.paths[other], safe='')}.html"
        return _SECTIONS[self.kind].get(fact.table)


def coach_view(
    text: CoachText | None, style: Style, *, kind: str, paths: Mapping[str, str], vehicle_id: str = ""
) -> CoachView | None:
    """A text for a page; `paths` are the cars' file names by vehicle_id."""
    if text is None:
        return None
    facts = {fact.id: fact for fact in text.facts}
    corners = {
        fact.entity: anchor(fact.text.partition(" (")[0])
        for fact in text.facts
        if fact.value is None and fact.entity.startswith("corner:") and fact.metric.endswith("corner")
    }
    root = {"driver": "../", "fleet": "", "comparison": "../../"}[kind]
    linker = _Linker(kind=kind, vehicle_id=vehicle_id, root=root, paths=paths, corners=corners)
    blocks: list[Block] = []
    for paragraph in text.paragraphs:
        sentences = tuple(
            tuple(_piece(part, facts, linker, style) for part in sentence.parts) for sentence in paragraph.sentences
        )
        is_model = paragraph.writer == "llm"
        blocks.append(Block(heading=paragraph.heading, is_model=is_model, sentences=sentences))
    return CoachView(made=text.made, blocks=tuple(_without_repeats(blocks)))


def _without_repeats(blocks: list[Block]) -> list[Block]:
    """The blocks; a heading that the block before has is left empty."""
    shown = []
    for before, block in zip([None, *blocks], blocks, strict=False):
        is_same = before is not None and before.heading == block.heading
        shown.append(Block(heading="", is_model=block.is_model, sentences=block.sentences) if is_same else block)
    return shown


def _piece(part: CoachPart, facts: Mapping[str, CoachFact], linker: _Linker, style: Style) -> Piece:
    fact = facts[part.fact] if part.fact is not None else None
    if fact is None:
        return Piece(text=part.text, href=None, is_data=False)
    text, is_figure = _styled(part.text, fact, style), fact.value is not None
    return Piece(text=text, href=linker.href(fact), is_data=True, is_figure=is_figure)


def _styled(text: str, fact: CoachFact, style: Style) -> str:
    """A figure in the page's unit and signs; a name as it is."""
    if fact.value is None:
        return style.sentence(text) if fact.metric == "note" else text
    if fact.unit == _SPEEDS:
        return f"{style.speed(abs(fact.value), 1)} {style.speed_unit}"
    return style.localised(text)
