"""What the season page shows: sessions side by side, and each driver over them in percent of the class's best."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from statistics import quantiles

from grx_pipeline.reports.season import SeasonSession
from grx_pipeline.reports.season_trends import car_key, season_record
from grx_pipeline.reports.site_records import DriverTrend, RefusedFiles, Season
from grx_pipeline.settings import ReportSettings

_SPARK_WIDTH, _SPARK_HEIGHT = 90, 22


@dataclass(frozen=True, kw_only=True)
class TrendCell:
    """A driver in a session. Percentages are above the class's best clean lap: 0 is that lap itself.

    `is_counted` says whether it has the clean laps that a mean takes.
    """

    path: str
    best_pct: float | None
    target_pct: float | None
    consistency: float | None
    position: int | None
    is_counted: bool


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A driver's row: a cell per session, None where the car did not drive; `spark` a path of `best_pct`.

    `numbers` are all that the car had; `chassis` is told where a number is on several rows. The mean is over
    `mean_sessions`, those with enough clean laps.
    """

    numbers: tuple[str, ...]
    driver_name: str | None
    chassis: str | None
    cells: tuple[TrendCell | None, ...]
    mean_best_pct: float | None
    mean_sessions: int
    spark: str


def season_view(
    sessions: Sequence[SeasonSession], settings: ReportSettings, refused: Sequence[RefusedFiles] = ()
) -> dict[str, object]:
    """Everything season.html needs."""
    known = [session for session in sessions if session.facts]
    real = [session for session in known if session.facts and not session.facts.is_simulated]
    shown = real or known
    return {
        "sessions": sessions,
        "refused": refused,
        "shown": shown,
        "left_out": len(known) - len(shown),
        "trends": driver_trends(season_record(sessions), [session.session for session in shown], settings),
        "min_season_laps": settings.min_season_laps,
        "spark_width": _SPARK_WIDTH,
        "spark_height": _SPARK_HEIGHT,
    }


def driver_trends(season: Season, sessions: Sequence[str], settings: ReportSettings) -> tuple[Trend, ...]:
    """Drivers with a clean lap in any of `sessions`, the one nearest to the class's best first.

    A row is a car and its driver; two of one session that nothing tells apart have a row each.
    """
    rows: dict[tuple[str, str, int], dict[str, DriverTrend]] = {}
    for driver in season.drivers:
        if driver.session in sessions:
            car, person = car_key(driver), _person(driver)
            place = next(place for place in count() if driver.session not in rows.get((car, person, place), ()))
            rows.setdefault((car, person, place), {})[driver.session] = driver
    shown = [row for row in rows.values() if any(driver.best_pct is not None for driver in row.values())]
    known = [pct for row in shown for driver in row.values() if (pct := _counted_pct(driver, settings)) is not None]
    # A single bad session would flatten all lines.
    highest = quantiles(known, n=10)[-1] if len(known) > 1 else 0.0
    users = Counter(number for row in shown for number in _numbers(row))
    shared = {number for number, cars in users.items() if cars > 1}
    trends = [_trend([row.get(session) for session in sessions], highest, shared, settings) for row in shown]
    return tuple(
        sorted(
            trends,
            key=lambda trend: (
                trend.mean_best_pct is None,
                trend.mean_best_pct,
                trend.numbers,
                trend.driver_name or "",
                trend.chassis or "",
            ),
        )
    )


def _person(driver: DriverTrend) -> str:
    """Who drives; nobody where the name is made of the car's number, as `Driver 03`: it changes with the number."""
    name = driver.driver_name or ""
    return "" if name.split()[-1:] == [driver.car_number] else name


def _numbers(row: Mapping[str, DriverTrend]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(driver.car_number for driver in row.values()))


def _counted_pct(driver: DriverTrend | None, settings: ReportSettings) -> float | None:
    """What counts to a mean: one or two laps are whatever came between pit and flag."""
    return None if driver is None or driver.clean_laps < settings.min_season_laps else driver.best_pct


def _cell(row: DriverTrend, settings: ReportSettings) -> TrendCell:
    return TrendCell(
        path=f"{row.session}/drivers/{row.path}.html",
        best_pct=row.best_pct,
        target_pct=row.target_pct,
        consistency=row.consistency_score,
        position=row.position,
        is_counted=_counted_pct(row, settings) is not None,
    )


def _trend(row: Sequence[DriverTrend | None], highest: float, shared: set[str], settings: ReportSettings) -> Trend:
    driven = [driver for driver in row if driver is not None]
    numbers = _numbers({driver.session: driver for driver in driven})
    values = [_counted_pct(driver, settings) for driver in row]
    known = [value for value in values if value is not None]
    return Trend(
        numbers=numbers,
        driver_name=driven[0].driver_name,
        chassis=driven[0].chassis if shared.intersection(numbers) else None,
        cells=tuple(None if driver is None else _cell(driver, settings) for driver in row),
        mean_best_pct=sum(known) / len(known) if known else None,
        mean_sessions=len(known),
        spark=_spark(values, highest),
    )


def _spark(values: Sequence[float | None], highest: float) -> str:
    """A line through the sessions, the class's best at the top, the slowest tenth at the bottom; broken at gaps."""
    if sum(value is not None for value in values) < 2:
        return ""
    step = (_SPARK_WIDTH - 8) / max(len(values) - 1, 1)
    strokes, pen = [], "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        y = 4 + (_SPARK_HEIGHT - 8) * min(value / (highest or 1.0), 1.0)
        strokes.append(f"{pen}{4 + index * step:.1f} {y:.1f}")
        pen = "L"
    return "".join(strokes)
