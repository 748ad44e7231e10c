"""Laps over distance: how the UI presents these assets."""

from grx_pipeline.defs.assets.factory import Card

CARDS: dict[str, Card] = {
    "core_traces": Card(
        group="5_circuit",
        kinds=("parquet", "numpy"),
        owner="team:race-engineering",
        text="What the traces in a driver's report are drawn from: any lap laid over any other, metre by metre.",
    ),
    "core_track": Card(
        group="5_circuit",
        kinds=("parquet", "numpy"),
        owner="team:race-engineering",
        text="What corner names and distances in every report mean. `grx track show` draws it.",
    ),
}
