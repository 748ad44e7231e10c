"""Features, targets and statistics: how the UI presents these assets."""

from grx_pipeline.defs.assets.factory import Card

_OWNER = "team:race-engineering"

CARDS: dict[str, Card] = {
    "core_features": Card(
        group="methods",
        kinds=("parquet", "scipy"),
        owner=_OWNER,
        text="Each lap's braking, throttle and steering in numbers that do not depend on the logging rate.",
    ),
    "out_siwtl": Card(
        group="methods",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="The lap to ask of each driver next time out, and in which sector the time lies.",
    ),
    "out_statistics": Card(
        group="methods",
        kinds=("parquet", "pandas"),
        owner=_OWNER,
        text="Best, mean and median laps, and how each car stands against the field.",
    ),
}
