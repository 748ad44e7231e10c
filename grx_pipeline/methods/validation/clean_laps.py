"""The clean laps of every session of the lake, in one frame: what the studies of SIWTL run on."""

from collections.abc import Sequence

import pandas as pd

from grx_pipeline.methods.siwtl import SECTION_COLUMNS, SECTOR_COLUMNS
from grx_pipeline.paths import Paths
from grx_pipeline.storage.parquet import read_frame

_TABLES = ("laps", "drivers", "sessions")
_SESSION = ("session_id", "circuit", "year", "race")
_LAP = ("vehicle_id", "lap_number", *SECTOR_COLUMNS, *SECTION_COLUMNS)


def collect_clean_laps(paths: Paths, sessions: Sequence[str] = ()) -> pd.DataFrame:
    """Clean laps of all real sessions whose laps were built (of `sessions` alone, where any are given).

    Ordered by session, vehicle and lap.

    Columns session_id, circuit, year (text), race, car_number, vehicle_id, lap_number and the sector and section
    times in ms; a missing section is NaN. Without a built session the frame is empty.
    """
    folders = sorted(folder.name for folder in paths.lake.glob("*") if not sessions or folder.name in sessions)
    built = [name for name in folders if all(paths.table(name, table).is_file() for table in _TABLES)]
    real = [name for name in built if not _is_simulated(paths, name)]
    if not real:
        return pd.DataFrame(columns=[*_SESSION, "car_number", *_LAP])
    return pd.concat([_session_laps(paths, session) for session in real], ignore_index=True)


def _is_simulated(paths: Paths, session: str) -> bool:
    """Laps that no car drove are no evidence."""
    return bool(read_frame(paths.table(session, "sessions"), columns=["is_simulated"])["is_simulated"].all())


def _session_laps(paths: Paths, session: str) -> pd.DataFrame:
    laps = read_frame(paths.table(session, "laps"), columns=[*_LAP, "is_clean"])
    drivers = read_frame(paths.table(session, "drivers"), columns=["vehicle_id", "car_number"])
    about = read_frame(paths.table(session, "sessions"), columns=list(_SESSION))
    clean = laps[laps["is_clean"]].drop(columns="is_clean")
    joined = clean.merge(drivers, on="vehicle_id", validate="many_to_one").merge(about, how="cross")
    return joined.sort_values(["vehicle_id", "lap_number"])
