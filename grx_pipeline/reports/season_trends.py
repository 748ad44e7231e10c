"""Every driver in every session as one row: the table driver_trends, and what the season page follows drivers by."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from grx_pipeline.reports.season import SeasonCar, SeasonFacts, SeasonSession
from grx_pipeline.schemas import SEASON_TABLES
from grx_pipeline.schemas.columns import CATEGORIES

TRENDS_TABLE = SEASON_TABLES["driver_trends"]
_WHOLE = [column.name for column in TRENDS_TABLE.columns if column.type in ("INTEGER", "BIGINT")]


@dataclass(frozen=True, kw_only=True)
class TrendRow:
    """A driver in a session. Percentages are over the class's best clean lap: 0 is that lap itself.

    `driver_name` of a car without one is the only driver of its number elsewhere; `path` is its page's file name.
    """

    session: str
    race_date: str
    race: int
    circuit_name: str
    is_simulated: bool
    vehicle_id: str
    path: str
    car_number: str
    driver_name: str | None
    vehicle_class: str | None
    position: int | None
    laps: int
    clean_laps: int
    best_clean_ms: int | None
    siwtl_lap_ms: int | None
    class_best_ms: int | None
    best_pct: float | None
    target_pct: float | None
    consistency_score: float | None
    dptad_brake: float | None
    dptad_throttle: float | None
    dptad_steering: float | None
    dptad_speed: float | None


def trend_rows(sessions: Sequence[SeasonSession]) -> list[TrendRow]:
    """A row a driver and session, in the order of `sessions`; those without facts have none.

    Cars change their drivers, so a driver is a number and a name. Simulated sessions name nobody in real ones.
    """
    known = [(session, session.facts) for session in sessions if session.facts]
    names: dict[tuple[bool, str], set[str]] = {}
    for session, facts in known:
        for car in session.cars:
            names.setdefault((facts.is_simulated, car.car_number), set()).update(
                [car.driver_name] if car.driver_name else []
            )
    return [
        _row(session.session, facts, car, names=names[facts.is_simulated, car.car_number])
        for session, facts in known
        for car in session.cars
    ]


def trends_frame(sessions: Sequence[SeasonSession]) -> pd.DataFrame:
    """The rows of the table driver_trends."""
    names = list(TRENDS_TABLE.column_names)
    rows = [asdict(row) for row in trend_rows(sessions)]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(_WHOLE, "Int64"))


def _row(session: str, facts: SeasonFacts, car: SeasonCar, *, names: set[str]) -> TrendRow:
    return TrendRow(
        session=session,
        race_date=facts.race_date,
        race=facts.race,
        circuit_name=facts.circuit_name,
        is_simulated=facts.is_simulated,
        vehicle_id=car.vehicle_id,
        path=car.path,
        car_number=car.car_number,
        driver_name=car.driver_name or (next(iter(names)) if len(names) == 1 else None),
        vehicle_class=car.vehicle_class,
        position=car.position,
        laps=car.laps,
        clean_laps=car.clean_laps,
        best_clean_ms=car.best_clean_ms,
        siwtl_lap_ms=car.siwtl_lap_ms,
        class_best_ms=car.class_best_ms,
        best_pct=_percent_over(car.best_clean_ms, car.class_best_ms),
        target_pct=_percent_over(car.siwtl_lap_ms, car.class_best_ms),
        consistency_score=car.consistency_score,
        **{f"dptad_{name}": car.dptad[name] for name in CATEGORIES},
    )


def _percent_over(time_ms: int | None, best_ms: int | None) -> float | None:
    return None if time_ms is None or best_ms is None else 100 * (time_ms / best_ms - 1)
