"""Full-course yellow phases by the clock, from the flags at the line: when each began and ended, as bounds."""

import pandas as pd

_COLUMNS = ["phase", "green_until_ms", "yellow_from_ms", "yellow_until_ms", "green_from_ms", "crossings", "cars"]


def yellow_phases(laps: pd.DataFrame) -> pd.DataFrame:
    """One row a phase: runs of FCY crossings over all cars in the order of race time.

    `laps` has car, elapsed_ms and flag; rows without either are left out. A phase began after the green crossing
    before it (null from the start) and not later than its first yellow one; it ended likewise. All in race time ms.
    """
    timeline = laps[["car", "elapsed_ms", "flag"]].dropna().sort_values(["elapsed_ms", "car"])
    is_yellow = timeline["flag"] == "FCY"
    run = (is_yellow != is_yellow.shift()).cumsum()
    edges = timeline.groupby(run).agg(
        first=("elapsed_ms", "first"), last=("elapsed_ms", "last"), crossings=("car", "size"), cars=("car", "nunique")
    )
    edges["is_yellow"] = is_yellow.groupby(run).first()
    edges["green_until_ms"] = edges["last"].shift()
    edges["green_from_ms"] = edges["first"].shift(-1)
    phases = edges[edges["is_yellow"]].rename(columns={"first": "yellow_from_ms", "last": "yellow_until_ms"})
    return phases.assign(phase=range(1, len(phases) + 1))[_COLUMNS].reset_index(drop=True)
