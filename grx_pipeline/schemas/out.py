"""What the methods write: targets and statistics."""

from grx_pipeline.schemas.columns import (
    VEHICLE,
    big_column,
    count_column,
    real_column,
    text_column,
)
from grx_pipeline.schemas.contract import Table

OUT_TABLES: tuple[Table, ...] = (
    Table(
        name="siwtl",
        text="SIWTL per driver; null times without a clean lap.",
        step="out_siwtl",
        columns=(
            VEHICLE,
            count_column("clean_laps", "clean laps the target rests on"),
            count_column("best_lap_number", "lap of the best clean lap", null=True),
            big_column("best_lap_ms", "best clean lap"),
            big_column("ideal_lap_ms", "sum of the best sectors"),
            big_column("siwtl_lap_ms", "the target: ideal <= target <= best"),
            big_column("potential_gain_ms", "best - target", minimum=0),
            real_column("achievability", "geometric mean of the sector weights, in (0, 1]"),
            real_column("consistency_score", "100 x (1 - sd/mean) of clean laps", null=True, minimum=0),
            real_column("consistency_percentile", "share of the field that is no more consistent", unit="%"),
            text_column("confidence", "normal, low (few clean laps) or none"),
            big_column("jackknife_low_ms", "lowest target with one clean lap left out"),
            big_column("jackknife_high_ms", "highest target with one clean lap left out"),
            big_column(
                "rolling_best_ms", "fastest lap from one timing line to the same; null without two clean laps running"
            ),
            real_column("siwtl_literal_s", "the specification's literal formula; not a lap time", unit="s"),
        ),
        key=("vehicle_id",),
    ),
    Table(
        name="siwtl_sectors",
        text="SIWTL per driver and sector (3), and per section (6) where all are there.",
        step="out_siwtl",
        columns=(
            VEHICLE,
            count_column("sector_count", "3 sectors or 6 sections", minimum=3),
            count_column("sector", "1 is the first", minimum=1),
            text_column("name", "S1..S3, or IM1a..FL"),
            big_column("best_ms", "best time over clean laps", null=False),
            big_column("in_best_lap_ms", "time in the best clean lap", null=False),
            big_column("gap_ms", "in best lap - best", null=False, minimum=0),
            real_column("weight", "how much of the gap is asked for, in (0, 1]", null=False),
            big_column("gain_ms", "weight x gap, whole ms, half up", null=False, minimum=0),
            count_column("donor_lap", "the lap that gave the best time", minimum=None),
            count_column("done_on_laps", "clean laps that came close to the best time", minimum=1),
        ),
        key=("vehicle_id", "sector_count", "sector"),
    ),
    Table(
        name="lap_statistics",
        text="Per driver: counts and lap times over valid laps.",
        step="out_statistics",
        columns=(
            VEHICLE,
            count_column("laps", "official laps"),
            count_column("valid_laps", "valid laps"),
            count_column("clean_laps", "clean laps"),
            count_column("telemetry_laps", "laps with complete telemetry"),
            big_column("best_lap_ms", "best valid lap"),
            count_column("best_lap_number", "its lap number", null=True, minimum=None),
            big_column("mean_lap_ms", "mean over valid laps, half up"),
            big_column("median_lap_ms", "median over valid laps, half up"),
            real_column("std_lap_ms", "standard deviation over valid laps; null under 2", unit="ms"),
            big_column("clean_median_lap_ms", "median over clean laps, half up"),
            *(big_column(f"best_sector_{n}_ms", f"best sector {n} over clean laps") for n in (1, 2, 3)),
            real_column("top_speed_kmh", "highest speed trap reading", unit="km/h"),
            big_column("gap_to_class_best_ms", "best valid lap - the class's best", minimum=0),
        ),
        key=("vehicle_id",),
    ),
    Table(
        name="fleet_statistics",
        text="One row per figure of the whole field.",
        step="out_statistics",
        columns=(
            text_column("figure", "name of the figure, unit included"),
            real_column("value", "its value"),
            text_column("vehicle_id", "the car it belongs to, where it is one car's", null=True),
            count_column("lap_number", "the lap it belongs to, where it is one lap's", null=True, minimum=None),
        ),
        key=("figure",),
    ),
)
