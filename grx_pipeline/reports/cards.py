"""The opportunity cards: at most three places where a change pays, as a driver reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

from grx_pipeline.methods.advice.losses import CLASS, OWN
from grx_pipeline.reports.corner_table import anchor
from grx_pipeline.reports.driving_records import Opportunities, Opportunity
from grx_pipeline.reports.formats import Style
from grx_pipeline.robust import half_up
from grx_pipeline.schemas.columns import PHASES

_REFERENCES = {OWN: "your own best three laps there", CLASS: "the class’s best quarter"}


@dataclass(frozen=True, kw_only=True)
class PhaseLoss:
    """What one phase of the corner loses against the same reference. Shares are of the widest bar of all cards."""

    phase: str
    loss_ms: float
    share: float
    is_told: bool


@dataclass(frozen=True, kw_only=True)
class Card:
    """One opportunity. `anchor` is the corner's address; `how_often` a sentence."""

    corner: str
    phase: str
    anchor: str
    loss_ms: float
    share: float
    reference: str
    phases: tuple[PhaseLoss, ...]
    evidence: tuple[str, ...]
    how_often: str
    advice: str | None


def opportunity_cards(opportunities: Opportunities, style: Style) -> tuple[Card, ...]:
    """The cards in the order of their rank."""
    widest = max((line.loss_ms for line in opportunities.told), default=0.0) or 1.0
    return tuple(_card(line, opportunities, widest, style) for line in opportunities.told)


def cards_total(cards: Sequence[Card], style: Style) -> str:
    """What the cards cost together, as the sum of what they show."""
    return style.seconds(sum(int(half_up(card.loss_ms / 10)) * 10 for card in cards))


def _card(line: Opportunity, opportunities: Opportunities, widest: float, style: Style) -> Card:
    same = {
        other.phase: other
        for other in opportunities.tested
        if other.corner == line.corner and other.reference == line.reference
    }
    phases = tuple(
        PhaseLoss(
            phase=phase,
            loss_ms=same[phase].loss_ms,
            share=min(abs(same[phase].loss_ms) / widest, 1.0),
            is_told=phase == line.phase,
        )
        for phase in PHASES
        if phase in same
    )
    return Card(
        corner=line.corner,
        phase=line.phase,
        anchor=anchor(line.corner),
        loss_ms=line.loss_ms,
        share=line.loss_ms / widest,
        reference=_REFERENCES[line.reference],
        phases=phases if len(phases) > 1 else (),
        evidence=line.evidence,
        how_often=_how_often(line, style),
        advice=line.advice,
    )


def _how_often(line: Opportunity, style: Style) -> str:
    done = {0: "never as good as the reference", line.laps: "as good as the reference on all"}
    good = done.get(line.laps_done, f"as good as the reference on {line.laps_done}")
    text = f"Lost on {line.laps_with_loss} of {style.counted(line.laps, 'clean lap')}; {good}."
    if line.laps_in_traffic:
        do, them = ("does", "it") if line.laps_in_traffic == 1 else ("do", "them")
        behind = style.counted(line.laps_in_traffic, "clean lap")
        text += f" {behind} behind another car {do} not count here; the Corners table has {them}."
    if line.laps_in_gap:
        has = "has" if line.laps_in_gap == 1 else "have"
        text += f" {style.counted(line.laps_in_gap, 'clean lap')} {has} a gap in the telemetry there."
    return text
