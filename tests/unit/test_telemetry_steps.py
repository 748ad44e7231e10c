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
        **{"is_clock_frozen": not count, "channels": ["speed"]},
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
    assert sorted(path.stem for path in outcome.outputs) == ["car0", "car1", "lap_distances"]
    trace = table(context, "lap_traces", part="car0")
    assert trace.groupby("lap_number")["distance_m"].max().tolist() == [LENGTH_M - 2.0] * LAPS
    distances = table(context, "lap_distances")
    # 144 km/h on average for 100 s.
    assert distances["integral_m"].tolist() == pytest.approx([4000.0] * 5, rel=0.002)
    assert distances["is_trusted"].all()


def test_circuit_without_a_length_leaves_the_traces_unscaled(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {WHOLE: samples(-20, 420)}, length_m=None)
    build_telemetry_laps(context)
    build_traces(context)
    assert table(context, "lap_distances")["scale"].tolist() == [1.0] * LAPS


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
