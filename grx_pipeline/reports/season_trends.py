"""Every driver in every session: api/season.json, the table driver_trends, and what the season page is made from."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import pandas as pd

from grx_pipeline.reports.season import SeasonSession
from grx_pipeline.reports.site_records import DriverTrend, Season
from grx_pipeline.schemas import SEASON_TABLES

TRENDS_TABLE = SEASON_TABLES["driver_trends"]
_WHOLE = [column.name for column in TRENDS_TABLE.columns if column.type in ("INTEGER", "BIGINT")]


def season_record(sessions: Sequence[SeasonSession]) -> Season:
    """A record a driver and session, in the order of `sessions`; those without facts have none.

    Cars change their drivers, so a driver is a number and a name. Simulated sessions name nobody in real ones.
    """
    drivers = [driver for session in sessions for driver in session.drivers]
    names: dict[tuple[bool, str], set[str]] = {}
    for driver in drivers:
        known = names.setdefault((driver.is_simulated, driver.car_number), set())
        known.update([driver.driver_name] if driver.driver_name else [])
    return Season(drivers=tuple(_named(driver, names[driver.is_simulated, driver.car_number]) for driver in drivers))


def trends_frame(season: Season) -> pd.DataFrame:
    """The rows of the table driver_trends."""
    rows = [asdict(driver) for driver in season.drivers]
    return pd.DataFrame(rows, columns=list(TRENDS_TABLE.column_names)).astype(dict.fromkeys(_WHOLE, "Int64"))


def _named(driver: DriverTrend, names: set[str]) -> DriverTrend:
    return driver if driver.driver_name or len(names) != 1 else replace(driver, driver_name=next(iter(names)))
