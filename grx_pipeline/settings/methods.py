"""Thresholds of traces, features, targets and their studies."""

from dataclasses import dataclass

from grx_pipeline.settings.threshold import threshold


@dataclass(frozen=True, kw_only=True)
class TraceSettings:
    """Lap traces over distance."""

    grid_m: float = threshold(
        2.0, unit="m", least=1.0, most=10.0, why="at 60 m/s a fast sample is 2.6 m; finer grids only interpolate"
    )
    scale_tolerance: float = threshold(
        0.05, unit="ratio", most=0.2, why="integrated speed is within 1 % of the map on whole laps"
    )
    field_tolerance: float = threshold(
        0.01, unit="ratio", why="laps integrate to within .5 % of the field's median; more is a fault of the data"
    )
    anchor_tolerance_m: float = threshold(
        30.0, unit="m", why="robust sd at a sector line is 1 to 1.4 m; far beyond it the lap's data has a hole"
    )
    min_line_laps: int = threshold(3, unit="laps", why="fewer laps show no spread at a line")
    crossing_sd_s: float = threshold(
        0.04, unit="s", why="a car's crossings scatter by .02 to .06 s around their median"
    )
    path_sd_m_per_root_km: float = threshold(
        1.0, unit="m/sqrt(km)", why="robust sd 1 to 1.4 m at a sector line, two cars' lines and tyres differ"
    )


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """Per-lap telemetry features (DPTAD's inputs)."""

    rate_hz: float = threshold(
        20.0, unit="Hz", least=10.0, most=100.0, why="under the native 23.2 Hz; counts then do not depend on the rate"
    )
    low_pass_hz: float = threshold(
        4.0, unit="Hz", least=0.5, most=4.5, why="hands and feet do not act faster; sensor noise does"
    )
    braking_bar: float = threshold(5.0, unit="bar", why="above it the car is being braked")
    spike_bar_per_s: float = threshold(400.0, unit="bar/s", why="1 to 4 a lap; at 200 every hard braking counts")
    spike_rearm_bar_per_s: float = threshold(
        160.0, unit="bar/s", below="spike_bar_per_s", why="one spike is counted once"
    )
    drop_pct_per_s: float = threshold(250.0, unit="%/s", why="a lift that is not a roll-off")
    drop_rearm_pct_per_s: float = threshold(100.0, unit="%/s", below="drop_pct_per_s", why="one lift is counted once")
    refractory_s: float = threshold(0.4, unit="s", why="two events within it are one")
    drop_brake_s: float = threshold(0.7, unit="s", why="a lift followed by braking is a braking, not a drop")
    correction_deg: float = threshold(12.0, unit="deg", why="22 to 28 corrections a lap")
    correction_low_pass_hz: float = threshold(
        2.0, unit="Hz", least=0.5, most=4.5, why="corrections of the hands last half a second"
    )
    cornering_g: float = threshold(0.4, unit="g", why="above it the car corners")
    full_throttle_pct: float = threshold(95.0, unit="%", why="full throttle, by either throttle channel")
    unused_bar: float = threshold(2.0, unit="bar", why="a channel that moves less was not used: noise floor")
    unused_pct: float = threshold(4.0, unit="%", why="a channel that moves less was not used: noise floor")
    unused_deg: float = threshold(2.5, unit="deg", why="a channel that moves less was not used: noise floor")
    reversal_gap_deg: float = threshold(8.0, unit="deg", why="99 to 136 reversals a lap at this gap")
    smoothness_split_hz: float = threshold(
        1.0, unit="Hz", most=4.5, below="low_pass_hz", why="movement above it is correction, below it is the lap"
    )
    min_rate_hz: float = threshold(15.0, unit="Hz", below="rate_hz", why="at 10 Hz counts fall by up to 21 %")


@dataclass(frozen=True, kw_only=True)
class ReferenceSettings:
    """Laps that are made of laps, to compare with."""

    min_median_laps: int = threshold(3, unit="laps", why="the median of two laps is their mean and hides both")


@dataclass(frozen=True, kw_only=True)
class SiwtlSettings:
    """SIWTL: the smart ideal weighted target lap."""

    kappa: float = threshold(
        0.45, unit="1", least=0.0, most=2.0, why="puts the target at a one-in-three chance on 14 races"
    )
    prior_laps: float = threshold(8.0, unit="laps", why="a spread of few laps is shrunk towards the field's")
    spread_min: float = threshold(0.25, unit="1", below="spread_max", why="clip of the unit-free variance ratio")
    spread_max: float = threshold(4.0, unit="1", why="clip of the unit-free variance ratio")
    field_spread_floor_ms: float = threshold(1.0, unit="ms", why="the timing's resolution")
    low_confidence_laps: int = threshold(5, unit="laps", why="a spread of fewer than 5 laps is a guess")
    done_tolerance: float = threshold(0.005, unit="ratio", why="within 0.5 % of a best sector counts as done again")


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """The studies: SIWTL on held-out laps, opportunities between two halves."""

    level: float = threshold(1 / 3, unit="share", why="a target is meant to be beaten with this chance")
    min_laps: int = threshold(
        2, unit="laps", least=2, why="a single lap has no spread: ideal, target and best are one lap"
    )
    draws: int = threshold(
        2000, unit="draws", least=10, why="limits of a beat share then move by 0.04 at most between seeds"
    )
    half_draws: int = threshold(40, unit="splits", why="of a driver's laps; each half is judged by the other")
    seed: int = threshold(20250907, unit="1", least=0, most=2**32 - 1, why="the same laps give the same table")
    texts: int = threshold(6, unit="texts a session and kind", why="6,000 mutations a session in some 8 s")
    fault_seed: int = threshold(
        20260, unit="1", least=0, most=2**32 - 1, why="neither weights nor rules were chosen with its faults"
    )
    faults_per_kind: int = threshold(6, unit="faults a lap and kind", why="recalls of real cars then stand on hundreds")
    fault_tries: int = threshold(4, unit="draws a fault", why="a draw that fits nowhere or gains time is made again")
    fault_most_gaps: float = threshold(0.2, unit="share of lap", why="a lap with more has few places left for a fault")
    fault_cornering_g: float = threshold(0.5, unit="g", why="a wheel snaps back where the car corners")
    slide_mps2: float = threshold(3.5, unit="m/s2", why="a car that runs wide slows by a third of what tyres can")
    part_laps: int = threshold(7, unit="laps", why="a car's laps in parts show the detector where laps are few")
    random_places: int = threshold(300, unit="places", why="their share with a loss then has an error of .02")
