"""Targets, statistics and the hold-out study on the seven shared sessions, from their timing files."""

import pandas as pd
import pyarrow as pa
import pytest
from support.real_data import NEEDS_REAL_DATA, RACES, REAL_DATA, SESSIONS

from grx_pipeline.ingest.corrections import build_corrections
from grx_pipeline.ingest.manifest import Manifest, RawFile, write_manifest
from grx_pipeline.ingest.steps import build_logger_laps, build_timing, build_weather
from grx_pipeline.laps.steps import build_laps
from grx_pipeline.methods.steps import build_siwtl, build_statistics
from grx_pipeline.methods.validation.clean_laps import collect_clean_laps
from grx_pipeline.methods.validation.siwtl_holdout import StudyResult, run_study
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.hashing import file_hash
from grx_pipeline.storage.parquet import read_frame, write_table
from grx_pipeline.storage.steps import StepContext

pytestmark = NEEDS_REAL_DATA


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """The seven sessions from their timing files alone, as if no car had telemetry."""
    folder = tmp_path_factory.mktemp("siwtl")
    paths = Paths(data=folder / "data", reports=folder / "reports")
    for circuit, race in RACES:
        session = f"{circuit}-2025-r{race}"
        (analysis,) = (REAL_DATA / circuit / f"race{race}").glob("23_Analysis*")
        file = RawFile(
            kind="analysis",
            path=str(analysis),
            member=None,
            size=analysis.stat().st_size,
            sha256=file_hash(analysis),
        )
        manifest = Manifest(
            session=session, circuit=circuit, year="2025", race=race, root=str(REAL_DATA), files=(file,)
        )
        write_manifest(paths.manifest(session), manifest)
        for table in ("telemetry_vehicles", "telemetry_laps"):
            empty: pa.Table = TABLES[table].arrow_schema().empty_table()
            write_table(empty, paths.table(session, table), TABLES[table])
        context = StepContext(session=session, paths=paths, settings=Settings(), progress=lambda text: None)
        for build in (build_logger_laps, build_timing, build_weather, build_corrections):
            build(context)
        for build in (build_laps, build_siwtl, build_statistics):
            build(context)
    return paths


@pytest.fixture(scope="module")
def study(lake: Paths) -> StudyResult:
    return run_study(collect_clean_laps(lake), Settings())


def rows(lake: Paths, session: str, table: str) -> pd.DataFrame:
    return read_frame(lake.table(session, table))


def test_barber_race_1_car_2_has_its_known_target(lake: Paths) -> None:
    target = rows(lake, "barber-2025-r1", "siwtl").set_index("vehicle_id").loc["car-2"]
    assert target[["best_lap_ms", "ideal_lap_ms", "siwtl_lap_ms"]].tolist() == [98_326, 97_995, 98_119]
    assert target["confidence"] == "normal"


@pytest.mark.parametrize("session", SESSIONS)
def test_every_target_lies_between_ideal_and_best(lake: Paths, session: str) -> None:
    targets = rows(lake, session, "siwtl")
    known = targets[targets["clean_laps"] > 0]
    assert (known["ideal_lap_ms"] <= known["siwtl_lap_ms"]).all()
    assert (known["siwtl_lap_ms"] <= known["best_lap_ms"]).all()
    assert (known["siwtl_lap_ms"] + known["potential_gain_ms"] == known["best_lap_ms"]).all()
    assert known["achievability"].between(0, 1, inclusive="right").all()
    rolling = known.dropna(subset="rolling_best_ms")
    assert (rolling["rolling_best_ms"] <= rolling["best_lap_ms"]).all()
    assert targets[targets["clean_laps"] == 0]["siwtl_lap_ms"].isna().all()


@pytest.mark.parametrize("session", SESSIONS)
def test_sectors_and_sections_add_up_to_the_lap(lake: Paths, session: str) -> None:
    targets = rows(lake, session, "siwtl").set_index("vehicle_id")
    sums = (
        rows(lake, session, "siwtl_sectors")
        .groupby(["vehicle_id", "sector_count"])[["best_ms", "in_best_lap_ms", "gain_ms", "gap_ms"]]
        .sum()
    )
    sectors = sums.xs(3, level="sector_count").join(targets)
    assert len(sectors) == (targets["clean_laps"] > 0).sum()
    assert (sectors["best_ms"] == sectors["ideal_lap_ms"]).all()
    assert (sectors["in_best_lap_ms"] == sectors["best_lap_ms"]).all()
    assert (sectors["gain_ms"] == sectors["potential_gain_ms"]).all()
    if 6 in sums.index.get_level_values("sector_count"):
        sections = sums.xs(6, level="sector_count").join(targets)
        assert (sections["in_best_lap_ms"] == sections["best_lap_ms"]).all()
        assert (sections["best_ms"] <= sections["ideal_lap_ms"]).all()
        assert (sections["gain_ms"] <= sections["gap_ms"]).all()


@pytest.mark.parametrize("session", SESSIONS)
def test_best_lap_is_an_official_lap_that_the_car_drove(lake: Paths, session: str) -> None:
    targets = rows(lake, session, "siwtl").dropna(subset="best_lap_number")
    laps = rows(lake, session, "laps")[["vehicle_id", "lap_number", "lap_time_ms"]]
    driven = targets.merge(laps, left_on=["vehicle_id", "best_lap_number"], right_on=["vehicle_id", "lap_number"])
    assert len(driven) == len(targets)
    assert (driven["lap_time_ms"] == driven["best_lap_ms"]).all()


def test_sections_are_left_out_where_the_timing_has_none(lake: Paths) -> None:
    counts = {session: set(rows(lake, session, "siwtl_sectors")["sector_count"]) for session in SESSIONS}
    assert counts == {session: {3} if session == "sonoma-2025-r2" else {3, 6} for session in SESSIONS}


@pytest.mark.parametrize("session", SESSIONS)
def test_statistics_agree_with_the_laps(lake: Paths, session: str) -> None:
    laps, drivers = rows(lake, session, "laps"), rows(lake, session, "drivers")
    statistics = rows(lake, session, "lap_statistics")
    fleet = rows(lake, session, "fleet_statistics").set_index("figure")
    assert statistics["laps"].sum() == len(laps) == fleet.loc["laps", "value"]
    assert len(statistics) == len(drivers) == fleet.loc["cars", "value"]
    assert fleet.loc["best_lap_ms", "value"] == laps.loc[laps["is_valid"], "lap_time_ms"].min()
    assert fleet.loc["ideal_lap_ms", "value"] <= rows(lake, session, "siwtl")["ideal_lap_ms"].min()


def test_study_covers_every_session_and_orders_the_targets(study: StudyResult) -> None:
    shares = study.scores.pivot(index=["protocol", "sector_count"], columns="target", values="beat_share")
    assert study.sessions == SESSIONS
    assert len(shares) == 6
    assert (shares["ideal"] <= shares["siwtl"]).all()
    assert (shares["siwtl"] <= shares["best"]).all()


@pytest.mark.parametrize("count", [3, 6])
def test_target_predicts_held_out_laps_of_the_same_race_better_than_ideal_and_best(
    study: StudyResult, count: int
) -> None:
    scores = study.scores.set_index(["protocol", "sector_count", "target"])
    assert scores.loc[("odd", count, "ideal"), "change_high"] < 0
    assert scores.loc[("odd", count, "best"), "change_pct"] < 0
    assert scores.loc[("half", count, "best"), "change_pct"] < 0
