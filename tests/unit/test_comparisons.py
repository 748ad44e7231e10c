"""Pairs of drivers: gaps that add up, in the order of the classification, and what a comparison lacks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corner_session import TILES, corner_session

from grx_pipeline.methods.advice.comparisons import Circuit, Tables, compare_drivers
from grx_pipeline.methods.advice.silent_cars import why_silent
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import conform

BY_SECTOR = "The two are compared by sector, on their best clean laps."


def compare(tables: dict[str, pd.DataFrame], **uncertain_s: float) -> Tables:
    circuit = Circuit(**{name: tables[name] for name in ("corners", "segments", "segment_laps")})
    silent = why_silent(tables["drivers"], tables["sensors"])
    return compare_drivers(tables["drivers"], tables["laps"], circuit, uncertain_s, min_laps=3, silent=silent)


def pair(compared: Tables, first: str, second: str) -> tuple[pd.Series, pd.DataFrame]:
    pairs, lines = compared.pairs.to_pandas(), compared.lines.to_pandas()
    (row,) = [row for _, row in pairs.iterrows() if (row["vehicle_a"], row["vehicle_b"]) == (first, second)]
    return row, lines[(lines["vehicle_a"] == first) & (lines["vehicle_b"] == second)]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from([tile[0] for tile in TILES]), st.integers(-900, 900)), min_size=2, max_size=5
    )
)
def test_segments_and_sectors_of_every_pair_add_up_to_its_gap(slower: list[dict[str, int]]) -> None:
    tables = corner_session({f"car-{n}": tiles for n, tiles in enumerate(slower)}, laps=3)
    compared = compare(tables)
    conform(compared.pairs, TABLES["comparisons"])
    conform(compared.lines, TABLES["comparison_lines"])
    gaps = compared.pairs.to_pandas().set_index(["vehicle_a", "vehicle_b"])
    sums = compared.lines.to_pandas().groupby(["level", "vehicle_a", "vehicle_b"])["gap_ms"].sum()
    assert len(gaps) == len(slower) * (len(slower) - 1) // 2
    for key, trace_gap in gaps["trace_gap_ms"].items():
        assert sums.loc[("segment", *key)] == pytest.approx(trace_gap, abs=1e-6)
        assert sums.loc[("sector", *key)] == gaps.loc[key, "gap_ms"]


def test_a_corner_is_the_sum_of_its_phases_without_the_straights() -> None:
    _, lines = pair(compare(corner_session({"a": {}, "b": {"T1 entry": 100.0, "T1 to S1": 50.0}})), "a", "b")
    corner = lines[(lines["level"] == "corner") & (lines["name"] == "T1")].iloc[0]
    phases = lines[(lines["level"] == "segment") & lines["name"].isin(["T1 braking", "T1 entry", "T1 exit"])]
    assert corner["gap_ms"] == pytest.approx(phases["gap_ms"].sum())
    assert corner["median_gap_ms"] == pytest.approx(100, abs=20)


def test_pairs_are_in_the_order_of_the_classification_and_the_unplaced_come_last() -> None:
    tables = corner_session({"third": {}, "unplaced": {}, "winner": {}})
    tables["drivers"]["position"] = [3.0, None, 1.0]
    pairs = compare(tables).pairs.to_pandas()
    assert list(zip(pairs["vehicle_a"], pairs["vehicle_b"], strict=True)) == [
        ("winner", "third"),
        ("winner", "unplaced"),
        ("third", "unplaced"),
    ]


def test_a_driver_without_telemetry_is_compared_by_sector_on_the_best_laps() -> None:
    tables = corner_session({"a": {}, "b": {"T1 exit": 200.0}})
    tables["segment_laps"] = tables["segment_laps"][tables["segment_laps"]["vehicle_id"] == "a"]
    tables["drivers"]["has_telemetry"] = [True, False]
    row, lines = pair(compare(tables), "a", "b")
    best = tables["laps"].groupby("vehicle_id")["lap_time_ms"].min()
    assert row["gap_ms"] == best["b"] - best["a"] == lines["gap_ms"].sum()
    assert set(lines["level"]) == {"sector"}
    assert np.isnan(row["trace_gap_ms"])
    assert row["note"] == f"#2: no telemetry. {BY_SECTOR}"


def without_traces(tables: dict[str, pd.DataFrame], *silent: str) -> dict[str, pd.DataFrame]:
    tables["segment_laps"] = tables["segment_laps"][~tables["segment_laps"]["vehicle_id"].isin(silent)]
    tables["drivers"]["has_telemetry"] = ~tables["drivers"]["vehicle_id"].isin(silent)
    return tables


def test_two_drivers_without_telemetry_are_told_in_one_sentence() -> None:
    tables = without_traces(corner_session({"a": {}, "b": {}, "c": {}}), "a", "c")
    assert pair(compare(tables), "a", "c")[0]["note"] == f"#1 and #3: no telemetry. {BY_SECTOR}"


def test_a_clock_that_stood_still_is_told_as_what_it_is() -> None:
    tables = without_traces(corner_session({"a": {}, "b": {}}), "b")
    stood_still = {"vehicle_id": ["b"], "note": ["The logger's clock stood still."]}
    sensors = tables["sensors"]
    tables["sensors"] = pd.concat([sensors[sensors["vehicle_id"] != "b"], pd.DataFrame(stood_still)])
    assert pair(compare(tables), "a", "b")[0]["note"] == f"#2: the logger's clock stood still. {BY_SECTOR}"


def test_of_a_pair_without_traces_nothing_is_said_of_the_lap_that_would_be_shown() -> None:
    tables = corner_session({"a": {}, "b": {}, "c": {}})
    laps, traces = tables["laps"], tables["segment_laps"]
    best = laps.loc[laps[laps["vehicle_id"] == "b"]["lap_time_ms"].idxmin(), "lap_number"]
    tables["segment_laps"] = traces[(traces["vehicle_id"] != "b") | (traces["lap_number"] != best)]
    compared = compare(without_traces(tables, "a"), b=0.25)
    assert pair(compared, "a", "b")[0]["note"] == f"#1: no telemetry. {BY_SECTOR}"
    assert pair(compared, "a", "b")[0]["lap_b"] == best
    assert "is shown" in pair(compared, "b", "c")[0]["note"]


def test_another_lap_stands_in_where_the_best_has_no_trace() -> None:
    tables = corner_session({"a": {}, "b": {}})
    laps = tables["laps"]
    best = laps.loc[laps[laps["vehicle_id"] == "b"]["lap_time_ms"].idxmin(), "lap_number"]
    traces = tables["segment_laps"]
    tables["segment_laps"] = traces[(traces["vehicle_id"] != "b") | (traces["lap_number"] != best)]
    row, lines = pair(compare(tables), "a", "b")
    shown = laps.set_index(["vehicle_id", "lap_number"])["lap_time_ms"]
    assert row["lap_b"] != best
    assert row["trace_gap_ms"] == shown["b", row["lap_b"]] - shown["a", row["lap_a"]]
    assert row["best_b"] == best
    assert lines[lines["level"] == "sector"]["gap_ms"].sum() == row["gap_ms"] != row["trace_gap_ms"]
    assert lines[lines["level"] == "segment"]["gap_ms"].sum() == pytest.approx(row["trace_gap_ms"])
    assert f"#2: by corner lap {row['lap_b']:.0f} is shown" in row["note"]


def test_a_driver_without_a_clean_lap_is_named_and_has_no_lines() -> None:
    tables = corner_session({"a": {}, "b": {}})
    tables["laps"].loc[tables["laps"]["vehicle_id"] == "b", "is_clean"] = False
    row, lines = pair(compare(tables), "a", "b")
    assert row["note"] == "#2: no clean lap."
    assert np.isnan(row["gap_ms"])
    assert lines.empty


def test_medians_need_enough_laps() -> None:
    _, lines = pair(compare(corner_session({"a": {}, "b": {}}, laps=2)), "a", "b")
    assert lines["median_gap_ms"].isna().all()
    assert lines["gap_ms"].notna().all()


def test_a_session_without_corners_is_compared_by_sector() -> None:
    tables = corner_session({"a": {}, "b": {}})
    for name in ("corners", "segments", "segment_laps"):
        tables[name] = tables[name].iloc[:0]
    _, lines = pair(compare(tables), "a", "b")
    assert lines["name"].tolist() == ["S1", "S2", "S3"]


def test_a_car_that_few_crossings_place_is_named_with_what_is_certain() -> None:
    row, _ = pair(compare(corner_session({"a": {}, "b": {}}), a=0.25), "a", "b")
    assert row["note"] == "#1: few crossings place its laps, so gaps under 0.25 s in a corner are uncertain."
    assert row["uncertain_ms"] == 250.0


def test_a_pair_is_as_uncertain_as_the_worse_of_the_two_and_only_where_there_are_corners_to_compare() -> None:
    limits = {"a": 0.1, "b": 0.25}
    assert pair(compare(corner_session({"a": {}, "b": {}, "c": {}}), **limits), "a", "b")[0]["uncertain_ms"] == 250.0
    assert np.isnan(pair(compare(corner_session({"a": {}, "b": {}, "c": {}}), c=0.1), "a", "b")[0]["uncertain_ms"])
    without = corner_session({"a": {}, "b": {}})
    without["segment_laps"] = without["segment_laps"].iloc[:0]
    assert compare(without, **limits).pairs["uncertain_ms"].to_pylist() == [None]


def test_segments_in_a_gap_have_no_time_and_are_named() -> None:
    tables = corner_session({"a": {}, "b": {}}, laps=1)
    traces = tables["segment_laps"]
    traces.loc[(traces["vehicle_id"] == "b") & traces["segment"].isin([3, 4]), "time_ms"] = None
    row, lines = pair(compare(tables), "a", "b")
    unknown = lines[lines["gap_ms"].isna()]
    assert unknown["name"].tolist() == ["T1", "T1 entry", "T1 exit"]
    assert row["note"] == "#2: its telemetry has gaps, so there is no time for T1 entry and T1 exit."
