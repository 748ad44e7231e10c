"""What the pages say of a driver, and the geometry of their charts."""

import hashlib
import re
from collections.abc import Iterable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.reports.charts import lap_chart, speed_chart
from grx_pipeline.reports.pages import headline, season_page, sector_totals, static_files, why_no_target
from grx_pipeline.reports.records import (
    Driver,
    Lap,
    LapReason,
    Laps,
    Neutralisation,
    Siwtl,
    SiwtlSector,
    SpecReference,
    Telemetry,
)
from grx_pipeline.reports.season import SeasonFacts, SeasonSession

YELLOW = LapReason(code="full_course_yellow", text="full-course yellow", excludes="clean")
NO_MATCH = LapReason(code="no_crossing_match", text="no logger crossing fits the official one", excludes="none")


def make_lap(number: int, time_ms: int | None, *, reasons: tuple[LapReason, ...] = (), is_valid: bool = True) -> Lap:
    return Lap(
        lap_number=number,
        lap_time_ms=time_ms,
        gap_to_best_ms=None,
        sectors_ms=(None, None, None),
        sections_ms=(None,) * 6,
        own_best_sectors=(),
        is_valid=is_valid,
        is_clean=is_valid and not [reason for reason in reasons if reason.excludes != "none"],
        reasons=reasons,
        flag="GF",
        is_pit_in=False,
        pit_time_ms=None,
        elapsed_ms=100_000 * number,
        finished_at_ms=None,
        top_speed_kmh=None,
        logger_lap=None,
        logger_residual_ms=None,
        has_telemetry=False,
        telemetry_note=None,
    )


def make_laps(laps: Iterable[Lap]) -> Laps:
    laps = tuple(laps)
    timed = [lap for lap in laps if lap.is_valid and lap.lap_time_ms is not None]
    best = min(timed, key=lambda lap: lap.lap_time_ms or 0, default=None)
    return Laps(
        vehicle_id="a",
        best_lap_ms=best.lap_time_ms if best else None,
        best_lap_number=best.lap_number if best else None,
        mean_lap_ms=None,
        median_lap_ms=None,
        best_clean_lap_number=None,
        gap_to_class_best_ms=None,
        valid_laps=len(timed),
        clean_laps=sum(lap.is_clean for lap in laps),
        laps=laps,
    )


def make_siwtl(gains: tuple[int, ...], *, clean_laps: int = 8) -> Siwtl:
    sectors = tuple(
        SiwtlSector(
            sector=n,
            best_ms=30_000,
            in_best_lap_ms=30_000 + 2 * gain,
            gap_ms=2 * gain,
            weight=0.5,
            gain_ms=gain,
            donor_lap=3,
            done_on_laps=2,
        )
        for n, gain in enumerate(gains, start=1)
    )
    best = sum(sector.in_best_lap_ms for sector in sectors) if sectors else None
    return Siwtl(
        vehicle_id="a",
        best_lap_ms=best,
        ideal_lap_ms=90_000 if sectors else None,
        siwtl_lap_ms=best - sum(gains) if best is not None else None,
        potential_gain_ms=sum(gains) if sectors else None,
        achievability=None,
        consistency_score=None,
        consistency_percentile=None,
        clean_laps=clean_laps if sectors else 0,
        confidence="normal" if sectors else "none",
        jackknife_range_ms=None,
        rolling_best_ms=None,
        sectors=sectors,
        sections6=None,
        spec_reference=SpecReference(siwtl_literal_s=None, note=""),
    )


def make_driver(laps: int) -> Driver:
    return Driver(
        vehicle_id="a",
        path="a",
        driver_id="2-1",
        car_number="2",
        vehicle_number=2,
        driver_number=1,
        driver_name=None,
        team=None,
        vehicle_class="Am",
        vehicle_group=None,
        position=1,
        status="Classified",
        laps=laps,
        valid_laps=laps,
        clean_laps=0,
        best_lap_ms=None,
        total_time_ms=None,
        gap_first=None,
        has_logger=False,
        has_telemetry=False,
        telemetry_laps=(),
        telemetry_note=None,
        notes=(),
    )


@pytest.mark.parametrize(
    ("gains", "clean_laps", "text"),
    [
        ((101, 60, 46), 8, "0.207 s to find, 0.101 s of it in sector 1"),
        ((0, 0, 17), 8, "0.017 s to find, all of it in sector 3"),
        ((0, 0, 0), 8, "Nothing left in the sectors: the best lap holds every best sector"),
        ((0, 0, 0), 1, "No time to find can be given: a single clean lap has nothing to compare with"),
        ((), 0, "No time to find can be given: none of 6 laps is clean"),
    ],
)
def test_the_headline_is_one_number_and_one_place_or_why_there_is_none(
    gains: tuple[int, ...], clean_laps: int, text: str
) -> None:
    laps = make_laps(make_lap(n, 98_000) for n in range(1, 7))
    assert headline(make_driver(6), laps, make_siwtl(gains, clean_laps=clean_laps)) == text


def test_a_car_that_drove_no_lap_says_so() -> None:
    assert headline(make_driver(0), make_laps([]), make_siwtl(())).startswith("No lap was driven")
    assert why_no_target(make_laps([])) is None


def test_what_speaks_against_the_laps_is_counted_and_what_excludes_nothing_is_left_out() -> None:
    laps = make_laps(make_lap(n, 98_000, reasons=(YELLOW, NO_MATCH)) for n in (1, 2))
    assert why_no_target(laps) == "What speaks against its laps: full-course yellow (2 laps)."


@given(st.lists(st.integers(0, 2_000), min_size=3, max_size=3))
def test_the_sector_table_closes_to_the_millisecond(gains: list[int]) -> None:
    siwtl = make_siwtl(tuple(gains))
    totals = sector_totals(siwtl.sectors)
    assert totals["gain_ms"] == siwtl.potential_gain_ms
    assert totals["best_ms"] == siwtl.ideal_lap_ms
    assert totals["in_best_lap_ms"] == siwtl.best_lap_ms
    assert totals["in_best_lap_ms"] - totals["best_ms"] == totals["gap_ms"]


@given(
    st.lists(st.tuples(st.integers(30_000, 400_000), st.booleans(), st.booleans()), min_size=2, max_size=30),
    st.integers(0, 1_500_000),
    st.integers(0, 2_000_000),
)
def test_every_lap_and_every_yellow_lies_inside_the_chart(
    laps: list[tuple[int, bool, bool]], begin: int, length: int
) -> None:
    made = make_laps(
        make_lap(n, time, reasons=() if is_clean else (YELLOW,), is_valid=is_valid)
        for n, (time, is_clean, is_valid) in enumerate(laps, start=1)
    )
    phase = Neutralisation(
        phase=1,
        green_until_ms=None,
        yellow_from_ms=begin,
        yellow_until_ms=begin + length,
        green_from_ms=None,
        crossings=1,
        cars=1,
    )
    chart = lap_chart(made, make_siwtl(()), [phase])
    if made.best_lap_ms is None:
        assert chart is None
        return
    assert chart is not None
    frame = chart.frame
    assert len(chart.points) == len(laps)
    for point in chart.points:
        assert frame.left <= point.x <= frame.right
        assert frame.top <= point.y <= frame.bottom
    for band in chart.bands:
        assert frame.left <= band.x <= band.x + band.width <= frame.right + 0.1
    assert sum(point.is_best for point in chart.points) == 1
    assert len(chart.y_ticks) <= 6


def test_a_slow_lap_stands_at_the_edge_and_off_the_line() -> None:
    times = {1: 98_000, 2: 98_500, 3: 190_000, 4: 98_200, 5: 98_100}
    laps = make_laps(make_lap(n, time, reasons=(YELLOW,) if n == 3 else ()) for n, time in times.items())
    chart = lap_chart(laps, make_siwtl((10, 10, 10)), [])
    assert chart is not None
    assert [point.is_slow for point in chart.points] == [n == 3 for n in times]
    assert chart.points[2].y == chart.frame.top
    assert re.sub(r"[0-9. ]", "", chart.line) == "MLML"


def test_one_lap_makes_no_chart() -> None:
    assert lap_chart(make_laps([make_lap(1, 98_000)]), make_siwtl(()), []) is None


def test_a_gap_in_the_speed_breaks_the_line() -> None:
    speed = [100.0, 110.0, None, None, 120.0, 125.0]
    column = pa.array([0.0] * 6)
    lap = Telemetry(
        vehicle_id="a",
        lap_number=3,
        source="logger",
        synthetic=False,
        throttle_channel="aps",
        distance_m=pa.array([float(2 * n) for n in range(6)]),
        time_ms=pa.array([40 * n for n in range(6)]),
        speed_kmh=pa.array(speed),
        throttle_pct=column,
        brake_bar=column,
        steering_deg=column,
        features={},
    )
    assert re.sub(r"[0-9. ]", "", speed_chart(lap).line) == "MLML"


def test_static_files_are_named_by_their_content_and_load_nothing_from_elsewhere() -> None:
    for name, (hashed, content) in static_files().items():
        stem, ending = name.split(".")
        assert hashed == f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{ending}"
        assert not re.search(rb"@import|url\(", content)


def test_the_season_page_shows_names_as_text() -> None:
    facts = SeasonFacts(
        circuit_name="A <b>track</b>",
        is_simulated=False,
        race=1,
        race_date="2025-09-06",
        cars=2,
        laps=10,
        clean_laps=8,
        telemetry_laps=0,
        best_lap_ms=98_326,
        best_lap_car="03",
        winner_car="3",
        winner_name="<script>alert(1)</script>",
        neutralisations=1,
    )
    page = season_page([SeasonSession(session="a-2025-r1", facts=facts)])["index.html"].decode()
    assert "<script" not in page
    assert "A &lt;b&gt;track" in page
    assert "1:38.326" in page
