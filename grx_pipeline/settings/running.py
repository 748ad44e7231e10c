"""Limits of a run: engine, ingest, matching, clocks, sensors, checks and how reports are kept."""

import os
from dataclasses import dataclass
from zoneinfo import available_timezones

from grx_pipeline.settings.threshold import Allowed, threshold, words

_ZONES = Allowed(
    text="track, utc or a name as Europe/Berlin",
    holds=lambda value: value in ("track", "utc", *available_timezones()),
)


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Limits of the in-memory DuckDB that a step computes in."""

    memory_limit_mb: int = threshold(
        1000, unit="MB", least=100, most=1_000_000, why="leaves room for Python inside 1.5 GiB; DuckDB spills beyond it"
    )
    least_mb: int = threshold(
        250,
        unit="MB",
        least=50,
        most=100_000,
        why="a session's share when several run at once is not smaller: DuckDB spills, but slowly",
    )
    threads: int = threshold(0, unit="threads", least=0, most=1024, why="0 takes every core")
    readers: int = threshold(
        2,
        unit="vehicles at once",
        most=64,
        why="one vehicle's rows are too few to keep two cores busy; more cost memory",
    )
    workers: int = threshold(
        2,
        unit="steps at once",
        most=16,
        why="never more than two long steps wait for none of each other; 1 runs them in turn",
    )

    @property
    def processors(self) -> int:
        """Cores that a session may keep busy."""
        return self.threads or usable_cores()


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    """How raw telemetry becomes samples (algorithms: conflicting values are collapsed ticks)."""

    fast_step_ms: float = threshold(
        43.0, unit="ms", least=20.0, most=100.0, why="native step of the fast channels: 42, 43 or 44 ms measured"
    )
    frozen_share: float = threshold(
        0.005, unit="stamps per row", why="a running clock gives a stamp per 9 to 12 rows, a frozen one a single stamp"
    )
    frozen_min_rows: int = threshold(500, unit="rows", why="two seconds of data; fewer rows say nothing about a clock")
    track_temp_gap_c: float = threshold(
        5.0, unit="degC", why="readings 63 s apart differ by 0.7 degC at most; a 0 further off is no reading"
    )


@dataclass(frozen=True, kw_only=True)
class MatchSettings:
    """Crossings of the logger against official laps, by time."""

    ghost_gap_s: float = threshold(
        5.0, unit="s", most=30.0, why="ghost crossings follow within 5 s; no lap is that short"
    )
    bias_search_s: float = threshold(30.0, unit="s", why="largest logger-to-timing bias seen is 7.4 s")
    bias_bin_s: float = threshold(0.1, unit="s", why="true pairs lie within some 0.3 s of one bias per race")
    tolerance_s: float = threshold(
        0.3, unit="s", why="single crossings jitter up to 0.3 s around the race's bias, rarely 0.6 s"
    )
    far_line_s: float = threshold(2.0, unit="s", why="biases are under 0.3 s, but 7.4 s where loggers use another line")
    lap_tolerance_s: float = threshold(1.0, unit="s", why="a crossing of the matched car belongs to the lap within 1 s")
    min_crossings: int = threshold(3, unit="crossings", why="with fewer, chance matches in a field of 30 are common")
    max_second_share: float = threshold(
        0.6, unit="share", why="a second car that fits more than this leaves doubt; in a pack 0.3 to 0.5 is usual"
    )
    min_share: float = threshold(0.4, unit="share", why="true cars match 0.7 and more of their crossings in the race")


@dataclass(frozen=True, kw_only=True)
class LapSettings:
    """When a lap is valid, and when it is clean enough to set a target."""

    max_lap_number: int = threshold(
        1000, unit="laps", least=100, most=32767, why="above it stands the logger's 'no lap' value 32768"
    )
    min_lap_time_s: float = threshold(30.0, unit="s", most=120.0, why="no circuit of the series can be lapped faster")
    pace_quantile: float = threshold(0.30, unit="quantile", why="a pace that slow laps of a race do not move")
    pace_factor: float = threshold(
        1.04, unit="ratio", least=1.0, most=2.0, why="laps after a yellow carry GF and are 1.31 x the best"
    )
    sector_floor: float = threshold(
        0.9, unit="ratio", least=0.0, most=1.0, why="a sector faster than 0.9 x the field's median is a timing fault"
    )


@dataclass(frozen=True, kw_only=True)
class ClockSettings:
    """ECU clock to UTC, and telemetry windows of official laps."""

    pause_window_s: float = threshold(180.0, unit="s", why="bursts of late messages last 64 s at most")
    pause_jump_s: float = threshold(
        2.0, unit="s", below="burst_s", why="pauses of 271 s and 418 s seen; drift is 0.1 s an hour"
    )
    burst_s: float = threshold(
        64.0, unit="s", below="misdated_s", why="longest burst of late messages seen; less data may be all late"
    )
    misdated_s: float = threshold(
        128.0, unit="s", why="twice the longest burst: a stamp received later than that belongs to another time"
    )
    drift_min_s: float = threshold(
        1200.0, unit="s", why="pieces of 9 to 17 minutes gave -474 to +631 ms/h, pieces over 20 minutes +33 to +81"
    )
    drift_max_ms_per_hour: float = threshold(
        200.0, unit="ms/h", why="an oscillator is good to 50 ppm; a steeper line is receipt jitter"
    )
    crossing_search_s: float = threshold(2.0, unit="s", why="lap change in telemetry lies .17 to .58 s behind HOUR")
    min_crossings: int = threshold(
        3, unit="crossings", why="the median of fewer is no better than one crossing's 0.3 s"
    )
    few_crossings_loss_s: float = threshold(
        0.25, unit="s", why="a single crossing may be off by it; smaller losses are not claimed from few crossings"
    )
    gap_s: float = threshold(0.5, unit="s", why="11 missing fast samples; longer gaps are masked, never bridged")
    min_coverage: float = threshold(
        0.95, unit="share of lap", why="13 laps with 95 to 98 % integrate to within .4 % of the field, as whole ones"
    )


@dataclass(frozen=True, kw_only=True)
class SensorSettings:
    """Corrections per car and session: signs, zeros, and how far speed lags."""

    lag_max_s: float = threshold(0.6, unit="s", most=2.0, why="speed lags a_x by .14 to .41 s")
    lag_step_s: float = threshold(
        0.01, unit="s", below="lag_max_s", why="sd of the lag within a session is .01 to .025 s"
    )
    moving_kmh: float = threshold(30.0, unit="km/h", why="below it the car is in the pits or stands")
    min_moving_s: float = threshold(
        60.0, unit="s", why="two thirds of the shortest lap; less holds too little braking and cornering"
    )
    straight_radius_deg: float = threshold(
        5.0, unit="deg", why="hands on a straight stay within it; the densest cluster of that size is the straight"
    )
    straight_radius_g: float = threshold(0.15, unit="g", why="camber and noise of a_y on a straight")
    straight_speed_kmh: float = threshold(100.0, unit="km/h", why="full throttle above it is a straight or a fast bend")
    straight_throttle_pct: float = threshold(95.0, unit="%", why="full throttle, by either throttle channel")


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """How results are shown. The JSON does not depend on it."""

    keep_builds: int = threshold(3, unit="builds", why="an open page can still load its data after two new builds")
    delta_points: int = threshold(
        5, unit="grid points", why="a delta every 10 m draws the same curve in a fifth of the bytes"
    )
    speed_unit: str = threshold("km/h", unit="km/h or mph", allowed=words("km/h", "mph"), why="the unit of the logger")
    decimal_sign: str = threshold(
        "point", unit="point or comma", allowed=words("point", "comma"), why="the sign of the timing's own sheets"
    )
    time_zone: str = threshold(
        "track",
        unit="track, utc or an IANA name",
        allowed=_ZONES,
        why="a race is remembered by the clock on the wall at the track",
    )
    estimate_points: int = threshold(
        5, unit="grid points", why="a stretched median knows no detail finer than 10 m; a field has 600 such laps"
    )
    page_points: int = threshold(
        2000,
        unit="points",
        least=100,
        why="4.1 kB a lap on the wire; longer circuits are drawn every 4 m, under a pixel",
    )
    map_loss_ms: float = threshold(
        20.0, unit="ms", why="delta inside a sector is good to 20 ms; smaller changes are not coloured on the map"
    )
    place_median_share: float = threshold(
        0.5, unit="share", why="a headline names a place where medians show half of what the two laps do: no one-off"
    )
    min_field_cars: int = threshold(3, unit="cars", why="a median of fewer is one car's lap time")
    min_class_drivers: int = threshold(2, unit="drivers", why="a quartile of one driver's own median is that median")
    telling_score: float = threshold(
        60.0,
        unit="score",
        least=0.0,
        most=100.0,
        why="of 63 laps; where fewer cap scores lower, ranks look like scores",
    )
    min_season_laps: int = threshold(
        5, unit="clean laps", why="a car's only clean lap, of a restart, was 8 % off; its other races are 1 % off"
    )
    shown_gap_ms: float = threshold(5.0, unit="ms", why="a difference that is shown as 0.00 s is no one's")
    slow_ratio: float = threshold(
        1.06,
        unit="ratio",
        least=1.0,
        most=3.0,
        why="clean laps reach 1.04 x the pace; slower ones would flatten all others on a chart",
    )
    map_step_m: float = threshold(12.0, unit="m", why="under a pixel and a half on a map 400 px wide of 4 km")
    map_window_m: float = threshold(100.0, unit="m", why="a corner and its exit; shorter stretches are dots on a map")


@dataclass(frozen=True, kw_only=True)
class QualitySettings:
    """When a check on meaning warns."""

    sector_sum_tolerance_ms: float = threshold(
        2.0, unit="ms", why="three sectors and a lap, each rounded to 1 ms, differ by 2 ms at most"
    )
    min_matched_share: float = threshold(
        0.8, unit="share", why="seven sessions match .87 (COTA, clock 7.4 s off) to 1.00 of their crossings"
    )
    shown_rows: int = threshold(20, unit="rows", why="a table in the UI is looked at; the rest is in the lake")


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a run shows itself."""

    progress_gap_s: float = threshold(
        2.0, unit="s", least=0.0, why="a person waits that long before wondering; short steps then take one line each"
    )
    stop_wait_s: float = threshold(
        20.0, unit="s", why="servers end within 2 s of being told to; a run that ends takes longer"
    )
    copy_stop_wait_s: float = threshold(
        3.0, unit="s", why="a step hears at once that it is to stop, a long query does not; it leaves nothing half done"
    )
    worker_stop_wait_s: float = threshold(
        30.0, unit="s", why="a worker process that is asked to stop ends its steps first and marks its run"
    )
    connect_wait_s: float = threshold(10.0, unit="s", why="a dask scheduler in reach answers within a second")
    disk_per_raw_byte: float = threshold(
        0.1, unit="bytes", least=0.0, why="the lake of a 1.53 GB race takes .04 of it; twice that while it is replaced"
    )
    disk_per_gz_byte: float = threshold(
        3.0, unit="bytes", least=0.0, why="lakes of seven gzipped sessions take .9 to 3.0 of their raw files"
    )
    disk_warehouse_mb: int = threshold(
        60, unit="MB", least=0, most=10_000, why="databases of seven sessions and a full race take 22 to 39"
    )
    disk_site_mb: int = threshold(
        100, unit="MB", least=0, most=10_000, why="builds of seven sessions and a full race take 14 to 67"
    )
    python_memory_mb: int = threshold(
        600, unit="MB", why="a run of a 1.53 GB race took 1,160 MB in its largest process, 370 MB in the first"
    )
    kept_runs_days: int = threshold(
        90,
        unit="days",
        least=0,
        most=36_500,
        why="a season's runs can be compared; records of 1,000 runs take some 200 MB",
    )
    landing_gap_s: float = threshold(
        30.0,
        unit="s",
        least=1.0,
        most=3600.0,
        why="a copy that pauses for longer has stopped; new files wait a minute for their run at most",
    )
    sensor_wait_s: float = threshold(
        3600.0,
        unit="s",
        least=60.0,
        most=86_400.0,
        why="hashing the gigabytes of a weekend from a slow disk takes longer than the minute a sensor has by itself",
    )
    repair_gap_s: float = threshold(
        10.0, unit="s", why="how long a run whose process was killed may show as running while the UI is open"
    )


@dataclass(frozen=True, kw_only=True)
class FileTimes:
    """What times of files are good for. They are properties of file systems, so no grx.toml changes them."""

    settled_s: float = threshold(
        2.0, unit="s", why="a file written this shortly before may change again within one tick of its file system"
    )
