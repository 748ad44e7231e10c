"""The corner table: what a driver does at each corner against the class's best quarter, and what the target asks for.

Its gains are those of the ledger, so that they add up to the potential gain to the millisecond.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grx_pipeline.reports.driving_records import Corner, CornerFigure, DriverCorner, DriverCorners, Ledger, LedgerLine
from grx_pipeline.reports.formats import MISSING, Style, listed
from grx_pipeline.settings import ReportSettings

_FIGURES = (
    # figure of corner_laps, heading, unit, quartile that is the best quarter's, is a loss or gain to be coloured
    ("time_ms", "Time", "s", 0, True),
    ("entry_speed_kmh", "Entry", "speed", 2, True),
    ("min_speed_kmh", "Minimum", "speed", 2, True),
    ("exit_speed_kmh", "Exit", "speed", 2, True),
    ("brake_onset_m", "Brakes at", "m", 2, False),
    ("throttle_on_m", "Throttle at", "m", 0, False),
)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A figure and its difference to the reference. `tone` is gain, loss or nothing.

    `order` sorts the column where it is not the figure itself: corner times by what they lose.
    """

    value: str
    gap: str
    tone: str
    order: float | None


@dataclass(frozen=True, kw_only=True)
class CornerRow:
    """One corner. `gain_ms` is None where the ledger does not reach into the sectors."""

    corner: str
    anchor: str
    name: str | None
    direction: str
    gain_ms: int | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True)
class CornerTable:
    """Rows by loss, the largest first; `others` are what is not at a corner; all gains add up to `total_ms`.

    It is None where the target asks for nothing anywhere, or only sectors are known. `class_drivers` is 0 where they
    are too few to compare with. Medians are over `clean_laps` at most. `missing` is why cells have no value.
    """

    headings: tuple[tuple[str, str], ...]
    rows: tuple[CornerRow, ...]
    others: tuple[tuple[str, int], ...]
    total_ms: int | None
    class_drivers: int
    clean_laps: int
    missing: tuple[str, ...] = ()


def anchor(corner: str) -> str:
    """The address of a corner in a page: `t5`, `t7-t9`."""
    return re.sub(r"[^a-z0-9]+", "-", corner.lower()).strip("-")


def corner_table(
    circuit: Sequence[Corner], corners: DriverCorners, ledger: Ledger, style: Style, settings: ReportSettings
) -> CornerTable | None:
    """The table of one driver; None where neither the driver's corners nor the ledger's places are known."""
    lines: dict[str | None, list[LedgerLine]] = {}
    for line in ledger.segments:
        lines.setdefault(None if line.phase == "straight" else line.corner, []).append(line)
    driven = {corner.corner: corner for corner in corners.corners}
    shown = [corner for corner in circuit if corner.corner in driven or corner.corner in lines]
    if not shown:
        return None
    least = settings.min_class_drivers
    rows = [
        _row(corner, driven.get(corner.corner), lines.get(corner.corner, []), ledger, style=style, least=least)
        for corner in shown
    ]
    class_drivers = max((f.class_drivers for c in corners.corners for f in c.figures.values()), default=0)
    places = {corner.corner: place for place, corner in enumerate(circuit)}
    return CornerTable(
        headings=tuple((heading, style.speed_unit if unit == "speed" else unit) for _, heading, unit, _, _ in _FIGURES),
        rows=tuple(sorted(rows, key=lambda row: (*_loss_order(row), places[row.corner]))),
        others=_others(ledger, lines.get(None, [])),
        total_ms=ledger.potential_gain_ms if _asks_for_time(ledger) else None,
        class_drivers=class_drivers if class_drivers >= least else 0,
        clean_laps=max((f.laps for c in corners.corners for f in c.figures.values()), default=0),
        missing=_missing([driven[corner.corner] for corner in shown if corner.corner in driven]),
    )


def _missing(corners: Sequence[DriverCorner]) -> tuple[str, ...]:
    """As `Brakes at: no braking at T2 and T3`, a sentence a column."""
    sentences = []
    for figure, heading, *_ in _FIGURES:
        places: dict[str, list[str]] = {}
        for corner in corners:
            if figure in corner.missing:
                places.setdefault(corner.missing[figure], []).append(corner.corner)
        reasons = [
            reason if len(names) == len(corners) else f"{reason} at {listed(names)}" for reason, names in places.items()
        ]
        if reasons:
            sentences.append(f"{heading}: {'; '.join(reasons)}.")
    return tuple(sentences)


def _asks_for_time(ledger: Ledger) -> bool:
    return bool(ledger.segments) and any(line.gain_ms for line in (*ledger.segments, *ledger.sectors))


def _loss_order(row: CornerRow) -> tuple[float, float]:
    """By the ledger's gain, then by time lost to the best quarter; what is not known goes last."""
    time = row.cells[0].order
    return -(row.gain_ms or 0), -(time if time is not None else float("-inf"))


def _others(ledger: Ledger, straights: Sequence[LedgerLine]) -> tuple[tuple[str, int], ...]:
    """The straights, and the sectors that are not divided into places."""
    others = [("Straights", sum(line.gain_ms for line in straights))] if straights else []
    divided: dict[int, int] = {}
    for line in ledger.segments:
        divided[line.sector] = divided.get(line.sector, 0) + line.gain_ms
    for sector in ledger.sectors:
        rest = sector.gain_ms - divided.get(sector.sector, 0)
        if rest:
            others.append((f"Sector {sector.sector}, not divided", rest))
    return tuple(others)


def _row(
    corner: Corner,
    driven: DriverCorner | None,
    lines: Sequence[LedgerLine],
    ledger: Ledger,
    *,
    style: Style,
    least: int,
) -> CornerRow:
    figures: Mapping[str, CornerFigure] = {} if driven is None else driven.figures
    return CornerRow(
        corner=corner.corner,
        anchor=anchor(corner.corner),
        name=corner.name,
        direction=corner.direction,
        gain_ms=sum(line.gain_ms for line in lines) if ledger.segments else None,
        cells=tuple(
            _cell(figures.get(figure), unit, quartile, has_tone=has_tone, least=least, style=style)
            for figure, _, unit, quartile, has_tone in _FIGURES
        ),
    )


def _cell(figure: CornerFigure | None, unit: str, quartile: int, *, has_tone: bool, least: int, style: Style) -> Cell:
    if figure is None or figure.median is None:
        return Cell(value=MISSING, gap="", tone="", order=None)
    best = figure.class_quartiles
    gap = None if best is None or figure.class_drivers < least else figure.median - best[quartile]
    if unit == "s":
        value, text = style.number(figure.median / 1000, 2), style.signed(None if gap is None else gap / 1000, 2)
    elif unit == "speed":
        value, text = style.speed(figure.median), style.speed_gap(gap)
    else:
        value, text = style.number(figure.median), style.signed(gap)
    is_shown = gap is not None and any(digit in text for digit in "123456789")
    is_loss = gap is not None and (gap > 0) == (quartile == 0)
    tone = ("loss" if is_loss else "gain") if is_shown and has_tone else ""
    return Cell(value=value, gap="" if gap is None else text, tone=tone, order=gap if unit == "s" else None)
