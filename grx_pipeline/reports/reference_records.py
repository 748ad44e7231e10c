"""The JSON contract: records of the laps that a driver is compared with. The same rules as in records.py."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class ReferenceSource:
    """A lap that a reference is or is made of; of a target in one `sector`, with the weight of its time there."""

    vehicle_id: str
    lap_number: int
    sector: int | None
    weight: float | None


@dataclass(frozen=True, kw_only=True)
class ReferenceTrace:
    """A lap that nobody drove, over distance. Arrays are of one length, null where it is not known."""

    distance_m: pa.Array
    time_ms: pa.Array
    speed_kmh: pa.Array
    throttle_pct: pa.Array
    brake_bar: pa.Array
    steering_deg: pa.Array


@dataclass(frozen=True, kw_only=True)
class Reference:
    """own_best, class_best, target, median, or estimate: what laps without telemetry are estimated from.

    `text` says what it is, `reason` why there is none. `trace` is null for driven laps, whose trace stands under
    api/telemetry/, and for estimates, which stand there lap by lap.
    """

    reference: str
    lap_time_ms: int | None
    text: str | None
    reason: str | None
    sources: tuple[ReferenceSource, ...]
    trace: ReferenceTrace | None


@dataclass(frozen=True, kw_only=True)
class References:
    """api/references/<path>.json."""

    vehicle_id: str
    references: tuple[Reference, ...]
