"""Laps, cars and clocks: how the UI presents these assets."""

from grx_pipeline.defs.assets.factory import Card

_OWNER = "team:race-engineering"

CARDS: dict[str, Card] = {
    "core_laps": Card(
        group="4_laps",
        kinds=("parquet", "pandas"),
        owner=_OWNER,
        text="Look here when a lap does not count: each one carries every reason that speaks against it.",
    ),
    "core_telemetry_laps": Card(
        group="4_laps",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="Look here when a lap has no trace: gaps, clocks that paused, sensors mounted the other way round.",
    ),
}
