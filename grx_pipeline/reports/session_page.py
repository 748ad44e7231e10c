"""What a session page shows, from the records of the whole session. Texts and order here, marks in session.html."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grx_pipeline.reports.api import SessionRecords
from grx_pipeline.reports.corner_table import anchor
from grx_pipeline.reports.correction_records import correction_lines
from grx_pipeline.reports.driver_page import KeyFigure, ScoreScale, origin_words, score_scale
from grx_pipeline.reports.driving_records import ByCategory, TimingLine, Track
from grx_pipeline.reports.formats import MISSING, Style, listed
from grx_pipeline.reports.records import Classified, FleetSummary, Range, Ranking, Statistic, Weather
from grx_pipeline.reports.standing import Pair, car_label, pairs_that_matter, shared_numbers
from grx_pipeline.reports.track_map import track_map
from grx_pipeline.schemas.columns import CATEGORIES
from grx_pipeline.settings import ReportSettings

_PODIUM = 3
# What a car can be to all others of a list, and what the pairs of the last list are, by the role that tells it.
_HUB_ROLES = {"the winner": "winner", "the best lap of the class": "best lap of the class"}
_REST_KINDS = {"the car ahead": "neighbours in the result", "team mate": "team mates"}
# So many pairs of one car are a list of their own.
_HUB_PAIRS = 4
# Category of the rankings -> heading, what its value is, decimals; times are in ms.
_RANKINGS = {
    "pace": ("Pace", "best clean lap", 0),
    "gain": ("Least left to find", "no merit of its own: best clean lap − target, s", 0),
    "consistency": ("Consistency", "score of 100", 1),
    "brake": ("Braking", "smoothness, 0 to 1", 3),
    "throttle": ("Throttle", "smoothness, 0 to 1", 3),
    "steering": ("Steering", "smoothness, 0 to 1", 3),
    "speed": ("Speed", "how repeatable, 0 to 1", 3),
}


@dataclass(frozen=True, kw_only=True)
class Performer:
    """A driver's place in a ranking, as shown."""

    rank: int
    car: Classified
    value: str


@dataclass(frozen=True, kw_only=True)
class TopList:
    """The first of a ranking, and of whom: as `27 drivers with at least 3 clean laps`."""

    heading: str
    what: str
    top: tuple[Performer, ...]
    among: str


@dataclass(frozen=True, kw_only=True)
class PairGroup:
    """Pairs under one heading; all of them with `hub`, where there is one."""

    heading: str
    hub: Classified | None
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, kw_only=True)
class DptadRow:
    """One driver's median scores."""

    car: Classified
    scores: ByCategory
    laps: int
    events: int


def session_view(records: SessionRecords, style: Style, settings: ReportSettings) -> dict[str, object]:
    """Everything session.html needs."""
    summary = records.summary
    cars = {car.vehicle_id: car for car in summary.classification}
    numbers = Counter(car.car_number for car in summary.classification)
    statistics = {statistic.figure: statistic for statistic in summary.statistics}
    return {
        "summary": summary,
        "session": summary.session,
        "track": records.track,
        "map": track_map(records.track),
        "figures": _key_figures(summary, statistics, style),
        "sectors": [statistics[name] for name in (f"best_sector_{n}_ms" for n in (1, 2, 3)) if name in statistics],
        "cars": cars,
        "classification_note": classification_note(summary.classification),
        "gaps": {car.vehicle_id: gap_words(car) for car in summary.classification},
        "dptad_note": _dptad_note(records),
        "classes": len({car.vehicle_class for car in summary.classification}),
        "shared_numbers": {number for number, count in numbers.items() if count > 1},
        "fastest": min((car.best_lap_ms for car in cars.values() if car.best_lap_ms is not None), default=None),
        "top_lists": top_lists(summary.rankings, cars, style),
        "unranked": unranked(summary.rankings),
        "dptad_rows": _dptad_rows(records, cars),
        "score_scale": _score_scale(records, style, settings),
        "categories": CATEGORIES,
        "weather_rows": _weather_rows(summary.weather) if summary.weather else (),
        "pairs": pair_groups(pairs_that_matter(records), shared_numbers(summary.classification)),
        "line_note": _line_note(records.track, style),
        "stroke_note": stroke_note(records.track),
        "line_table_note": line_table_note(records.track),
        "origin": origin_words(records.track),
        "has_line_errors": any(line.time_error_median_ms is not None for line in records.track.timing_lines),
        "map_warning": map_warning(records.track, style),
        "lines_apart": [(line, _apart(line)) for line in records.track.timing_lines],
        "anchor": anchor,
        "corner_note": corner_note(records.track),
        "corrections": correction_lines(summary.data_quality.corrections),
    }


def classification_note(cars: Sequence[Classified]) -> str:
    """What the columns, marks and dashes of the classification mean, as far as it has them."""
    is_unclean = any(car.best_lap_ms is not None and not car.is_best_clean for car in cars)
    told = (
        (True, "“To find” is best clean lap − target lap."),
        (
            any(car.confidence == "low" and car.shown_target_ms for car in cars),
            "° marks a target from too few clean laps to rest on.",
        ),
        (
            is_unclean,
            "* marks a best lap that is not a clean one: the target starts from the best clean lap and can be slower.",
        ),
        (
            any(car.clean_laps < 2 for car in cars),
            f"{MISSING}: a target, what is to find and consistency take two clean laps.",
        ),
    )
    return " ".join(text for is_told, text in told if is_told)


def gap_words(car: Classified) -> str:
    """The gap to the winner, or what stands in its place."""
    if car.status not in (None, "Classified"):
        return str(car.status)
    if car.position == 1:
        return "winner"
    if car.gap_first in (None, "-"):
        return "no result"
    return f"{car.gap_first.lower()} down" if "lap" in car.gap_first.lower() else car.gap_first


def _dptad_note(records: SessionRecords) -> str:
    """A dash of the table of scores; empty where every channel of every judged driver has one."""
    scores = [vars(car.dptad.scores).values() for car in records.cars if car.dptad.laps_judged]
    return f" {MISSING}: the channel could not be judged." if any(None in values for values in scores) else ""


def _score_scale(records: SessionRecords, style: Style, settings: ReportSettings) -> ScoreScale | None:
    """The scale that the scores of all judged drivers share; None without one."""
    judged = [car.dptad for car in records.cars if car.dptad.highest_score is not None]
    if not judged:
        return None
    return score_scale(min(judged, key=lambda one: one.highest_score or 0.0), style, settings)


def top_lists(rankings: tuple[Ranking, ...], cars: Mapping[str, Classified], style: Style) -> tuple[TopList, ...]:
    """The first three of every ranking that has a heading, in the order of _RANKINGS."""
    known = {ranking.category: ranking for ranking in rankings}
    lists = []
    for category, (heading, what, decimals) in _RANKINGS.items():
        ranking = known.get(category)
        if ranking is None:
            continue
        first = [ranked for ranked in ranking.ranks if ranked.rank <= _PODIUM and ranked.vehicle_id in cars]
        top = tuple(
            Performer(
                rank=ranked.rank,
                car=cars[ranked.vehicle_id],
                value=_ranked_value(category, ranking.unit, ranked.value, decimals, style),
            )
            for ranked in first
        )
        among = style.counted(len(ranking.ranks), "driver")
        if ranking.least_laps > 1:
            among += f" with at least {ranking.least_laps} clean laps"
        if ranking.least_traced:
            among += f", {ranking.least_traced} of them with a trace"
        lists.append(TopList(heading=heading, what=what, top=top, among=among))
    return tuple(lists)


def unranked(rankings: tuple[Ranking, ...]) -> str:
    """Which rankings of _RANKINGS are not there, in a sentence; empty where all are."""
    known = {ranking.category for ranking in rankings}
    missing = [heading for category, (heading, *_) in _RANKINGS.items() if category not in known]
    if not missing:
        return ""
    return f"Not ranked: {listed(missing)}. Too few drivers have the laps that it takes."


def _ranked_value(category: str, unit: str, value: float, decimals: int, style: Style) -> str:
    if unit == "ms":
        return style.lap_time(round(value)) if category == "pace" else style.sector_time(round(value))
    return style.number(value, decimals)


def _dptad_rows(records: SessionRecords, cars: Mapping[str, Classified]) -> tuple[DptadRow, ...]:
    return tuple(
        DptadRow(
            car=cars[car.driver.vehicle_id],
            scores=car.dptad.scores,
            laps=car.dptad.laps_judged,
            events=len(car.dptad.events),
        )
        for car in records.cars
        if car.dptad.laps_judged
    )


def _weather_rows(weather: Weather) -> tuple[tuple[str, Range | None, str, int], ...]:
    """Heading, range, unit and decimals of each series."""
    return (
        ("Air", weather.air_temp_c, "°C", 1),
        ("Track", weather.track_temp_c, "°C", 1),
        ("Humidity", weather.humidity_pct, "%", 0),
        ("Pressure", weather.pressure_mbar, "mbar", 0),
        ("Wind", weather.wind_speed_kmh, "speed", 1),
    )


def _key_figures(summary: FleetSummary, statistics: Mapping[str, Statistic], style: Style) -> list[KeyFigure]:
    cars = {car.vehicle_id: car for car in summary.classification}
    laps = sum(car.laps for car in cars.values())
    clean = sum(car.clean_laps for car in cars.values())
    traced = sum(car.telemetry_laps for car in cars.values())
    with_traces = sum(1 for car in summary.classification if car.telemetry_laps)
    figures = [
        KeyFigure(
            label="Cars",
            value=style.number(len(cars)),
            detail=f"{style.counted(laps, 'lap')}, {style.number(clean)} of them clean",
        ),
        KeyFigure(
            label="Laps with telemetry",
            value=style.number(traced),
            detail=f"from {style.counted(with_traces, 'car')}",
        ),
    ]
    wanted = (("best_lap_ms", "Best lap"), ("best_siwtl_lap_ms", "Best target"), ("ideal_lap_ms", "Ideal of the field"))
    for name, label in wanted:
        statistic = statistics.get(name)
        if statistic is not None and isinstance(statistic.value, int):
            car = cars.get(statistic.vehicle_id or "")
            detail = f"#{car.car_number}" if car else "best clean sectors of all cars"
            lap = f", lap {statistic.lap_number}" if statistic.lap_number is not None else ""
            figures.append(KeyFigure(label=label, value=style.lap_time(statistic.value), detail=detail + lap))
    return figures


def _apart(line: TimingLine) -> float | None:
    """How far the field's place of a timing line is from the official map's."""
    return None if line.map_m is None else line.distance_m - line.map_m


def map_warning(track: Track, style: Style) -> str:
    """Which timing lines the map has elsewhere, and which place counts; empty where none is off."""
    told = [
        f"{line.line} {style.number(abs(line.map_m - line.distance_m))} m "
        f"{'further on' if line.map_m > line.distance_m else 'earlier'}"
        for line in track.timing_lines
        if line.is_off_map and line.map_m is not None
    ]
    if not told:
        return ""
    return f"Warning: the official map has {listed(told)}. The places of the field's laps are used, not the map's."


def stroke_note(track: Track) -> str:
    """What the stroke across the circuit's line is."""
    if track.is_from_loggers:
        return "The stroke is where the loggers change lap, not the finish line: metres count from it."
    return "The stroke is the start and finish line."


def line_table_note(track: Track) -> str:
    """What the table of timing lines compares, and what its dashes mean."""
    use = "Laps are pinned at anchors, at the others the trace’s time is checked."
    if track.is_from_loggers:
        return (
            f"Timing lines, as the field’s laps place them, in m from {origin_words(track)}; the official map counts "
            f"from the finish line, so it is not compared. {use} {MISSING}: the line is an anchor."
        )
    return (
        f"Timing lines, as the field’s laps place them, against the official map. {use} {MISSING}: the map has no such "
        "line, or the line is an anchor."
    )


def corner_note(track: Track) -> str:
    """What the corners' numbers and ranges rest on."""
    of_team = any(corner.source == "team" for corner in track.corners)
    verified = sum(corner.is_verified for corner in track.corners)
    if verified == len(track.corners):
        told = "Every corner’s number and range were checked against the official map."
    elif verified and all(corner.is_verified or corner.source == "team" for corner in track.corners):
        told = "Corners with ✓ are checked against the official map."
    elif verified:
        told = "Corners with ✓ are checked against the official map, the others found in the data."
    else:
        told = "Corners as found in the data: their numbers are not checked against the official map."
    if of_team:
        told += " † The team’s word, from session.toml."
    if any(corner.brake_onset_m is None for corner in track.corners):
        told += f" {MISSING} under Brakes at: most laps do not brake for it."
    if any(corner.full_throttle_m is None for corner in track.corners):
        told += f" {MISSING} under Full throttle: most laps are not off it, or not back on it before the next corner."
    return told


def _line_note(track: Track, style: Style) -> str:
    """How the circuit's line was found and how well it closes."""
    source = next((source for source in track.sources if source.is_used), None)
    if source is None:
        return ""
    laps = style.counted(source.laps, "lap")
    if not source.is_approximate:
        return f"The line is the field's, by GPS, over {laps}."
    ends = (
        "" if source.closure_m is None else f" Before closing, its ends lay {style.number(source.closure_m)} m apart."
    )
    return (
        f"No car logs GPS here: the line is made of speed and cornering force over {laps}, so its shape is "
        f"approximate.{ends}"
    )


def pair_groups(pairs: Sequence[Pair], shared: Sequence[str]) -> tuple[PairGroup, ...]:
    """The pairs by the car that most of them have in common (the winner, the best of a class), then the rest."""
    rest, groups = list(pairs), []
    while rest:
        counts = Counter(car.vehicle_id for pair in rest for car in (pair.a, pair.b))
        hub = max((car for pair in rest for car in (pair.a, pair.b)), key=lambda car: counts[car.vehicle_id])
        if counts[hub.vehicle_id] < _HUB_PAIRS:
            break
        of_hub = tuple(pair for pair in rest if hub in (pair.a, pair.b))
        groups.append(PairGroup(heading=f"{_hub_name(hub, of_hub, shared)} against", hub=hub, pairs=of_hub))
        rest = [pair for pair in rest if pair not in of_hub]
    if rest:
        roles = {role for pair in rest for role in (*pair.roles_of_a, *pair.roles_of_b)}
        kinds = [kind for role, kind in _REST_KINDS.items() if role in roles]
        heading = listed(kinds) if kinds else "others"
        groups.append(PairGroup(heading=heading[0].upper() + heading[1:], hub=None, pairs=tuple(rest)))
    return tuple(groups)


def _hub_name(hub: Classified, pairs: Sequence[Pair], shared: Sequence[str]) -> str:
    """The car and what it is to all of the others, as `#13 (winner)`."""
    of_hub = [pair.roles_of_a if pair.a == hub else pair.roles_of_b for pair in pairs]
    roles = [word for role, word in _HUB_ROLES.items() if all(role in roles for roles in of_hub)]
    return car_label(hub, shared) + (f" ({', '.join(roles)})" if roles else "")
