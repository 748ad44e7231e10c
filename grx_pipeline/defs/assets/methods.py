"""Features, targets and statistics: how the UI presents these assets."""

from grx_pipeline.defs.assets.factory import Card

_OWNER = "team:race-engineering"

CARDS: dict[str, Card] = {
    "core_corners": Card(
        group="6_driving",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="Where each driver brakes, turns in and gets back to full throttle, beside what is usual in the class.",
    ),
    "core_features": Card(
        group="6_driving",
        kinds=("parquet", "scipy"),
        owner=_OWNER,
        text="Each lap's braking, throttle and steering in numbers that do not depend on the logging rate.",
    ),
    "core_references": Card(
        group="7_lap_time",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="What a driver's traces are laid against, and why a reference is missing.",
    ),
    "out_compare": Card(
        group="7_lap_time",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="Where one driver wins on another, and who leads in pace, consistency and smoothness.",
    ),
    "out_opportunities": Card(
        group="7_lap_time",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="The answer to 'what should I change': where, how much, on how many laps, and what to try.",
    ),
    "out_siwtl": Card(
        group="7_lap_time",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="The lap to ask of each driver next time out, and in which sector the time lies.",
    ),
    "out_dptad": Card(
        group="6_driving",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="Which moments of which laps to look at, what they are likely to be, and what they cost.",
    ),
    "out_ledger": Card(
        group="7_lap_time",
        kinds=("parquet", "numpy"),
        owner=_OWNER,
        text="At which corner and phase the time to the target lies, and what differed there.",
    ),
    "out_statistics": Card(
        group="7_lap_time",
        kinds=("parquet", "pandas"),
        owner=_OWNER,
        text="Best, mean and median laps, and how each car stands against the field.",
    ),
}
