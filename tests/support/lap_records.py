"""Records of laps and targets as the pages read them, made by hand."""

from collections.abc import Iterable, Sequence

from grx_pipeline.reports.records import Driver, Lap, LapReason, Laps, Siwtl, SiwtlSector, SpecReference

YELLOW = LapReason(code="full_course_yellow", text="full-course yellow", excludes="clean")
NO_MATCH = LapReason(code="no_crossing_match", text="no logger crossing fits the official one", excludes="none")


def make_lap(
    number: int,
    time_ms: int | None,
    *,
    reasons: tuple[LapReason, ...] = (),
    is_valid: bool = True,
    sectors: tuple[int | None, ...] = (None, None, None),
) -> Lap:
    return Lap(
        lap_number=number,
        lap_time_ms=time_ms,
        gap_to_best_ms=None,
        sectors_ms=sectors,
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


def make_siwtl(gains: Sequence[int], *, clean_laps: int = 8) -> Siwtl:
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
        estimated_laps=(),
        telemetry_note=None,
        notes=(),
    )
