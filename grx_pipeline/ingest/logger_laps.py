"""The loggers' own line crossings: lap_start, lap_end and lap_time files, of all three families.

Every row is kept as it was logged: lap 32768, ghosts and repeated laps included. Telling which crossings are true
and whose they are does not belong here (laps/).
"""

import pandas as pd

from grx_pipeline.ingest.delimited import INTEGER, LONG_COUNT, TEXT, TIMESTAMP, Field, Layout, TypedRows

LOGGER_LAP_KINDS = ("lap_start", "lap_end", "lap_time")

_FIELDS = (
    Field(column="vehicle_id", headers=("vehicle_id",), cells=TEXT, is_required=True, is_key=True),
    Field(column="logger_lap", headers=("lap",), cells=INTEGER, is_required=True),
    Field(column="crossed_at_ms", headers=("timestamp",), cells=TIMESTAMP, is_required=True, is_key=True),
    Field(column="received_at_ms", headers=("meta_time",), cells=TIMESTAMP),
)
# In lap_start and lap_end files `value` repeats the time stamp; only in lap_time files it is a duration.
_VALUE = Field(column="value_ms", headers=("value",), cells=LONG_COUNT)


def logger_lap_layout(kind: str) -> Layout:
    """The layout of one of LOGGER_LAP_KINDS."""
    fields = (*_FIELDS, _VALUE) if kind == "lap_time" else _FIELDS
    return Layout(kind=kind, delimiter=",", is_quoted=True, fields=fields)


def logger_crossings(rows: TypedRows) -> pd.DataFrame:
    """Rows of table logger_crossings. `value_ms` is null where the file has no durations."""
    frame = rows.frame.assign(kind=rows.account.kind)
    return frame if "value_ms" in frame else frame.assign(value_ms=pd.Series(dtype="Int64"))
