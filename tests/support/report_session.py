"""A small session as the tables a report is made of: three cars, six laps, names as hostile as files can hold.

Laps are judged, and targets and statistics computed, by the pipeline's own functions.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from grx_pipeline.laps.validity import judge_laps
from grx_pipeline.methods.siwtl import compute_siwtl
from grx_pipeline.methods.statistics import fleet_statistics, lap_statistics
from grx_pipeline.paths import path_ids
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import StepContext

SESSION = "barber-2025-r1"
PLAIN, ODD, LONE = "GR86-002-2", "GR86/004 78%", "car-13"
NAMES = {PLAIN: "Driver 1", ODD: "<script>alert(1)</script>", LONE: "🏁 סוזי " + "x" * 200}
NUMBERS = {PLAIN: "2", ODD: "03", LONE: "13"}
PATHS_OF = path_ids(NAMES)
LAPS = 6
TRACED = (3, 5)
RACE_START_MS = 1_757_185_200_000


def sector_times(vehicle: str) -> np.ndarray:
    """Six laps of three sectors (ms): a pace of the car's own, each lap a little different."""
    spread = np.array([[0, 4, 9], [7, 0, 5], [2, 11, 0], [12, 3, 6], [5, 8, 2], [9, 1, 13]]) * 11
    return np.array([33_000, 39_500, 25_800]) + 70 * list(NAMES).index(vehicle) + spread


def official_laps() -> pd.DataFrame:
    """The laps of all cars: PLAIN and ODD under green but for laps 1 and 4, LONE never."""
    frames = []
    for vehicle in NAMES:
        sectors = sector_times(vehicle)
        flags = ["GF", "GF", "GF", "FCY", "GF", "FF"] if vehicle != LONE else ["FCY"] * LAPS
        sectors[3 if vehicle != LONE else slice(None)] *= 2
        times = sectors.sum(axis=1)
        columns = {f"sector_{n}_ms": sectors[:, n - 1] for n in (1, 2, 3)}
        elapsed = {"elapsed_ms": times.cumsum(), "finished_at_ms": RACE_START_MS + times.cumsum()}
        head = {"vehicle_id": vehicle, "lap_number": np.arange(1, LAPS + 1), "lap_time_ms": times, "flag": flags}
        frames.append(pd.DataFrame(head | columns | elapsed))
    laps = pd.concat(frames, ignore_index=True)
    for n, (first, second) in enumerate((("im1a_ms", "im1_ms"), ("im2a_ms", "im2_ms"), ("im3a_ms", "fl_ms")), start=1):
        has_sections = laps["vehicle_id"] == PLAIN
        laps[first] = (laps[f"sector_{n}_ms"] * 2 // 5).where(has_sections)
        laps[second] = laps[f"sector_{n}_ms"] - laps[first]
    laps["is_pit_in"] = False
    laps["pit_time_ms"] = np.nan
    laps["top_speed_kmh"] = 200.5
    laps["has_logger"] = laps["vehicle_id"] != LONE
    laps["logger_lap"] = laps["lap_number"].where(laps["has_logger"])
    judged = judge_laps(laps.assign(car=laps["vehicle_id"]), Settings().laps, sector_sum_tolerance_ms=2.0)
    return pd.concat([laps, judged], axis=1)


def driver_rows() -> list[dict[str, Any]]:
    rows = []
    for position, vehicle in enumerate(NAMES, start=1):
        rows.append(
            {
                "vehicle_id": vehicle,
                "driver_id": f"{NUMBERS[vehicle]}-1",
                "vehicle_number": int(NUMBERS[vehicle]),
                "vehicle_class": "Am",
                "car_number": NUMBERS[vehicle],
                "driver_number": 1,
                "driver_name": NAMES[vehicle],
                "has_logger": vehicle != LONE,
                "has_telemetry": vehicle == PLAIN,
                "position": position,
                "status": "Classified",
                "laps": LAPS,
                "gap_first": "-" if position == 1 else "+2.740",
                "path": PATHS_OF[vehicle],
            }
        )
    return rows


def trace_rows() -> list[dict[str, Any]]:
    """Two laps every 2 m around 3,674 m; the second has a hole of 100 m."""
    rows = []
    for lap in TRACED:
        for distance in np.arange(0, 3674, 2.0).tolist():
            is_hole = lap == TRACED[1] and 1000 <= distance < 1100
            speed = None if is_hole else 150 + 50 * float(np.sin(distance / 200))
            rows.append(
                {
                    "vehicle_id": PLAIN,
                    "lap_number": lap,
                    "distance_m": distance,
                    "time_ms": distance * 26.77,
                    "speed_kmh": speed,
                    "throttle_pct": 60.126,
                    "brake_bar": 0.004,
                    "steering_deg": -0.001,
                }
            )
    return rows


def session_tables() -> dict[str, Any]:
    """Rows or frames of every table that a step before the report writes."""
    laps, drivers = official_laps(), pd.DataFrame(driver_rows())
    windows = [
        {
            "vehicle_id": PLAIN,
            "lap_number": lap,
            "start_ms": 0.0,
            "end_ms": 98_326.0,
            "samples": 2300,
            "coverage": 1.0 if lap in TRACED else 0.5,
            "longest_gap_s": 0.1,
            "is_complete": lap in TRACED,
            "reason": None if lap in TRACED else "the logger has gaps of 49 s",
        }
        for lap in (3, 4, 5)
    ]
    for n in (1, 2, 3):
        laps[f"sector_{n}_time"] = laps[f"sector_{n}_ms"] / 1000
    targets = compute_siwtl(laps, list(NAMES), Settings().siwtl)
    statistics = lap_statistics(drivers, laps, pd.DataFrame(windows))
    laps["driver_number"] = 1
    laps["row_number"] = np.arange(1, len(laps) + 1)
    feature = {c.name: 0.5 for c in TABLES["telemetry_features"].columns if c.type == "DOUBLE"}
    return {
        "laps": laps.drop(columns="has_logger").to_dict("records"),
        "drivers": driver_rows(),
        "sessions": [
            {
                "session_id": SESSION,
                "circuit": "barber",
                "circuit_name": "Barber Motorsports Park",
                "year": "2025",
                "race": 1,
                "race_date": "2025-09-06",
                "utc_offset_ms": 18_000_000,
                "is_simulated": False,
                "utc_offset_source": "circuit",
                "logger_bias_ms": 180,
                "crossings": 12,
                "crossings_matched": 11,
                "length_m": 3674.7,
            }
        ],
        "logger_matches": [
            {
                "logger_id": vehicle,
                "car_number": NUMBERS[vehicle],
                "vehicle_id": vehicle,
                "crossings": 6,
                "crossings_matched": 6,
                "second_best": 1,
                "bias_ms": 180,
                "residual_ms": 35.25,
                "is_reliable": True,
            }
            for vehicle in (PLAIN, ODD)
        ],
        "unmatched_loggers": [
            {"logger_id": "GR86-015-31", "reason": "it never crossed the line", "crossings": 0, "telemetry_rows": 12}
        ],
        "neutralisations": [
            {
                "phase": 1,
                "green_until_ms": 295_000,
                "yellow_from_ms": 490_000,
                "yellow_until_ms": 491_000,
                "green_from_ms": 590_000,
                "crossings": 2,
                "cars": 2,
            }
        ],
        "telemetry_vehicles": [
            {
                "vehicle_id": vehicle,
                "part": PATHS_OF[vehicle],
                "samples": 4600,
                "rows_read": 50_000,
                "channels": ["aps"],
            }
            | {"is_clock_frozen": vehicle == ODD}
            for vehicle in (PLAIN, ODD)
        ],
        "telemetry_laps": windows,
        "sensors": [
            {
                "vehicle_id": PLAIN,
                "throttle_channel": "aps",
                "sample_rate_hz": 23.2,
                "accel_x_sign": 1,
                "accel_y_sign": 1,
                "steering_zero_deg": -4.25,
                "speed_lag_s": 0.27,
                "crossings": 6,
            }
        ],
        "lap_distances": [],
        "telemetry_features": [
            feature | {"vehicle_id": PLAIN, "lap_number": lap, "brake_spike_count": 2, "throttle_drop_count": 0}
            for lap in TRACED
        ],
        "weather": [
            {"row_number": n, "observed_at_ms": RACE_START_MS + 63_000 * n, "air_temp_c": 30.0 + n, "is_rain": False}
            for n in (1, 2, 3)
        ],
        "siwtl": targets.targets,
        "siwtl_sectors": targets.sectors,
        "lap_statistics": statistics,
        "fleet_statistics": fleet_statistics(drivers, laps, statistics, targets.targets.to_pandas()),
    }


def write_session(context: StepContext, tables: Mapping[str, Any]) -> None:
    """Write the tables, the traces of one car, a part of the row account and the manifest."""
    for name, rows in tables.items():
        _write(context.paths.table(context.session, name), name, rows)
    _write(context.paths.table(context.session, "lap_traces", part=PATHS_OF[PLAIN]), "lap_traces", trace_rows())
    account = {
        "file": "R1_barber_telemetry_data.csv.gz",
        "kind": "telemetry",
        "rows_read": 100,
        "rows_kept": 90,
        "exact_duplicates": 5,
        "rows_merged": 3,
        "rows_set_aside": 2,
        "conflict_rows": 6,
    }
    accounts = [account | {"vehicle_id": vehicle} for vehicle in (PLAIN, ODD)]
    _write(context.paths.table(context.session, "row_accounting", part="raw_telemetry"), "row_accounting", accounts)
    place = {"file": account["file"], "kind": "telemetry", "detail": "'x'", "raw_text": "a,b"}
    rejects = [place | {"line_number": n, "row_number": n - 1, "reason": "value is no number"} for n in (2, 3, 4, 5)]
    _write(context.paths.table(context.session, "quarantine", part="raw_telemetry"), "quarantine", rejects)


def _write(path: Path, name: str, rows: Any) -> None:
    table = TABLES[name]
    if isinstance(rows, list):
        known = [{key: _plain(row[key]) for key in row if key in table.column_names} for row in rows]
        rows = pa.Table.from_pylist(known, schema=table.arrow_schema())
    write_table(rows, path, table)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and np.isnan(value):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value
