"""The study of DPTAD: how many labelled faults it finds, in laps of cars that it was not fitted to.

Every clean lap gets copies with one fault each; each copy is judged as if it were the lap, against the driver's other
laps. Every detector has the same budget over all clean laps of a group of cars, the copy in the place of its lap: as
many events as the budget allows, the highest scores first. The sketch alone has thresholds of its own. A fault is found
where an event's peak lies between 30 m before and 60 m behind it. What is said of it stands in dptad_report.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import maximum_filter1d

from grx_pipeline.methods.dptad.detector import Peak, find_peaks, fitted_weights, has_verdict, judge
from grx_pipeline.methods.dptad.events import Event, describe_peak
from grx_pipeline.methods.dptad.evidence import Evidence, LapMatrix, gather_evidence
from grx_pipeline.methods.dptad.own import Array, OwnLaps
from grx_pipeline.methods.validation.dptad_fit import TUNING, fault_places
from grx_pipeline.methods.validation.dptad_laps import DriverLaps, FaultyLaps, put_faults
from grx_pipeline.methods.validation.dptad_rivals import RIVALS
from grx_pipeline.settings import DptadSettings, Settings

DETECTORS = ("dptad", *RIVALS)
# Names of an event that say what was put in. The rules name what the traces show, not what caused it.
RIGHT_NAMES: Mapping[str, tuple[str, ...]] = {
    "early_braking": ("early_braking",),
    "missed_braking_point": ("late_braking",),
    "throttle_lift": ("lift", "oversteer_suspected"),
    "lock_up": ("lock_up_suspected", "brake_reapplication"),
    "brake_reapplication": ("brake_reapplication", "lock_up_suspected"),
    "counter_steer_snap": ("oversteer_suspected",),
    "traffic": ("traffic_suspected", "over_slowing", "lift", "early_braking"),
}
_SKETCH_ALARM = 1.0


@dataclass(frozen=True, kw_only=True)
class DptadStudy:
    """What the study found.

    Every frame has the group: real, simulated or tuning cars, or one of these in parts of few laps. `outcomes` has a
    row per detector and fault: driver, own_laps, kind, size, fault_loss_ms, is_found, false_events (others on that
    lap); for DPTAD also is_named, off_m (peak to the changed stretch) and loss_ms. `clean` has clean laps and events
    on them per detector, `events` DPTAD's among these with their loss_ms, `random` losses at random places.
    """

    seed: int
    drivers: pd.DataFrame
    outcomes: pd.DataFrame
    clean: pd.DataFrame
    events: pd.DataFrame
    random: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Hit:
    lap: int
    place: int
    score: float


@dataclass(frozen=True, kw_only=True)
class _PartHits:
    """Peaks of one detector on one car's clean laps and on the copies; DPTAD's own peaks by (copy, place)."""

    driver: DriverLaps
    copies: FaultyLaps
    places: int
    clean: tuple[_Hit, ...]
    faulty: Mapping[int, tuple[_Hit, ...]]


@dataclass(frozen=True, kw_only=True)
class _Described:
    """What DPTAD says of its peaks: a row by (copy, place), and its events' losses on the clean laps."""

    rows: Mapping[tuple[int, int], Mapping[str, object]]
    clean_peaks: tuple[Peak, ...]
    own: LapMatrix
    evidence: Evidence
    median_ms: Array


def run_dptad_study(drivers: Sequence[DriverLaps], settings: Settings, *, per_kind: int, seed: int) -> DptadStudy:
    """All detectors on all cars with enough laps; cars that have many laps in parts too, each its own group."""
    dptad = settings.dptad
    whole = [driver for driver in drivers if has_verdict(driver.count, dptad)]
    groups = {name: [driver for driver in whole if _group(driver) == name] for name in ("real", "simulated", "tuning")}
    pools = [(name, parts) for name, parts in groups.items() if parts]
    pools += [(f"{_group(part)}, in parts", [part]) for driver in whole for part in _parts(driver, settings, seed)]
    rows: dict[str, list[dict[str, object]]] = {"outcomes": [], "clean": [], "events": [], "random": []}
    for group, parts in pools:
        for kind, row in _judge_pool(parts, settings, per_kind=per_kind, seed=seed):
            rows[kind].append({"group": group} | row)
    about = [
        {"group": group, "driver": part.name, "session": part.session, "own_laps": part.count}
        for group, parts in pools
        for part in parts
    ]
    return DptadStudy(
        seed=seed, drivers=pd.DataFrame(about), **{name: pd.DataFrame(found) for name, found in rows.items()}
    )


def _group(driver: DriverLaps) -> str:
    if (driver.session, driver.vehicle_id) in TUNING:
        return "tuning"
    return "simulated" if driver.is_simulated else "real"


def _parts(driver: DriverLaps, settings: Settings, seed: int) -> Iterator[DriverLaps]:
    """Parts of `part_laps` of a car that has more than those."""
    order, size = np.random.default_rng(seed).permutation(driver.count), settings.study.part_laps
    for first in range(0, driver.count - settings.dptad.min_own_laps if driver.count > size else 0, size):
        rows = np.sort(order[first : first + size])
        if rows.size == size:
            yield driver.some(rows.tolist(), driver.name)


def _judge_pool(
    parts: Sequence[DriverLaps], limits: Settings, *, per_kind: int, seed: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """Rows of the study's frames, each with the name of its frame."""
    settings = limits.dptad
    hits: dict[str, list[_PartHits]] = {name: [] for name in DETECTORS}
    described = []
    for part in parts:
        own, copies = part.matrix(), put_faults(part, per_kind=per_kind, seed=seed, limits=limits.study)
        faulty, rows = copies.matrix(), np.arange(part.count)
        found, said = _judge_dptad(part, own, copies, faulty, settings)
        hits["dptad"].append(found)
        described.append(said)
        for name, scores in RIVALS.items():
            clean = scores(own, own, rows, settings)
            changed = _plain_peaks(scores(own, faulty, copies.hosts, settings), settings)
            hits[name].append(_part_hits(part, copies, _plain_peaks(clean, settings), changed, clean.shape[1]))
    for name, one in hits.items():
        yield from _count(name, one, described, settings)
    yield from _clean_events(parts, described, settings, places=limits.study.random_places)


def _judge_dptad(
    part: DriverLaps, own: LapMatrix, copies: FaultyLaps, faulty: LapMatrix, settings: DptadSettings
) -> tuple[_PartHits, _Described]:
    weights, rows = fitted_weights(), np.arange(part.count)
    own_evidence = gather_evidence(own, own, rows, settings)
    evidence = gather_evidence(own, faulty, copies.hosts, settings)
    clean, changed = (
        list(find_peaks(judge(one, weights), weights.kinds, settings)) for one in (own_evidence, evidence)
    )
    medians = OwnLaps.of(own.time_ms).quantile(0.5, copies.hosts)
    said: dict[tuple[int, int], Mapping[str, object]] = {}
    for peak in changed:
        fault = copies.faults[peak.lap]
        is_traffic = fault.kind == "traffic"
        event = describe_peak(peak, evidence, faulty, medians[peak.lap], has_traffic=is_traffic, settings=settings)
        off = max(fault.start_m - event.peak_m, event.peak_m - fault.end_m, 0.0)
        is_named = event.rule.type in RIGHT_NAMES[fault.kind]
        said[peak.lap, peak.place] = {"is_named": is_named, "off_m": off, "loss_ms": event.time_lost_ms}
    as_hits = [[_Hit(lap=peak.lap, place=peak.place, score=peak.log_odds) for peak in one] for one in (clean, changed)]
    hits = _part_hits(part, copies, as_hits[0], as_hits[1], own_evidence.places_m.size)
    about = _Described(
        rows=said,
        clean_peaks=tuple(clean),
        own=own,
        evidence=own_evidence,
        median_ms=OwnLaps.of(own.time_ms).quantile(0.5, rows),
    )
    return hits, about


def _part_hits(
    driver: DriverLaps, copies: FaultyLaps, clean: Sequence[_Hit], changed: Sequence[_Hit], places: int
) -> _PartHits:
    by_copy: dict[int, list[_Hit]] = {}
    for hit in changed:
        by_copy.setdefault(hit.lap, []).append(hit)
    faulty = {copy: tuple(hits) for copy, hits in by_copy.items()}
    return _PartHits(driver=driver, copies=copies, places=places, clean=tuple(clean), faulty=faulty)


def _plain_peaks(scores: Array, settings: DptadSettings) -> list[_Hit]:
    """The highest places within `apart_m`, of each lap."""
    reach = round(settings.apart_m / settings.place_m)
    is_highest = (scores == maximum_filter1d(scores, 2 * reach + 1, axis=1, mode="nearest")) & (scores > 0)
    hits: list[_Hit] = []
    for lap, place in zip(*np.nonzero(is_highest), strict=True):
        if not hits or hits[-1].lap != lap or place - hits[-1].place > reach:
            hits.append(_Hit(lap=int(lap), place=int(place), score=float(scores[lap, place])))
    return hits


def _count(
    name: str, parts: Sequence[_PartHits], described: Sequence[_Described], settings: DptadSettings
) -> Iterator[tuple[str, dict[str, object]]]:
    """Events on the pool's clean laps, then each fault: is an event at it, and how many lie elsewhere on its lap."""
    laps = sum(part.driver.count for part in parts)
    has_own_limit = name == "sketch"
    least = _SKETCH_ALARM if has_own_limit else settings.least_log_odds if name == "dptad" else 0.0
    allowed = 10**9 if has_own_limit else int(settings.budget * laps)
    clean = [(number, hit.lap, hit.score) for number, part in enumerate(parts) for hit in part.clean]
    owner = np.array([(number, lap) for number, lap, _ in clean]).reshape(-1, 2)
    scores = np.array([score for *_, score in clean])
    yield "clean", {"detector": name, "laps": laps, "events": min(allowed, int((scores > least).sum()))}
    for number, part in enumerate(parts):
        for copy, fault in enumerate(part.copies.faults):
            is_host = (owner[:, 0] == number) & (owner[:, 1] == part.copies.hosts[copy])
            others = scores[~is_host]
            likely = [hit for hit in part.faulty.get(copy, ()) if hit.score > least]
            events = [hit for hit in likely if _rank(hit, likely, others) < allowed]
            window = fault_places(fault, settings, part.places)
            inside = [hit for hit in events if window.start <= hit.place < window.stop]
            best = max(inside, key=lambda hit: hit.score) if inside else None
            said = described[number].rows[copy, best.place] if best and name == "dptad" else {}
            yield (
                "outcomes",
                {
                    "detector": name,
                    "driver": part.driver.name,
                    "own_laps": part.driver.count,
                    "kind": fault.kind,
                    "size": fault.size,
                    "fault_loss_ms": fault.time_lost_ms,
                    "is_found": best is not None,
                    "false_events": len(events) - len(inside),
                    **said,
                },
            )


def _rank(hit: _Hit, own: Sequence[_Hit], others: Array) -> int:
    """How many events of the pool's laps come before this one."""
    return int((others > hit.score).sum()) + sum(one.score > hit.score for one in own)


def _clean_events(
    parts: Sequence[DriverLaps], described: Sequence[_Described], settings: DptadSettings, *, places: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """DPTAD's events on the clean laps as driven, and what is lost at `places` random ones judged the same way."""
    allowed = int(settings.budget * sum(part.count for part in parts))
    peaks = [(number, peak) for number, said in enumerate(described) for peak in said.clean_peaks]
    for number, peak in sorted(peaks, key=lambda one: -one[1].log_odds)[:allowed]:
        event = _describe_clean(peak, described[number], settings)
        yield "events", {"driver": parts[number].name, "type": event.rule.type, "loss_ms": event.time_lost_ms}
    rng = np.random.default_rng(len(parts))
    for _ in range(places):
        said = described[int(rng.integers(len(parts)))]
        lap, place = (int(rng.integers(size)) for size in said.evidence.absolute.shape[:2])
        anywhere = Peak(lap=lap, place=place, first=place, last=place, log_odds=0.0, kind="throttle_lift")
        yield "random", {"loss_ms": _describe_clean(anywhere, said, settings).time_lost_ms}


def _describe_clean(peak: Peak, said: _Described, settings: DptadSettings) -> Event:
    return describe_peak(peak, said.evidence, said.own, said.median_ms[peak.lap], has_traffic=False, settings=settings)
