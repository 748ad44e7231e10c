"""What a driver is told: the right place and advice, never more than three things, and nothing that is chance."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corner_session import LENGTH_M, TILES, corner_session

from grx_pipeline.methods.advice.losses import CLASS, OWN
from grx_pipeline.methods.advice.steps import build_opportunities, judge_drivers
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import conform, read_frame, write_table
from grx_pipeline.storage.steps import StepContext

SETTINGS = Settings()
RIVALS: dict[str, dict[str, float]] = {f"rival-{n}": {} for n in range(6)}
EARLY = {"brake_onset_m": -12.0}


def told(tables: dict[str, pd.DataFrame], vehicle: str = "driver") -> list[dict[str, Any]]:
    """The rows of a driver that have a rank, in its order."""
    rows, _ = judge_drivers(tables, SETTINGS)
    return sorted((row for row in rows if row["vehicle_id"] == vehicle and row["rank"]), key=lambda row: row["rank"])


def reason(tables: dict[str, pd.DataFrame], vehicle: str = "driver") -> str:
    _, drivers = judge_drivers(tables, SETTINGS)
    (row,) = [row for row in drivers if row["vehicle_id"] == vehicle]
    assert row["reported"] == 0
    return str(row["reason"])


def test_who_brakes_early_is_told_where_how_much_and_what_to_do() -> None:
    tables = corner_session(RIVALS | {"driver": {"T1 braking": 150.0}}, figures={"driver": EARLY})
    (row,) = told(tables)
    assert (row["corner_index"], row["phase"], row["reference"]) == (1, "braking", CLASS)
    assert row["pattern"] == "early_braking"
    assert row["loss_ms"] == pytest.approx(150, abs=15)
    assert (row["laps"], row["laps_with_loss"], row["laps_done"]) == (8, 8, 0)
    assert row["evidence"][0] == "braking begins at 693 m, 12 m earlier than the class's quickest quarter (705 m)"
    assert row["advice"].startswith("Brake later")
    assert row["reason"] is None


def test_the_others_are_told_nothing_with_a_reason() -> None:
    tables = corner_session(RIVALS | {"driver": {"T1 braking": 150.0}}, figures={"driver": EARLY})
    assert told(tables, "rival-3") == []
    assert reason(tables, "rival-3") == (
        "No corner surely costs you 0.05 s a lap or more over 8 clean laps: "
        "5 of 5 brakings, entries and exits had enough laps to be tested."
    )


def test_a_loss_that_no_figure_explains_is_a_place_without_advice() -> None:
    tables = corner_session(RIVALS | {"driver": {"T1 braking": 150.0}})
    assert told(tables) == []
    assert "T1 braking costs you 0.15 s a lap against" in reason(tables)
    assert "compare the traces" in reason(tables)


def test_a_loss_that_the_rest_of_the_corner_wins_back_is_a_trade() -> None:
    slower = {"T1 braking": 150.0, "T1 exit": -140.0}
    tables = corner_session(RIVALS | {"driver": slower}, figures={"driver": EARLY})
    assert told(tables) == []
    rows, _ = judge_drivers(tables, SETTINGS)
    (row,) = [r for r in rows if r["vehicle_id"] == "driver" and r["phase"] == "braking" and r["reference"] == CLASS]
    assert row["reason"].startswith("a trade")


def test_one_thing_a_corner_the_heaviest_first() -> None:
    slower = {"T1 braking": 120.0, "T1 entry": 200.0}
    tables = corner_session(RIVALS | {"driver": slower}, figures={"driver": EARLY})
    assert [row["phase"] for row in told(tables)] == ["entry"]


def test_laps_close_behind_another_car_do_not_count() -> None:
    tables = corner_session(RIVALS | {"driver": {"T1 braking": 150.0}}, figures={"driver": EARLY}, gap_s=0.6)
    assert "a car was within 1 s ahead; the sectors where it was do not count." in reason(tables)


def test_a_driver_who_is_always_in_traffic_is_told_how_many_free_laps_it_takes() -> None:
    assert reason(corner_session(RIVALS | {"driver": {}}, gap_s=0.3)) == (
        "On all 8 clean laps of yours with a trusted trace a car was within 1 s ahead; the sectors where it was do not "
        "count. What is left is too little to judge a corner. Against your own best laps it takes 6 free laps there, "
        "and you have none; against the class it takes 3 of yours and one each of 5 other drivers, and 1 other driver "
        "has one."
    )


def test_a_car_that_few_crossings_place_is_told_large_losses_only_and_is_no_reference() -> None:
    for loss_ms, count in ((150.0, 0), (400.0, 1)):
        tables = corner_session(RIVALS | {"driver": {"T1 braking": loss_ms}}, figures={"driver": EARLY})
        tables["sensors"].loc[tables["sensors"]["vehicle_id"] == "driver", "crossings"] = 2
        assert len(told(tables)) == count
    tables = corner_session(RIVALS | {"driver": {"T1 braking": 400.0}}, figures={"driver": EARLY})
    tables["sensors"].loc[tables["sensors"]["vehicle_id"] != "driver", "crossings"] = 2
    assert reason(tables).endswith("ahead), and no other driver has one.")


@pytest.mark.parametrize("laps", [1, 2])
def test_one_lap_or_two_are_no_habit(laps: int) -> None:
    tables = corner_session(RIVALS | {"driver": {"T1 braking": 300.0}}, figures={"driver": EARLY}, laps=laps)
    assert reason(tables).startswith(f"Only {laps} clean lap")


def test_without_a_class_only_the_own_best_laps_are_a_reference() -> None:
    rows, _ = judge_drivers(corner_session({"driver": {}, "rival": {}}), SETTINGS)
    assert {row["reference"] for row in rows} == {OWN}
    told_why = reason(corner_session({"driver": {}, "rival": {}}))
    assert "compared with your own best laps only: a comparison with the class needs 5 other drivers" in told_why
    assert told_why.endswith(", and 1 other driver has one.")
    four = reason(corner_session({"driver": {}} | {f"rival-{n}": {} for n in range(4)}))
    assert four.endswith(", and at most 4 other drivers have one.")


@settings(max_examples=25, deadline=None)
@given(
    slower=st.dictionaries(
        st.sampled_from([tile[0] for tile in TILES if tile[1] != "straight"]), st.integers(-300, 300), max_size=5
    ),
    changes=st.dictionaries(
        st.sampled_from(["brake_onset_m", "min_speed_kmh", "throttle_on_m", "exit_speed_kmh"]), st.integers(-20, 20)
    ),
)
def test_whatever_a_driver_does_the_rows_are_in_order(slower: dict[str, int], changes: dict[str, int]) -> None:
    tables = corner_session(RIVALS | {"driver": slower}, figures={"driver": changes}, laps=6)
    rows, drivers = judge_drivers(tables, SETTINGS)
    conform(pd.DataFrame(rows), TABLES["opportunities"])
    conform(pd.DataFrame(drivers), TABLES["opportunity_drivers"])
    for row in drivers:
        own = [r for r in rows if r["vehicle_id"] == row["vehicle_id"]]
        ranked = [r for r in own if r["rank"]]
        assert sorted(r["rank"] for r in ranked) == list(range(1, row["reported"] + 1))
        assert len({r["corner_index"] for r in ranked}) == len(ranked) <= SETTINGS.opportunities.max_reported
        assert row["loss_ms"] == pytest.approx(sum(r["loss_ms"] for r in ranked))
        assert (row["reason"] is None) == bool(ranked)
        assert all(r["loss_ms"] >= r["floor_ms"] and r["pattern"] for r in ranked)
        assert all(r["reason"] for r in own if not r["rank"])


def test_a_session_without_telemetry_gets_a_sentence_for_every_driver(tmp_path: Path) -> None:
    context = StepContext(
        session="barber-2025-r1",
        paths=Paths(data=tmp_path / "data", reports=tmp_path / "reports"),
        settings=SETTINGS,
        progress=lambda text: None,
    )
    paths = context.paths
    for name in ("corners", "segments", "segment_laps", "corner_laps"):
        write_table(TABLES[name].arrow_schema().empty_table(), paths.table(context.session, name), TABLES[name])
    tables = corner_session({"a": {}, "b": {}}, laps=2)
    tables["drivers"]["has_telemetry"] = False
    tables["sensors"].loc[tables["sensors"]["vehicle_id"] == "b", "note"] = "The logger's clock stood still."
    for name in ("laps", "drivers", "sensors"):
        paths.table(context.session, name).parent.mkdir(parents=True, exist_ok=True)
        tables[name].to_parquet(paths.table(context.session, name))
    outcome = build_opportunities(context)
    rows = read_frame(paths.table(context.session, "opportunity_drivers"))
    assert outcome.rows == 0
    assert rows["reason"].tolist() == ["There is no telemetry of this car.", "The logger's clock stood still."]
    assert tables["segments"]["end_m"].max() == LENGTH_M
