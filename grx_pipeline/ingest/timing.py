"""The official laps: 23_AnalysisEnduranceWithSections, in all its variants.

A row is a lap as it was timed; nothing is judged. Validity, cleanness and which car a NUMBER is do not belong here
(laps/), nor do the classification files (results.py).
"""

from typing import Any

import pandas as pd

from grx_pipeline.ingest.delimited import (
    COUNT,
    DECIMAL,
    DURATION,
    INTEGER,
    TEXT,
    TIME_OF_DAY,
    CellType,
    Field,
    Layout,
    TypedRows,
)


def parse_pit_marks(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """True for `B`, null for anything else."""
    return (texts == "B").astype("boolean").mask(texts != "B")


_PIT_MARK = CellType(text="B", parse=parse_pit_marks)


def _duration(column: str, *headers: str, is_required: bool = False) -> Field:
    return Field(column=column, headers=headers, cells=DURATION, is_required=is_required)


ANALYSIS = Layout(
    kind="analysis",
    delimiter=";",
    is_quoted=False,
    fields=(
        Field(column="car_number", headers=("NUMBER",), cells=TEXT, is_required=True, is_key=True),
        Field(column="driver_number", headers=("DRIVER_NUMBER",), cells=COUNT, is_required=True, is_key=True),
        Field(column="lap_number", headers=("LAP_NUMBER",), cells=INTEGER, is_required=True, is_key=True),
        _duration("lap_time_ms", "LAP_TIME", is_required=True),
        _duration("sector_1_ms", "S1", is_required=True),
        _duration("sector_2_ms", "S2", is_required=True),
        _duration("sector_3_ms", "S3", is_required=True),
        _duration("im1a_ms", "IM1a_time"),
        _duration("im1_ms", "IM1_time", "INT-1_time"),
        _duration("im2a_ms", "IM2a_time"),
        _duration("im2_ms", "IM2_time", "INT-2_time"),
        _duration("im3a_ms", "IM3a_time"),
        _duration("fl_ms", "FL_time"),
        _duration("elapsed_ms", "ELAPSED", is_required=True),
        Field(column="hour_ms", headers=("HOUR",), cells=TIME_OF_DAY, is_required=True),
        _duration("pit_time_ms", "PIT_TIME", is_required=True),
        Field(column="is_pit_in", headers=("CROSSING_FINISH_LINE_IN_PIT",), cells=_PIT_MARK, is_required=True),
        Field(column="flag", headers=("FLAG_AT_FL",), cells=TEXT, is_required=True),
        Field(column="top_speed_kmh", headers=("TOP_SPEED",), cells=DECIMAL),
        Field(column="mean_speed_kmh", headers=("KPH",), cells=DECIMAL),
        Field(column="vehicle_class", headers=("CLASS",), cells=TEXT, is_required=True),
        Field(column="vehicle_group", headers=("GROUP",), cells=TEXT),
        Field(column="driver_name", headers=("DRIVER_NAME",), cells=TEXT),
        Field(column="team", headers=("TEAM",), cells=TEXT),
    ),
)


def timing_laps(rows: TypedRows) -> pd.DataFrame:
    """Rows of table timing_laps; a lap without a pit mark did not end in the pit lane."""
    return rows.frame.assign(is_pit_in=rows.frame["is_pit_in"].fillna(False))
