"""Metrics of the field as a whole, and of two cars beside each other."""

from collections.abc import Mapping

from grx_pipeline.narratives.metric import Metric

FIELD_METRICS: Mapping[str, Metric] = {
    # The field
    "cars": Metric(text="cars in the timing", unit="cars", form="cars", words=(("timing", "started", "entered"),)),
    "telemetry_cars": Metric(
        text="cars with telemetry of a complete lap",
        unit="cars",
        form="cars",
        words=(("telemetry of a complete lap",),),
        never=("missing", "without"),
    ),
    "telemetry_laps": Metric(text="laps with complete telemetry", unit="laps", form="laps", words=(("telemetry",),)),
    "field_clean_laps": Metric(
        text="clean laps of the field, of all laps", unit="laps", form="laps_of", words=(("clean",),)
    ),
    "yellow_least": Metric(
        text="race time under full-course yellow, from the first to the last yellow crossing: so long for sure",
        unit="ms",
        form="clock",
        words=(("yellow",), ("for sure",)),
    ),
    "yellow_most": Metric(
        text="the same, from the last green crossing (or the start) to the next one: so long if all of it was yellow",
        unit="ms",
        form="clock",
        words=(("from green to green",),),
    ),
    "yellow_phases": Metric(text="full-course yellows", unit="phases", form="yellows", words=(("neutralis",),)),
    "winning_margin": Metric(
        text="race time of the second - of the winner", unit="ms", form="seconds3", words=(("margin",),)
    ),
    "median_gain": Metric(
        text="median over drivers of best clean lap - target",
        unit="ms",
        form="seconds3",
        words=(("typical", "middle of the field"),),
        axis="find",
    ),
    "largest_gain": Metric(
        text="the largest of a driver's best clean lap - target",
        unit="ms",
        form="seconds3",
        words=(("largest", "most"),),
        axis="find",
    ),
    "field_ideal": Metric(
        text="best clean sectors of all cars together", unit="ms", form="lap_time", words=(("sectors of all",),)
    ),
    "sector_field_gap": Metric(
        text="median of the drivers' best times in the sector - best of all",
        unit="ms",
        form="seconds2",
        words=(("middle of the field",), ("sector", "there")),
        axis="time",
        never=("to find",),
    ),
    "car_pace_change": Metric(
        text="a car's median of the closing part of the race - of the opening part, clean laps",
        unit="ms",
        form="seconds2",
        words=(("closing",),),
        axis="pace",
    ),
    "told_drivers": Metric(
        text="drivers who are told of this corner", unit="drivers", form="drivers", words=(("same corner",),)
    ),
    "drivers_judged": Metric(
        text="drivers with enough laps with telemetry to look for habits",
        unit="drivers",
        form="drivers_of",
        words=(("habit",),),
    ),
    "air_temp": Metric(text="mean air temperature", unit="degC", form="celsius", words=(("air",),)),
    "track_temp": Metric(text="mean track temperature", unit="degC", form="celsius", words=(("track",),)),
    "temp_change": Metric(
        text="track temperature, last readings - first readings",
        unit="degC",
        form="celsius",
        words=(("track",), ("over the session",)),
        axis="heat",
    ),
    # Pairs: times of the second car - the first
    "pair_gap": Metric(
        text="best clean lap of the one - of the other",
        unit="ms",
        form="seconds3",
        words=(("best clean lap",),),
        axis="time",
    ),
    "pair_median": Metric(
        text="median clean lap of the one - of the other",
        unit="ms",
        form="seconds3",
        words=(("median lap",),),
        axis="time",
        never=("sector", "there"),
    ),
    "pair_sector": Metric(
        text="time in the sector of the one - of the other, on the best clean laps",
        unit="ms",
        form="seconds3",
        words=(("laps compared", "lap for lap"),),
        axis="time",
        never=("median", "usual"),
    ),
    "pair_sector_median": Metric(
        text="the same of the medians over clean laps",
        unit="ms",
        form="seconds3",
        words=(("median", "usual"),),
        axis="time",
        never=("best clean lap",),
    ),
    "pair_corner": Metric(
        text="time in the corner of the one - of the other, on the compared laps",
        unit="ms",
        form="seconds2",
        words=(("through",),),
        axis="time",
    ),
    "pair_flag": Metric(
        text="race time of the one - of the other",
        unit="ms",
        form="seconds3",
        words=(("at the flag",),),
        axis="time",
        never=("median", "best"),
    ),
    "pair_mark": Metric(
        text="median of the quicker of the two in the sector, clean laps",
        unit="ms",
        form="sector_time",
        words=(("mark",),),
        never=("next",),
    ),
    "pair_reached": Metric(
        text="clean laps of the slower of the two that reached the quicker one's median in the sector",
        unit="laps",
        form="laps_of",
        words=(("got there",),),
    ),
    "pair_even": Metric(
        text="what the medians in the sector show where they do not confirm the laps compared",
        unit="text",
        form="text",
        words=(("medians show",),),
    ),
    "pair_stopped": Metric(
        text="laps of a car that was not there any more when the winner took the flag",
        unit="laps",
        form="laps_of",
        words=(("stopped", "driven"),),
    ),
    "pair_consistency": Metric(text="consistency score of a car", unit="score", form="score", words=(("consisten",),)),
    "pair_gain": Metric(
        text="best clean lap - target of a car",
        unit="ms",
        form="seconds3",
        words=(("target", "own best sectors"),),
        axis="find",
    ),
}
