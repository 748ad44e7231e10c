"""What a compare page shows, from the comparison of two cars. Texts and order here, marks in compare.html."""

from collections.abc import Sequence
from dataclasses import dataclass

from grx_pipeline.reports.api import CarRecords, SessionRecords
from grx_pipeline.reports.corner_table import anchor
from grx_pipeline.reports.driving_records import ComparedLine, Comparison, Segment, Track
from grx_pipeline.reports.formats import MISSING, Style
from grx_pipeline.reports.standing import Pair, car_label, shared_numbers
from grx_pipeline.reports.track_map import Stretch, stretches, track_map
from grx_pipeline.settings import ReportSettings


@dataclass(frozen=True, kw_only=True)
class GapRow:
    """One place, `order` along the lap. `share` is of the largest gap of the table; `faster` is a, b or nothing."""

    name: str
    anchor: str
    gap_ms: float | None
    median_gap_ms: float | None
    share: float
    faster: str
    order: int


def compare_view(
    records: SessionRecords,
    pair: Pair,
    comparison: Comparison,
    cars: tuple[CarRecords, CarRecords],
    *,
    style: Style,
    settings: ReportSettings,
) -> dict[str, object]:
    """Everything compare.html needs. Where cars of the session share a number, labels have the id with it."""
    shared = shared_numbers(records.summary.classification)
    labels = car_label(pair.a, shared), car_label(pair.b, shared)
    sectors, corners = gap_rows(comparison.sectors, settings), gap_rows(comparison.corners, settings)
    return {
        "session": records.summary.session,
        "pair": pair,
        "comparison": comparison,
        "a": cars[0].driver,
        "b": cars[1].driver,
        "siwtl_a": cars[0].siwtl,
        "siwtl_b": cars[1].siwtl,
        "labels": labels,
        "shared": shared,
        "headline": compare_headline(labels, comparison, style, settings),
        "sectors": sectors,
        "corners": by_size(corners),
        "sector_laps": f"From the best clean laps, {_laps(labels, comparison.best_a, comparison.best_b)}, and medians.",
        "corner_laps": f"From {_laps(labels, comparison.lap_a, comparison.lap_b)}, and medians.",
        "sector_note": gap_note(sectors, style, settings),
        "corner_note": gap_note(corners, style, settings),
        "both_note": _both_note(cars),
        "map": track_map(records.track),
        "stretches": _stretches(records.track, comparison, labels, style, settings),
    }


def compare_headline(labels: tuple[str, str], comparison: Comparison, style: Style, settings: ReportSettings) -> str:
    """`#13 is 0.82 s faster than #7, 0.31 s of it in T5`: the gap of the best clean laps and its largest place.

    No corner where other laps were laid over: its figure would be of another gap.
    """
    a, b = labels
    gap = comparison.gap_ms
    if gap is None:
        return f"{a} and {b}: without a clean lap of both there is no gap"
    if gap == 0:
        return f"{a} and {b} have the same best clean lap"
    faster, slower = (a, b) if gap > 0 else (b, a)
    text = f"{faster} is {style.seconds(abs(gap))} s faster than {slower}"
    is_on_best = comparison.trace_gap_ms in (None, gap)
    corner = _largest(comparison.corners, gap, settings, needs_medians=True) if is_on_best else None
    place = corner or _largest(comparison.sectors, gap, settings, needs_medians=False)
    if place is None:
        return text
    where = f"in {place.name}" if corner else f"in sector {place.name.removeprefix('S')}"
    return f"{text}, {style.seconds(abs(place.gap_ms or 0))} s of it {where}"


def _laps(labels: tuple[str, str], a: int | None, b: int | None) -> str:
    return f"lap {a} of {labels[0]} and lap {b} of {labels[1]}"


def _largest(
    lines: Sequence[ComparedLine], gap: int, settings: ReportSettings, *, needs_medians: bool
) -> ComparedLine | None:
    """The line with most of the gap that its medians do not refute; None where it is more than the whole gap."""
    sign = 1 if gap > 0 else -1
    told = [line for line in lines if _is_habit(line, sign, settings, needs_medians=needs_medians)]
    line = max(told, key=lambda line: sign * (line.gap_ms or 0), default=None)
    return None if line is None or abs(line.gap_ms or 0) > abs(gap) else line


def _is_habit(line: ComparedLine, sign: int, settings: ReportSettings, *, needs_medians: bool) -> bool:
    """Whether the compared laps show a difference there and the medians enough of it."""
    if line.gap_ms is None or sign * line.gap_ms < settings.shown_gap_ms:
        return False
    if line.median_gap_ms is None:
        return not needs_medians
    return sign * line.median_gap_ms >= settings.place_median_share * abs(line.gap_ms)


def gap_rows(lines: Sequence[ComparedLine], settings: ReportSettings) -> tuple[GapRow, ...]:
    """The lines with bars, in lap order."""
    widest = max((abs(line.gap_ms) for line in lines if line.gap_ms is not None), default=0.0) or 1.0
    return tuple(
        GapRow(
            name=line.name,
            anchor=anchor(line.name),
            gap_ms=line.gap_ms,
            median_gap_ms=line.median_gap_ms,
            share=abs(line.gap_ms or 0.0) / widest,
            faster=_faster(line.gap_ms, settings),
            order=order,
        )
        for order, line in enumerate(lines, start=1)
    )


def gap_note(rows: Sequence[GapRow], style: Style, settings: ReportSettings) -> str:
    """What the dashes of a table of gaps are; empty where it has none."""
    told = (
        (any(row.gap_ms is None for row in rows), "a gap in the telemetry of one of the laps"),
        (any(row.median_gap_ms is None for row in rows), "of medians, too few clean laps there"),
        (
            any(row.gap_ms is not None and not row.faster for row in rows),
            f"under Faster on these laps, less than {style.seconds(settings.shown_gap_ms)} s",
        ),
    )
    reasons = [text for is_told, text in told if is_told]
    return f" {MISSING}: {'; '.join(reasons)}." if reasons else ""


def _both_note(cars: tuple[CarRecords, CarRecords]) -> str:
    clean = [car.siwtl.clean_laps for car in cars]
    if not all(clean):
        return f"{MISSING}: without a clean lap there is nothing to compare."
    return f"{MISSING}: of a single clean lap there is no target and no consistency." if min(clean) == 1 else ""


def by_size(rows: Sequence[GapRow]) -> tuple[GapRow, ...]:
    """The largest difference first, whoever it is for."""
    return tuple(sorted(rows, key=lambda row: -abs(row.gap_ms or 0.0)))


def _faster(gap_ms: float | None, settings: ReportSettings) -> str:
    if gap_ms is None or abs(gap_ms) < settings.shown_gap_ms:
        return ""
    return "a" if gap_ms > 0 else "b"


def _stretches(
    track: Track, comparison: Comparison, labels: tuple[str, str], style: Style, settings: ReportSettings
) -> tuple[Stretch, ...]:
    """The segments in which one of the two is faster."""
    gaps = {line.name: line.gap_ms for line in comparison.segments}
    kinds: list[tuple[Segment, str, str]] = []
    for segment in track.segments:
        gap = gaps.get(segment.name)
        kind = _faster(gap, settings)
        if kind and gap is not None:
            faster = labels[0] if kind == "a" else labels[1]
            title = f"{segment.name}: {faster} faster by {style.seconds(abs(gap))} s"
            kinds.append((segment, kind, title))
    return stretches(track, kinds)
