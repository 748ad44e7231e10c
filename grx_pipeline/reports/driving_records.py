"""The JSON contract: records of track, corners, ledger, DPTAD, opportunities and comparisons.

The same rules as in records.py. Places are metres from start/finish, `corner` is a turn's name as T5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from grx_pipeline.reports.narrative_records import CoachText
from grx_pipeline.reports.records import Figure


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A corner of the circuit. Medians and spreads are the field's, over clean laps with a trace."""

    corner: str
    name: str | None
    direction: str
    start_m: float
    apex_m: float
    end_m: float
    turn_deg: float | None
    radius_m: float | None
    apex_spread_m: float | None
    apex_share: float | None
    brake_onset_m: float | None
    brake_onset_spread_m: float | None
    full_throttle_m: float | None
    is_verified: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A tile of the lap; `corner` of a straight is the corner before it."""

    segment: int
    name: str
    phase: str
    corner: str | None
    sector: int
    start_m: float
    end_m: float


@dataclass(frozen=True, kw_only=True)
class TimingLine:
    """Where a timing line is by the field's laps; `map_m` is the official map's, `is_off_map` where too far off.

    Without a map's line, or where places count from elsewhere than the map's, `map_m` is null.

    Laps are pinned at anchors; at the others `time_error_*` is how far traces are from the official time.
    """

    line: str
    distance_m: float
    spread_m: float | None
    residual_p95_m: float | None
    laps: int
    is_anchor: bool
    map_m: float | None
    is_off_map: bool
    time_error_median_ms: float | None
    time_error_p95_ms: float | None


@dataclass(frozen=True, kw_only=True)
class TrackSource:
    """How the line was found, and how well it closes; `gps_*` is the inertial line's distance from the GPS line."""

    source: str
    is_used: bool
    is_approximate: bool
    laps: int
    turned_deg: float | None
    raw_closure_m: float | None
    closure_m: float | None
    gps_median_m: float | None
    gps_p95_m: float | None


@dataclass(frozen=True, kw_only=True)
class TrackLine:
    """The field's line: arrays of one length. Curvature is + to the left; `speed_kmh` is the field's median."""

    distance_m: pa.Array
    x_m: pa.Array
    y_m: pa.Array
    curvature_per_m: pa.Array
    speed_kmh: pa.Array


@dataclass(frozen=True, kw_only=True)
class Track:
    """api/track.json: the circuit as the field drove it. Without a trace all lists are empty, and `note` says why.

    With `is_from_loggers` metres count from where the loggers change lap, some way off the finish line.
    """

    circuit: str
    length_m: float | None
    is_from_loggers: bool
    sources: tuple[TrackSource, ...]
    timing_lines: tuple[TimingLine, ...]
    corners: tuple[Corner, ...]
    segments: tuple[Segment, ...]
    line: TrackLine
    note: str | None


@dataclass(frozen=True, kw_only=True)
class CornerFigure:
    """One figure at one corner: the driver's median and spread over `laps` clean laps, and the class's quartiles."""

    median: float | None
    spread: float | None
    laps: int
    class_quartiles: tuple[float, float, float] | None
    class_drivers: int


@dataclass(frozen=True, kw_only=True)
class DriverCorner:
    """One corner of one driver: `figures` by name (columns of corner_laps); `by_lap` each figure lap by lap.

    `missing` says of figures that are not there why, as `no braking`.
    """

    corner: str
    figures: Mapping[str, CornerFigure]
    by_lap: Mapping[str, tuple[Figure, ...]]
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class DriverCorners:
    """api/corners/<path>.json. `lap_numbers` are the laps of every `by_lap`; `note` says why there are none."""

    vehicle_id: str
    lap_numbers: tuple[int, ...]
    corners: tuple[DriverCorner, ...]
    note: str | None


@dataclass(frozen=True, kw_only=True)
class LedgerLine:
    """One line of the ledger: what the target asks for here (`gain_ms`), of which gap between best and donor lap."""

    name: str
    sector: int
    corner: str | None
    phase: str | None
    gain_ms: int
    gap_ms: int
    best_lap_number: int
    donor_lap: int
    evidence: tuple[str, ...]
    event_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RollingLap:
    """The fastest lap from any place to the same place, on two laps running."""

    lap_time_ms: int
    start_m: float
    lap_number: int


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """api/ledger/<path>.json: best clean lap - SIWTL. Both levels add up to `potential_gain_ms`.

    `segments` is empty where the traces are not there; `note` says why.
    """

    vehicle_id: str
    potential_gain_ms: int | None
    sectors: tuple[LedgerLine, ...]
    segments: tuple[LedgerLine, ...]
    rolling_lap: RollingLap | None
    note: str | None


@dataclass(frozen=True, kw_only=True)
class ByCategory:
    """One value per DPTAD category; null where the category could not be judged."""

    brake: float | None
    throttle: float | None
    steering: float | None
    speed: float | None


@dataclass(frozen=True, kw_only=True)
class Smoothness:
    """Share of the channel's movement slower than 1 Hz, median over clean laps; null for a channel not used."""

    brake: float | None
    throttle: float | None
    steering: float | None


@dataclass(frozen=True, kw_only=True)
class SpeedFigures:
    """How repeatable the speed is, what corners cost of it, and exits against the class's best quarter."""

    consistency: float | None
    corner_speed_loss: float | None
    corner_exit_efficiency: float | None


@dataclass(frozen=True, kw_only=True)
class DptadLap:
    """Scores of a lap, 0 (as always) to 100; `significant` are the categories in which it stands out."""

    lap: int
    scores: ByCategory
    significant: tuple[str, ...]
    events: int


@dataclass(frozen=True, kw_only=True)
class DptadEvent:
    """One unusual moment. `time_lost_ms` is null where the car's clock does not allow to claim it."""

    id: str
    lap: int
    at_utc: str | None
    time_in_lap_s: float | None
    s_start_m: float
    s_end_m: float
    s_peak_m: float
    corner: str | None
    phase: str | None
    sector: int | None
    channel: str
    type: str
    sign: int
    z: float
    p_value: float
    time_lost_ms: float | None
    is_costly: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Dptad:
    """api/ml/dptad/analyze/<path>.json. Scores are medians over laps; `reason` says why there is no verdict.

    Scores compare with `field_laps` clean laps of all judged drivers, and so many can give `highest_score` at most.
    """

    vehicle_id: str
    scores: ByCategory
    worst: ByCategory
    smoothness: Smoothness
    speed: SpeedFigures
    own_laps: int
    laps_judged: int
    field_laps: int
    highest_score: float | None
    threshold: float | None
    laps: tuple[DptadLap, ...]
    events: tuple[DptadEvent, ...]
    insights: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Opportunity:
    """One place where a change pays: `loss_ms` a lap against `reference`, on `laps_with_loss` of `laps`.

    `laps_in_traffic` and `laps_in_gap` have a trace and do not count here: a car close ahead, or a gap.
    """

    rank: int | None
    corner: str
    phase: str
    reference: str
    pattern: str | None
    loss_ms: float
    floor_ms: float
    laps: int
    laps_with_loss: int
    laps_done: int
    laps_in_traffic: int
    laps_in_gap: int
    evidence: tuple[str, ...]
    advice: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Opportunities:
    """api/opportunities/<path>.json: at most three that are told, all that were tested, or why there are none."""

    vehicle_id: str
    told: tuple[Opportunity, ...]
    tested: tuple[Opportunity, ...]
    loss_ms: float
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class ComparedLine:
    """Time of b - time of a in one place: on the compared laps, and of the medians over clean laps."""

    name: str
    gap_ms: float | None
    median_gap_ms: float | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """api/compare/<a>/<b>.json. `gap_ms` and `sectors` are of the best clean laps `best_a` and `best_b`; the rest is
    b - a on `lap_a` and `lap_b`. `delta_ms` over `distance_m` is `trace_gap_ms` at the line, behind its last point;
    empty without two traces. `note` says what is missing. Pairs with a page have a `narrative`."""

    vehicle_a: str
    vehicle_b: str
    gap_ms: int | None
    best_a: int | None
    best_b: int | None
    lap_a: int | None
    lap_b: int | None
    trace_gap_ms: int | None
    sectors: tuple[ComparedLine, ...]
    corners: tuple[ComparedLine, ...]
    segments: tuple[ComparedLine, ...]
    distance_m: pa.Array
    delta_ms: pa.Array
    note: str | None
    narrative: CoachText | None = None
