"""The steps from samples to windows, traces and features, on a small lake with one car of each kind."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest

from grx_pipeline.laps.steps import build_telemetry_laps
from grx_pipeline.methods.steps import build_features
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.field import read_field
from grx_pipeline.track.line import find_line
from grx_pipeline.track.steps import build_traces

Array = npt.NDArray[np.float64]

RACE_START = 1_760_000_000_000
ECU_OFFSET = 200_000_000.0
LAP_MS = 100_000
LAPS = 4
BIAS_MS = 280.0
LENGTH_M = 4000.0
WHOLE, PART, STRANGER, FROZEN = "GR86-001-1", "GR86-002-2", "GR86-003-3", "GR86-004-4"


def samples(start_s: float, end_s: float, *, laps: bool = True) -> pd.DataFrame:
    """Samples of a lapping car between two race times (s); without `laps` the logger's counter stands."""
    seconds = np.arange(start_s, end_s, 0.043)
    race_ms = np.round(seconds * 1000)
    ecu = RACE_START - ECU_OFFSET + race_ms
    turn = 2 * np.pi / 25
    accel = 60 * turn * np.sin(turn * seconds) / 3.6 / 9.80665
    bend = np.where(np.cos(turn * seconds) < -0.5, 0.0, np.sin(turn * seconds / 2 + 0.3))
    crossed = (race_ms - BIAS_MS) // LAP_MS + 2
    rows = pd.DataFrame(
        {
            "sample_ms": ecu,
            "ecu_ms": ecu.astype(np.int64),
            "received_at_ms": (ecu + ECU_OFFSET + (np.arange(seconds.size) % 40) * 30).astype(np.int64),
            "logger_lap": crossed if laps else np.full(seconds.size, 32768.0),
            "tick_values": 1,
            "accel_x_g": accel,
            "accel_y_g": bend,
            "brake_front_bar": np.where(accel < -0.2, 60.0, 0.0),
            "steering_deg": bend * 50 + 4,
            "accelerator_pct": np.where(accel > -0.1, 100.0, 0.0),
            "speed_kmh": np.where(np.arange(seconds.size) % 5 == 2, 144 - 60 * np.cos(turn * (seconds - 0.2)), np.nan),
        }
    )
    return rows.assign(**{name: np.nan for name in TABLES["telemetry"].column_names if name not in rows})


def put(context: StepContext, table: str, rows: list[dict[str, object]]) -> None:
    declared = TABLES[table]
    filled = [dict.fromkeys(declared.column_names) | row for row in rows]
    path = context.paths.table(context.session, table)
    write_table(pa.Table.from_pylist(filled, schema=declared.arrow_schema()), path, declared)


def vehicle_row(vehicle_id: str, count: int) -> dict[str, object]:
    return {
        **{"vehicle_id": vehicle_id, "part": vehicle_id, "samples": count, "rows_read": 9 * count},
        **{"is_clock_frozen": not count, "channels": ["speed", "VBOX_Lat_Min"]},
    }


def lap_row(vehicle_id: str, number: int) -> dict[str, object]:
    return {
        **{"vehicle_id": vehicle_id, "lap_number": number, "lap_time_ms": LAP_MS, "row_number": number},
        **{"is_valid": True, "is_clean": True, "reasons": [], "is_pit_in": False, "driver_number": 1},
        "finished_at_ms": RACE_START + number * LAP_MS,
    }


def make_lake(folder: Path, telemetry: dict[str, pd.DataFrame], *, length_m: float | None = LENGTH_M) -> StepContext:
    paths = Paths(data=folder / "data", reports=folder / "reports")
    context = StepContext(session="oval-2025-r1", paths=paths, settings=Settings(), progress=lambda _: None)
    for vehicle_id, rows in telemetry.items():
        write_table(rows, paths.table(context.session, "telemetry", part=vehicle_id), TABLES["telemetry"])
    listed = [vehicle_row(name, len(rows)) for name, rows in telemetry.items()] + [vehicle_row(FROZEN, 0)]
    put(context, "telemetry_vehicles", listed)
    cars = (WHOLE, PART, FROZEN)
    put(context, "laps", [lap_row(car, number) for car in cars for number in range(1, LAPS + 1)])
    driver = {"driver_number": 1, "has_logger": True, "has_telemetry": True, "laps": LAPS}
    put(
        context,
        "drivers",
        [
            {"vehicle_id": c, "driver_id": f"{c}-1", "car_number": c, "path": f"car{n}"} | driver
            for n, c in enumerate(cars)
        ],
    )
    session = {"session_id": context.session, "circuit": "oval", "circuit_name": "Oval", "year": "2025", "race": 1}
    session["is_simulated"] = False
    clock = {"race_date": "2025-10-09", "utc_offset_source": "circuit", "crossings": 0, "crossings_matched": 0}
    put(context, "sessions", [session | clock | {"logger_bias_ms": 200, "length_m": length_m}])
    return context


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    return make_lake(
        tmp_path,
        {
            WHOLE: samples(-20, 420),
            PART: samples(120, 395, laps=False),
            STRANGER: samples(-20, 420),
        },
    )


def table(context: StepContext, name: str, part: str | None = None) -> pd.DataFrame:
    return read_frame(context.paths.table(context.session, name, part=part))


def test_each_car_gets_the_laps_its_telemetry_holds(context: StepContext) -> None:
    outcome = build_telemetry_laps(context)
    windows = table(context, "telemetry_laps")
    complete = windows[windows["is_complete"]].groupby("vehicle_id")["lap_number"].apply(list).to_dict()
    assert complete == {WHOLE: [1, 2, 3, 4], PART: [3]}
    assert windows.loc[windows["vehicle_id"] == PART, "lap_number"].tolist() == [2, 3, 4]
    assert outcome.figures["complete_laps"] == 5
    start = windows.set_index(["vehicle_id", "lap_number"])["start_ms"]
    assert start[(WHOLE, 2)] == pytest.approx(RACE_START - ECU_OFFSET + LAP_MS + BIAS_MS, abs=45)


def test_sensors_say_where_each_bias_is_from(context: StepContext) -> None:
    build_telemetry_laps(context)
    sensors = table(context, "sensors").set_index("vehicle_id")
    assert sensors.loc[WHOLE, "crossing_source"] == "own"
    assert pd.isna(sensors.loc[WHOLE, "note"])
    assert sensors.loc[PART, "crossing_source"] == "field"
    assert sensors.loc[PART, "crossing_bias_ms"] == sensors.loc[WHOLE, "crossing_bias_ms"]
    assert "no loss under 0.25 s is claimed" in sensors.loc[PART, "note"]
    assert sensors.loc[STRANGER, "note"] == "No car in the timing was found for this logger."
    assert pd.isna(sensors.loc[STRANGER, "crossing_bias_ms"])
    assert "stood still" in sensors.loc[FROZEN, "note"]
    assert sensors.loc[[WHOLE, PART, STRANGER], "speed_lag_s"].tolist() == pytest.approx([0.2] * 3, abs=0.011)
    assert sensors.loc[[WHOLE, PART], "steering_zero_deg"].tolist() == pytest.approx([4.0] * 2, abs=0.5)


def test_without_any_crossing_no_lap_is_placed(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {PART: samples(120, 395, laps=False)})
    assert build_telemetry_laps(context).rows == 0
    sensors = table(context, "sensors").set_index("vehicle_id")
    assert sensors.loc[PART, "crossing_source"] == "none"
    assert "could not be placed" in sensors.loc[PART, "note"]
    assert build_traces(context).rows == 0
    assert build_features(context).rows == 0


def test_short_and_bare_telemetry_is_told_apart_in_the_note(tmp_path: Path) -> None:
    bare = samples(-5, 30).assign(accelerator_pct=np.nan, speed_kmh=np.nan)
    context = make_lake(tmp_path, {WHOLE: bare})
    build_telemetry_laps(context)
    note = table(context, "sensors").set_index("vehicle_id").loc[WHOLE, "note"]
    for sentence in ("used as logged", "zero of the steering", "no throttle channel"):
        assert sentence in note


def test_traces_are_written_under_the_car_s_name_and_scaled_to_the_map(context: StepContext) -> None:
    build_telemetry_laps(context)
    outcome = build_traces(context)
    summaries = ["distance_checks", "lap_distances", "timing_lines"]
    assert sorted(path.stem for path in outcome.outputs) == ["car0", "car1", *summaries]
    trace = table(context, "lap_traces", part="car0")
    assert trace.groupby("lap_number")["distance_m"].max().tolist() == [LENGTH_M - 2.0] * LAPS
    distances = table(context, "lap_distances")
    # 144 km/h on average for 100 s.
    assert distances["integral_m"].tolist() == pytest.approx([4000.0] * 5, rel=0.002)
    assert distances["is_trusted"].all()
    # The laps of this lake have no sector times.
    assert not distances["is_anchored"].any()
    assert distances["reason"].str.contains("no sector times").all()
    assert table(context, "timing_lines").empty


def with_sectors(context: StepContext) -> StepContext:
    """Sector and section times of a car that passes S1 at 30 s, S2 at 70 s and the other lines half way."""
    path = context.paths.table(context.session, "laps")
    times = {"sector_1_ms": 30_000, "sector_2_ms": 40_000, "sector_3_ms": 30_000, "im1a_ms": 15_000}
    laps = read_frame(path).assign(**times, im2a_ms=20_000, im3a_ms=15_000)
    laps["reasons"] = [[] for _ in range(len(laps))]
    write_table(laps, path, TABLES["laps"])
    return context


def test_laps_are_pinned_at_the_sector_lines_and_measured_at_the_others(context: StepContext) -> None:
    build_telemetry_laps(with_sectors(context))
    assert build_traces(context).figures == {"laps": 5, "trusted_laps": 5, "anchored_laps": 5}
    lines = table(context, "timing_lines").set_index("line")
    assert lines["is_anchor"].to_dict() == {"IM1a": False, "IM2a": False, "IM3a": False, "S1": True, "S2": True}
    # 144 km/h on average and the same speed at the lines; the windows lie some 10 ms apart.
    expected = {"IM1a": 600, "S1": 1200, "IM2a": 2000, "S2": 2800, "IM3a": 3400}
    turn = 2 * np.pi / 25
    for line, place in expected.items():
        begin, end = BIAS_MS / 1000, BIAS_MS / 1000 + place / 40
        swing = 60 / 3.6 / turn * (np.sin(turn * end) - np.sin(turn * begin))
        assert lines.loc[line, "distance_m"] == pytest.approx(place - swing, abs=3.0)
    held_out = lines[~lines["is_anchor"]]
    assert (held_out["time_error_p95_ms"] < 60).all()
    assert lines.loc[["S1", "S2"], "time_error_median_ms"].isna().all()
    distances = table(context, "lap_distances")
    assert distances["reason"].isna().all()
    assert distances["shift_ms"].abs().max() < 60
    field = read_field(context)
    official = [30_000, 70_000, LAP_MS]
    places = np.array([*lines.loc[["S1", "S2"], "distance_m"], LENGTH_M])
    assert field.times_at(places) == pytest.approx(np.tile(official, (5, 1)), abs=1e-6)


def test_checks_are_of_what_the_cars_have(context: StepContext) -> None:
    build_telemetry_laps(with_sectors(context))
    build_traces(context)
    checks = table(context, "distance_checks").set_index("compared")
    assert checks.index.tolist() == [f"integral of speed at {line}, before anchoring" for line in ("S1", "S2")]
    assert (checks["laps"] == 5).all()
    assert (checks["p95_m"] < 3).all()


def test_gps_and_lap_distance_are_compared_where_the_cars_have_them(tmp_path: Path) -> None:
    rows = samples(-20, 420)
    seconds = (rows["sample_ms"] - RACE_START + ECU_OFFSET - BIAS_MS) / 1000
    turn = 2 * np.pi / 25
    since = 40 * seconds - 60 / 3.6 / turn * (np.sin(turn * (seconds + BIAS_MS / 1000)) - np.sin(turn * BIAS_MS / 1000))
    angle = 2 * np.pi * since / LENGTH_M
    # A circle of 4 km at 40 degrees north, and a lap distance that begins 100 m after the line.
    rows["latitude_deg"] = 40 + LENGTH_M / 2 / np.pi * np.cos(angle) / 111_035
    rows["longitude_deg"] = -86 + LENGTH_M / 2 / np.pi * np.sin(angle) / 85_394
    rows["lap_distance_m"] = np.where(np.arange(len(rows)) % 5 == 0, (since - 100) % LENGTH_M, np.nan)
    context = with_sectors(make_lake(tmp_path, {WHOLE: rows}))
    build_telemetry_laps(context)
    build_traces(context)
    checks = table(context, "distance_checks").set_index("compared")
    places = ("start/finish", "S1", "S2")
    assert {f"{what} at {place}" for what in ("GPS", "lap distance") for place in places} <= set(checks.index)
    assert checks.loc["GPS along the lap, anchored", "laps"] == LAPS
    # All laps are alike but for the place of their windows, some 20 ms at 40 m/s.
    assert (checks["p95_m"] < 3).all()
    line = find_line(context, read_field(context))
    assert [source["source"] for source in line.sources] == ["gps", "inertial"]
    radius = np.hypot(line.x_m - line.x_m.mean(), line.y_m - line.y_m.mean())
    assert radius == pytest.approx(LENGTH_M / 2 / np.pi, abs=3.0)


def test_circuit_without_a_length_has_the_measured_one(tmp_path: Path) -> None:
    context = with_sectors(make_lake(tmp_path, {WHOLE: samples(-20, 420)}, length_m=None))
    build_telemetry_laps(context)
    build_traces(context)
    distances = table(context, "lap_distances")
    assert distances["scale"].tolist() == pytest.approx([1.0] * LAPS, rel=1e-3)
    measured = distances["integral_m"].median()
    field = read_field(context)
    assert field.length_m == pytest.approx(measured)
    assert field.times_at(np.array([field.length_m]))[:, 0].tolist() == [LAP_MS] * LAPS


def test_laps_that_do_not_fit_the_map_are_not_trusted_and_say_why(tmp_path: Path) -> None:
    context = with_sectors(make_lake(tmp_path, {WHOLE: samples(-20, 420)}, length_m=5000.0))
    build_telemetry_laps(context)
    assert build_traces(context).figures == {"laps": LAPS, "trusted_laps": 0, "anchored_laps": 0}
    distances = table(context, "lap_distances").set_index("lap_number")
    assert "20.0 % shorter than the circuit" in distances.loc[3, "reason"]
    assert "green flag" in distances.loc[1, "reason"]
    assert table(context, "timing_lines").empty
    assert table(context, "distance_checks").empty
    assert len(table(context, "lap_traces", part="car0"))
    assert read_field(context).lap_numbers.size == 0


def test_single_lap_is_pinned_at_its_own_sector_lines(tmp_path: Path) -> None:
    context = with_sectors(make_lake(tmp_path, {WHOLE: samples(90, 220)}))
    build_telemetry_laps(context)
    assert build_traces(context).figures == {"laps": 1, "trusted_laps": 1, "anchored_laps": 1}
    lines = table(context, "timing_lines").set_index("line")
    assert lines["spread_m"].isna().all()
    assert table(context, "distance_checks").empty
    field = read_field(context)
    places = np.array([*lines.loc[["S1", "S2"], "distance_m"], LENGTH_M])
    assert field.times_at(places)[0].tolist() == pytest.approx([30_000, 70_000, LAP_MS], abs=1e-6)
    (inertial,) = find_line(context, field).sources
    assert inertial["laps"] == 1


def test_session_without_telemetry_has_empty_tables(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {})
    build_telemetry_laps(context)
    assert build_traces(context).rows == 0
    for name in ("lap_distances", "timing_lines", "distance_checks"):
        assert table(context, name).empty
    field = read_field(context)
    assert field.lap_numbers.size == 0
    assert find_line(context, field).distance_m.size == 0


def test_car_that_does_not_move_has_features_but_no_trace(tmp_path: Path) -> None:
    parked = samples(-20, 420)
    parked["speed_kmh"] = parked["speed_kmh"].where(parked["speed_kmh"].isna(), 0.0)
    context = make_lake(tmp_path, {WHOLE: parked})
    build_telemetry_laps(context)
    assert build_traces(context).rows == 0
    assert not context.paths.table(context.session, "lap_traces", part="car0").exists()
    assert build_features(context).rows == LAPS


def test_car_without_speed_has_features_but_no_trace(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {WHOLE: samples(-20, 420).assign(speed_kmh=np.nan)})
    build_telemetry_laps(context)
    assert build_traces(context).rows == 0
    build_features(context)
    features = table(context, "telemetry_features")
    assert features["speed_mean"].isna().all()
    assert features["brake_mean"].notna().all()


def test_features_have_a_row_a_complete_lap(context: StepContext) -> None:
    build_telemetry_laps(context)
    assert build_features(context).rows == 5
    features = table(context, "telemetry_features").set_index(["vehicle_id", "lap_number"])
    assert features.loc[(WHOLE, 2), "speed_mean"] == pytest.approx(144.0, rel=0.002)
    assert features.loc[(WHOLE, 2), "speed_max_kmh"] == pytest.approx(204.0, abs=0.5)
    assert features.loc[(WHOLE, 2), "brake_mean_braking_bar"] == pytest.approx(60.0, abs=1.0)
    assert features["sample_rate_hz"].tolist() == pytest.approx([1000 / 43] * 5)
