"""The laps that a driver is compared with: which they are, what they are made of, and the traces of made ones."""

from grx_pipeline.schemas.columns import LAP, VEHICLE, big_column, count_column, real_column, text_column
from grx_pipeline.schemas.contract import Table

_REFERENCE = text_column("reference", "own_best, class_best, target, median, or estimate (for laps without a trace)")

REFERENCE_TABLES: tuple[Table, ...] = (
    Table(
        name="reference_laps",
        text="Each driver's references: what each is, or why there is none.",
        step="core_references",
        columns=(
            VEHICLE,
            _REFERENCE,
            big_column("lap_time_ms", "its lap time; of an estimate that of the median it is stretched from"),
            text_column("text", "what it is, in a sentence; null where there is none", null=True),
            text_column("reason", "why there is none, in a sentence; null where there is one", null=True),
        ),
        key=("vehicle_id", "reference"),
    ),
    Table(
        name="reference_sources",
        text="The laps that a reference is, or is made of.",
        step="core_references",
        columns=(
            VEHICLE,
            _REFERENCE,
            count_column("source", "1 is the first", minimum=1),
            text_column("source_vehicle_id", "the car that drove the lap"),
            LAP,
            count_column("sector", "the sector that a target takes from it", null=True, minimum=1),
            real_column("weight", "its share of the target's time there; the rest is the best lap's", minimum=0),
        ),
        key=("vehicle_id", "reference", "source"),
    ),
    Table(
        name="reference_traces",
        text="Traces of references that nobody drove, over the session's grid: target, median, base of estimates.",
        step="core_references",
        has_parts=True,
        in_warehouse=False,
        columns=(
            VEHICLE,
            _REFERENCE,
            real_column("distance_m", "distance from the line", unit="m", null=False),
            real_column("time_ms", "time since the start of the lap", unit="ms"),
            real_column("speed_kmh", "speed", unit="km/h"),
            real_column("throttle_pct", "accelerator pedal or throttle blade, as in lap_traces", unit="%"),
            real_column("brake_bar", "front brake pressure", unit="bar"),
            real_column("steering_deg", "steering wheel angle, + to the left", unit="deg"),
        ),
        key=("vehicle_id", "reference", "distance_m"),
    ),
)
