"""Fits DPTAD's weights: labelled faults in laps of the tuning cars against what their clean laps show anyway.

One logistic regression a kind of fault. Each fault counts at the place inside it where the fit so far sees it best,
and is fitted again from there. Evidence of steering and of loss, and anything that no other lap of the driver shows,
never counts against a fault: weights that would are set to 0, or the fit would learn that injected faults come alone,
which real ones do not.
What the weights are worth on other cars is for the study to say (dptad_study.py).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.methods.dptad.detector import Weights
from grx_pipeline.methods.dptad.evidence import EVIDENCE, FEATURES, gather_evidence
from grx_pipeline.methods.dptad.own import Array
from grx_pipeline.methods.validation.dptad_laps import DriverLaps, FaultyLaps, put_faults
from grx_pipeline.methods.validation.faults import FAULT_KINDS, InjectedFault
from grx_pipeline.settings import DptadSettings, Settings

# The cars whose laps the weights and thresholds were fitted to, and the seed of their faults and subsets.
TUNING = (
    ("indianapolis-2025-r1", "GR86-025-47"),
    ("indianapolis-2025-r1", "GR86-016-55"),
    ("indianapolis-2025-r2", "GR86-016-55"),
    ("sonoma-2025-r1", "GR86-004-078"),
    ("sonoma-2025-r2", "GR86-004-078"),
)
TUNING_SEED = 1
# Snaps of the wheel look like ordinary laps: a column for them would spend the budget on chance.
FITTED_KINDS = tuple(kind for kind in FAULT_KINDS if kind != "counter_steer_snap")
_SUBSETS = ((6, 7, 8), (6, 7, 8), (10, 11))
_ROUNDS = 4
_RIDGE = 3.0
_FAULT_SHARE = 0.02
_NEVER_AGAINST = ("steering", "loss", "relative")
_BEFORE_M, _BEHIND_M = 30.0, 60.0


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One driver's laps as the fit and the study see them: features (n, p, f) of clean laps, (m, p, f) of copies."""

    driver: DriverLaps
    copies: FaultyLaps
    clean: Array
    faulty: Array


def fault_places(fault: InjectedFault, settings: DptadSettings, count: int) -> slice:
    """The places where a hit is counted: from 30 m before a fault to 60 m behind it."""
    first = max(int((fault.start_m - _BEFORE_M) / settings.place_m), 0)
    last = int(np.ceil((fault.end_m + _BEHIND_M) / settings.place_m))
    return slice(min(first, count - 1), min(max(last, first + 1), count))


def tuning_groups(drivers: Sequence[DriverLaps]) -> list[DriverLaps]:
    """The tuning cars; those of two races of one circuit with their laps together; #47 in smaller parts too."""
    by_key = {(driver.session, driver.vehicle_id): driver for driver in drivers}
    found = [by_key[key] for key in TUNING if key in by_key]
    joined: dict[tuple[int, str], list[DriverLaps]] = {}
    for driver in found:
        joined.setdefault((driver.channels["time_ms"].shape[1], driver.vehicle_id), []).append(driver)
    groups = [_together(parts) for parts in joined.values()]
    rng = np.random.default_rng(TUNING_SEED)
    parts = []
    for driver in groups:
        for sizes in _SUBSETS:
            if sum(sizes) <= driver.count:
                order = rng.permutation(driver.count)
                ends = np.cumsum((0, *sizes))
                rows = [np.sort(order[a:b]).tolist() for a, b in itertools.pairwise(ends)]
                parts += [driver.some(part, f"{driver.name}, {len(part)} laps") for part in rows]
    return groups + parts


def _together(parts: Sequence[DriverLaps]) -> DriverLaps:
    first = parts[0]
    return DriverLaps(
        name=" and ".join(part.name for part in parts),
        session=first.session,
        vehicle_id=first.vehicle_id,
        is_simulated=first.is_simulated,
        lap_numbers=np.concatenate([part.lap_numbers for part in parts]),
        step_m=first.step_m,
        channels={name: np.concatenate([part.channels[name] for part in parts]) for name in first.channels},
    )


def judge_driver(driver: DriverLaps, *, per_kind: int, seed: int, settings: Settings) -> Judged:
    """Features of a driver's clean laps, and of copies with faults."""
    own, copies = driver.matrix(), put_faults(driver, per_kind=per_kind, seed=seed, limits=settings.study)
    clean = gather_evidence(own, own, np.arange(driver.count), settings.dptad)
    faulty = gather_evidence(own, copies.matrix(), copies.hosts, settings.dptad)
    return Judged(driver=driver, copies=copies, clean=clean.features(), faulty=faulty.features())


def fit_weights(judged: Sequence[Judged], settings: DptadSettings) -> Weights:
    """One column a kind of FITTED_KINDS."""
    background = np.concatenate([part.clean[:, ::3].reshape(-1, len(FEATURES)) for part in judged])
    columns = [_fit_kind(judged, kind, background, settings) for kind in FITTED_KINDS]
    return Weights(
        kinds=FITTED_KINDS,
        constant=np.array([column[0] for column in columns]),
        weights=np.column_stack([column[1:] for column in columns]),
    )


def _fit_kind(judged: Sequence[Judged], kind: str, background: Array, settings: DptadSettings) -> Array:
    windows = [
        part.faulty[row, fault_places(fault, settings, part.faulty.shape[1])]
        for part in judged
        for row, fault in enumerate(part.copies.faults)
        if fault.kind == kind
    ]
    direction = np.concatenate([np.ones(2 * len(EVIDENCE)), np.zeros(len(FEATURES) - 2 * len(EVIDENCE))])
    found = np.zeros(len(FEATURES) + 1)
    for _ in range(_ROUNDS):
        faults = np.array([window[np.argmax(window @ direction)] for window in windows])
        found = _logistic(background, faults)
        direction = found[1:]
    return found


def _logistic(background: Array, faults: Array) -> Array:
    """Constant and weights, some held at 0 or above; faults count as `_FAULT_SHARE` of the places."""
    features = np.concatenate([background, faults])
    labels = np.concatenate([np.zeros(len(background)), np.ones(len(faults))])
    share = _FAULT_SHARE * len(background) / len(faults)
    counts = np.where(labels > 0, share, 1.0)
    is_held = np.array([any(word in name for word in _NEVER_AGAINST) for name in FEATURES])
    is_used = np.ones(len(FEATURES), dtype=bool)
    while True:
        found = np.zeros(len(FEATURES) + 1)
        found[np.append(True, is_used)] = _newton(features[:, is_used], labels, counts)
        is_wrong = is_held & (found[1:] < 0)
        if not is_wrong.any():
            return found
        is_used &= ~is_wrong


def _newton(features: Array, labels: npt.NDArray[np.float64], counts: Array) -> Array:
    """Ridge logistic regression by Newton's method; the constant is free."""
    design = np.column_stack([np.ones(len(features)), features])
    ridge = np.full(design.shape[1], _RIDGE)
    ridge[0] = 1e-6
    found = np.zeros(design.shape[1])
    for _ in range(30):
        share = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (counts * (share - labels)) + ridge * found
        bend = (design * (counts * share * (1 - share))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        found -= step
        if np.abs(step).max() < 1e-4:
            break
    return found
