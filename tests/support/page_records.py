"""Records as the pages read them, made by hand: a driver's driving on a round circuit, and pairs of drivers."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa

from grx_pipeline.reports.api import CarRecords, SessionRecords
from grx_pipeline.reports.driving_records import (
    ByCategory,
    ComparedLine,
    Comparison,
    Corner,
    CornerFigure,
    Dptad,
    DptadEvent,
    DptadLap,
    DriverCorner,
    DriverCorners,
    Ledger,
    LedgerLine,
    Opportunities,
    Opportunity,
    Segment,
    Smoothness,
    SpeedFigures,
    TimingLine,
    Track,
    TrackLine,
    TrackSource,
)
from grx_pipeline.reports.records import Ranked, Ranking

LENGTH_M = 3600.0
HOSTILE = '<img src=x onerror="alert(1)"> & \u202egnp.exe 🏁'


_EVIDENCE = {
    "braking": ("brakes 9 m earlier (612 against 621 m)",),
    "exit": ("exit speed 4.1 km/h lower (80.3 against 84.4 km/h)",),
}


def make_line(name: str, gain_ms: int, *, sector: int = 1, gap_ms: int | None = None) -> LedgerLine:
    """A line by its name: `S2`, `T5 exit`, `T1 to T2`."""
    words = name.split(" ")
    phase = None if name.startswith("S") else "straight" if "to" in words else words[-1]
    return LedgerLine(
        name=name,
        sector=sector,
        corner=words[0] if phase else None,
        phase=phase,
        gain_ms=gain_ms,
        gap_ms=2 * gain_ms if gap_ms is None else gap_ms,
        best_lap_number=5,
        donor_lap=3,
        evidence=_EVIDENCE.get(phase or "", ()),
        event_ids=("5-1",) if phase == "exit" else (),
    )


def make_ledger(segments: Sequence[LedgerLine], sectors: Sequence[LedgerLine]) -> Ledger:
    return Ledger(
        vehicle_id="a",
        potential_gain_ms=sum(line.gain_ms for line in sectors) if sectors else None,
        sectors=tuple(sectors),
        segments=tuple(segments),
        rolling_lap=None,
        note=None,
    )


def make_corner(number: int) -> Corner:
    apex = number * LENGTH_M / 5
    return Corner(
        corner=f"T{number}",
        name=HOSTILE if number == 1 else None,
        direction="left",
        start_m=apex - 150,
        apex_m=apex,
        end_m=apex + 150,
        turn_deg=72.0,
        radius_m=80.0,
        apex_spread_m=4.0,
        apex_share=1.0,
        brake_onset_m=apex - 120,
        brake_onset_spread_m=3.0,
        full_throttle_m=apex + 60,
        is_verified=number < 4,
        source="table",
    )


CORNERS = tuple(make_corner(number) for number in range(1, 5))


def make_track() -> Track:
    """A circle, driven to the left."""
    distance = np.arange(0, LENGTH_M, 10.0)
    angle = 2 * np.pi * distance / LENGTH_M
    radius = LENGTH_M / (2 * np.pi)
    columns = {
        "distance_m": distance,
        "x_m": radius * np.sin(angle),
        "y_m": radius * (1 - np.cos(angle)),
        "curvature_per_m": np.full(len(distance), 1 / radius),
        "speed_kmh": np.full(len(distance), 120.0),
    }
    edges = sorted({0.0, LENGTH_M, *(edge for corner in CORNERS for edge in (corner.start_m, corner.end_m))})
    segments = tuple(
        Segment(
            segment=n,
            name=f"T{n // 2} exit" if n % 2 == 0 else f"T{n // 2} to T{n // 2 + 1}",
            phase="exit" if n % 2 == 0 else "straight",
            corner=f"T{n // 2}" if n > 1 else None,
            sector=min(1 + int(start // 1200), 3),
            start_m=start,
            end_m=end,
        )
        for n, (start, end) in enumerate(pairwise(edges), start=1)
    )
    return Track(
        circuit="round",
        length_m=LENGTH_M,
        is_from_loggers=False,
        sources=(
            TrackSource(
                source="inertial",
                is_used=True,
                is_approximate=True,
                laps=6,
                turned_deg=360.0,
                raw_closure_m=60.0,
                closure_m=8.0,
                gps_median_m=None,
                gps_p95_m=None,
            ),
        ),
        timing_lines=(
            TimingLine(
                line="S1",
                distance_m=1200.0,
                spread_m=1.5,
                residual_p95_m=3.0,
                laps=6,
                is_anchor=True,
                map_m=1190.0,
                is_off_map=False,
                time_error_median_ms=None,
                time_error_p95_ms=None,
            ),
        ),
        corners=CORNERS,
        segments=segments,
        line=TrackLine(**{name: pa.array(values) for name, values in columns.items()}),
        note=None,
    )


def make_figure(median: float, quartiles: tuple[float, float, float] | None, *, drivers: int = 6) -> CornerFigure:
    return CornerFigure(median=median, spread=0.5, laps=5, class_quartiles=quartiles, class_drivers=drivers)


def make_corners() -> DriverCorners:
    """The driver loses 10 ms at T1, 20 at T2 and so on, and is 2 km/h slow at the apex."""
    return DriverCorners(
        vehicle_id="a",
        lap_numbers=(3, 5),
        corners=tuple(
            DriverCorner(
                corner=corner.corner,
                figures={
                    "time_ms": make_figure(6000.0 + 10 * n, (6000.0, 6050.0, 6100.0)),
                    "min_speed_kmh": make_figure(88.0, (80.0, 85.0, 90.0)),
                    "brake_onset_m": make_figure(corner.apex_m - 130, None, drivers=0),
                },
                by_lap={},
            )
            for n, corner in enumerate(CORNERS, start=1)
        ),
        note=None,
    )


def make_event(number: int, *, lost_ms: float | None) -> DptadEvent:
    return DptadEvent(
        id=f"5-{number}",
        lap=5,
        at_utc=None,
        time_in_lap_s=12.0,
        s_start_m=700.0,
        s_end_m=760.0,
        s_peak_m=730.0,
        corner="T1",
        phase="exit",
        sector=1,
        channel="throttle",
        type="lift",
        sign=-1,
        z=9.0,
        p_value=0.01,
        time_lost_ms=lost_ms,
        is_costly=lost_ms is not None and lost_ms >= 50,
        text=f"a lift of the throttle {HOSTILE}",
    )


def make_dptad(events: Sequence[DptadEvent]) -> Dptad:
    scores = ByCategory(brake=12.0, throttle=55.5, steering=None, speed=0.0)
    return Dptad(
        vehicle_id="a",
        scores=scores,
        worst=replace(scores, brake=80.0),
        smoothness=Smoothness(brake=0.7, throttle=0.6, steering=None),
        speed=SpeedFigures(consistency=0.98, corner_speed_loss=0.3, corner_exit_efficiency=0.95),
        own_laps=5,
        laps_judged=2,
        field_laps=400,
        highest_score=87.0,
        threshold=6.0,
        laps=(DptadLap(lap=5, scores=scores, significant=("throttle",), events=len(events)),),
        events=tuple(events),
        insights=(f"Throttle stands out on lap 5. {HOSTILE}",),
        reason=None,
    )


def make_opportunity(corner: str, phase: str, loss_ms: float, *, rank: int | None) -> Opportunity:
    return Opportunity(
        rank=rank,
        corner=corner,
        phase=phase,
        reference="class best quartile",
        pattern="early_braking",
        loss_ms=loss_ms,
        floor_ms=50.0,
        laps=18,
        laps_with_loss=14,
        laps_done=3,
        laps_in_traffic=0,
        laps_in_gap=0,
        evidence=(f"braking begins 9 m earlier {HOSTILE}",),
        advice="Brake later in steps of 3 to 5 m.",
        reason=None if rank else "under the floor",
    )


def make_opportunities() -> Opportunities:
    told = (make_opportunity("T2", "braking", 210.0, rank=1), make_opportunity("T3", "exit", 105.0, rank=2))
    tested = (*told, make_opportunity("T2", "entry", -20.0, rank=None))
    return Opportunities(vehicle_id="a", told=told, tested=tested, loss_ms=315.0, reason=None)


def make_comparison(a: str, b: str, *, gap_ms: int | None = 574) -> Comparison:
    """b is 574 ms slower than a: 200, 300 and 74 by sector, 250 of it in T2; 40 faster in T4."""
    gaps = {"T1": 100.0, "T2": 250.0, "T3": 2.0, "T4": -40.0}
    return Comparison(
        vehicle_a=a,
        vehicle_b=b,
        gap_ms=gap_ms,
        best_a=5,
        best_b=3,
        lap_a=5,
        lap_b=3,
        trace_gap_ms=gap_ms,
        sectors=tuple(
            ComparedLine(name=f"S{n}", gap_ms=g, median_gap_ms=None) for n, g in ((1, 200), (2, 300), (3, 74))
        ),
        corners=tuple(ComparedLine(name=name, gap_ms=g, median_gap_ms=g / 2) for name, g in gaps.items()),
        segments=tuple(ComparedLine(name=f"{name} exit", gap_ms=g, median_gap_ms=None) for name, g in gaps.items()),
        distance_m=pa.array([0.0, 1000.0, 3500.0]),
        delta_ms=pa.array([0.0, 300.0, 574.0]),
        note=None,
    )


def full_records(records: SessionRecords) -> SessionRecords:
    """The records of a session with corners, ledger, DPTAD, opportunities, rankings and comparisons of all its cars."""
    order = [car.driver.vehicle_id for car in records.cars]
    pairs = [make_comparison(a, b) for a in order for b in order if a != b]
    ranks = tuple(Ranked(rank=n, vehicle_id=vehicle, value=98_000.0 + n) for n, vehicle in enumerate(order, start=1))
    return replace(
        records,
        summary=replace(
            records.summary,
            rankings=(Ranking(category="pace", unit="ms", least_laps=1, least_traced=0, ranks=ranks),),
        ),
        track=make_track(),
        cars=tuple(full_car(car) for car in records.cars),
        comparisons=tuple(pairs),
    )


def full_car(car: CarRecords) -> CarRecords:
    """The car with driving records; its ledger divides sectors 1 and 2 of its own target, 3 it leaves whole."""
    gains = [sector.gain_ms for sector in car.siwtl.sectors]
    if not gains:
        return car
    sectors = [make_line(f"S{n}", gain, sector=n) for n, gain in enumerate(gains, start=1)]
    segments = [
        make_line("T1 braking", gains[0] - 40),
        make_line("T1 exit", 47),
        make_line("T1 to T2", -7),
        make_line("T2 exit", gains[1], sector=2),
        make_line("T3 entry", 0, sector=2),
    ]
    return replace(
        car,
        corners=make_corners(),
        ledger=make_ledger(segments, sectors),
        dptad=make_dptad([make_event(1, lost_ms=12.0), make_event(2, lost_ms=120.0), make_event(3, lost_ms=None)]),
        opportunities=make_opportunities(),
    )
