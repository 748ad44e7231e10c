"""The hold-out study on invented races where the truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.methods.siwtl import SECTION_COLUMNS, SECTOR_COLUMNS
from grx_pipeline.methods.validation.clean_laps import collect_clean_laps
from grx_pipeline.methods.validation.siwtl_holdout import StudyResult, pinball_loss, run_study
from grx_pipeline.methods.validation.siwtl_report import render_study
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings, StudySettings
from grx_pipeline.storage.parquet import write_table

SETTINGS = Settings(study=StudySettings(draws=50))


def race(circuit: str, number: int, *, cars: int = 4, laps: int = 12, seed: int = 1) -> pd.DataFrame:
    """Clean laps of one race: six sections of 15 s with independent noise, sectors their sums in pairs."""
    times = 15_000 + np.random.default_rng([seed, number]).gamma(2, 60, size=(cars * laps, 6)).astype(np.int64)
    sectors = times.reshape(-1, 3, 2).sum(axis=2)
    car = np.repeat(np.arange(cars), laps)
    return pd.DataFrame(
        {
            "session_id": f"{circuit}-2025-r{number}",
            "circuit": circuit,
            "year": "2025",
            "race": number,
            "vehicle_id": [f"car-{n}" for n in car],
            "car_number": [str(n) for n in car],
            "lap_number": np.tile(np.arange(2, laps + 2), cars),
            **dict(zip(SECTOR_COLUMNS, sectors.T, strict=True)),
            **dict(zip(SECTION_COLUMNS, times.T, strict=True)),
        }
    )


@pytest.fixture(scope="module")
def weekend() -> pd.DataFrame:
    return pd.concat([race("oval", 1), race("oval", 2), race("hill", 1, seed=5)], ignore_index=True)


@pytest.fixture(scope="module")
def study(weekend: pd.DataFrame) -> StudyResult:
    return run_study(weekend, SETTINGS)


def cell(study: StudyResult, protocol: str, count: int = 3) -> pd.DataFrame:
    rows = study.outcomes
    return rows[(rows["protocol"] == protocol) & (rows["sector_count"] == count)]


def test_every_driver_is_split_once_per_direction(study: StudyResult) -> None:
    assert len(cell(study, "odd")) == 2 * 3 * 4
    assert len(cell(study, "half")) == 3 * 4
    assert len(cell(study, "cross")) == 4
    assert set(cell(study, "cross")["session_id"]) == {"oval-2025-r1"}


def test_odd_split_there_and_back_beats_best_laps_half_of_the_time(study: StudyResult) -> None:
    rows = cell(study, "odd")
    ties = (rows["held_out_ms"] == rows["best_ms"]).mean()
    share = study.scores.set_index(["protocol", "sector_count", "target"]).loc[("odd", 3, "best"), "beat_share"]
    assert share + ties / 2 == pytest.approx(0.5)


def test_targets_that_ask_for_more_are_beaten_no_more_often(study: StudyResult) -> None:
    shares = study.scores.pivot(index=["protocol", "sector_count"], columns="target", values="beat_share")
    assert (shares["ideal"] <= shares["siwtl"]).all()
    assert (shares["siwtl"] <= shares["best"]).all()


def test_beat_share_counts_held_out_laps_under_the_target(study: StudyResult) -> None:
    rows = cell(study, "half", 6)
    score = study.scores.query("protocol == 'half' and sector_count == 6 and target == 'siwtl'").iloc[0]
    assert score["beat_share"] == (rows["held_out_ms"] < rows["siwtl_ms"]).mean()
    assert score["outcomes"] == len(rows)


def test_intervals_are_ordered_and_the_same_on_every_run(weekend: pd.DataFrame, study: StudyResult) -> None:
    rivals = study.scores.dropna(subset="change_pct")
    assert (study.scores["beat_low"] <= study.scores["beat_high"]).all()
    assert (rivals["change_low"] <= rivals["change_high"]).all()
    pd.testing.assert_frame_equal(run_study(weekend.sample(frac=1, random_state=2), SETTINGS).scores, study.scores)


def test_targets_rest_on_training_laps_alone(weekend: pd.DataFrame, study: StudyResult) -> None:
    faster = weekend.copy()
    later = faster["race"] == 2
    faster.loc[later, [*SECTOR_COLUMNS, *SECTION_COLUMNS]] -= 1_000
    other = cell(run_study(faster, SETTINGS), "cross")
    columns = ["ideal_ms", "siwtl_ms", "best_ms"]
    pd.testing.assert_frame_equal(other[columns], cell(study, "cross")[columns])
    assert (cell(study, "cross")["held_out_ms"] - other["held_out_ms"] == 3_000).all()


def test_cars_that_share_a_number_are_left_out_across_races(weekend: pd.DataFrame) -> None:
    shared = weekend.copy()
    shared.loc[(shared["race"] == 1) & (shared["vehicle_id"] == "car-1"), "car_number"] = "0"
    assert set(cell(run_study(shared, SETTINGS), "cross")["vehicle_id"]) == {"car-2", "car-3"}


def test_drivers_with_too_few_laps_on_a_side_are_left_out(weekend: pd.DataFrame) -> None:
    settings = replace(SETTINGS, study=replace(SETTINGS.study, min_laps=4))
    short = weekend[(weekend["vehicle_id"] != "car-0") | (weekend["lap_number"] < 9)]
    assert "car-0" not in set(cell(run_study(short, settings), "half")["vehicle_id"])
    assert "car-0" in set(cell(run_study(short, settings), "cross")["vehicle_id"])


def test_drivers_without_sections_are_studied_over_sectors_only(weekend: pd.DataFrame) -> None:
    partly = weekend.astype(dict.fromkeys(SECTION_COLUMNS, "float64"))
    partly.loc[partly["vehicle_id"] == "car-3", "im2_ms"] = np.nan
    result = run_study(partly, SETTINGS)
    assert "car-3" in set(cell(result, "odd", 3)["vehicle_id"])
    assert "car-3" not in set(cell(result, "odd", 6)["vehicle_id"])


@given(outcomes=st.lists(st.integers(0, 300), min_size=1, max_size=30), other=st.integers(-50, 350))
def test_pinball_loss_is_least_at_the_quantile_of_its_level(outcomes: list[int], other: int) -> None:
    values = pd.Series(outcomes, dtype=float)
    quantile = pd.Series(np.quantile(values, 1 / 3, method="inverted_cdf"), index=values.index)
    least = pinball_loss(values, quantile, 1 / 3).mean()
    assert (pinball_loss(values, quantile, 1 / 3) >= 0).all()
    assert least <= pinball_loss(values, pd.Series(float(other), index=values.index), 1 / 3).mean() + 1e-9


def test_report_shows_every_split_and_counts_its_claims(study: StudyResult) -> None:
    text = render_study(study)
    assert "144 clean laps of 3 sessions (hill-2025-r1, oval-2025-r1, oval-2025-r2); 2 tracks" in text
    for split in ("| odd | 3 sectors | 24 |", "| half | 6 sections | 12 |", "| cross | 3 sectors | 4 |"):
        assert split in text
    lower = (study.scores.query("target == 'best'")["change_pct"] < 0).sum()
    assert f"lower than the best lap's in {lower} of 6 splits" in text


def test_drivers_who_always_drive_the_same_lap_give_no_loss_to_compare() -> None:
    steady = race("oval", 1)
    steady[[*SECTOR_COLUMNS, *SECTION_COLUMNS]] = [30_000] * 3 + [15_000] * 6
    scores = run_study(steady, SETTINGS).scores
    assert (scores["pinball_pct"] == 0).all()
    assert scores[["change_pct", "change_low", "change_high"]].isna().all(axis=None)


def test_a_single_race_has_no_cross_split() -> None:
    result = run_study(race("oval", 1), SETTINGS)
    assert set(result.scores["protocol"]) == {"odd", "half"}
    assert "| cross |" not in render_study(result)


def write_laps(paths: Paths, session: str, clean: list[bool]) -> None:
    """The tables of a built session: one car, one lap per entry of `clean`, columns that do not matter empty."""
    circuit, year, race = session.rsplit("-", 2)
    given = {
        "laps": [
            {"vehicle_id": "car-7", "lap_number": number, "is_clean": is_clean, "sector_1_ms": 30_000}
            for number, is_clean in enumerate(clean, start=2)
        ],
        "drivers": [{"vehicle_id": "car-7", "car_number": "07"}],
        "sessions": [{"session_id": session, "circuit": circuit, "year": year, "race": int(race[1:])}],
    }
    blank = {"VARCHAR": "", "VARCHAR[]": [], "INTEGER": 1, "BIGINT": 1, "DOUBLE": 1.0, "BOOLEAN": False}
    for name, rows in given.items():
        table = TABLES[name]
        needed = {column.name: blank[column.type] for column in table.columns if not column.nullable}
        frame = pa.Table.from_pylist([needed | row for row in rows], schema=table.arrow_schema())
        write_table(frame, paths.table(session, name), table)


def test_clean_laps_of_every_built_session_are_collected(tmp_path: Path) -> None:
    paths = Paths(data=tmp_path / "data", reports=tmp_path / "reports")
    write_laps(paths, "oval-2025-r2", [True, False, True])
    write_laps(paths, "hill-2024-r1", [True])
    (paths.lake / "oval-2025-r1").mkdir()
    laps = collect_clean_laps(paths)
    assert laps["session_id"].tolist() == ["hill-2024-r1", "oval-2025-r2", "oval-2025-r2"]
    assert laps["lap_number"].tolist() == [2, 2, 4]
    assert laps.loc[2, ["circuit", "year", "race", "car_number", "sector_1_ms"]].tolist() == [
        *("oval", "2025", 2, "07", 30_000),
    ]
    assert laps["im1a_ms"].isna().all()


def test_without_laps_nothing_is_claimed(tmp_path: Path) -> None:
    laps = collect_clean_laps(Paths(data=tmp_path / "data", reports=tmp_path / "reports"))
    assert "Nothing: no driver has enough clean laps" in render_study(run_study(laps, SETTINGS))
