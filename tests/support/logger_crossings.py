"""Cars' official laps and the crossings of the loggers in them."""

import numpy as np
import pandas as pd

from grx_pipeline.laps.matching import LoggerMatch, Matching

BIAS_MS = 200


def official(number: str, seed: int, *, laps: int = 20) -> pd.DataFrame:
    """A car's laps; the car is known by its seed."""
    rng = np.random.default_rng(seed)
    finished = np.round(rng.normal(98_000, 900, laps)).cumsum() + seed * 2_500
    return pd.DataFrame(
        {"car": seed, "car_number": number, "lap_number": range(1, laps + 1), "finished_at_ms": finished}
    )


def logged(logger: str, laps: pd.DataFrame, *, keep: slice = slice(None), jitter_ms: float = 50.0) -> pd.DataFrame:
    """Crossings of a logger in the car of `laps`, two logger laps ahead of the official count."""
    rng = np.random.default_rng(len(logger))
    at = laps["finished_at_ms"] + BIAS_MS + rng.normal(0, jitter_ms, len(laps))
    frame = pd.DataFrame(
        {"vehicle_id": logger, "logger_lap": laps["lap_number"] + 2, "crossed_at_ms": at.round().astype("int64")}
    )
    return frame.iloc[keep]


def by_logger(matching: Matching) -> dict[str, LoggerMatch]:
    return {found.logger_id: found for found in matching.loggers}
