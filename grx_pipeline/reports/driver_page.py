"""What a driver page shows, from the records of one car and its standing. Marks are in driver.html."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grx_pipeline.reports.api import CarRecords
from grx_pipeline.reports.cards import cards_total, opportunity_cards
from grx_pipeline.reports.charts import lap_chart
from grx_pipeline.reports.corner_table import anchor, corner_table
from grx_pipeline.reports.correction_records import correction_lines
from grx_pipeline.reports.driving_records import Dptad, DptadEvent, Ledger, Track
from grx_pipeline.reports.formats import MISSING, Style
from grx_pipeline.reports.headline import headline, why_no_target
from grx_pipeline.reports.records import Driver, FleetSummary, Lap, Laps, Siwtl, SiwtlSector
from grx_pipeline.reports.standing import Standing, car_label, is_best_clean
from grx_pipeline.schemas.columns import CATEGORIES
from grx_pipeline.settings import ReportSettings


@dataclass(frozen=True, kw_only=True)
class KeyFigure:
    """A key figure: what it is, its value, and a line beside it."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class FeatureColumn:
    """A column of the telemetry table: feature name of the record, heading, unit, decimals."""

    name: str
    heading: str
    unit: str
    decimals: int = 0


@dataclass(frozen=True, kw_only=True)
class CategoryRow:
    """Scores of one DPTAD category, and its smoothness where the channel has one."""

    category: str
    score: float | None
    worst: float | None
    smoothness: float | None
    significant_laps: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ScoreScale:
    """Whether scores can go high enough to be shown, and how high in words."""

    is_telling: bool
    words: str


_FEATURES = (
    FeatureColumn(name="speed_max_kmh", heading="Top speed", unit="speed", decimals=1),
    FeatureColumn(name="brake_mean_braking_bar", heading="Brake while braking", unit="bar", decimals=1),
    FeatureColumn(name="brake_max_bar", heading="Peak brake", unit="bar", decimals=1),
    FeatureColumn(name="brake_spike_count", heading="Brake spikes", unit=""),
    FeatureColumn(name="throttle_drop_count", heading="Throttle drops", unit=""),
    FeatureColumn(name="steering_corrections", heading="Steering corrections", unit=""),
    FeatureColumn(name="brake_smoothness", heading="Brake smoothness", unit="0–1", decimals=2),
    FeatureColumn(name="throttle_smoothness", heading="Throttle smoothness", unit="0–1", decimals=2),
    FeatureColumn(name="steering_smoothness", heading="Steering smoothness", unit="0–1", decimals=2),
)


def driver_view(
    car: CarRecords,
    standing: Standing,
    summary: FleetSummary,
    track: Track,
    *,
    style: Style,
    settings: ReportSettings,
) -> dict[str, object]:
    """Everything driver.html needs but what changed since the last build."""
    laps = car.laps
    table = corner_table(track.corners, car.corners, car.ledger, style, settings)
    cards = opportunity_cards(car.opportunities, style)
    in_table = {row.corner for row in table.rows} if table else set()
    return {
        "session": summary.session,
        "driver": car.driver,
        "standing": standing,
        "laps": laps,
        "siwtl": car.siwtl,
        "ledger": car.ledger,
        "dptad": car.dptad,
        "opportunities": car.opportunities,
        "corners": car.corners,
        "telemetry": car.telemetry,
        "headline": headline(car.driver, laps, car.siwtl, car.ledger, style),
        "why_no_target": why_no_target(laps, style),
        "figures": _key_figures(car.driver, laps, car.siwtl, standing, style),
        "cards": cards,
        "cards_total": cards_total(cards, style),
        "corner_table": table,
        "origin": origin_words(track),
        "other_corners": tuple(corner for corner in track.corners if corner.corner not in in_table),
        "sector_totals": sector_totals(car.siwtl.sectors),
        "section_totals": sector_totals(car.siwtl.sections6 or ()),
        "places": ledger_places(car.ledger),
        "marks": {lap.lap_number: sector_marks(lap, standing) for lap in laps.laps},
        "remarks": {lap.lap_number: _remarks(lap, best=laps.best_lap_number) for lap in laps.laps},
        "lap_times": {lap.lap_number: lap.lap_time_ms for lap in laps.laps},
        "chart": lap_chart(
            laps, car.siwtl, summary.neutralisations, standing.field_laps, style=style, settings=settings
        ),
        "categories": category_rows(car.dptad),
        "score_scale": score_scale(car.dptad, style, settings),
        "events": events_by_cost(car.dptad),
        "feature_columns": _FEATURES,
        "has_feature_gaps": any(lap.features.get(column.name) is None for lap in car.telemetry for column in _FEATURES),
        "anchor": anchor,
        "corrections": correction_lines(car.driver.corrections),
        "rolling_ms": _faster_rolling(car.ledger, car.siwtl),
        "shared": standing.shared_numbers,
    }


def _key_figures(driver: Driver, laps: Laps, siwtl: Siwtl, standing: Standing, style: Style) -> tuple[KeyFigure, ...]:
    return (
        KeyFigure(label="Own best", value=style.lap_time(laps.best_lap_ms), detail=_best_detail(laps, standing)),
        KeyFigure(
            label="Target", value=style.lap_time(siwtl.shown_target_ms), detail=_target_detail(laps, siwtl, style)
        ),
        _class_best_figure(laps, standing, style),
        KeyFigure(label="Consistency", value=_score(siwtl, style), detail=_consistency_detail(siwtl, style)),
        KeyFigure(
            label="Clean laps",
            value=style.number(laps.clean_laps),
            detail=_valid_detail(driver.laps, laps.valid_laps, style),
        ),
    )


def _valid_detail(driven: int, valid: int, style: Style) -> str:
    if driven < 2:
        return f"of {style.counted(driven, 'lap')}"
    return f"of {style.number(driven)} laps, {'all' if valid == driven else style.number(valid)} of them valid"


def _best_detail(laps: Laps, standing: Standing) -> str:
    if laps.best_lap_number is None:
        return "no valid lap"
    place = "" if standing.pace_place is None else f", {standing.pace_place} of {standing.class_cars} in the class"
    return f"lap {laps.best_lap_number}{'' if is_best_clean(laps) else ', not a clean lap'}{place}"


def _target_detail(laps: Laps, siwtl: Siwtl, style: Style) -> str:
    """The target's range, and which lap it starts from where the own best is not clean: it may then be the slower."""
    if siwtl.siwtl_lap_ms is None:
        return "no clean lap"
    if siwtl.shown_target_ms is None:
        return "a single clean lap has nothing to compare with"
    is_own_best = laps.best_clean_lap_number == laps.best_lap_number
    base = f"from the best clean lap, lap {laps.best_clean_lap_number}, {style.lap_time(siwtl.best_lap_ms)}; "
    start = "" if is_own_best else base
    if siwtl.jackknife_range_ms is None:
        return f"{start}no range: too few clean laps"
    spread = (*siwtl.jackknife_range_ms, siwtl.siwtl_lap_ms)
    low, high = style.lap_time(min(spread)), style.lap_time(max(spread))
    few = f"low confidence, {style.counted(siwtl.clean_laps, 'clean lap')} only; "
    return f"{start}{few if siwtl.confidence == 'low' else ''}{low} to {high} if any one lap is left out"


def _class_best_figure(laps: Laps, standing: Standing, style: Style) -> KeyFigure:
    best = standing.class_best
    if best is None:
        return KeyFigure(label="Class best", value=MISSING, detail="no valid lap in the class")
    lap = "" if best.lap_number is None else f", lap {best.lap_number}"
    lap += "" if best.is_clean else ", not a clean lap"
    if best.is_own:
        detail = f"this car{lap}"
    else:
        gap = "" if laps.gap_to_class_best_ms is None else f"{style.gap(laps.gap_to_class_best_ms)} s to it; "
        detail = f"{gap}{car_label(best.car, standing.shared_numbers)}{lap}"
    return KeyFigure(label="Class best", value=style.lap_time(best.lap_time_ms), detail=detail)


def _score(siwtl: Siwtl, style: Style) -> str:
    return MISSING if siwtl.consistency_score is None else f"{style.number(siwtl.consistency_score, 1)} of 100"


def _consistency_detail(siwtl: Siwtl, style: Style) -> str:
    if siwtl.consistency_percentile is None:
        return "needs two clean laps"
    few = f"from {style.counted(siwtl.clean_laps, 'clean lap')} only; " if siwtl.confidence == "low" else ""
    if siwtl.consistency_percentile == 100:
        return f"{few}nobody in the field is more even"
    return f"{few}level with or ahead of {style.number(siwtl.consistency_percentile)}\u00a0% of the field"


def _faster_rolling(ledger: Ledger, siwtl: Siwtl) -> int | None:
    """The best rolling lap, by telemetry or else by sectors; None where it is no faster than the best clean lap."""
    time = ledger.rolling_lap.lap_time_ms if ledger.rolling_lap else siwtl.rolling_best_ms
    return None if time is None or siwtl.best_lap_ms is None or time >= siwtl.best_lap_ms else time


def origin_words(track: Track) -> str:
    """From where a lap's metres count."""
    return "where the loggers change lap" if track.is_from_loggers else "the line"


def sector_totals(sectors: Sequence[SiwtlSector]) -> dict[str, int]:
    """Sums over the sectors of a lap: own best gives the ideal lap, gain the potential gain."""
    names = ("best_ms", "in_best_lap_ms", "gap_ms", "gain_ms")
    return {name: sum(getattr(sector, name) for sector in sectors) for name in names}


def ledger_places(ledger: Ledger) -> dict[str, object]:
    """The ledger by place: lines that ask for time or give some, how many ask for nothing, and the sum of all."""
    shown = tuple(line for line in ledger.segments if line.gain_ms or line.gap_ms)
    return {
        "lines": shown,
        "without": len(ledger.segments) - len(shown),
        "total_ms": sum(line.gain_ms for line in ledger.segments),
        "gap_ms": sum(line.gap_ms for line in ledger.segments),
        "widest_ms": max((abs(line.gap_ms) for line in shown), default=1) or 1,
    }


def sector_marks(lap: Lap, standing: Standing) -> tuple[str, ...]:
    """What each sector of a lap is: `class` best, `own` best, or nothing. Only clean laps set the class's best."""
    marks = []
    for sector, (time, best) in enumerate(zip(lap.sectors_ms, standing.class_best_sectors_ms, strict=True), start=1):
        if lap.is_clean and time is not None and time == best:
            marks.append("class")
        else:
            marks.append("own" if sector in lap.own_best_sectors else "")
    return tuple(marks)


def _remarks(lap: Lap, *, best: int | None) -> str:
    texts = [reason.text for reason in lap.reasons if reason.excludes != "none"]
    return "; ".join(
        ["best lap" if lap.is_clean else "best lap, not clean", *texts] if lap.lap_number == best else texts
    )


def category_rows(dptad: Dptad) -> tuple[CategoryRow, ...]:
    """The four categories; none where no lap was judged."""
    if not dptad.laps:
        return ()
    smoothness: Mapping[str, float | None] = {**vars(dptad.smoothness), "speed": None}
    return tuple(
        CategoryRow(
            category=name,
            score=getattr(dptad.scores, name),
            worst=getattr(dptad.worst, name),
            smoothness=smoothness[name],
            significant_laps=tuple(lap.lap for lap in dptad.laps if name in lap.significant),
        )
        for name in CATEGORIES
    )


def score_scale(dptad: Dptad, style: Style, settings: ReportSettings) -> ScoreScale | None:
    """The scale of the driver's scores; None where no lap was judged."""
    if dptad.highest_score is None:
        return None
    laps = f"the {style.counted(dptad.field_laps, 'clean lap')} of all judged drivers"
    highest = style.number(dptad.highest_score)
    if dptad.highest_score < settings.telling_score:
        words = (
            f"Scores are not shown: they compare with {laps}, and so few cannot give more than {highest} on a scale "
            "to 100."
        )
        return ScoreScale(is_telling=False, words=words)
    reach = "" if dptad.highest_score >= 100 else f"; with {laps} a score is at most {highest}"
    return ScoreScale(is_telling=True, words=f"0 is as always, 100 as unusual as it gets{reach}.")


def events_by_cost(dptad: Dptad) -> tuple[DptadEvent, ...]:
    """The events, the most expensive first; those whose cost is not known by how unusual they are."""
    return tuple(sorted(dptad.events, key=lambda event: (-(event.time_lost_ms or 0.0), event.p_value, -event.z)))
