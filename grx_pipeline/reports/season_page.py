"""What the season page shows: sessions side by side, and each driver over them in percent of the class's best."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.season import SeasonSession
from grx_pipeline.reports.season_trends import season_record
from grx_pipeline.reports.site_records import DriverTrend, RefusedFiles, Season

_SPARK_WIDTH, _SPARK_HEIGHT = 90, 22


@dataclass(frozen=True, kw_only=True)
class TrendCell:
    """A driver in a session. Percentages are above the class's best clean lap: 0 is that lap itself."""

    path: str
    best_pct: float | None
    target_pct: float | None
    consistency: float | None
    position: int | None


@dataclass(frozen=True, kw_only=True)
class Trend:
    """A driver's row: a cell per session, None where the car did not drive; `spark` a path of `best_pct`."""

    car_number: str
    driver_name: str | None
    cells: tuple[TrendCell | None, ...]
    mean_best_pct: float | None
    spark: str


def season_view(
    sessions: Sequence[SeasonSession], style: Style, refused: Sequence[RefusedFiles] = ()
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
        "trends": driver_trends(season_record(sessions), [session.session for session in shown]),
        "spark_width": _SPARK_WIDTH,
        "spark_height": _SPARK_HEIGHT,
    }


def driver_trends(season: Season, sessions: Sequence[str]) -> tuple[Trend, ...]:
    """Drivers with a clean lap in any of `sessions`, the one nearest to the class's best first."""
    places = {session: index for index, session in enumerate(sessions)}
    rows: dict[tuple[str, str | None], list[TrendCell | None]] = {}
    for driver in season.drivers:
        if driver.session not in places:
            continue
        cells = rows.setdefault((driver.car_number, driver.driver_name), [None] * len(sessions))
        if cells[places[driver.session]] is None:
            cells[places[driver.session]] = _cell(driver)
    known = [c.best_pct for cells in rows.values() for c in cells if c and c.best_pct is not None]
    # A single bad session would flatten all lines.
    highest = quantiles(known, n=10)[-1] if len(known) > 1 else 0.0
    trends = [_trend(key, cells, highest) for key, cells in rows.items()]
    return tuple(
        sorted(
            (trend for trend in trends if trend.mean_best_pct is not None),
            key=lambda trend: (trend.mean_best_pct, trend.car_number, trend.driver_name or ""),
        )
    )


def _cell(row: DriverTrend) -> TrendCell:
    return TrendCell(
        path=f"{row.session}/drivers/{row.path}.html",
        best_pct=row.best_pct,
        target_pct=row.target_pct,
        consistency=row.consistency_score,
        position=row.position,
    )


def _trend(key: tuple[str, str | None], cells: Sequence[TrendCell | None], highest: float) -> Trend:
    values = [None if cell is None else cell.best_pct for cell in cells]
    known = [value for value in values if value is not None]
    return Trend(
        car_number=key[0],
        driver_name=key[1],
        cells=tuple(cells),
        mean_best_pct=sum(known) / len(known) if known else None,
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
