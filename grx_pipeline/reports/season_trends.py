"""Every driver in every session: api/season.json, the table driver_trends, and what the season page is made from."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

import pandas as pd

from grx_pipeline.reports.season import SeasonSession
from grx_pipeline.reports.site_records import DriverTrend, Season
from grx_pipeline.schemas import SEASON_TABLES

TRENDS_TABLE = SEASON_TABLES["driver_trends"]
_WHOLE = [column.name for column in TRENDS_TABLE.columns if column.type in ("INTEGER", "BIGINT")]


def season_record(sessions: Sequence[SeasonSession]) -> Season:
    """A record a driver and session, in the order of `sessions`; those without facts have none.

    Simulated sessions name neither chassis nor drivers of real ones.
    """
    drivers = [driver for session in sessions for driver in session.drivers]
    known = [(driver.is_simulated, driver.car_number, driver.chassis) for driver in drivers]
    chassis = _only_ones(((is_simulated, number), value) for is_simulated, number, value in known)
    placed = [replace(one, chassis=one.chassis or chassis.get((one.is_simulated, one.car_number))) for one in drivers]
    names = _only_ones((_named_by(one), one.driver_name) for one in placed)
    return Season(
        drivers=tuple(replace(one, driver_name=one.driver_name or names.get(_named_by(one))) for one in placed)
    )


def car_key(driver: DriverTrend) -> str:
    """What a car is known by through the season: its chassis, else its number."""
    return driver.chassis or f"#{driver.car_number}"


def trends_frame(season: Season) -> pd.DataFrame:
    """The rows of the table driver_trends."""
    rows = [asdict(driver) for driver in season.drivers]
    return pd.DataFrame(rows, columns=list(TRENDS_TABLE.column_names)).astype(dict.fromkeys(_WHOLE, "Int64"))


def _named_by(driver: DriverTrend) -> tuple[bool, str, str]:
    """Where a name is looked for: the car under the same number, as many names are made of it."""
    return driver.is_simulated, car_key(driver), driver.car_number


def _only_ones(found: Iterable[tuple[tuple[object, ...], str | None]]) -> dict[tuple[object, ...], str]:
    """The value of each key that has a single one."""
    values: dict[tuple[object, ...], set[str]] = {}
    for key, value in found:
        values.setdefault(key, set()).update([value] if value else [])
    return {key: next(iter(known)) for key, known in values.items() if len(known) == 1}
