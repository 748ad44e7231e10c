"""Raw files into the lake: how the UI presents these assets."""

from grx_pipeline.defs.assets.factory import Card

_OWNER = "team:data"

CARDS: dict[str, Card] = {
    "raw_telemetry": Card(
        group="3_in_the_lake",
        kinds=("parquet", "duckdb"),
        owner=_OWNER,
        text="Look here when a car is missing a channel, when its clock stood still, or to see what became of a row.",
    ),
    "raw_logger_laps": Card(
        group="3_in_the_lake",
        kinds=("parquet", "duckdb"),
        owner=_OWNER,
        text="The car's own beacon times: good to some 0.1 s, with ghosts and slipped lap counters as logged.",
    ),
    "raw_timing": Card(
        group="3_in_the_lake",
        kinds=("parquet", "pandas"),
        owner=_OWNER,
        text="Timing and scoring's word: lap and sector times to the millisecond, flags, pit crossings, the result.",
    ),
    "raw_weather": Card(
        group="3_in_the_lake",
        kinds=("parquet", "pandas"),
        owner=_OWNER,
        text="Air and track temperature, wind and rain through the session, one reading a minute.",
    ),
    "raw_corrections": Card(
        group="3_in_the_lake",
        kinds=("parquet", "toml"),
        owner=_OWNER,
        text="Look here to see what a person corrected, entry by entry, with the line it stands in.",
    ),
}
