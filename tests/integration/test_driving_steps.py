"""The steps of laps through corners and of the ledger, on races of a few cars: with telemetry, with little, without."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from support.chain_part import run_up_to
from support.contexts import context_of
from support.demo_race import make_race
from support.raw_session import default_cars, write_session

from grx_pipeline.demo.write import write_race
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

KEYS = ["vehicle_id", "lap_number"]


def frame(context: StepContext, table: str) -> pd.DataFrame:
    return read_frame(context.paths.table(context.session, table))


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> StepContext:
    """Seven cars of ten laps, nearly all with telemetry throughout."""
    folder = tmp_path_factory.mktemp("traced")
    write_race(make_race(cars=7, laps=10), folder / "raw", seed=14, channel_set="blade", progress=lambda _: None)
    context = context_of(folder / "raw", folder)
    run_up_to("out_ledger", context)
    return context


def sparse(tmp_path: Path, *, telemetry: bool) -> StepContext:
    """Three cars, of which one has three laps of telemetry and one a single lap, or none at all."""
    cars = default_cars() if telemetry else tuple(replace(car, telemetry_laps=()) for car in default_cars())
    context = context_of(write_session(tmp_path / "raw", cars), tmp_path)
    run_up_to("out_ledger", context)
    return context


def test_segments_of_every_lap_add_up(traced: StepContext) -> None:
    times = frame(traced, "segment_laps").groupby(KEYS)["time_ms"].agg(lambda known: known.sum(skipna=False)).dropna()
    laps = frame(traced, "laps").set_index(KEYS)["lap_time_ms"]
    assert len(times) > 10
    assert (times - laps[times.index]).abs().max() < 1e-6


def test_ledgers_close_and_most_drivers_with_telemetry_have_segments(traced: StepContext) -> None:
    drivers = frame(traced, "ledger_drivers").set_index("vehicle_id")
    known = drivers.dropna(subset=["potential_gain_ms"])
    assert (known["sectors_ms"] == known["potential_gain_ms"]).all()
    split = known.dropna(subset=["segments_ms"])
    assert len(split) >= 3
    assert (split["segments_ms"] == split["potential_gain_ms"]).all()
    assert split["rolling_best_ms"].notna().all()
    lines = frame(traced, "ledger")
    sums = lines[lines["level"] == "segment"].groupby("vehicle_id")["gain_ms"].sum()
    assert (sums == split["potential_gain_ms"]).all()


def test_every_corner_of_every_traced_lap_has_a_row(traced: StepContext) -> None:
    laps, corners = frame(traced, "corner_laps"), frame(traced, "corners")
    trusted = frame(traced, "lap_distances")["is_trusted"].sum()
    assert len(corners) > 0
    assert len(laps) == trusted * len(corners)
    usual = frame(traced, "corner_drivers")
    assert usual["laps"].min() >= 1
    assert set(usual["corner_index"]) <= set(corners["corner_index"])


@pytest.mark.parametrize("telemetry", [True, False])
def test_cars_with_little_telemetry_or_none_get_sectors_and_a_sentence(tmp_path: Path, telemetry: bool) -> None:
    context = sparse(tmp_path, telemetry=telemetry)
    drivers = frame(context, "ledger_drivers")
    assert len(drivers) == 3
    assert (drivers["sectors_ms"] == drivers["potential_gain_ms"]).all()
    untraced = drivers[drivers["segments_ms"].isna()]
    assert len(untraced) >= (2 if telemetry else 3)
    assert untraced["note"].str.endswith(".").all()
    assert frame(context, "corner_laps").empty or telemetry


def test_driver_without_a_clean_lap_is_told_so(tmp_path: Path) -> None:
    cars = tuple(replace(car, flags=dict.fromkeys(range(1, 7), "FCY")) for car in default_cars())
    context = context_of(write_session(tmp_path / "raw", cars), tmp_path)
    run_up_to("out_ledger", context)
    assert set(frame(context, "ledger_drivers")["note"]) == {"No clean lap, so there is no target and no ledger."}
    assert frame(context, "ledger").empty
