"""The JSON contract: records of the session, its cars, laps and targets; of driving in driving_records.py.

Field order is key order in the file. Times are integer milliseconds, missing values None (null), columns of a
trace Arrow arrays. Pages are a renderer over these records; nothing is computed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from grx_pipeline.reports.correction_records import Correction
from grx_pipeline.reports.narrative_records import CoachText

Figure = int | float | None


@dataclass(frozen=True, kw_only=True)
class UnmatchedLogger:
    """A logger vehicle without a car in the timing."""

    logger_id: str
    reason: str
    crossings: int
    telemetry_rows: int


@dataclass(frozen=True, kw_only=True)
class Driver:
    """A car of the timing and what there is of it.

    `telemetry_laps` are the measured laps with a file under api/telemetry/, `estimated_laps` those with an estimate
    there; `telemetry_note` says why none was measured (null where some were). `path` is the name of the car's files.
    `exclusion` is why the team leaves the car out of all but the classification; null where it does not.
    """

    vehicle_id: str
    path: str
    driver_id: str
    car_number: str
    vehicle_number: int | None
    driver_number: int
    driver_name: str | None
    team: str | None
    vehicle_class: str | None
    vehicle_group: str | None
    position: int | None
    status: str | None
    laps: int
    valid_laps: int
    clean_laps: int
    best_lap_ms: int | None
    total_time_ms: int | None
    gap_first: str | None
    has_logger: bool
    has_telemetry: bool
    telemetry_laps: tuple[int, ...]
    estimated_laps: tuple[int, ...] = ()
    telemetry_note: str | None
    notes: tuple[str, ...]
    exclusion: str | None = None
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Drivers:
    """api/drivers.json: every car of the timing, in finishing order."""

    drivers: tuple[Driver, ...]
    unmatched_loggers: tuple[UnmatchedLogger, ...]


@dataclass(frozen=True, kw_only=True)
class LapReason:
    """One reason against a lap; `excludes` is what it keeps the lap from being: valid, clean, or none."""

    code: str
    text: str
    excludes: str


@dataclass(frozen=True, kw_only=True)
class Lap:
    """An official lap. `own_best_sectors` are the sectors (1 to 3) whose best clean time was set on this lap."""

    lap_number: int
    lap_time_ms: int | None
    gap_to_best_ms: int | None
    sectors_ms: tuple[int | None, ...]
    sections_ms: tuple[int | None, ...]
    own_best_sectors: tuple[int, ...]
    is_valid: bool
    is_clean: bool
    reasons: tuple[LapReason, ...]
    flag: str | None
    is_pit_in: bool
    pit_time_ms: int | None
    elapsed_ms: int | None
    finished_at_ms: int | None
    top_speed_kmh: float | None
    logger_lap: int | None
    logger_residual_ms: int | None
    has_telemetry: bool
    telemetry_note: str | None


@dataclass(frozen=True, kw_only=True)
class Laps:
    """api/laps/<path>.json. Best, mean and median are over valid laps; the best clean lap is the one of SIWTL."""

    vehicle_id: str
    best_lap_ms: int | None
    best_lap_number: int | None
    mean_lap_ms: int | None
    median_lap_ms: int | None
    best_clean_lap_number: int | None
    gap_to_class_best_ms: int | None
    valid_laps: int
    clean_laps: int
    laps: tuple[Lap, ...]


@dataclass(frozen=True, kw_only=True)
class SiwtlSector:
    """One sector of a target. gap = in best lap - best; gain is the part of the gap that the target asks for."""

    sector: int
    best_ms: int
    in_best_lap_ms: int
    gap_ms: int
    weight: float
    gain_ms: int
    donor_lap: int
    done_on_laps: int


@dataclass(frozen=True, kw_only=True)
class SiwtlSection(SiwtlSector):
    """One of the six intermediate sections, with the timing's name for it."""

    name: str


@dataclass(frozen=True, kw_only=True)
class SpecReference:
    """The specification's literal formula, kept for comparison."""

    siwtl_literal_s: float | None
    note: str


@dataclass(frozen=True, kw_only=True)
class Siwtl:
    """api/ml/siwtl/calculate/<path>.json. Times are null without a clean lap."""

    vehicle_id: str
    best_lap_ms: int | None
    ideal_lap_ms: int | None
    siwtl_lap_ms: int | None
    potential_gain_ms: int | None
    achievability: float | None
    consistency_score: float | None
    consistency_percentile: float | None
    clean_laps: int
    confidence: str
    jackknife_range_ms: tuple[int, int] | None
    rolling_best_ms: int | None
    sectors: tuple[SiwtlSector, ...]
    sections6: tuple[SiwtlSection, ...] | None
    spec_reference: SpecReference

    @property
    def shown_target_ms(self) -> int | None:
        """The target where there is something to reach: that of a single clean lap is the lap itself."""
        return self.siwtl_lap_ms if self.clean_laps > 1 else None


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """api/telemetry/<path>/<lap>.json: one lap over distance, and its features by the names of schemas.py.

    Arrays are of one length, null where the logger has a gap. `throttle_channel` is aps (pedal) or ath (blade).
    An estimate is `synthetic`: its source is "estimate", not "logger", and `note` says what it rests on; of a
    measured lap `note` says why its distance is not trusted.
    """

    vehicle_id: str
    lap_number: int
    source: str
    synthetic: bool
    note: str | None = None
    throttle_channel: str | None
    distance_m: pa.Array
    time_ms: pa.Array
    speed_kmh: pa.Array
    throttle_pct: pa.Array
    brake_bar: pa.Array
    steering_deg: pa.Array
    features: Mapping[str, Figure]


@dataclass(frozen=True, kw_only=True)
class Session:
    """The session itself. `utc_offset_ms` + local time of day = UTC."""

    session_id: str
    circuit: str
    circuit_name: str
    year: str
    race: int
    race_date: str
    length_m: float | None
    is_simulated: bool
    utc_offset_ms: int | None
    utc_offset_source: str


@dataclass(frozen=True, kw_only=True)
class Classified:
    """One line of the classification with the car's target. `telemetry_laps` counts laps with a trace."""

    vehicle_id: str
    path: str
    position: int | None
    car_number: str
    driver_name: str | None
    team: str | None
    vehicle_class: str | None
    status: str | None
    laps: int
    total_time_ms: int | None
    gap_first: str | None
    best_lap_ms: int | None
    siwtl_lap_ms: int | None
    potential_gain_ms: int | None
    confidence: str
    consistency_score: float | None
    consistency_percentile: float | None
    clean_laps: int
    telemetry_laps: int
    exclusion: str | None = None

    @property
    def is_best_clean(self) -> bool:
        """Whether the best lap is a clean one: the target starts from the best clean lap."""
        if self.siwtl_lap_ms is None or self.potential_gain_ms is None:
            return False
        return self.best_lap_ms == self.siwtl_lap_ms + self.potential_gain_ms

    @property
    def shown_target_ms(self) -> int | None:
        """As of Siwtl."""
        return self.siwtl_lap_ms if self.clean_laps > 1 else None


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """One figure of the whole field, unit in its name; with the car and lap it belongs to."""

    figure: str
    value: Figure
    vehicle_id: str | None
    lap_number: int | None


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A driver's place in a ranking; equal values share a rank."""

    rank: int
    vehicle_id: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """All drivers with a value in one category, the best first. It takes `least_laps` clean laps to be ranked,
    `least_traced` of them with a trusted trace. A category of too few drivers is not there."""

    category: str
    unit: str
    least_laps: int
    least_traced: int
    ranks: tuple[Ranked, ...]


@dataclass(frozen=True, kw_only=True)
class Range:
    """Least, mean and greatest of a series of readings."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Weather:
    """The weather station over the session; a series without readings is null."""

    readings: int
    first_at_ms: int
    last_at_ms: int
    air_temp_c: Range | None
    track_temp_c: Range | None
    humidity_pct: Range | None
    pressure_mbar: Range | None
    wind_speed_kmh: Range | None
    is_rain: bool | None


@dataclass(frozen=True, kw_only=True)
class Neutralisation:
    """A full-course yellow by race time: it began between green_until and yellow_from, and ended alike."""

    phase: int
    green_until_ms: int | None
    yellow_from_ms: int
    yellow_until_ms: int
    green_from_ms: int | None
    crossings: int
    cars: int


@dataclass(frozen=True, kw_only=True)
class FileRows:
    """What became of the rows of one raw file: read = kept + exact duplicates + merged + set aside."""

    file: str
    kind: str
    rows_read: int
    rows_kept: int
    exact_duplicates: int
    rows_merged: int
    rows_set_aside: int
    conflict_rows: int


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """Rows of one kind of file that were set aside for one reason; they stand in the quarantine table."""

    kind: str
    reason: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class LoggerMatch:
    """Which car a logger is. Times are logger - official crossing."""

    logger_id: str
    vehicle_id: str | None
    car_number: str | None
    crossings: int
    crossings_matched: int
    bias_ms: int | None
    residual_ms: float | None
    is_reliable: bool
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class DataQuality:
    """How complete the session is and how well its sources agree. `notes` say it in sentences.

    `corrections` are the team's, of session.toml.
    """

    notes: tuple[str, ...]
    missing_files: tuple[str, ...]
    files: tuple[FileRows, ...]
    set_aside: tuple[SetAside, ...]
    crossings: int
    crossings_matched: int
    matched_share: float | None
    logger_bias_ms: int | None
    loggers: tuple[LoggerMatch, ...]
    unmatched_loggers: tuple[UnmatchedLogger, ...]
    frozen_clocks: tuple[str, ...]
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FleetSummary:
    """api/fleet/summary.json: the session as a whole. `narrative` is null where no text was written."""

    session: Session
    classification: tuple[Classified, ...]
    statistics: tuple[Statistic, ...]
    rankings: tuple[Ranking, ...]
    weather: Weather | None
    neutralisations: tuple[Neutralisation, ...]
    data_quality: DataQuality
    narrative: CoachText | None = None
