"""Clocks, sensors, laps, traces and features of the shared real sessions, against what is known of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.real_data import NEEDS_REAL_DATA, REAL_DATA

from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.hashing import file_hash
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext, StepOutcome

RACES = (
    *("barber/race1", "barber/race2", "cota/race1", "indianapolis/race1", "indianapolis/race2"),
    *("sonoma/race1", "sonoma/race2"),
)
INPUT_STEPS = ("raw_telemetry", "raw_logger_laps", "raw_timing", "raw_weather", "raw_corrections", "core_laps")
OWN_STEPS = ("core_telemetry_laps", "core_traces", "core_features")

pytestmark = NEEDS_REAL_DATA


@dataclass(frozen=True, kw_only=True)
class Session:
    """One real session, built up to its features."""

    race: str
    context: StepContext
    outcomes: dict[str, StepOutcome]

    def frame(self, table: str, part: str | None = None) -> pd.DataFrame:
        return read_frame(self.context.paths.table(self.context.session, table, part=part))

    def clean(self, table: str) -> pd.DataFrame:
        laps = self.frame("laps")
        keys = laps.loc[laps["is_clean"], ["vehicle_id", "lap_number"]]
        return self.frame(table).merge(keys, on=["vehicle_id", "lap_number"])

    def sensors(self, vehicle_id: str) -> pd.Series:
        return self.frame("sensors").set_index("vehicle_id").loc[vehicle_id]


def build(race: str, folder: Path) -> Session:
    paths = Paths(data=folder / "data", reports=folder / "reports")
    (manifest,) = discover(REAL_DATA / race, hashes=HashCache(paths.hash_cache())).sessions
    write_manifest(paths.manifest(manifest.session), manifest)
    context = StepContext(session=manifest.session, paths=paths, settings=Settings(), progress=lambda _: None)
    for name in INPUT_STEPS:
        run_step(STEPS[name], context)
    return Session(race=race, context=context, outcomes={name: STEPS[name].build(context) for name in OWN_STEPS})


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    return {race: build(race, tmp_path_factory.mktemp(race.replace("/", "-"))) for race in RACES}


@pytest.fixture(params=RACES)
def session(request: pytest.FixtureRequest, sessions: dict[str, Session]) -> Session:
    return sessions[request.param]


def test_every_vehicle_of_the_telemetry_has_its_row_of_sensors(session: Session) -> None:
    assert set(session.frame("sensors")["vehicle_id"]) == set(session.frame("telemetry_vehicles")["vehicle_id"])


def test_speed_lags_by_a_tenth_to_four_tenths_of_a_second(session: Session) -> None:
    lags = session.frame("sensors")["speed_lag_s"].dropna()
    assert lags.between(0.10, 0.43).all()


def test_zeros_are_within_what_was_seen(session: Session) -> None:
    sensors = session.frame("sensors")
    assert sensors["accel_x_zero_g"].dropna().abs().max() < 0.3
    assert sensors["accel_y_zero_g"].dropna().abs().max() < 0.25
    assert sensors["steering_zero_deg"].dropna().between(-30, 20).all()


def test_crossings_lie_together_and_near_those_of_the_logger(session: Session) -> None:
    sensors = session.frame("sensors").dropna(subset=["crossing_bias_ms"])
    race_bias = session.frame("sessions")["logger_bias_ms"].iloc[0]
    assert (sensors["crossing_bias_ms"] - race_bias).abs().max() < 600
    sure = sensors[sensors["crossings"] >= 4]
    assert len(sure)
    assert (sure["crossing_residual_ms"] < 70).all()
    assert (sensors["crossing_source"] == "own").all()


def test_car_with_few_crossings_says_what_is_not_claimed(session: Session) -> None:
    sensors = session.frame("sensors")
    few = sensors[(sensors["crossings"] < 3) & sensors["crossing_source"].notna()]
    assert few["note"].str.contains("no loss under 0.25 s is claimed").all()


def test_drift_is_that_of_an_oscillator(session: Session) -> None:
    drift = session.frame("clock_pieces")["drift_ms_per_hour"]
    assert drift[drift != 0].between(20, 100).all()


def test_almost_every_lap_with_telemetry_is_complete_and_as_long_as_its_lap_time(session: Session) -> None:
    windows = session.frame("telemetry_laps").merge(session.frame("laps"), on=["vehicle_id", "lap_number"])
    assert len(windows)
    assert (windows["end_ms"] - windows["start_ms"]).to_numpy() == pytest.approx(windows["lap_time_ms"].to_numpy())
    assert windows["is_complete"].mean() > 0.9
    assert windows["rate_hz"].between(22, 24).all()


def test_clean_laps_are_as_long_as_the_field_within_half_a_percent(session: Session) -> None:
    scale = session.clean("lap_distances")["scale"]
    assert scale.median() == pytest.approx(1.0, abs=0.012)
    assert (scale / scale.median() - 1).abs().max() < 0.005


def test_sector_times_lie_at_one_place_of_the_trace(session: Session) -> None:
    laps = session.frame("laps").set_index(["vehicle_id", "lap_number"])
    paths = session.frame("drivers").set_index("vehicle_id")["path"]
    places = []
    for vehicle_id in session.clean("lap_distances")["vehicle_id"].unique():
        for key, trace in session.frame("lap_traces", part=paths[vehicle_id]).groupby(["vehicle_id", "lap_number"]):
            known = trace.dropna(subset=["time_ms"])
            if laps.loc[key, "is_clean"]:
                places.append(np.interp(laps.loc[key, "sector_1_ms"], known["time_ms"], known["distance_m"]))
    spread = 1.4826 * np.median(np.abs(np.array(places) - np.median(places)))
    # Laps are pinned there; the trace is linear between grid points.
    assert spread < 0.1


def test_features_are_in_the_range_of_real_laps(session: Session) -> None:
    features = session.clean("telemetry_features")
    middle = features.median(numeric_only=True)
    assert 1 <= middle["brake_spike_count"] <= 4
    assert 22 <= middle["steering_corrections"] <= 31
    assert 98 <= middle["steering_reversals"] <= 138
    assert 0.6 <= middle["full_throttle_share"] <= 0.75
    for name in ("brake_smoothness", "throttle_smoothness", "steering_smoothness"):
        assert features[name].between(0.1, 0.95).all()


def test_the_same_inputs_give_the_same_bytes(session: Session) -> None:
    for name in OWN_STEPS:
        before = {path: file_hash(path) for path in session.outcomes[name].outputs}
        STEPS[name].build(session.context)
        assert {path: file_hash(path) for path in before} == before


def test_frozen_clock_has_a_note_and_no_laps(sessions: dict[str, Session]) -> None:
    barber = sessions["barber/race1"]
    assert "stood still" in barber.sensors("GR86-013-80")["note"]
    assert "GR86-013-80" not in set(barber.frame("telemetry_laps")["vehicle_id"])


def test_reversed_accelerometer_is_recognised(sessions: dict[str, Session]) -> None:
    sensors = sessions["indianapolis/race1"].frame("sensors").set_index("vehicle_id")
    reversed_x = sensors.index[sensors["accel_x_sign"] == -1].tolist()
    reversed_y = sensors.index[sensors["accel_y_sign"] == -1].tolist()
    assert reversed_x == reversed_y == ["GR86-025-47"]


def test_pause_of_the_clock_is_found(sessions: dict[str, Session]) -> None:
    pieces = sessions["indianapolis/race1"].frame("clock_pieces").set_index("vehicle_id")
    first, second = pieces.loc["GR86-025-47", "offset_ms"]
    assert second - first == pytest.approx(418_700, abs=500)
    assert (pieces["piece"] > 1).sum() == 1


def test_full_car_has_all_its_laps(sessions: dict[str, Session]) -> None:
    windows = sessions["indianapolis/race1"].frame("telemetry_laps")
    assert (windows["vehicle_id"] == "GR86-025-47").sum() == 26


def test_laps_of_a_race_with_another_timing_clock_are_placed_too(sessions: dict[str, Session]) -> None:
    cota = sessions["cota/race1"]
    assert cota.frame("sessions")["logger_bias_ms"].iloc[0] == pytest.approx(7370, abs=150)
    assert cota.frame("telemetry_laps")["vehicle_id"].nunique() >= 27
