"""Which laps count, which can set a target, and every reason why one does not.

Valid laps enter best, mean and median; clean laps are those that SIWTL and the field's statistics rest on. Flags
alone are not enough: laps after a full-course yellow carry GF and are 1.31 x the best on average.
"""

import itertools
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.settings import LapSettings

Excludes = Literal["valid", "clean", "none"]


@dataclass(frozen=True, kw_only=True)
class Reason:
    """What speaks against a lap, in words, and what it excludes it from (valid includes clean)."""

    text: str
    excludes: Excludes


# What the team's session.toml leaves out; it stands before what the timing says.
EXCLUDED = "excluded_by_team"

REASONS: dict[str, Reason] = {
    EXCLUDED: Reason(text="excluded by the team", excludes="valid"),
    "lap_number_over_1000": Reason(text="lap number beyond any race: the logger's value for no lap", excludes="valid"),
    "lap_time_missing": Reason(text="no lap time in the timing", excludes="valid"),
    "lap_time_under_30_s": Reason(text="lap time too short to be a lap", excludes="valid"),
    "sectors_off_lap_time": Reason(
        text="the sectors do not add up to the lap time, so one of them is wrong", excludes="valid"
    ),
    "first_lap": Reason(text="first lap, from the green flag", excludes="clean"),
    "pit_in": Reason(text="ended in the pit lane", excludes="clean"),
    "pit_out": Reason(text="began in the pit lane", excludes="clean"),
    "full_course_yellow": Reason(text="full-course yellow", excludes="clean"),
    "unknown_flag": Reason(text="no known flag at the line", excludes="clean"),
    "restart": Reason(text="restart: the lap before ended under full-course yellow", excludes="clean"),
    "missing_sector": Reason(text="a sector time is missing", excludes="clean"),
    "implausible_sector": Reason(text="a sector is faster than the field can be: a timing fault", excludes="clean"),
    "off_pace": Reason(text="too slow beside the driver's own pace", excludes="clean"),
    "no_crossing_match": Reason(text="no logger crossing fits the official one", excludes="none"),
}

_GREEN = ("GF", "FF")
_SECTORS = ["sector_1_ms", "sector_2_ms", "sector_3_ms"]


def judge_laps(
    laps: pd.DataFrame,
    settings: LapSettings,
    *,
    sector_sum_tolerance_ms: float,
    is_outside: npt.NDArray[np.bool_] | None = None,
) -> pd.DataFrame:
    """Validity of each lap: is_valid, is_clean and reasons (codes of REASONS), in the rows' order.

    `laps` has car, lap_number, lap_time_ms, sector_1_ms..sector_3_ms, flag, is_pit_in, pit_time_ms, logger_lap (NaN
    without a matched crossing) and has_logger. A lap time may lie `sector_sum_tolerance_ms` off the sum of its
    sectors; further off, the time may be no lap's. The driver's pace is the `pace_quantile` of the laps that
    nothing else speaks against; a driver without such a lap has none. Laps where `is_outside` is set, of cars that
    are no part of the field, are judged by the field and do not enter it.
    """
    time_ms = laps["lap_time_ms"]
    order = laps.sort_values(["car", "lap_number"])
    previous = order.groupby("car")[["flag", "is_pit_in", "lap_number"]].shift()
    follows = previous["lap_number"] == order["lap_number"] - 1
    after_pit = (follows & (previous["is_pit_in"] == True)).reindex(laps.index)  # noqa: E712
    after_yellow = (follows & (previous["flag"] == "FCY")).reindex(laps.index)
    invalid = {
        "lap_number_over_1000": laps["lap_number"] > settings.max_lap_number,
        "lap_time_missing": time_ms.isna(),
        "lap_time_under_30_s": time_ms < settings.min_lap_time_s * 1000,
        "sectors_off_lap_time": sector_sum_error(laps) > sector_sum_tolerance_ms,
    }
    is_valid = ~_any_of(invalid)
    is_field = is_valid if is_outside is None else is_valid & ~is_outside
    medians = laps.loc[is_field, _SECTORS].median()
    unclean = {
        "first_lap": laps["lap_number"] <= 1,
        "pit_in": laps["is_pit_in"],
        "pit_out": after_pit,
        "full_course_yellow": laps["flag"] == "FCY",
        "unknown_flag": ~laps["flag"].isin([*_GREEN, "FCY"]),
        "restart": after_yellow & (laps["flag"] != "FCY"),
        "missing_sector": laps[_SECTORS].isna().any(axis=1),
        "implausible_sector": (laps[_SECTORS] <= settings.sector_floor * medians).any(axis=1),
    }
    is_racing = is_valid & ~_any_of(unclean)
    pace = time_ms.where(is_racing).groupby(laps["car"]).transform("quantile", q=settings.pace_quantile)
    unclean["off_pace"] = time_ms > settings.pace_factor * pace
    notes = {"no_crossing_match": laps["has_logger"] & laps["logger_lap"].isna()}
    applies = {**invalid, **unclean, **notes}
    is_clean = is_valid & ~_any_of(unclean)
    return pd.DataFrame({"is_valid": is_valid, "is_clean": is_clean, "reasons": _collect(applies)}, index=laps.index)


def sector_sum_error(laps: pd.DataFrame) -> pd.Series:
    """How far the sum of a lap's sectors is from its time (ms); NaN where one of them is not known."""
    return (laps[_SECTORS].sum(axis=1, skipna=False) - laps["lap_time_ms"]).abs().astype(float)


def exclude_laps(judged: pd.DataFrame, is_excluded: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """`judged`, as judge_laps gives it, without the laps that the team excludes: neither valid nor clean.

    The others stay as they were judged, also those that were judged by the pace of a lap that is excluded.
    """
    reasons: list[list[str]] = judged["reasons"].to_list()
    for place in np.flatnonzero(is_excluded).tolist():
        reasons[place] = [EXCLUDED, *reasons[place]]
    return judged.assign(
        is_valid=judged["is_valid"] & ~is_excluded,
        is_clean=judged["is_clean"] & ~is_excluded,
        reasons=pd.Series(reasons, index=judged.index, dtype=object),
    )


def _any_of(masks: dict[str, pd.Series]) -> pd.Series:
    return pd.DataFrame(masks).any(axis=1)


def _collect(applies: dict[str, pd.Series]) -> list[list[str]]:
    """For each row the codes whose mask is true."""
    codes = list(applies)
    table = np.column_stack([np.asarray(mask, dtype=bool) for mask in applies.values()])
    row, column = np.nonzero(table)
    ends = np.searchsorted(row, np.arange(len(table) + 1))
    names = [codes[i] for i in column]
    return [names[start:end] for start, end in itertools.pairwise(ends)]
