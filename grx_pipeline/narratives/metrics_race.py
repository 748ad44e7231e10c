"""Metrics of results, lap times, targets, sectors and the course of a race."""

from collections.abc import Mapping

from grx_pipeline.narratives.metric import Metric

RACE_METRICS: Mapping[str, Metric] = {
    # The result and lap times
    "position": Metric(
        text="finishing position, of all cars", unit="place", form="position", words=(("finish", "flag"), ("you",))
    ),
    "laps_driven": Metric(
        text="official laps, of those of the longest race", unit="laps", form="laps_of", words=(("complet",), ("you",))
    ),
    "best_lap": Metric(
        text="best valid lap",
        unit="ms",
        form="lap_time",
        words=(("best lap", "quickest lap"), ("your",)),
        never=("class", "target", "field", "usual", "race", "within reach"),
    ),
    "best_clean_lap": Metric(
        text="best clean lap", unit="ms", form="lap_time", words=(("best clean lap",), ("your",)), never=("target",)
    ),
    "best_lap_number": Metric(
        text="the lap it was set on", unit="lap", form="lap_number", words=(("set on",),), never=("sector", "unusual")
    ),
    "best_lap_place": Metric(
        text="place of the best lap in the class",
        unit="place",
        form="place_of",
        words=(("pace",), ("rank",), ("you",)),
        never=("field", "race", "overall", "result"),
    ),
    "class_best": Metric(
        text="best valid lap of the class",
        unit="ms",
        form="lap_time",
        words=(("class best", "best of the class", "best lap of the race", "set at"),),
    ),
    "class_gap": Metric(
        text="own best lap - class best",
        unit="ms",
        form="seconds3",
        words=(("class best", "best of the class"), ("you",)),
        never=("sector", "leave"),
        axis="time",
    ),
    "lap_spread": Metric(
        text="standard deviation of clean laps", unit="ms", form="seconds3", words=(("clean laps",), ("spread",))
    ),
    "median_lap": Metric(text="median clean lap", unit="ms", form="lap_time", words=(("median",),), never=("part",)),
    # Target
    "target": Metric(
        text="SIWTL target lap",
        unit="ms",
        form="lap_time",
        words=(("target",),),
        never=("best lap", "to find", "leave"),
    ),
    "gain": Metric(
        text="best clean lap - target",
        unit="ms",
        form="seconds3",
        words=(("target", "own best sectors"),),
        never=("range", "field", "typical"),
        axis="find",
    ),
    "target_range": Metric(
        text="range of the target with any lap left out", unit="text", form="text", words=(("range",),)
    ),
    "clean_laps": Metric(
        text="clean laps of all laps",
        unit="laps",
        form="laps_of",
        words=(("count", "clean", "set a target"),),
        never=("within", "close", "as well", "cost", "best clean"),
    ),
    # Sectors
    "sector_gain": Metric(
        text="what the target asks for in the sector",
        unit="ms",
        form="seconds3",
        words=(("of it", "sector holds", "to find here"),),
        axis="find",
    ),
    "sector_best": Metric(
        text="best time of the sector over clean laps",
        unit="ms",
        form="sector_time",
        words=(("best there",),),
        never=("clear road",),
    ),
    "sector_goal": Metric(
        text="what the target makes of the sector",
        unit="ms",
        form="sector_time",
        words=(("reads", "the mark is"),),
        never=("next",),
    ),
    "sector_reached": Metric(
        text="clean laps that reached what the target makes of the sector, or less",
        unit="laps",
        form="laps_of",
        words=(("got there",),),
    ),
    "sector_donor": Metric(
        text="the lap with the best time of the sector",
        unit="lap",
        form="lap_number",
        words=(("came on", "comes from"),),
    ),
    "sector_done": Metric(
        text="other clean laps within half a percent of the best time there",
        unit="laps",
        form="other_laps",
        words=(("came close",),),
    ),
    "tow_gap": Metric(
        text="time to the car ahead at a line of the sector, on the lap with the best time there",
        unit="ms",
        form="seconds2",
        words=(("car", "tow"), ("ahead",)),
        never=("class", "behind"),
    ),
    "sector_free": Metric(
        text="best time of the sector on clean laps with no car near ahead",
        unit="ms",
        form="sector_time",
        words=(("clear road",),),
    ),
    "sector_free_lap": Metric(
        text="the lap of that time", unit="lap", form="lap_number", words=(("driven on", "drove it on"),)
    ),
    "sector_class_gap": Metric(
        text="best time of the sector - best of the class there",
        unit="ms",
        form="seconds3",
        words=(("class", "best of"), ("sector", "there"), ("you",)),
        axis="time",
    ),
    "sector_cost": Metric(
        text="time of the next sector on the lap with the best time - median of that sector over clean laps",
        unit="ms",
        form="seconds2",
        words=(("next sector",), ("median",)),
        axis="time",
    ),
    "sector_class_best": Metric(
        text="best time of the sector in the class, where no other mark comes before it",
        unit="ms",
        form="sector_time",
        words=(("class best",), ("mark",)),
    ),
    "sector_mark": Metric(
        text="best times of the sector: the middle of the class or its best quarter, whichever comes next",
        unit="ms",
        form="sector_time",
        words=(("next mark",),),
    ),
    "sector_place": Metric(
        text="place of the best time of the sector in the class",
        unit="place",
        form="place_of",
        words=(("rank",), ("you",)),
        never=("pace", "consisten", "smooth", "field", "race", "overall"),
    ),
    "sector_spread": Metric(
        text="spread of the sector over clean laps with no car near ahead",
        unit="ms",
        form="seconds2",
        words=(("vary", "varies", "scatter"),),
        never=("usual", "others"),
    ),
    "field_spread": Metric(
        text="median of the drivers' spreads there",
        unit="ms",
        form="seconds2",
        words=(("usual", "others"),),
        never=("stay",),
    ),
    # Consistency and the course of the race
    "consistency": Metric(
        text="consistency score, of 100", unit="score", form="score", words=(("consisten",),), never=("rank", "place")
    ),
    "consistency_place": Metric(
        text="place by consistency", unit="place", form="place_of", words=(("consisten",), ("rank",))
    ),
    "near_best": Metric(
        text="other clean laps within half a percent of the best",
        unit="laps",
        form="other_laps",
        words=(("within reach",),),
    ),
    "near_limit": Metric(
        text="half a percent of the best clean lap", unit="ms", form="seconds2", words=(("within",), ("of it",))
    ),
    "pace_change": Metric(
        text="median of the closing part of the race - of the opening part, clean laps",
        unit="ms",
        form="seconds2",
        words=(("closing",), ("you",)),
        never=("field", "sector"),
        axis="pace",
    ),
    "sector_change": Metric(
        text="median of the sector in the closing part - in the opening part, clean laps",
        unit="ms",
        form="seconds2",
        words=(("closing",), ("there", "in this sector"), ("you",)),
        never=("field",),
        axis="pace",
    ),
    "field_change": Metric(
        text="the same, median of the field", unit="ms", form="seconds2", words=(("field",),), axis="pace"
    ),
    "steady": Metric(text="that the pace did not surely change", unit="text", form="text", words=(("medians show",),)),
    "opening_pace": Metric(
        text="median clean lap of the opening part",
        unit="ms",
        form="lap_time",
        words=(("opening pace",),),
        never=("medians show",),
    ),
    "closing_pace": Metric(
        text="median clean lap of the closing part",
        unit="ms",
        form="lap_time",
        words=(("closing pace",),),
        never=("medians show",),
    ),
    "laps_out": Metric(
        text="laps that a reason keeps from being clean",
        unit="laps",
        form="laps",
        words=(("left out",),),
    ),
    "out_reasons": Metric(
        text="what keeps laps from being clean, with counts", unit="text", form="text", words=(("reason", "reasons"),)
    ),
}
