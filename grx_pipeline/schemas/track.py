"""What the track steps write: laps over distance, where the timing lines are, the line, corners and segments."""

from grx_pipeline.schemas.columns import (
    LAP,
    VEHICLE,
    count_column,
    flag_column,
    real_column,
    rows_column,
    text_column,
)
from grx_pipeline.schemas.contract import Table

TRACK_TABLES: tuple[Table, ...] = (
    Table(
        name="lap_traces",
        text="Complete laps of one vehicle over distance, on the session's grid from the line.",
        step="core_traces",
        has_parts=True,
        in_warehouse=False,
        columns=(
            VEHICLE,
            LAP,
            real_column(
                "distance_m",
                "distance from the line; integral of speed, anchored at the sector lines, scaled to the length",
                unit="m",
                null=False,
            ),
            real_column("time_ms", "time since the start of the lap", unit="ms"),
            real_column("speed_kmh", "speed, lag removed", unit="km/h"),
            real_column("throttle_pct", "accelerator pedal, or throttle blade where there is no pedal", unit="%"),
            real_column("brake_bar", "front brake pressure", unit="bar"),
            real_column("steering_deg", "steering wheel angle, zero removed, + to the left", unit="deg"),
            real_column("accel_x_g", "longitudinal acceleration, sign and zero corrected, + accelerating", unit="g"),
            real_column("accel_y_g", "lateral acceleration, sign and zero corrected, + to the left", unit="g"),
            count_column("gear", "gear, the last value before", null=True, minimum=None),
            real_column("engine_rpm", "engine speed", unit="rpm"),
        ),
        key=("vehicle_id", "lap_number", "distance_m"),
    ),
    Table(
        name="lap_distances",
        text="How the integral of speed compares with the circuit's length and the field's laps, per lap with a trace.",
        step="core_traces",
        columns=(
            VEHICLE,
            LAP,
            real_column(
                "integral_m", "integral of the lag-corrected speed between the crossings", unit="m", null=False
            ),
            real_column("scale", "session's length / integral", null=False),
            real_column("field_deviation", "integral / median integral of the field's clean laps - 1"),
            *(
                real_column(
                    f"sector_{n}_residual_m",
                    f"scaled integral at the official end of sector {n} - where the field puts that line",
                    unit="m",
                )
                for n in (1, 2)
            ),
            real_column(
                "shift_ms",
                "how far its crossings were moved in the telemetry, from both residuals",
                unit="ms",
                null=False,
            ),
            flag_column("is_anchored", "the sector lines pin the lap, at the official times"),
            flag_column("is_trusted", "the scale is near enough to 1 and to the field's"),
            text_column("reason", "why it is not trusted or not anchored, in a sentence", null=True),
        ),
        key=("vehicle_id", "lap_number"),
    ),
    Table(
        name="timing_lines",
        text="Where the timing's lines are along the lap: the field's median of the integral at the official times.",
        step="core_traces",
        columns=(
            text_column("line", "S1 and S2 (ends of the sectors), IM1a, IM2a, IM3a (ends of the first sections)"),
            real_column("distance_m", "where the line is", unit="m", null=False),
            real_column(
                "spread_m", "robust sd over laps of the integral at the official time, before anchoring", unit="m"
            ),
            real_column("residual_p95_m", "95 % of the absolute deviation, before anchoring", unit="m"),
            rows_column("laps", "laps the figures rest on"),
            flag_column("is_anchor", "laps are pinned here; the others are held out as a check"),
            real_column("map_m", "the official map's distance", unit="m"),
            real_column(
                "time_error_median_ms", "held-out lines: |time of the trace at the line - official|", unit="ms"
            ),
            real_column("time_error_p95_ms", "the same, 95 %", unit="ms"),
        ),
        key=("line",),
    ),
    Table(
        name="distance_checks",
        text="The distance against what else knows it: residuals of lap distance and GPS where the cars have them.",
        step="core_traces",
        columns=(
            text_column("compared", "what is compared, and where"),
            rows_column("laps", "laps compared"),
            real_column(
                "median_m", "median of the absolute difference from the field's median place", unit="m", null=False
            ),
            real_column("p95_m", "95 % of it", unit="m", null=False),
        ),
        key=("compared",),
    ),
    Table(
        name="track_line",
        text="The field's line over the grid. Curvature, steering and a_y are + to the left.",
        step="core_track",
        columns=(
            real_column("distance_m", "distance from the line", unit="m", null=False),
            real_column("x_m", "east of the start, or along the start straight where there is no GPS", unit="m"),
            real_column("y_m", "north of the start, or left of it", unit="m"),
            real_column("curvature_per_m", "1 / radius", unit="1/m"),
            real_column("speed_kmh", "median speed of the field's clean laps", unit="km/h"),
        ),
        key=("distance_m",),
    ),
    Table(
        name="track_sources",
        text="How the line was found: GPS where there is one, and inertia (closed, approximate).",
        step="core_track",
        columns=(
            text_column("source", "gps or inertial"),
            flag_column("is_used", "track_line is made of it"),
            flag_column("is_approximate", "found without GPS"),
            rows_column("laps", "laps the line rests on"),
            real_column("turned_deg", "how far the heading turns over the lap, + to the left", unit="deg"),
            real_column("raw_closure_m", "gap between end and start before closing", unit="m"),
            real_column(
                "closure_m", "gap after gain and offset, before the rest was closed by local changes", unit="m"
            ),
            real_column("gain", "factor on a_y"),
            real_column("offset_g", "taken off a_y", unit="g"),
            real_column("correction_g", "rms of the local change of a_y that closed the rest of the gap", unit="g"),
            real_column("gps_median_m", "inertial line: median distance from the GPS line", unit="m"),
            real_column("gps_p95_m", "inertial line: 95 % of the distance from the GPS line", unit="m"),
        ),
        key=("source",),
    ),
    Table(
        name="corners",
        text="The circuit's corners in lap order, with stable numbers.",
        step="core_track",
        columns=(
            count_column("corner_index", "1 is the first after the line", minimum=1),
            text_column("corner", "the turn's official number, as T5; of a complex, as T7-T9"),
            text_column("name", "the turn's name", null=True),
            text_column("direction", "left or right"),
            real_column("start_m", "where it begins", unit="m", null=False),
            real_column(
                "apex_m",
                "the field's place of least speed; the table's or the sharpest place where speed has no minimum",
                unit="m",
                null=False,
            ),
            real_column("end_m", "where it ends; less than start_m where it runs over the line", unit="m", null=False),
            real_column("turn_deg", "change of heading, + to the left", unit="deg"),
            real_column("radius_m", "least radius of the field's line", unit="m"),
            real_column(
                "apex_spread_m", "robust sd over clean laps of the place of least speed; null without one", unit="m"
            ),
            real_column("apex_share", "share of clean laps with it within the tolerance of apex_m"),
            real_column(
                "brake_onset_m", "the field's place where braking begins; null where most laps do not brake", unit="m"
            ),
            real_column("brake_onset_spread_m", "median over drivers of the robust sd over their laps", unit="m"),
            real_column(
                "full_throttle_m",
                "the field's place of full throttle after the apex; null where most laps have none",
                unit="m",
            ),
            flag_column("is_verified", "a person checked number and range against the official map"),
            text_column("source", "table (a versioned corner table), team (session.toml) or detected"),
        ),
        key=("corner_index",),
    ),
    Table(
        name="segments",
        text="The lap in tiles without gap or overlap: phases of corners, and straights. None crosses a sector line.",
        step="core_track",
        columns=(
            count_column("segment", "1 begins at start/finish", minimum=1),
            text_column("name", "as T5 entry, or T5 to T6"),
            text_column("phase", "braking, entry, exit or straight"),
            count_column(
                "corner_index", "the corner it is part of; on a straight the corner before it", null=True, minimum=1
            ),
            count_column("sector", "1 to 3; null where the sector lines are not known", null=True, minimum=1),
            real_column("start_m", "where it begins", unit="m", null=False),
            real_column("end_m", "where it ends; the last ends at the session's length", unit="m", null=False),
        ),
        key=("segment",),
    ),
)
