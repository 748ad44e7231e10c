"""Raw files into the lake: how the UI presents these assets."""

from grx_pipeline.defs.assets.factory import Card

_OWNER = "team:data"

CARDS: dict[str, Card] = {
    "raw_telemetry": Card(
        group="ingest",
        kinds=("parquet", "duckdb"),
        owner=_OWNER,
        text="Look here when a car is missing a channel, when its clock stood still, or to see what became of a row.",
    ),
    "raw_logger_laps": Card(
        group="ingest",
        kinds=("parquet", "duckdb"),
        owner=_OWNER,
        text="The car's own beacon times: good to some 0.1 s, with ghosts and slipped lap counters as logged.",
    ),
    "raw_timing": Card(
        group="ingest",
        kinds=("parquet", "pandas"),
        owner=_OWNER,
        text="Timing and scoring's word: lap and sector times to the millisecond, flags, pit crossings, the result.",
    ),
    "raw_weather": Card(
        group="ingest",
        kinds=("parquet", "pandas"),
        owner=_OWNER,
        text="Air and track temperature, wind and rain through the session, one reading a minute.",
    ),
}
