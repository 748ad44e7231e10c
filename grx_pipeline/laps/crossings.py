"""The logger's line crossings without their ghosts."""

import pandas as pd

from grx_pipeline.settings import MatchSettings

_PREFERENCE = ("lap_end", "lap_start", "lap_time")


def debounced_crossings(crossings: pd.DataFrame, settings: MatchSettings) -> pd.DataFrame:
    """One row a crossing: vehicle_id, logger_lap, crossed_at_ms, in the order of vehicle and time.

    `crossings` are rows of `logger_crossings`. Ends of laps are used; starts, or the lap time file, where the
    session has no ends. A row within `ghost_gap_s` of the vehicle's row before it is a ghost.
    """
    kinds = set(crossings["kind"])
    kind = next((kind for kind in _PREFERENCE if kind in kinds), "lap_end")
    rows = crossings[crossings["kind"] == kind].sort_values(["vehicle_id", "crossed_at_ms", "row_number"])
    gap_ms = rows.groupby("vehicle_id")["crossed_at_ms"].diff()
    kept = rows[~(gap_ms < settings.ghost_gap_s * 1000)]
    return kept[["vehicle_id", "logger_lap", "crossed_at_ms"]].reset_index(drop=True)
