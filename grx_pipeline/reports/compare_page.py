"""What a compare page shows, from the comparison of two cars. Texts and order here, marks in compare.html."""

from collections.abc import Sequence
from dataclasses import dataclass

from grx_pipeline.reports.api import CarRecords, SessionRecords
from grx_pipeline.reports.corner_table import anchor
from grx_pipeline.reports.driving_records import ComparedLine, Comparison, Segment, Track
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.standing import Pair
from grx_pipeline.reports.track_map import Stretch, stretches, track_map

# A difference that is shown as 0.00 s is no one's.
_SHOWN_FROM_MS = 5.0


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
    records: SessionRecords, pair: Pair, comparison: Comparison, cars: tuple[CarRecords, CarRecords], style: Style
) -> dict[str, object]:
    """Everything compare.html needs."""
    return {
        "session": records.summary.session,
        "pair": pair,
        "comparison": comparison,
        "a": cars[0].driver,
        "b": cars[1].driver,
        "siwtl_a": cars[0].siwtl,
        "siwtl_b": cars[1].siwtl,
        "headline": compare_headline(pair, comparison, style),
        "sectors": gap_rows(comparison.sectors),
        "corners": by_size(gap_rows(comparison.corners)),
        "map": track_map(records.track),
        "stretches": _stretches(records.track, comparison, pair, style),
    }


def compare_headline(pair: Pair, comparison: Comparison, style: Style) -> str:
    """`#13 is 0.82 s faster than #7, 0.31 s of it in T5`: the gap of the best clean laps and its largest place.

    A place of more than the whole gap (others give some of it back) is no part of it: `in T5 alone 0.96 s`.
    """
    a, b = f"#{pair.a.car_number}", f"#{pair.b.car_number}"
    gap = comparison.gap_ms
    if gap is None:
        return f"{a} and {b}: without a clean lap of both there is no gap"
    if gap == 0:
        return f"{a} and {b} have the same best clean lap"
    faster, slower, sign = (a, b, 1) if gap > 0 else (b, a, -1)
    text = f"{faster} is {style.seconds(abs(gap))} s faster than {slower}"
    is_same_laps = comparison.trace_gap_ms == gap
    lines = comparison.corners if comparison.corners and is_same_laps else comparison.sectors
    place = max(
        (line for line in lines if line.gap_ms is not None), key=lambda line: sign * (line.gap_ms or 0), default=None
    )
    if place is None or sign * (place.gap_ms or 0) < _SHOWN_FROM_MS:
        return text
    where = f"in sector {place.name.removeprefix('S')}" if lines is comparison.sectors else f"in {place.name}"
    at_place = style.seconds(abs(place.gap_ms or 0))
    if abs(place.gap_ms or 0) > abs(gap):
        return f"{text}, {where} alone {at_place} s"
    return f"{text}, {at_place} s of it {where}"


def gap_rows(lines: Sequence[ComparedLine]) -> tuple[GapRow, ...]:
    """The lines with bars, in lap order."""
    widest = max((abs(line.gap_ms) for line in lines if line.gap_ms is not None), default=0.0) or 1.0
    return tuple(
        GapRow(
            name=line.name,
            anchor=anchor(line.name),
            gap_ms=line.gap_ms,
            median_gap_ms=line.median_gap_ms,
            share=abs(line.gap_ms or 0.0) / widest,
            faster=_faster(line.gap_ms),
            order=order,
        )
        for order, line in enumerate(lines, start=1)
    )


def by_size(rows: Sequence[GapRow]) -> tuple[GapRow, ...]:
    """The largest difference first, whoever it is for."""
    return tuple(sorted(rows, key=lambda row: -abs(row.gap_ms or 0.0)))


def _faster(gap_ms: float | None) -> str:
    if gap_ms is None or abs(gap_ms) < _SHOWN_FROM_MS:
        return ""
    return "a" if gap_ms > 0 else "b"


def _stretches(track: Track, comparison: Comparison, pair: Pair, style: Style) -> tuple[Stretch, ...]:
    """The segments in which one of the two is faster."""
    gaps = {line.name: line.gap_ms for line in comparison.segments}
    kinds: list[tuple[Segment, str, str]] = []
    for segment in track.segments:
        gap = gaps.get(segment.name)
        kind = _faster(gap)
        if kind and gap is not None:
            faster = pair.a if kind == "a" else pair.b
            title = f"{segment.name}: #{faster.car_number} faster by {style.seconds(abs(gap))} s"
            kinds.append((segment, kind, title))
    return stretches(track, kinds)
