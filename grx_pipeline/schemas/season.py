"""Tables over all sessions, under data/season/: each published session's drivers, to be followed through the season."""

from grx_pipeline.schemas.columns import (
    CATEGORIES,
    VEHICLE,
    big_column,
    count_column,
    flag_column,
    real_column,
    text_column,
)
from grx_pipeline.schemas.contract import Table

SEASON_STEP = "out_season"

SEASON_TABLES: dict[str, Table] = {
    "driver_trends": Table(
        name="driver_trends",
        text="Every driver in every published session, as its report says, in comparable figures.",
        step=SEASON_STEP,
        in_warehouse=False,
        columns=(
            text_column("session", "the session, such as barber-2025-r1"),
            text_column("race_date", "date of the race, ISO 8601"),
            count_column("race", "number of the race at its event"),
            text_column("circuit_name", "name of the circuit"),
            flag_column("is_simulated", "made by the demo"),
            VEHICLE,
            text_column(
                "chassis", "chassis in the id; of an id without, the only one of its number in the season", null=True
            ),
            text_column("car_number", "number on the car"),
            text_column(
                "driver_name",
                "name; of a car not named here, its only driver under that number in the season",
                null=True,
            ),
            text_column("vehicle_class", "class of the car", null=True),
            count_column("position", "place in the result", null=True, minimum=1),
            count_column("laps", "official laps"),
            count_column("clean_laps", "clean laps"),
            big_column("best_clean_ms", "best clean lap"),
            big_column("siwtl_lap_ms", "the target"),
            big_column("class_best_ms", "best clean lap of the class in this session"),
            real_column("best_pct", "best clean lap over the class's best", unit="%", minimum=0),
            real_column(
                "target_pct",
                "target over the class's best, of two clean laps or more; a target can be faster",
                unit="%",
            ),
            real_column("consistency_score", "100 x (1 - sd/mean) of clean laps", minimum=0),
            *(
                real_column(f"dptad_{name}", f"DPTAD score of {name}: 0 is as always, 100 the most unlike", minimum=0)
                for name in CATEGORIES
            ),
        ),
        key=("race_date", "race", "session", "vehicle_id"),
    )
}
