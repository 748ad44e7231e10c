"""A written race through the pipeline: what it counts, matches and corrects against the truth beside the files."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.contexts import context_of
from support.demo_race import make_race

from grx_pipeline.demo.build import make_demo
from grx_pipeline.demo.dirt import MIN_LATENCY_MS
from grx_pipeline.demo.logger_files import MAX_JITTER_MS, NO_LAP, ChannelSet
from grx_pipeline.demo.write import write_race
from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.laps.crossings import debounced_crossings
from grx_pipeline.steps import STEPS, StepResult, run_step
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

STEP_NAMES = (
    *("raw_telemetry", "raw_logger_laps", "raw_timing", "raw_weather", "raw_corrections"),
    *("core_laps", "core_telemetry_laps"),
    *("core_traces", "core_features"),
)
SECTIONS = ("im1a_ms", "im1_ms", "im2a_ms", "im2_ms", "im3a_ms", "fl_ms")
REASONS = {"too_few_fields": "too_few_fields", "bad_number": "unreadable_value", "not_utf8": "not_utf8"}


@dataclass(frozen=True, kw_only=True)
class Session:
    """A written race, what the pipeline made of it, and the truth."""

    kind: str
    folder: Path
    context: StepContext
    results: dict[str, StepResult]
    truth: dict[str, Any]

    def frame(self, table: str, part: str | None = None) -> pd.DataFrame:
        return read_frame(self.context.paths.table(self.context.session, table, part=part))

    def keyed(self, table: str, key: str, part: str | None = None) -> pd.DataFrame:
        return self.frame(table, part).set_index(key)

    @property
    def vehicles(self) -> dict[str, Any]:
        found: dict[str, Any] = self.truth["vehicles"]
        return found

    @property
    def numbers(self) -> dict[str, str]:
        """NUMBER in the timing by the car's own number."""
        printed = {own: number for number, shared in self.truth["shared_numbers"].items() for own in shared}
        return {number: printed.get(number, number) for number in self.truth["cars"]}

    @property
    def running(self) -> dict[str, Any]:
        return {name: true for name, true in self.vehicles.items() if true["dirt"]["clock_fault"] != "frozen"}


def write_formula(folder: Path, channel_set: ChannelSet) -> Path:
    return write_race(make_race(cars=7, laps=6), folder, seed=14, channel_set=channel_set, progress=lambda _: None)


def write_simulated(folder: Path) -> Path:
    (place,) = make_demo(folder, size="small", sessions=1, seed=1, progress=lambda _: None)
    return place


WRITERS: dict[str, Callable[[Path], Path]] = {
    "formula, pedal": partial(write_formula, channel_set="pedal"),
    "formula, blade": partial(write_formula, channel_set="blade"),
    "simulated, pedal": write_simulated,
}


@pytest.fixture(scope="module", params=list(WRITERS))
def session(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Session:
    scratch = tmp_path_factory.mktemp("demo")
    folder = WRITERS[request.param](scratch / "oval" / "race1")
    context = context_of(folder, scratch)
    results = {name: run_step(STEPS[name], context) for name in STEP_NAMES}
    truth = json.loads((folder / "truth.json").read_text())
    return Session(kind=request.param, folder=folder, context=context, results=results, truth=truth)


def test_only_raw_files_are_taken_for_raw_files(session: Session, tmp_path: Path) -> None:
    found = discover(session.folder, hashes=HashCache(tmp_path / "hashes.json"))
    assert {ignored.name for ignored in found.ignored} == {"truth.json", "faults.csv"}
    (manifest,) = found.sessions
    assert manifest.missing_kinds == ()
    assert manifest.is_simulated


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("rows_read", "rows"),
        ("rows_kept", "rows_kept"),
        ("exact_duplicates", "exact_duplicates"),
        ("rows_merged", "rows_merged"),
        ("rows_set_aside", "rows_frozen"),
        ("conflict_rows", "conflict_rows"),
    ],
)
def test_rows_are_accounted_for_as_they_were_written(session: Session, column: str, kind: str) -> None:
    accounts = session.keyed("row_accounting", "vehicle_id", "raw_telemetry").drop("")
    assert accounts[column].to_dict() == {name: true[kind] for name, true in session.vehicles.items()}
    assert sum(true[kind] for true in session.vehicles.values()) > 0


def test_every_line_of_the_telemetry_is_read_or_set_aside_for_what_is_wrong_with_it(session: Session) -> None:
    assert session.results["raw_telemetry"].figures["rows_read"] == session.truth["telemetry"]["lines"]
    reasons = session.frame("quarantine", "raw_telemetry")["reason"].value_counts().to_dict()
    unreadable = session.truth["telemetry"]["unreadable_lines"]
    expected = {REASONS[fault]: count for fault, count in unreadable.items()}
    assert reasons == expected | {"frozen_clock": session.truth["telemetry"]["rows_frozen"]}


def test_samples_without_a_lap_and_on_collapsed_ticks_are_found(session: Session) -> None:
    for name, true in session.running.items():
        samples = session.frame("telemetry", name)
        assert len(samples) == true["stamps"] < true["ticks"]
        assert 0 < samples["tick_values"].gt(1).sum() <= true["collapsed_ticks"]
        assert (samples["logger_lap"] == NO_LAP).any()


def test_clocks_are_told_apart_and_followed(session: Session) -> None:
    vehicles = session.keyed("telemetry_vehicles", "vehicle_id")
    frozen = set(session.vehicles) - set(session.running)
    assert set(vehicles.index[vehicles["is_clock_frozen"]]) == frozen
    assert len(frozen) == 1
    pieces = session.frame("clock_pieces").groupby("vehicle_id")["offset_ms"].agg(["size", "first", "last"])
    for name, true in session.running.items():
        dirt, piece = true["dirt"], pieces.loc[name]
        assert piece["size"] == (2 if dirt["clock_fault"] == "pauses" else 1)
        assert piece["first"] == pytest.approx(dirt["ecu_behind_ms"] + MIN_LATENCY_MS, abs=150)
        assert piece["last"] - piece["first"] == pytest.approx(dirt["pause_ms"], abs=150)
    assert (pieces["size"] == 2).sum() == 1


def test_sensors_are_corrected_by_what_was_wrong_with_them(session: Session) -> None:
    sensors = session.keyed("sensors", "vehicle_id")
    for name, true in session.running.items():
        dirt, found = true["dirt"], sensors.loc[name]
        assert (found["accel_x_sign"], found["accel_y_sign"]) == (
            np.sign(dirt["accel_x_gain"]),
            np.sign(dirt["accel_y_gain"]),
        )
        assert found["accel_x_zero_g"] == pytest.approx(dirt["accel_x_zero_g"], abs=0.02)
        assert found["accel_y_zero_g"] == pytest.approx(dirt["accel_y_zero_g"], abs=0.02)
        assert found["steering_zero_deg"] == pytest.approx(dirt["steering_zero_deg"], abs=0.5)
        assert found["speed_lag_s"] == pytest.approx(dirt["speed_lag_s"], abs=0.05)
    assert (sensors["accel_x_sign"] == -1).sum() == 1


def test_crossings_ghosts_and_no_laps_are_all_there(session: Session) -> None:
    crossings, truth = session.frame("logger_crossings"), session.truth["crossings"]
    ends = crossings[crossings["kind"] == "lap_end"]
    real = debounced_crossings(crossings, session.context.settings.match).groupby("vehicle_id").size()
    assert crossings.groupby("kind").size().nunique() == 1
    for name, true in truth.items():
        own = ends[ends["vehicle_id"] == name]
        assert len(own) == true["rows"]
        assert real[name] == true["rows"] - true["ghosts"]
        assert (own["logger_lap"] == NO_LAP).sum() == true["no_lap"]
    assert sum(true["ghosts"] for true in truth.values()) > 0
    assert sum(true["slips"] for true in truth.values()) > 0


def test_laps_whose_trigger_was_lost_are_told(session: Session) -> None:
    laps = session.frame("laps")
    lost = laps[["no_crossing_match" in reasons for reasons in laps["reasons"]]].groupby("vehicle_id").size()
    truth = {name: true["lost_triggers"] for name, true in session.truth["crossings"].items()}
    assert lost.to_dict() == {name: count for name, count in truth.items() if count}
    assert lost.sum() > 0


def test_the_logger_s_lap_distance_runs_on_where_its_trigger_was_lost(session: Session) -> None:
    length = session.truth["length_m"]
    for name in session.running:
        metres = session.frame("telemetry", name)["lap_distance_m"].dropna().to_numpy(float)
        if "blade" in session.kind:
            assert metres.size == 0
        else:
            ends = metres[np.diff(metres, append=0) < -length / 3]
            run_on = np.maximum(np.round(ends / length) - 1, 0)
            assert run_on.sum() == session.truth["crossings"][name]["lost_triggers"]


def test_cars_that_share_a_number_are_told_apart(session: Session) -> None:
    drivers = session.keyed("drivers", "vehicle_id")
    shared = session.truth["shared_numbers"]
    assert bool(shared) == ("blade" in session.kind)
    for number, own in shared.items():
        found = drivers[drivers["car_number"] == number]
        assert set(found.index) == {session.truth["cars"][car]["logger_id"] for car in own}
        assert sorted(found["driver_id"]) == [f"{number}-1", f"{number}-1-2"]
        assert len(session.frame("results").query("is_used and car_number == @number")) == len(own) == 2


def test_every_logger_is_matched_to_its_car_whatever_number_it_carries(session: Session) -> None:
    matches = session.keyed("logger_matches", "logger_id")
    numbers, cars = session.numbers, session.truth["cars"]
    loggers = {car["logger_id"]: numbers[number] for number, car in cars.items() if car["logger_id"]}
    known = matches.dropna(subset=["car_number"])
    assert known["car_number"].to_dict() == loggers
    assert known["is_reliable"].all()
    assert session.frame("unmatched_loggers")["logger_id"].tolist() == session.truth["loggers_without_car"]
    assert len(session.truth["wrong_numbers"]) >= 2
    drivers = session.frame("drivers")
    assert set(drivers.loc[~drivers["has_logger"], "car_number"]) == set(session.truth["cars_without_logger"])


def test_laps_and_sections_are_the_truth(session: Session) -> None:
    laps = session.frame("laps").set_index(["vehicle_id", "lap_number"]).sort_index()
    cars = {car["logger_id"] or f"car-{number}": car for number, car in session.truth["cars"].items()}
    true = [{"car": name, **lap} for name, car in cars.items() for lap in car["laps"]]
    wanted = pd.DataFrame(true).set_index(["car", "lap_number"]).sort_index()
    assert laps.index.tolist() == wanted.index.tolist()
    for column in ("lap_time_ms", "finished_at_ms", "flag", "is_pit_in"):
        assert laps[column].tolist() == wanted[column].tolist()
    assert laps["pit_time_ms"].fillna(0).tolist() == wanted["pit_time_ms"].tolist()
    assert laps[list(SECTIONS)].to_numpy().tolist() == wanted["sections_ms"].tolist()
    logged = [None if pd.isna(lap) else int(lap) for lap in laps["logger_lap"]]
    assert logged == [None if pd.isna(lap) else int(lap) for lap in wanted["logger_lap"]]


def test_the_race_s_clock_is_local_time_and_the_loggers_bias(session: Session) -> None:
    row = session.frame("sessions").iloc[0]
    assert row["utc_offset_ms"] == session.truth["utc_offset_ms"]
    assert row["logger_bias_ms"] == pytest.approx(session.truth["logger_bias_ms"], abs=40)
    assert row["crossings_matched"] / row["crossings"] > 0.95


def test_laps_start_in_the_telemetry_where_they_started_on_the_track(session: Session) -> None:
    laps = session.frame("telemetry_laps").merge(session.frame("laps"), on=["vehicle_id", "lap_number"])
    pieces = session.frame("clock_pieces").groupby("vehicle_id").last()
    crossings = session.keyed("sensors", "vehicle_id")["crossings"]
    for name, true in session.running.items():
        own, piece = laps[laps["vehicle_id"] == name], pieces.loc[name]
        assert len(own) == len(session.truth["cars"][true["car_number"]]["laps"])
        drift = piece["drift_ms_per_hour"] / 3_600_000
        utc = own["start_ms"] + piece["offset_ms"] + drift * (own["start_ms"] - piece["start_ecu_ms"])
        late = utc - (own["finished_at_ms"] - own["lap_time_ms"])
        delay = session.truth["logger_bias_ms"] + true["dirt"]["crossing_delay_ms"] + MIN_LATENCY_MS
        assert np.abs(late - delay).max() < (100 if crossings[name] > 2 else MAX_JITTER_MS)


def test_the_sentinel_of_the_weather_is_taken_out(session: Session) -> None:
    figures = session.results["raw_weather"].figures
    assert figures["track_temp_c_sentinels"] == session.truth["track_temp_sentinels"]
    assert session.frame("weather")["track_temp_c"].isna().sum() == session.truth["track_temp_sentinels"]


def test_the_official_result_counts(session: Session) -> None:
    results = session.frame("results")
    totals = results.pivot_table(index="car_number", columns="is_used", values="total_time_ms").dropna()
    changed = totals.index[totals[True] != totals[False]].tolist()
    assert changed == [session.numbers[session.truth["penalised_in_provisional"]]]
    status = Counter(results.loc[results["is_used"], "status"])
    assert status == Counter(car["status"] for car in session.truth["cars"].values())
