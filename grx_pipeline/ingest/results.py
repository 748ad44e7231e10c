"""Classification files (03_*, 00_* overall and 05_* by class) and the best ten laps of each driver (99_*).

Provisional and official files are all read; one of each kind is marked as the one that counts.
"""

from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import pandas as pd

from grx_pipeline.ingest.delimited import COUNT, DURATION, INTEGER, TEXT, Field, Layout, TypedRows
from grx_pipeline.ingest.manifest import RawFile

_RANKS = range(1, 11)
_NUMBER = Field(column="car_number", headers=("NUMBER",), cells=TEXT, is_required=True, is_key=True)

RESULTS = Layout(
    kind="results",
    delimiter=";",
    is_quoted=False,
    fields=(
        _NUMBER,
        Field(column="position", headers=("POSITION",), cells=COUNT, is_required=True),
        Field(column="status", headers=("STATUS",), cells=TEXT, is_required=True),
        Field(column="laps", headers=("LAPS",), cells=COUNT, is_required=True),
        Field(column="total_time_ms", headers=("TOTAL_TIME",), cells=DURATION, is_required=True),
        Field(column="gap_first", headers=("GAP_FIRST",), cells=TEXT),
        Field(column="fastest_lap_number", headers=("FL_LAPNUM",), cells=COUNT),
        Field(column="fastest_lap_ms", headers=("FL_TIME",), cells=DURATION),
        Field(column="vehicle_class", headers=("CLASS",), cells=TEXT),
        Field(column="team", headers=("TEAM",), cells=TEXT),
        Field(column="first_name", headers=("DRIVER_FIRSTNAME",), cells=TEXT),
        Field(column="second_name", headers=("DRIVER_SECONDNAME",), cells=TEXT),
    ),
)

CLASS_RESULTS = Layout(
    kind="class_results",
    delimiter=";",
    is_quoted=False,
    fields=(
        _NUMBER,
        Field(column="vehicle_class", headers=("CLASS_TYPE",), cells=TEXT, is_required=True),
        Field(column="position", headers=("POS",), cells=COUNT, is_required=True),
        Field(column="position_in_class", headers=("PIC",), cells=COUNT, is_required=True),
        Field(column="laps", headers=("LAPS",), cells=COUNT),
        Field(column="elapsed_ms", headers=("ELAPSED",), cells=DURATION),
        Field(column="best_lap_number", headers=("BEST_LAP_NUM",), cells=COUNT),
        Field(column="best_lap_ms", headers=("BEST_LAP_TIME",), cells=DURATION),
    ),
)


def _best_lap_fields(rank: int) -> tuple[Field, Field]:
    return (
        Field(column=f"lap_time_ms_{rank}", headers=(f"BESTLAP_{rank}",), cells=DURATION, is_required=rank == 1),
        Field(column=f"lap_number_{rank}", headers=(f"BESTLAP_{rank}_LAPNUM",), cells=INTEGER, is_required=rank == 1),
    )


BEST_LAPS = Layout(
    kind="best_laps",
    delimiter=";",
    is_quoted=False,
    fields=(_NUMBER, *(field for rank in _RANKS for field in _best_lap_fields(rank))),
)


def is_official(file: RawFile) -> bool:
    """Whether the file is not named provisional. `03_Results_Anonymized.CSV` counts as official."""
    return "provisional" not in _base_name(file)


def choose_used(files: Sequence[RawFile]) -> RawFile | None:
    """The file that counts among those of one kind, None of none.

    One named official, else one not named provisional, else a provisional one; of several the first by name.
    """
    return min(files, key=lambda file: (_officialness(file), _base_name(file), file.name), default=None)


def _officialness(file: RawFile) -> int:
    if not is_official(file):
        return 2
    return 0 if "official" in _base_name(file) else 1


def _base_name(file: RawFile) -> str:
    return PurePath(file.member or file.path).name.casefold()


def results(rows: TypedRows, *, file: RawFile, is_used: bool) -> pd.DataFrame:
    """Rows of table results. `driver_name` is first and second name, null without either."""
    frame = rows.frame.drop(columns=["first_name", "second_name"])
    name = _joined(rows.frame["first_name"], rows.frame["second_name"])
    return frame.assign(file=file.name, is_official=is_official(file), is_used=is_used, driver_name=name)


def class_results(rows: TypedRows, *, file: RawFile, is_used: bool) -> pd.DataFrame:
    """Rows of table class_results."""
    return rows.frame.assign(file=file.name, is_official=is_official(file), is_used=is_used)


def best_laps(rows: TypedRows) -> pd.DataFrame:
    """Rows of table best_laps: one a car and rank; ranks without a lap time have none."""
    ranked = [
        pd.DataFrame(
            {
                "row_number": rows.frame["row_number"],
                "car_number": rows.frame["car_number"],
                "rank": rank,
                "lap_number": rows.frame[f"lap_number_{rank}"],
                "lap_time_ms": rows.frame[f"lap_time_ms_{rank}"],
            }
        )
        for rank in _RANKS
    ]
    return pd.concat(ranked, ignore_index=True).dropna(subset=["lap_time_ms"])


def _joined(first: "pd.Series[Any]", second: "pd.Series[Any]") -> "pd.Series[Any]":
    return (first.fillna("") + " " + second.fillna("")).str.strip().replace("", None)
