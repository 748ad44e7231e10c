"""All laps of a session on one grid: times at any place, medians, and reading them back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.distance import CHANNEL_NAMES
from grx_pipeline.track.field import FieldTraces, known_median, read_field

Array = npt.NDArray[np.float64]

GRID = np.arange(0.0, 1000.0, 2.0)


def field_of(paces: list[float], *, length: float = 1000.5, anchors: tuple[float, ...] = (301.3, 700.0)) -> FieldTraces:
    """Laps of constant pace (ms a metre); 5 ms more than that at the anchors."""
    pace = np.array(paces)[:, np.newaxis]
    channels = {name: np.full((len(paces), GRID.size), 1.0) for name in CHANNEL_NAMES}
    return FieldTraces(
        vehicle_ids=np.array([f"car{n}" for n in range(len(paces))], dtype=object),
        lap_numbers=np.arange(len(paces)),
        lap_time_ms=(pace * length)[:, 0],
        is_clean=np.ones(len(paces), dtype=bool),
        anchors_ms=pace * np.array(anchors) + 5.0,
        anchors_m=np.array(anchors),
        length_m=length,
        distance_m=GRID,
        channels=channels | {"time_ms": pace * GRID},
    )


def test_times_are_linear_between_grid_points_and_official_at_the_ends() -> None:
    times = field_of([20.0, 25.0]).times_at(np.array([0.0, 101.0, 999.25, 1000.5]))
    assert times[0].tolist() == pytest.approx([0.0, 2020.0, 19_985.0, 20_010.0])
    assert times[1].tolist() == pytest.approx([0.0, 2525.0, 24_981.25, 25_012.5])


def test_sector_lines_are_passed_at_the_official_times() -> None:
    field = field_of([20.0])
    # 301.3 lies between two grid points; 700.0 is one, and the trace itself knows it.
    times = field.times_at(np.array([300.0, 300.65, 301.3, 301.65, 302.0, 700.0]))[0]
    assert times.tolist() == pytest.approx([6000.0, 6015.5, 6031.0, 6035.5, 6040.0, 14_000.0])


def test_lap_that_is_not_pinned_is_linear_across_the_sector_line() -> None:
    field = field_of([20.0, 20.0])
    field = replace(field, anchors_ms=np.array([[np.nan, np.nan], [6031.0, 14_005.0]]))
    assert field.times_at(np.array([301.3]))[:, 0].tolist() == pytest.approx([6026.0, 6031.0])


def test_place_next_to_a_gap_has_no_time() -> None:
    field = field_of([20.0])
    time = field.channels["time_ms"].copy()
    time[0, 50:60] = np.nan
    times = replace(field, channels={"time_ms": time}).times_at(np.array([98.0, 99.0, 110.0, 119.0, 120.0]))[0]
    assert np.isnan(times).tolist() == [False, True, True, True, False]


@settings(deadline=None, max_examples=50)
@given(
    paces=st.lists(st.floats(15, 40), min_size=2, max_size=4),
    places=st.lists(st.floats(0, 1000.5), min_size=1, max_size=20),
)
def test_delta_at_the_line_is_the_official_gap_and_times_never_fall(paces: list[float], places: list[float]) -> None:
    field = field_of(paces)
    times = field.times_at(np.array([*sorted(places), field.length_m]))
    assert times[:, -1].tolist() == field.lap_time_ms.tolist()
    assert (np.diff(times, axis=1) >= -1e-9).all()
    delta = times - times[0]
    assert (delta[:, -1] == field.lap_time_ms - field.lap_time_ms[0]).all()


def test_losses_of_tiles_add_up_to_the_gap() -> None:
    field = field_of([20.0, 21.3, 24.9])
    edges = np.array([0.0, 77.7, 301.3, 302.9, 700.0, 701.0, 1000.5])
    losses = np.diff(field.times_at(edges) - field.times_at(edges)[0], axis=1)
    assert losses.sum(axis=1) == pytest.approx(field.lap_time_ms - field.lap_time_ms[0])


def test_laps_are_chosen_with_all_that_belongs_to_them() -> None:
    field = field_of([20.0, 25.0, 30.0]).of_vehicle("car1")
    assert field.lap_numbers.tolist() == [1]
    assert field.times_at(np.array([field.length_m])).tolist() == [field.lap_time_ms.tolist()]
    assert field.anchors_ms[0].tolist() == pytest.approx([25 * 301.3 + 5, 25 * 700 + 5])
    assert all(values.shape == (1, GRID.size) for values in field.channels.values())


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.lists(st.one_of(st.just(float("nan")), st.floats(-100, 100)), min_size=3, max_size=3), min_size=1, max_size=6
    )
)
def test_known_median_is_the_median_of_what_is_known(rows: list[list[float]]) -> None:
    values = np.array(rows)
    found = known_median(values)
    assert np.isfinite(found).all()
    for column in np.flatnonzero(np.isfinite(values).any(axis=0)):
        assert found[column] == pytest.approx(np.nanmedian(values[:, column]))


def test_known_median_is_linear_where_nothing_is_known() -> None:
    nan = float("nan")
    rows = np.array([[1.0, nan, nan, 4.0], [3.0, nan, nan, nan]])
    assert known_median(rows).tolist() == pytest.approx([2, 8 / 3, 10 / 3, 4])
    assert known_median(np.full((2, 3), nan)).tolist() == [0.0, 0.0, 0.0]


LAP = {"is_valid": True, "is_clean": True, "reasons": [], "is_pit_in": False, "driver_number": 1, "row_number": 1}


def write_lake(
    folder: Path, *, length_m: float | None, is_trusted: tuple[bool, ...] = (True, False, True)
) -> StepContext:
    """A lake of one car with a lap for each flag, 20 ms a metre and more lap by lap, on 1000.5 m."""
    paths = Paths(data=folder, reports=folder)
    context = StepContext(session="oval-2025-r1", paths=paths, settings=Settings(), progress=lambda _: None)

    def put(name: str, rows: list[dict[str, object]], part: str | None = None) -> None:
        table = TABLES[name]
        filled = pa.Table.from_pylist(
            [dict.fromkeys(table.column_names) | row for row in rows], schema=table.arrow_schema()
        )
        write_table(filled, paths.table(context.session, name, part=part), table)

    keys: list[dict[str, object]] = [{"vehicle_id": "car", "lap_number": n + 2} for n in range(len(is_trusted))]
    traces = [
        key | {"distance_m": place, "time_ms": place * (20 + number), "gear": None if number else 3}
        for number, key in enumerate(keys)
        for place in GRID.tolist()
    ]
    if traces:
        put("lap_traces", traces, part="car1")
    whole = {"integral_m": 1000.5 / 1.01, "scale": 1.01, "shift_ms": 0.0, "is_anchored": True}
    put("lap_distances", [key | whole | {"is_trusted": flag} for key, flag in zip(keys, is_trusted, strict=True)])
    sectors = {"sector_1_ms": 6030, "sector_2_ms": 8000}
    put("laps", [key | LAP | sectors | {"lap_time_ms": 20_010 + number} for number, key in enumerate(keys)])
    driver = {"driver_id": "car-1", "driver_number": 1, "car_number": "1", "path": "car1"}
    put("drivers", [{"vehicle_id": "car", "has_logger": True, "has_telemetry": True, "laps": 3} | driver])
    line = {"laps": 3, "is_anchor": True}
    put("timing_lines", [{"line": "S1", "distance_m": 301.3} | line, {"line": "S2", "distance_m": 700.0} | line])
    session = {"session_id": context.session, "circuit": "oval", "circuit_name": "Oval", "year": "2025", "race": 1}
    clock = {"race_date": "2025-10-09", "utc_offset_source": "circuit", "crossings": 0, "crossings_matched": 0}
    put("sessions", [session | clock | {"is_simulated": False, "logger_bias_ms": 200, "length_m": length_m}])
    return context


def test_trusted_laps_are_read_on_their_grid(tmp_path: Path) -> None:
    field = read_field(write_lake(tmp_path, length_m=1000.5))
    assert field.lap_numbers.tolist() == [2, 4]
    assert field.distance_m.tolist() == GRID.tolist()
    assert field.channels["time_ms"][1] == pytest.approx(GRID * 22)
    assert field.channels["gear"][0].tolist() == [3.0] * GRID.size
    assert np.isnan(field.channels["gear"][1]).all()
    assert field.anchors_ms.tolist() == [[6030.0, 14_030.0]] * 2
    assert field.times_at(np.array([301.3, 1000.5]))[0].tolist() == [6030.0, 20_010.0]


def test_length_without_a_map_is_the_measured_one(tmp_path: Path) -> None:
    assert read_field(write_lake(tmp_path, length_m=None)).length_m == pytest.approx(1000.5)


def test_only_the_channels_asked_for_are_read(tmp_path: Path) -> None:
    field = read_field(write_lake(tmp_path, length_m=1000.5), channels=["gear"])
    assert set(field.channels) == {"time_ms", "gear"}


@pytest.mark.parametrize("flags", [(), (False, False)])
def test_session_without_a_trusted_lap_has_an_empty_field(tmp_path: Path, flags: tuple[bool, ...]) -> None:
    field = read_field(write_lake(tmp_path, length_m=None, is_trusted=flags))
    assert field.lap_numbers.size == 0
    assert field.channels["speed_kmh"].shape == (0, 0)
    assert field.of(field.is_clean).times_at(np.array([0.0])).shape == (0, 1)
