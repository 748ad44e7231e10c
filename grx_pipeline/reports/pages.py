"""Records -> HTML. Every number of a page comes from a record; texts are made in formats.py, notes.py and here."""

import functools
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined

from grx_pipeline.reports import formats
from grx_pipeline.reports.api import CarRecords, SessionRecords
from grx_pipeline.reports.charts import lap_chart, speed_chart
from grx_pipeline.reports.formats import counted, gap, lap_time, listed, number, sector_time
from grx_pipeline.reports.records import (
    Driver,
    FleetSummary,
    Lap,
    Laps,
    Range,
    Siwtl,
    SiwtlSector,
    Statistic,
    Telemetry,
    Weather,
)
from grx_pipeline.reports.season import SeasonSession

_STATIC = ("site.css", "icon.svg")
_HASH_LENGTH = 10


@dataclass(frozen=True, kw_only=True)
class Figure:
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


_FEATURES = (
    FeatureColumn(name="speed_mean", heading="Mean speed", unit="km/h", decimals=1),
    FeatureColumn(name="speed_max_kmh", heading="Top speed", unit="km/h", decimals=1),
    FeatureColumn(name="speed_min_kmh", heading="Lowest speed", unit="km/h", decimals=1),
    FeatureColumn(name="throttle_mean", heading="Mean throttle", unit="%", decimals=1),
    FeatureColumn(name="brake_mean_braking_bar", heading="Brake while braking", unit="bar", decimals=1),
    FeatureColumn(name="brake_max_bar", heading="Peak brake", unit="bar", decimals=1),
    FeatureColumn(name="brake_spike_count", heading="Brake spikes", unit=""),
    FeatureColumn(name="throttle_drop_count", heading="Throttle drops", unit=""),
    FeatureColumn(name="steering_corrections", heading="Steering corrections", unit=""),
    FeatureColumn(name="brake_smoothness", heading="Brake smoothness", unit="0–1", decimals=2),
    FeatureColumn(name="throttle_smoothness", heading="Throttle smoothness", unit="0–1", decimals=2),
    FeatureColumn(name="steering_smoothness", heading="Steering smoothness", unit="0–1", decimals=2),
)


def session_pages(records: SessionRecords) -> dict[str, bytes]:
    """The session page, a page per car and what they load, by path in the site."""
    assets = static_files()
    pages = {f"assets/{name}": content for name, content in assets.values()}
    names = {key: name for key, (name, _) in assets.items()}
    pages["index.html"] = _render("session.html", names, root="", **_session_view(records))
    for car in records.cars:
        view = _driver_view(car, records.summary)
        pages[f"drivers/{car.driver.path}.html"] = _render("driver.html", names, root="../", **view)
    return pages


def season_page(sessions: Sequence[SeasonSession]) -> dict[str, bytes]:
    """The season page and what it loads, by path under the reports folder."""
    assets = static_files()
    names = {key: name for key, (name, _) in assets.items()}
    pages = {f"assets/{name}": content for name, content in assets.values()}
    pages["index.html"] = _render("season.html", names, root="", sessions=sessions)
    return pages


@functools.cache
def static_files() -> Mapping[str, tuple[str, bytes]]:
    """The static files: name -> name with the content's hash in it, content."""
    folder = resources.files("grx_pipeline.reports") / "static"
    contents = {name: (folder / name).read_bytes() for name in _STATIC}
    return {name: (_hashed_name(name, content), content) for name, content in contents.items()}


def _hashed_name(name: str, content: bytes) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]}.{ending}"


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("grx_pipeline", "reports/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("lap_time", "sector_time", "gap", "race_clock", "number", "percent", "counted", "long_date")
    environment.filters |= {name: getattr(formats, name) for name in names}
    environment.globals["missing"] = formats.MISSING
    return environment


def _render(template: str, assets: Mapping[str, str], *, root: str, **view: object) -> bytes:
    """A page as bytes; `root` leads from it to the folder of its assets."""
    return _environment().get_template(template).render(assets=assets, root=root, **view).encode()


def _session_view(records: SessionRecords) -> dict[str, object]:
    summary = records.summary
    numbers = Counter(car.car_number for car in summary.classification)
    statistics = {statistic.figure: statistic for statistic in summary.statistics}
    return {
        "summary": summary,
        "figures": _session_figures(summary, statistics),
        "sectors": [statistics[name] for name in (f"best_sector_{n}_ms" for n in (1, 2, 3)) if name in statistics],
        "cars": {car.vehicle_id: car for car in summary.classification},
        "classes": len({car.vehicle_class for car in summary.classification}),
        "shared_numbers": {number for number, count in numbers.items() if count > 1},
        "fastest": min(
            (car.best_lap_ms for car in summary.classification if car.best_lap_ms is not None), default=None
        ),
        "weather_rows": _weather_rows(summary.weather) if summary.weather else [],
    }


def _weather_rows(weather: Weather) -> list[tuple[str, Range | None, str, int]]:
    """Heading, range, unit and decimals of each series."""
    return [
        ("Air", weather.air_temp_c, "°C", 1),
        ("Track", weather.track_temp_c, "°C", 1),
        ("Humidity", weather.humidity_pct, "%", 0),
        ("Pressure", weather.pressure_mbar, "mbar", 0),
        ("Wind", weather.wind_speed_kmh, "km/h", 1),
    ]


def _session_figures(summary: FleetSummary, statistics: Mapping[str, Statistic]) -> list[Figure]:
    cars = {car.vehicle_id: car for car in summary.classification}
    laps = sum(car.laps for car in cars.values())
    clean = sum(car.clean_laps for car in cars.values())
    traced = sum(car.telemetry_laps for car in cars.values())
    figures = [
        Figure(label="Cars", value=number(len(cars)), detail=f"{counted(laps, 'lap')}, {number(clean)} of them clean"),
        Figure(label="Laps with telemetry", value=number(traced), detail=_telemetry_cars(summary)),
    ]
    wanted = (("best_lap_ms", "Best lap"), ("best_siwtl_lap_ms", "Best target"), ("ideal_lap_ms", "Ideal of the field"))
    for name, label in wanted:
        statistic = statistics.get(name)
        if statistic is not None and isinstance(statistic.value, int):
            car = cars.get(statistic.vehicle_id or "")
            detail = f"car {car.car_number}" if car else "best clean sectors of all cars"
            lap = f", lap {statistic.lap_number}" if statistic.lap_number is not None else ""
            figures.append(Figure(label=label, value=lap_time(statistic.value), detail=detail + lap))
    return figures


def _telemetry_cars(summary: FleetSummary) -> str:
    with_traces = sum(1 for car in summary.classification if car.telemetry_laps)
    return f"from {counted(with_traces, 'car')}"


def _driver_view(car: CarRecords, summary: FleetSummary) -> dict[str, object]:
    order = summary.classification
    place = next(i for i, other in enumerate(order) if other.vehicle_id == car.driver.vehicle_id)
    shown = _best_with_trace(car)
    return {
        "summary": summary,
        "driver": car.driver,
        "laps": car.laps,
        "siwtl": car.siwtl,
        "telemetry": car.telemetry,
        "headline": headline(car.driver, car.laps, car.siwtl),
        "why_no_target": why_no_target(car.laps),
        "figures": _driver_figures(car.driver, car.laps, car.siwtl),
        "sector_totals": sector_totals,
        "remarks": {lap.lap_number: _remarks(lap, best=car.laps.best_lap_number) for lap in car.laps.laps},
        "lap_times": {lap.lap_number: lap.lap_time_ms for lap in car.laps.laps},
        "chart": lap_chart(car.laps, car.siwtl, summary.neutralisations),
        "shown": shown,
        "shown_lap": next((lap for lap in car.laps.laps if shown and lap.lap_number == shown.lap_number), None),
        "speed": speed_chart(shown) if shown else None,
        "feature_columns": _FEATURES,
        "ahead": order[place - 1] if place else None,
        "behind": order[place + 1] if place + 1 < len(order) else None,
    }


def headline(driver: Driver, laps: Laps, siwtl: Siwtl) -> str:
    """One number and one place, or why there is none."""
    if not laps.laps:
        return "No lap was driven, so there is nothing to compare"
    if siwtl.potential_gain_ms is None:
        return f"No time to find can be given: none of {counted(driver.laps, 'lap')} is clean"
    if siwtl.clean_laps == 1:
        return "No time to find can be given: a single clean lap has nothing to compare with"
    if siwtl.potential_gain_ms == 0:
        return "Nothing left in the sectors: the best lap holds every best sector"
    best = max(siwtl.sectors, key=lambda sector: sector.gain_ms)
    text = f"{sector_time(siwtl.potential_gain_ms)} s to find"
    if best.gain_ms == siwtl.potential_gain_ms:
        return f"{text}, all of it in sector {best.sector}"
    return f"{text}, {sector_time(best.gain_ms)} s of it in sector {best.sector}"


def why_no_target(laps: Laps) -> str | None:
    """What keeps a car's laps from being clean, most frequent first; None where a lap is clean."""
    if laps.clean_laps or not laps.laps:
        return None
    reasons = Counter(reason.text for lap in laps.laps for reason in lap.reasons if reason.excludes != "none")
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    texts = [f"{text} ({counted(count, 'lap')})" for text, count in ordered]
    return f"What speaks against its laps: {listed(texts)}."


def _driver_figures(driver: Driver, laps: Laps, siwtl: Siwtl) -> list[Figure]:
    return [
        Figure(label="Best lap", value=lap_time(laps.best_lap_ms), detail=_best_lap_detail(laps)),
        Figure(label="Target lap", value=lap_time(siwtl.siwtl_lap_ms), detail=_target_detail(siwtl)),
        Figure(label="Ideal lap", value=lap_time(siwtl.ideal_lap_ms), detail=_ideal_detail(siwtl)),
        Figure(label="Consistency", value=_score(siwtl), detail=_consistency_detail(siwtl)),
        Figure(label="Clean laps", value=number(laps.clean_laps), detail=f"of {counted(driver.laps, 'lap')}"),
        Figure(
            label="Median lap",
            value=lap_time(laps.median_lap_ms),
            detail=f"of all valid laps, mean {lap_time(laps.mean_lap_ms)}",
        ),
    ]


def _ideal_detail(siwtl: Siwtl) -> str:
    if siwtl.ideal_lap_ms is None:
        return "no clean lap"
    rolling = "" if siwtl.rolling_best_ms is None else f"; best rolling lap {lap_time(siwtl.rolling_best_ms)}"
    return f"sum of the best clean sectors{rolling}"


def _best_lap_detail(laps: Laps) -> str:
    if laps.best_lap_number is None:
        return "no valid lap"
    if laps.gap_to_class_best_ms == 0:
        return f"lap {laps.best_lap_number}, best of the class"
    behind = "" if laps.gap_to_class_best_ms is None else f", {gap(laps.gap_to_class_best_ms)} to the class's best"
    return f"lap {laps.best_lap_number}{behind}"


def _target_detail(siwtl: Siwtl) -> str:
    if siwtl.siwtl_lap_ms is None:
        return "no clean lap"
    if siwtl.jackknife_range_ms is None:
        return "no range: too few clean laps"
    low, high = (lap_time(ms) for ms in siwtl.jackknife_range_ms)
    confidence = f"low confidence, {counted(siwtl.clean_laps, 'clean lap')} only; " if siwtl.confidence == "low" else ""
    return f"{confidence}{low} to {high} with any one lap left out"


def _score(siwtl: Siwtl) -> str:
    return formats.MISSING if siwtl.consistency_score is None else f"{number(siwtl.consistency_score, 1)} of 100"


def _consistency_detail(siwtl: Siwtl) -> str:
    if siwtl.consistency_percentile is None:
        return "needs two clean laps"
    return f"at least as even as {number(siwtl.consistency_percentile)} % of the field"


def sector_totals(sectors: Sequence[SiwtlSector]) -> dict[str, int]:
    """Sums over the sectors of a lap: own best gives the ideal lap, gain the potential gain."""
    names = ("best_ms", "in_best_lap_ms", "gap_ms", "gain_ms")
    return {name: sum(getattr(sector, name) for sector in sectors) for name in names}


def _remarks(lap: Lap, *, best: int | None) -> str:
    texts = [reason.text for reason in lap.reasons if reason.excludes != "none"]
    return "; ".join(["best lap", *texts] if lap.lap_number == best else texts)


def _best_with_trace(car: CarRecords) -> Telemetry | None:
    """The fastest lap with a trace: a clean one before a valid one before any other."""
    traces = {lap.lap_number: lap for lap in car.telemetry}
    laps = [lap for lap in car.laps.laps if lap.lap_number in traces and lap.lap_time_ms is not None]
    if not laps:
        return None
    best = min(laps, key=lambda lap: (not lap.is_clean, not lap.is_valid, lap.lap_time_ms))
    return traces[best.lap_number]
