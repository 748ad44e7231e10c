"""The step from traces to line, corners and segments, on a small lake of laps round an oval."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from grx_pipeline.errors import InputError
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.hashing import file_hash
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.circuit_steps import build_track
from grx_pipeline.track.circuits import Corner, CornerTable, circuit_of

GRAVITY = 9.80665
RADIUS_M = 80.0
STRAIGHT_M = 600.0
LENGTH_M = 2 * (STRAIGHT_M + np.pi * RADIUS_M)
GRID = np.arange(0.0, LENGTH_M, 2.0)
LINES = {"S1": 550.0, "S2": 1100.0}
BENDS_M = (300.0, 300.0 + STRAIGHT_M + np.pi * RADIUS_M)
TABLES_WRITTEN = ("track_line", "track_sources", "corners", "segments")


def trace(lap: int, brake_at_m: float) -> pd.DataFrame:
    """A lap of two straights and two half circles to the left, braked for from `brake_at_m` before each."""
    into = np.min([(GRID - bend) % LENGTH_M for bend in BENDS_M], axis=0)
    until = LENGTH_M / 2 - into
    in_bend = into < np.pi * RADIUS_M
    speed = 20 + 30 * np.interp(np.where(in_bend, 0, np.minimum(into - np.pi * RADIUS_M, until)), [0, 300], [0, 1])
    speed = np.where(in_bend, 20 + 8 * np.abs(into / (np.pi * RADIUS_M) - 0.5), speed)
    braking = (until < brake_at_m) & (until > 5)
    columns = {
        "time_ms": np.concatenate([[0.0], np.cumsum(2000 / speed)[:-1]]),
        "speed_kmh": 3.6 * speed,
        "accel_y_g": np.where(in_bend, speed**2 / RADIUS_M / GRAVITY, 0.0),
        "brake_bar": np.where(braking, 50.0, 0.0),
        "throttle_pct": np.where(in_bend & (into < 200) | braking, 20.0, 100.0),
    }
    rows = pd.DataFrame({"vehicle_id": "", "lap_number": lap, "distance_m": GRID, **columns})
    return rows.assign(**{name: np.nan for name in TABLES["lap_traces"].column_names if name not in rows})


def put(context: StepContext, table: str, rows: list[dict[str, object]]) -> None:
    declared = TABLES[table]
    plain = {"VARCHAR": "", "BOOLEAN": False, "VARCHAR[]": []}
    blank = {c.name: None if c.nullable else plain.get(c.type, 1) for c in declared.columns}
    path = context.paths.table(context.session, table)
    write_table(pa.Table.from_pylist([blank | row for row in rows], schema=declared.arrow_schema()), path, declared)


def make_lake(folder: Path, laps: dict[str, list[pd.DataFrame]], *, circuit: str = "oval") -> StepContext:
    """Cars with their laps. The circuit has no corner table unless it is a known one."""
    paths = Paths(data=folder / "data", reports=folder / "reports")
    context = StepContext(session=f"{circuit}-2025-r1", paths=paths, settings=Settings(), progress=lambda _: None)
    for car, traces in laps.items():
        rows = pd.concat(traces).assign(vehicle_id=car)
        write_table(rows, paths.table(context.session, "lap_traces", part=car), TABLES["lap_traces"])
    keys = [{"vehicle_id": car, "lap_number": n + 1} for car, traces in laps.items() for n in range(len(traces))]
    put(context, "sessions", [{"session_id": context.session, "circuit": circuit, "length_m": LENGTH_M}])
    put(context, "drivers", [{"vehicle_id": car, "driver_id": car, "path": car} for car in laps])
    put(context, "laps", [key | {"lap_time_ms": 60_000, "is_clean": True, "is_valid": True} for key in keys])
    put(context, "lap_distances", [key | {"scale": 1.0, "is_trusted": True, "shift_ms": 0.0} for key in keys])
    put(context, "telemetry_laps", [key | {"start_ms": 0.0, "end_ms": 60_000.0} for key in keys])
    put(context, "telemetry_vehicles", [{"vehicle_id": car, "part": car, "channels": []} for car in laps])
    lines = [{"line": name, "distance_m": place, "is_anchor": True} for name, place in LINES.items() if laps]
    put(context, "timing_lines", lines)
    put(context, "corner_corrections", [])
    return context


def table(context: StepContext, name: str) -> pd.DataFrame:
    return read_frame(context.paths.table(context.session, name))


@pytest.fixture
def oval(tmp_path: Path) -> StepContext:
    early, late = [trace(n, 90.0) for n in (1, 2, 3)], [trace(n, 70.0) for n in (1, 2, 3)]
    return make_lake(tmp_path, {"A": early, "B": late})


def test_an_unknown_circuit_gets_its_corners_detected(oval: StepContext) -> None:
    outcome = build_track(oval)
    assert outcome.figures == {"corners": 2, "verified_corners": 0, "segments": len(table(oval, "segments")), "laps": 6}
    corners = table(oval, "corners")
    assert corners["corner"].tolist() == ["T1", "T2"]
    assert set(corners["direction"]) == {"left"}
    assert set(corners["source"]) == {"detected"}
    assert not corners["is_verified"].any()
    assert corners["start_m"].to_numpy() == pytest.approx(np.array(BENDS_M), abs=20)
    assert corners["turn_deg"].to_numpy() == pytest.approx(180, abs=8)
    assert corners["radius_m"].to_numpy() == pytest.approx(RADIUS_M, rel=0.05)


def test_corners_have_the_fields_points(oval: StepContext) -> None:
    build_track(oval)
    corners = table(oval, "corners")
    bends = np.array(BENDS_M)
    middle = bends + np.pi * RADIUS_M / 2
    assert corners["apex_m"].to_numpy() == pytest.approx(middle, abs=4)
    assert corners["apex_share"].tolist() == [1.0, 1.0]
    assert corners["brake_onset_m"].to_numpy() == pytest.approx(bends - 80, abs=3)
    assert corners["brake_onset_spread_m"].tolist() == [0.0, 0.0]
    assert corners["full_throttle_m"].to_numpy() == pytest.approx(bends + 200, abs=4)


def test_segments_tile_the_session_and_know_sector_and_corner(oval: StepContext) -> None:
    build_track(oval)
    segments = table(oval, "segments")
    assert (segments["start_m"].iloc[0], segments["end_m"].iloc[-1]) == (0.0, LENGTH_M)
    assert (segments["end_m"].to_numpy()[:-1] == segments["start_m"].to_numpy()[1:]).all()
    ends = segments.groupby("sector")["end_m"].max()
    assert ends.to_dict() == {1: LINES["S1"], 2: LINES["S2"], 3: LENGTH_M}
    first = segments[segments["corner_index"] == 1]
    assert first.loc[first["phase"] == "braking", "start_m"].min() == pytest.approx(BENDS_M[0] - 90, abs=3)
    assert segments["name"].is_unique


def test_the_same_traces_give_the_same_bytes(oval: StepContext) -> None:
    paths = build_track(oval).outputs
    before = [file_hash(path) for path in paths]
    assert [file_hash(path) for path in build_track(oval).outputs] == before
    assert len(before) == len(TABLES_WRITTEN)


def test_a_corner_table_overrides_what_is_detected(oval: StepContext, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [("T5", 320.0, 420.0, 540.0), ("T6-T7", 1140.0, 1250.0, 1390.0)]
    corners = tuple(
        Corner(corner=name, name="Bend", direction="left", start_m=start, apex_m=apex, end_m=end)
        for name, start, apex, end in rows
    )
    drawn = CornerTable(version=3, is_verified=True, corners=corners)
    circuit = replace(circuit_of("oval"), corner_table=drawn)
    monkeypatch.setattr("grx_pipeline.track.circuit_steps.circuit_of", lambda _: circuit)
    build_track(oval)
    found = table(oval, "corners")
    assert list(zip(found["corner"], found["start_m"], found["end_m"], strict=True)) == [
        (name, start, end) for name, start, _, end in rows
    ]
    assert found["is_verified"].all()
    assert set(found["source"]) == {"table"}
    assert found["apex_m"].to_numpy() == pytest.approx(np.array(BENDS_M) + np.pi * RADIUS_M / 2, abs=4)


def test_a_table_of_another_layout_is_not_used(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {"A": [trace(1, 80.0)]}, circuit="indianapolis")
    build_track(context)
    assert set(table(context, "corners")["source"]) == {"detected"}


def test_one_lap_of_one_car_is_enough_and_has_no_spread(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {"A": [trace(1, 80.0)]})
    build_track(context)
    corners = table(context, "corners")
    assert len(corners) == 2
    assert corners["apex_spread_m"].isna().all()
    assert corners["brake_onset_spread_m"].isna().all()


def test_without_sector_lines_no_segment_has_a_sector(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {"A": [trace(1, 80.0)]})
    put(context, "timing_lines", [])
    build_track(context)
    segments = table(context, "segments")
    assert segments["sector"].isna().all()
    assert (segments["start_m"].iloc[0], segments["end_m"].iloc[-1]) == (0.0, LENGTH_M)


def test_cars_without_lateral_acceleration_leave_the_sectors_as_segments(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {"A": [trace(1, 80.0).assign(accel_y_g=np.nan)]})
    build_track(context)
    assert table(context, "corners").empty
    assert table(context, "segments")["name"].tolist() == ["line to S1", "S1 to S2", "S2 to line"]


def test_a_session_without_telemetry_has_empty_tables(tmp_path: Path) -> None:
    context = make_lake(tmp_path, {})
    assert build_track(context).figures == {"corners": 0, "verified_corners": 0, "segments": 0, "laps": 0}
    assert all(table(context, name).empty for name in TABLES_WRITTEN)


def corrected(context: StepContext, *rows: dict[str, object]) -> pd.DataFrame:
    """The corners with corrections in lines 1, 2, ..."""
    shared = {"action": "change", "merge": [], "is_verified": False, "source": "team"}
    put(context, "corner_corrections", [shared | {"correction": n, "line": n} | row for n, row in enumerate(rows, 1)])
    build_track(context)
    return table(context, "corners")


def test_a_correction_changes_its_corner_and_is_the_teams_word(oval: StepContext) -> None:
    build_track(oval)
    before = table(oval, "corners")
    after = corrected(oval, {"corner": "T2", "renumber": "T9", "name": "Web", "start_m": 1140.0})
    assert after["corner"].tolist() == ["T1", "T9"]
    assert after["source"].tolist() == ["detected", "team"]
    assert (after["name"][1], after["start_m"][1], after["end_m"][1]) == ("Web", 1140.0, before["end_m"][1])
    pd.testing.assert_frame_equal(after[:1], before[:1])
    assert "T9 entry" in set(table(oval, "segments")["name"])


def test_the_teams_table_replaces_what_is_detected_and_can_be_corrected_too(oval: StepContext) -> None:
    row = {"action": "table", "direction": "left", "is_verified": True}
    found = corrected(
        oval,
        {**row, "corner": "T5", "start_m": 320.0, "apex_m": 420.0, "end_m": 540.0},
        {**row, "corner": "T6", "start_m": 1140.0, "apex_m": 1250.0, "end_m": 1390.0},
        {"corner": "T6", "action": "remove"},
    )
    assert found[["corner", "source", "is_verified"]].to_numpy().tolist() == [["T5", "team", True]]


def test_corrections_that_make_no_corners_are_told_with_session_and_line(oval: StepContext) -> None:
    with pytest.raises(InputError, match=r"oval-2025-r1: session.toml line 1: no corner T7; corners are T1, T2"):
        corrected(oval, {"corner": "T7", "name": "Web"})
    outside = {"action": "table", "corner": "T1", "direction": "left", "start_m": 1.0, "apex_m": 2.0, "end_m": 9e9}
    with pytest.raises(InputError, match=r"session.toml line 1: \[corner_table\]: T1 has to lie in 0 to"):
        corrected(oval, outside)


def test_without_telemetry_a_correction_has_nothing_to_change(tmp_path: Path) -> None:
    assert corrected(make_lake(tmp_path, {}), {"corner": "T7", "name": "Web"}).empty


def test_laps_that_are_not_valid_are_no_part_of_the_field(oval: StepContext) -> None:
    laps = table(oval, "laps")
    laps["is_valid"], laps["is_clean"] = laps["vehicle_id"] == "A", False
    write_table(laps, oval.paths.table(oval.session, "laps"), TABLES["laps"])
    assert build_track(oval).figures["laps"] == 3
