"""The ledgers of a session: the lines of every driver with their evidence and events, and what is missing and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from grx_pipeline.formats import counted, listed
from grx_pipeline.methods.driving.evidence import Values, corner_evidence, exit_evidence, top_speed_evidence
from grx_pipeline.methods.driving.exit_loss import FullThrottle, carried_loss_ms
from grx_pipeline.methods.driving.ledger import (
    Line,
    Part,
    SectorGain,
    split_by_delta,
    whole_parts,
    with_carried,
)
from grx_pipeline.methods.driving.segment_times import sector_edges
from grx_pipeline.methods.driving.tiles import STRAIGHT, Tile
from grx_pipeline.schemas.columns import PHASES
from grx_pipeline.settings import LedgerSettings
from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

GAP_EVIDENCE = "not split further: the telemetry of one of the two laps has a gap here"
FLAT_EVIDENCE = "both laps are at full throttle throughout"


@dataclass(frozen=True, kw_only=True)
class Event:
    """A DPTAD event of a lap."""

    event_id: str
    start_m: float
    end_m: float


@dataclass(frozen=True, kw_only=True)
class LedgerSession:
    """What all ledgers of a session are made from.

    `borders_ms` (n, m + 1) and `is_pinned` (n,) are of the field's laps; `rows` finds a lap's row by vehicle_id and
    number. `corners` are the names by corner_index, `figures` rows of corner_laps by vehicle, lap and corner_index,
    `events` those of a vehicle's lap. `curve` is None where the session has too few full-throttle samples. Of the
    vehicles `ill_placed`, by few crossings, no loss under `least_loss_ms` is claimed.
    """

    field: FieldTraces
    tiles: Sequence[Tile]
    corners: Mapping[int, str]
    borders_ms: Array
    is_pinned: Flags
    rows: Mapping[tuple[str, int], int]
    figures: Mapping[tuple[str, int, int], Values]
    events: Mapping[tuple[str, int], Sequence[Event]]
    curve: FullThrottle | None
    ill_placed: frozenset[str]
    least_loss_ms: float
    settings: LedgerSettings


@dataclass(frozen=True, kw_only=True)
class DriverGains:
    """A driver's target: his best clean lap and the three sectors' gains."""

    vehicle_id: str
    best_lap: int
    clean_laps: int
    sectors: tuple[SectorGain, ...]


@dataclass(frozen=True, kw_only=True)
class DriverLedger:
    """Lines in lap order. `segment_lines` is empty where no sector can be split; `note` says what is missing."""

    sector_lines: tuple[Line, ...]
    segment_lines: tuple[Line, ...]
    note: str | None


def make_ledger(session: LedgerSession, driver: DriverGains) -> DriverLedger:
    """The driver's lines: of sectors, and of segments, where a sector that cannot be split stands for its own."""
    edges = sector_edges(session.tiles)
    sectors = [_sector_line(session, driver, gain) for gain in driver.sectors]
    segments: list[Line] = []
    missing: dict[str, str] = {}
    for line, gain in zip(sectors, driver.sectors, strict=True):
        reason = _why_whole(session, driver, gain, has_sectors=edges is not None)
        if reason is None and edges is not None:
            segments += _segment_lines(session, driver, gain, edges[gain.sector - 1])
        else:
            segments.append(replace(line, level="segment"))
            missing[gain.name] = reason or ""
    has_split = len(missing) < len(sectors)
    return DriverLedger(
        sector_lines=tuple(sectors), segment_lines=tuple(segments) if has_split else (), note=_note(missing, has_split)
    )


def _sector_line(session: LedgerSession, driver: DriverGains, gain: SectorGain) -> Line:
    evidence = []
    if gain.gap_ms:
        evidence.append(
            f"lap {gain.donor_lap}: {gain.best_ms / 1000:.3f} s against {gain.in_best_lap_ms / 1000:.3f} s; "
            f"about as fast on {gain.done_on_laps} of {counted(driver.clean_laps, 'clean lap')}"
        )
    inside = [tile for tile in session.tiles if tile.sector == gain.sector]
    has_place = bool(inside) and sector_edges(session.tiles) is not None
    return Line(
        level="sector",
        name=gain.name,
        sector=gain.sector,
        segment=None,
        corner_index=None,
        phase=None,
        gain_ms=gain.gain_ms,
        gap_ms=gain.gap_ms,
        donor_lap=gain.donor_lap,
        evidence=evidence,
        event_ids=_events(session, driver, inside[0].start_m, inside[-1].end_m) if has_place else [],
    )


def _why_whole(session: LedgerSession, driver: DriverGains, gain: SectorGain, *, has_sectors: bool) -> str | None:
    """Why the sector cannot be split, None where it can."""
    if not any(vehicle == driver.vehicle_id for vehicle, _ in session.rows):
        return "no lap of this car has a trusted trace"
    if not has_sectors:
        return "too few laps of the field tell where the sector lines are"
    if driver.vehicle_id in session.ill_placed and 0 < gain.gap_ms < session.least_loss_ms:
        return "too few line crossings of its own logger place this car's laps for a loss this small"
    laps = [driver.best_lap] if not gain.gap_ms else [driver.best_lap, gain.donor_lap]
    for lap in laps:
        row = session.rows.get((driver.vehicle_id, lap))
        name = "the best lap" if lap == driver.best_lap else f"the lap with the best {gain.name}"
        if row is None:
            return f"{name} ({lap}) has no trusted trace"
        if not session.is_pinned[row]:
            return f"{name} ({lap}) is not pinned at the sector lines"
    return None


def _note(missing: Mapping[str, str], has_split: bool) -> str | None:
    """One sentence of the sectors that stand alone, by reason."""
    if not missing:
        return None
    reasons: dict[str, list[str]] = {}
    for name, reason in missing.items():
        reasons.setdefault(reason, []).append(name)
    if not has_split and len(reasons) == 1:
        return f"The ledger stops at sectors: {next(iter(reasons))}."
    parts = [f"{listed(names)}, because {reason}" for reason, names in reasons.items()]
    return f"Not split into segments: {'; '.join(parts)}."


def _segment_lines(session: LedgerSession, driver: DriverGains, gain: SectorGain, edges: tuple[int, int]) -> list[Line]:
    low, high = edges
    tiles = session.tiles[low:high]
    best = session.rows[driver.vehicle_id, driver.best_lap]
    donor = session.rows[driver.vehicle_id, gain.donor_lap] if gain.gap_ms else best
    delta = session.borders_ms[best, low : high + 1] - session.borders_ms[donor, low : high + 1]
    parts = []
    for part in split_by_delta(tiles, delta if best != donor else np.zeros(delta.shape)):
        parts += _parted_straight(session, part, best, donor)
    amounts = whole_parts(parts, gain)
    return [
        Line(
            level="segment",
            name=part.name,
            sector=gain.sector,
            segment=part.segment,
            corner_index=part.corner_index,
            phase=part.phase,
            gain_ms=gain_ms,
            gap_ms=gap_ms,
            donor_lap=gain.donor_lap,
            evidence=_evidence(session, driver, part, best, donor) if best != donor else [],
            event_ids=[] if part.is_carried else _events(session, driver, part.tiles[0].start_m, part.tiles[-1].end_m),
        )
        for part, (gain_ms, gap_ms) in zip(parts, amounts, strict=True)
    ]


def _parted_straight(session: LedgerSession, part: Part, best: int, donor: int) -> list[Part]:
    """A straight with what the exit before it carried apart; any other part as it is."""
    if part.phase != STRAIGHT or len(part.tiles) != 1 or best == donor or session.curve is None:
        return [part]
    (tile,) = part.tiles
    if tile.corner_index is None:
        return [part]
    begin = _begin_of_straight(session.tiles, tile)
    places, speeds = _speeds(session.field, [best, donor], begin, tile.end_m)
    known = np.isfinite(speeds[1])
    if not np.isfinite(speeds[:, 0]).all():
        return [part]
    # A gap further on is bridged here: the difference is known, and how fast it fades depends little on the speed.
    speed = np.interp(places, places[known], speeds[1, known])
    carried = carried_loss_ms(session.curve, places, speed, float(speeds[0, 0] ** 2 - speed[0] ** 2), tile.start_m)
    name = f"{session.corners[tile.corner_index]} exit, carried"
    return with_carried(part, carried, name if begin > 0 else f"{name} from the lap before")


def _begin_of_straight(tiles: Sequence[Tile], tile: Tile) -> float:
    """Where the straight that the tile belongs to begins, in this lap."""
    row = next(number for number, other in enumerate(tiles) if other.segment == tile.segment)
    while row and tiles[row - 1].is_straight and tiles[row - 1].corner_index == tile.corner_index:
        row -= 1
    return tiles[row].start_m


def _speeds(field: FieldTraces, laps: Sequence[int], start_m: float, end_m: float) -> tuple[Array, Array]:
    """Places (p,) from start to end and the speeds (m/s) of the laps there, (laps, p); NaN where one has a gap."""
    grid = field.distance_m
    places = np.concatenate([[start_m], grid[(grid > start_m) & (grid < end_m)], [end_m]])
    speeds = [np.interp(places, grid, field.channels["speed_kmh"][lap] / 3.6) for lap in laps]
    return places, np.array(speeds)


def _evidence(session: LedgerSession, driver: DriverGains, part: Part, best: int, donor: int) -> list[str]:
    settings = session.settings
    if part.is_carried or part.phase == STRAIGHT:
        return _straight_evidence(session, part, best, donor)
    sentences = [GAP_EVIDENCE] if len(part.tiles) > 1 else []
    laps = (int(session.field.lap_numbers[best]), int(session.field.lap_numbers[donor]))
    for corner, phases in _phases(session.tiles, part.tiles).items():
        own, other = (session.figures.get((driver.vehicle_id, lap, corner)) for lap in laps)
        if own is not None and other is not None:
            sentences += corner_evidence(phases, own, other, settings)
    return sentences


def _straight_evidence(session: LedgerSession, part: Part, best: int, donor: int) -> list[str]:
    """Speeds of a straight, and whether both laps were at full throttle: the rest is then no matter of the pedal."""
    (tile,) = part.tiles
    field, settings = session.field, session.settings
    begin = _begin_of_straight(session.tiles, tile) if part.is_carried else tile.start_m
    kmh = 3.6 * _speeds(field, [best, donor], begin, tile.end_m)[1]
    if part.is_carried:
        return exit_evidence(float(kmh[0, 0]), float(kmh[1, 0]), settings)
    sentences = top_speed_evidence(float(kmh[0].max()), float(kmh[1].max()), settings)
    inside = (field.distance_m >= tile.start_m) & (field.distance_m <= tile.end_m)
    throttle = field.channels["throttle_pct"][[best, donor]][:, inside]
    if sentences and (throttle >= settings.full_throttle_pct).all():
        sentences.append(FLAT_EVIDENCE)
    return sentences


def _phases(tiles: Sequence[Tile], chosen: Sequence[Tile]) -> dict[int, list[str]]:
    """The phases whose figures belong to the chosen tiles, by corner.

    A phase without a tile of its own goes to the corner's first tile of the phases after it, or to its last tile.
    """
    outcome: dict[int, list[str]] = {}
    for tile in chosen:
        if tile.corner_index is None or tile.is_straight:
            continue
        own = [t for t in tiles if t.corner_index == tile.corner_index and not t.is_straight]
        has = {t.phase for t in own}
        outcome.setdefault(tile.corner_index, []).extend(
            phase for phase in PHASES if tile.phase == phase or (phase not in has and tile == _stand_in(own, phase))
        )
    return outcome


def _stand_in(own: Sequence[Tile], phase: str) -> Tile:
    behind = PHASES[PHASES.index(phase) :]
    return next((tile for tile in own if tile.phase in behind), own[-1])


def _events(session: LedgerSession, driver: DriverGains, start_m: float, end_m: float) -> list[str]:
    events = session.events.get((driver.vehicle_id, driver.best_lap), ())
    return [event.event_id for event in events if event.start_m < end_m and event.end_m > start_m]
