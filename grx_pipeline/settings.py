"""Typed settings: folders, limits, and every threshold of the methods with its unit and its reason.

A number that decides something lives here and nowhere else. Defaults can be changed in `grx.toml` (one table per
group below) and the two folders by `GRX_DATA_DIR` and `GRX_REPORTS_DIR`. Table and column names do not belong
here (schemas.py), nor file names (paths.py).
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from grx_pipeline.errors import SettingsError


def threshold(default: Any, *, unit: str, why: str) -> Any:
    """A dataclass field that carries its unit and the reason for its value."""
    return field(default=default, metadata={"unit": unit, "why": why})


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Limits of the in-memory DuckDB that a step computes in."""

    memory_limit_mb: int = threshold(
        1000, unit="MB", why="leaves room for Python inside 1.5 GiB; DuckDB spills beyond it"
    )
    threads: int = threshold(0, unit="threads", why="0 takes every core")
    readers: int = threshold(
        2, unit="vehicles at once", why="one vehicle's rows are too few to keep two cores busy; more cost memory"
    )


@dataclass(frozen=True, kw_only=True)
class IngestSettings:
    """How raw telemetry becomes samples (algorithms: conflicting values are collapsed ticks)."""

    fast_step_ms: float = threshold(43.0, unit="ms", why="native step of the fast channels: 42, 43 or 44 ms measured")
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

    ghost_gap_s: float = threshold(5.0, unit="s", why="ghost crossings follow within 5 s; no lap is that short")
    bias_search_s: float = threshold(30.0, unit="s", why="largest logger-to-timing bias seen is 7.4 s")
    bias_bin_s: float = threshold(0.1, unit="s", why="true pairs lie within some 0.3 s of one bias per race")
    tolerance_s: float = threshold(
        0.3, unit="s", why="single crossings jitter up to 0.3 s around the race's bias, rarely 0.6 s"
    )
    lap_tolerance_s: float = threshold(1.0, unit="s", why="a crossing of the matched car belongs to the lap within 1 s")
    min_crossings: int = threshold(3, unit="crossings", why="with fewer, chance matches in a field of 30 are common")
    max_second_share: float = threshold(
        0.6, unit="share", why="a second car that fits more than this leaves doubt; in a pack 0.3 to 0.5 is usual"
    )
    min_share: float = threshold(0.4, unit="share", why="true cars match 0.7 and more of their crossings in the race")


@dataclass(frozen=True, kw_only=True)
class LapSettings:
    """When a lap is valid, and when it is clean enough to set a target."""

    max_lap_number: int = threshold(1000, unit="laps", why="above it stands the logger's 'no lap' value 32768")
    min_lap_time_s: float = threshold(30.0, unit="s", why="no circuit of the series can be lapped faster")
    pace_quantile: float = threshold(0.30, unit="quantile", why="a pace that slow laps of a race do not move")
    pace_factor: float = threshold(1.04, unit="ratio", why="laps after a yellow carry GF and are 1.31 x the best")
    sector_floor: float = threshold(
        0.9, unit="ratio", why="a sector faster than 0.9 x the field's median is a timing fault"
    )


@dataclass(frozen=True, kw_only=True)
class ClockSettings:
    """ECU clock to UTC, and telemetry windows of official laps."""

    pause_window_s: float = threshold(180.0, unit="s", why="bursts of late messages last 64 s at most")
    pause_jump_s: float = threshold(2.0, unit="s", why="pauses of 271 s and 418 s seen; drift is 0.1 s an hour")
    burst_s: float = threshold(64.0, unit="s", why="longest burst of late messages seen; less data may be all late")
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

    lag_max_s: float = threshold(0.6, unit="s", why="speed lags a_x by .14 to .41 s")
    lag_step_s: float = threshold(0.01, unit="s", why="sd of the lag within a session is .01 to .025 s")
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
class TraceSettings:
    """Lap traces over distance."""

    grid_m: float = threshold(2.0, unit="m", why="at 60 m/s a fast sample is 2.6 m; finer grids only interpolate")
    scale_tolerance: float = threshold(
        0.05, unit="ratio", why="integrated speed is within 1 % of the map on whole laps"
    )


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """Per-lap telemetry features (DPTAD's inputs)."""

    rate_hz: float = threshold(20.0, unit="Hz", why="under the native 23.2 Hz; counts then do not depend on the rate")
    low_pass_hz: float = threshold(4.0, unit="Hz", why="hands and feet do not act faster; sensor noise does")
    braking_bar: float = threshold(5.0, unit="bar", why="above it the car is being braked")
    spike_bar_per_s: float = threshold(400.0, unit="bar/s", why="1 to 4 a lap; at 200 every hard braking counts")
    spike_rearm_bar_per_s: float = threshold(160.0, unit="bar/s", why="one spike is counted once")
    drop_pct_per_s: float = threshold(250.0, unit="%/s", why="a lift that is not a roll-off")
    drop_rearm_pct_per_s: float = threshold(100.0, unit="%/s", why="one lift is counted once")
    refractory_s: float = threshold(0.4, unit="s", why="two events within it are one")
    drop_brake_s: float = threshold(0.7, unit="s", why="a lift followed by braking is a braking, not a drop")
    correction_deg: float = threshold(12.0, unit="deg", why="22 to 28 corrections a lap")
    correction_low_pass_hz: float = threshold(2.0, unit="Hz", why="corrections of the hands last half a second")
    cornering_g: float = threshold(0.4, unit="g", why="above it the car corners")
    full_throttle_pct: float = threshold(95.0, unit="%", why="full throttle, by either throttle channel")
    unused_bar: float = threshold(2.0, unit="bar", why="a channel that moves less was not used: noise floor")
    unused_pct: float = threshold(4.0, unit="%", why="a channel that moves less was not used: noise floor")
    unused_deg: float = threshold(2.5, unit="deg", why="a channel that moves less was not used: noise floor")
    reversal_gap_deg: float = threshold(8.0, unit="deg", why="99 to 136 reversals a lap at this gap")
    smoothness_split_hz: float = threshold(1.0, unit="Hz", why="movement above it is correction, below it is the lap")
    min_rate_hz: float = threshold(15.0, unit="Hz", why="at 10 Hz counts fall by up to 21 %")


@dataclass(frozen=True, kw_only=True)
class SiwtlSettings:
    """SIWTL: the smart ideal weighted target lap."""

    kappa: float = threshold(0.45, unit="1", why="puts the target at a one-in-three chance on 14 races")
    prior_laps: float = threshold(8.0, unit="laps", why="a spread of few laps is shrunk towards the field's")
    spread_min: float = threshold(0.25, unit="1", why="clip of the unit-free variance ratio")
    spread_max: float = threshold(4.0, unit="1", why="clip of the unit-free variance ratio")
    field_spread_floor_ms: float = threshold(1.0, unit="ms", why="the timing's resolution")
    low_confidence_laps: int = threshold(5, unit="laps", why="a spread of fewer than 5 laps is a guess")
    done_tolerance: float = threshold(0.005, unit="ratio", why="within 0.5 % of a best sector counts as done again")


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """The hold-out study of SIWTL."""

    level: float = threshold(1 / 3, unit="share", why="a target is meant to be beaten with this chance")
    min_laps: int = threshold(2, unit="laps", why="a single lap has no spread: ideal, target and best are one lap")
    draws: int = threshold(2000, unit="draws", why="limits of a beat share then move by 0.04 at most between seeds")
    seed: int = threshold(20250907, unit="1", why="the same laps give the same table")


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """How results are shown. The JSON does not depend on it."""

    keep_builds: int = threshold(3, unit="builds", why="an open page can still load its data after two new builds")


@dataclass(frozen=True, kw_only=True)
class QualitySettings:
    """When a check on meaning warns."""

    sector_sum_tolerance_ms: float = threshold(
        2.0, unit="ms", why="three sectors and a lap, each rounded to 1 ms, differ by 2 ms at most"
    )
    min_matched_share: float = threshold(
        0.8, unit="share", why="seven sessions match .87 (COTA, clock 7.4 s off) to 1.00 of their crossings"
    )


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a run shows itself."""

    progress_gap_s: float = threshold(
        2.0, unit="s", why="a person waits that long before wondering; short steps then take one line each"
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one run."""

    data_dir: Path = Path("data")
    reports_dir: Path = Path("reports")
    engine: EngineSettings = EngineSettings()
    ingest: IngestSettings = IngestSettings()
    match: MatchSettings = MatchSettings()
    laps: LapSettings = LapSettings()
    clock: ClockSettings = ClockSettings()
    sensors: SensorSettings = SensorSettings()
    trace: TraceSettings = TraceSettings()
    features: FeatureSettings = FeatureSettings()
    siwtl: SiwtlSettings = SiwtlSettings()
    study: StudySettings = StudySettings()
    report: ReportSettings = ReportSettings()
    quality: QualitySettings = QualitySettings()
    run: RunSettings = RunSettings()


def load_settings(
    *,
    environment: Mapping[str, str] = os.environ,
    config: Path = Path("grx.toml"),
    data_dir: Path | None = None,
    reports_dir: Path | None = None,
) -> Settings:
    """Settings from defaults, then `config` where it exists, then the environment, then the arguments.

    Raises SettingsError for an unknown group or name, or a value of another type than its default.
    """
    settings = Settings()
    if config.is_file():
        settings = _apply_file(settings, config)
    chosen_data = data_dir or _folder(environment.get("GRX_DATA_DIR")) or settings.data_dir
    chosen_reports = reports_dir or _folder(environment.get("GRX_REPORTS_DIR")) or settings.reports_dir
    return replace(settings, data_dir=chosen_data.expanduser(), reports_dir=chosen_reports.expanduser())


def _folder(text: str | None) -> Path | None:
    return Path(text) if text else None


def _apply_file(settings: Settings, config: Path) -> Settings:
    try:
        document = tomllib.loads(config.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config}: not valid TOML: {error}") from error
    known = {f.name: f for f in fields(Settings)}
    changes: dict[str, Any] = {}
    for name, value in document.items():
        if name in ("data_dir", "reports_dir"):
            changes[name] = config.parent / str(value)
        elif name in known and isinstance(value, dict):
            changes[name] = _apply_group(getattr(settings, name), value, where=f"{config}: [{name}]")
        else:
            raise SettingsError(f"{config}: unknown setting {name!r}; known are {', '.join(known)}")
    return replace(settings, **changes)


def _apply_group(group: Any, values: Mapping[str, Any], *, where: str) -> Any:
    known = {f.name: f for f in fields(group)}
    for name, value in values.items():
        if name not in known:
            raise SettingsError(f"{where}: unknown setting {name!r}; known are {', '.join(known)}")
        wanted = type(getattr(group, name))
        is_number = wanted is float and isinstance(value, int) and not isinstance(value, bool)
        if not is_number and type(value) is not wanted:
            raise SettingsError(f"{where}: {name} is {value!r}, but has to be of type {wanted.__name__}")
        if isinstance(value, int | float) and value < 0:
            raise SettingsError(f"{where}: {name} is {value!r}, but has to be 0 or more")
    return replace(group, **{n: type(getattr(group, n))(v) for n, v in values.items()})
