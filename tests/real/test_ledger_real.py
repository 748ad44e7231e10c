"""Laps through corners and ledgers of shared real sessions: what has to add up does, and figures are a race car's."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from support.chain_part import run_up_to
from support.contexts import context_of
from support.real_data import NEEDS_REAL_DATA, REAL_DATA

from grx_pipeline.methods.driving.exit_loss import fit_full_throttle
from grx_pipeline.methods.driving.segment_times import pinned_laps
from grx_pipeline.methods.siwtl import driver_laps, rolling_best
from grx_pipeline.settings import LedgerSettings
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.field import FieldTraces, read_field

pytestmark = NEEDS_REAL_DATA

# With GPS and the pedal's throttle, two races; and without GPS, with the blade's.
RACES = ("indianapolis/race1", "barber/race1", "sonoma/race1")
KEYS = ["vehicle_id", "lap_number"]


@dataclass(frozen=True, kw_only=True)
class Session:
    """One real session, built up to its ledger."""

    race: str
    context: StepContext
    field: FieldTraces

    def frame(self, table: str) -> pd.DataFrame:
        return read_frame(self.context.paths.table(self.context.session, table))


def build(race: str, factory: pytest.TempPathFactory) -> Session:
    context = context_of(REAL_DATA / race, factory.mktemp(race.replace("/", "-")))
    run_up_to("out_ledger", context)
    return Session(race=race, context=context, field=read_field(context))


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    return {race: build(race, tmp_path_factory) for race in RACES}


@pytest.fixture(params=RACES)
def session(request: pytest.FixtureRequest, sessions: dict[str, Session]) -> Session:
    return sessions[request.param]


def test_delta_of_every_pair_of_laps_ends_on_the_official_gap(session: Session) -> None:
    end = session.field.times_at(np.array([session.field.length_m]))[:, 0]
    laps = session.frame("laps").set_index(KEYS)["lap_time_ms"]
    official = np.array([laps[key] for key in zip(session.field.vehicle_ids, session.field.lap_numbers, strict=True)])
    assert len(official) > 5
    assert np.abs((end[:, None] - end) - (official[:, None] - official)).max() < 2


def test_segments_of_a_lap_add_up_to_its_lap_time_and_its_sectors(session: Session) -> None:
    times = session.frame("segment_laps").merge(session.frame("segments")[["segment", "sector"]], on="segment")
    laps = session.frame("laps").set_index(KEYS)
    whole = times.groupby(KEYS)["time_ms"].agg(lambda known: known.sum(skipna=False)).dropna()
    assert len(whole) > 3
    assert (whole - laps.loc[whole.index, "lap_time_ms"]).abs().max() < 1e-6
    sectors = times.groupby([*KEYS, "sector"])["time_ms"].agg(lambda known: known.sum(skipna=False)).unstack()
    pinned = set(
        zip(
            *(values[pinned_laps(session.field)] for values in (session.field.vehicle_ids, session.field.lap_numbers)),
            strict=True,
        )
    )
    sectors = sectors[[key in pinned for key in sectors.index]]
    for sector in (1, 2, 3):
        known = sectors[sector].dropna()
        assert len(known) > 3
        assert (known - laps.loc[known.index, f"sector_{sector}_ms"]).abs().max() < 1e-6


def test_every_ledger_closes_to_the_millisecond(session: Session) -> None:
    drivers, targets = session.frame("ledger_drivers").set_index("vehicle_id"), session.frame("siwtl")
    potential = targets.set_index("vehicle_id")["potential_gain_ms"].dropna()
    assert set(drivers.index) == set(targets["vehicle_id"])
    known = drivers.loc[potential.index]
    assert (known["potential_gain_ms"] == potential).all()
    assert (known["sectors_ms"] == potential).all()
    split = known["segments_ms"].dropna()
    assert (split == potential[split.index]).all()
    sums = session.frame("ledger").groupby(["level", "vehicle_id"])["gain_ms"].sum()
    assert (sums["sector"] == potential).all()
    assert split.empty or (sums["segment"] == potential[split.index]).all()


def test_driver_whose_ledger_lacks_segments_is_told_why(session: Session) -> None:
    drivers, lines = session.frame("ledger_drivers").set_index("vehicle_id"), session.frame("ledger")
    segments = lines[(lines["level"] == "segment") & lines["segment"].notna()]
    for vehicle, row in drivers.iterrows():
        sectors = set(segments.loc[segments["vehicle_id"] == vehicle, "sector"])
        assert (sectors == {1, 2, 3}) == pd.isna(row["note"]), row["note"]


def test_sector_lines_are_those_of_the_target(session: Session) -> None:
    sectors = session.frame("siwtl_sectors").query("sector_count == 3").set_index(["vehicle_id", "sector"])
    lines = session.frame("ledger").groupby(["level", "vehicle_id", "sector"])[["gain_ms", "gap_ms"]].sum()
    for level in set(lines.index.get_level_values("level")):
        own = lines.loc[level]
        assert (own["gain_ms"] == sectors.loc[own.index, "gain_ms"]).all()
        assert (own["gap_ms"] == sectors.loc[own.index, "gap_ms"]).all()


def test_three_cars_of_indianapolis_have_a_whole_ledger(sessions: dict[str, Session]) -> None:
    drivers = sessions["indianapolis/race1"].frame("ledger_drivers").set_index("vehicle_id")
    split = drivers["segments_ms"].dropna()
    assert set(split.index) == {"GR86-006-7", "GR86-016-55", "GR86-025-47"}
    assert drivers.loc[split.index, "note"].isna().all()


def test_rolling_best_is_never_slower_than_the_timing_lines_of_the_same_laps(session: Session) -> None:
    drivers = session.frame("ledger_drivers").set_index("vehicle_id")["rolling_best_ms"]
    laps = session.frame("laps")
    traced = pd.DataFrame({"vehicle_id": session.field.vehicle_ids, "lap_number": session.field.lap_numbers})
    clean = laps[laps["is_clean"]].merge(traced, on=KEYS)
    compared = 0
    for count in (3, 6):
        for vehicle, own in driver_laps(clean, count).items():
            timed = rolling_best(own)
            if timed is not None:
                compared += 1
                assert timed - 250 < drivers[vehicle] <= timed
    assert compared >= 2


def test_full_throttle_is_that_of_a_car_of_this_power_and_mass(session: Session) -> None:
    curve = fit_full_throttle(session.field, LedgerSettings())
    assert curve is not None
    speed = np.array([28.0, 40.0, 55.0])
    assert (np.diff(curve.acceleration(speed)) < 0).all()
    # 120 kW at the wheels and 1350 kg: 89 W/kg, less drag, more where the straights fall.
    assert 2.0 < curve.acceleration(speed[:1])[0] < 1.2 * 120_000 / 1350 / 28
    assert 0.5 < curve.acceleration(speed[2:])[0] < 1.7


def test_figures_of_a_corner_are_in_the_order_they_happen(session: Session) -> None:
    laps = session.frame("corner_laps")
    assert len(laps) == session.field.lap_numbers.size * laps["corner_index"].nunique()
    for first, second in (("brake_onset_m", "brake_release_m"), ("throttle_on_m", "full_throttle_m")):
        both = laps.dropna(subset=[first, second])
        assert len(both) > 10
        assert (both[first] <= both[second]).all()
    braked = laps.dropna(subset=["brake_onset_m", "apex_m", "brake_peak_bar"])
    assert (braked["brake_onset_m"] < braked["apex_m"]).all()
    assert (braked["brake_peak_bar"] >= 10).all()
    assert laps["brake_peak_bar"].max() < 180
    speeds = laps[["min_speed_kmh", "entry_speed_kmh", "exit_speed_kmh"]].dropna()
    # The tile's end lies between grid points, of which the lowest is the minimum.
    assert (speeds["min_speed_kmh"] <= speeds["exit_speed_kmh"] + 0.5).all()
    assert laps["min_speed_kmh"].min() > 30


def test_clean_laps_of_one_driver_brake_within_some_metres(sessions: dict[str, Session]) -> None:
    usual = sessions["indianapolis/race1"].frame("corner_drivers")
    onsets = usual[
        (usual["figure"] == "brake_onset_m") & (usual["vehicle_id"] == "GR86-025-47") & (usual["laps"] >= 10)
    ]
    assert len(onsets) >= 4
    assert onsets["spread"].median() < 8
