"""At most three things for a driver to change, each with its evidence, or the reason why there are none.

Every place is tested against two references; what is over the floor is looked up in the table of patterns. The
driver's page shows what has a rank, the table holds everything that was tested.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grx_pipeline import formats
from grx_pipeline.methods.advice.losses import (
    CLASS,
    OWN,
    Drivers,
    Losses,
    OwnLaps,
    Reference,
    class_reference,
    counted,
    measure_losses,
    own_reference,
    quantile_of,
    shrunk_spread,
    spread_of,
    typical,
)
from grx_pipeline.methods.advice.patterns import Habit, Pattern, explain
from grx_pipeline.methods.advice.places import FIGURES, Array, Flags, Place, PlaceLaps
from grx_pipeline.robust import column_medians
from grx_pipeline.settings import CornerSettings, OpportunitySettings

_VARYING = ("brake_onset_m", "brake_peak_bar")
_VARYING_COLUMNS = [FIGURES.index(name) for name in _VARYING]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The settings that decide, and the circuit's length."""

    opportunity: OpportunitySettings
    corner: CornerSettings
    length_m: float


@dataclass(frozen=True, kw_only=True)
class FieldUsage:
    """What all drivers do, the yardstick of a single one: their medians, the lap-to-lap sd (p,) and how even four
    of five drivers brake (p, 2). `vehicle_ids` are the drivers (d,) with a lap."""

    vehicle_ids: tuple[str, ...]
    drivers: Drivers
    spread_ms: Array
    even: Array


@dataclass(frozen=True, kw_only=True)
class Tested:
    """One driver against one reference: the losses, where they pay for something (p,), and the patterns of places."""

    reference: Reference
    losses: Losses
    is_traded: Flags
    patterns: Mapping[int, Pattern]


@dataclass(frozen=True, kw_only=True)
class DriverAdvice:
    """What one driver is told: `told` are (place, reference) in the order of rank, `passed` why others are not."""

    tested: tuple[Tested, ...]
    told: tuple[tuple[int, str], ...]


def usage_of(laps: PlaceLaps, settings: OpportunitySettings) -> FieldUsage:
    """Medians and spread of every driver of `laps`, and of the field."""
    vehicles = tuple(dict.fromkeys(laps.vehicle_ids.tolist()))
    at_places = all_laps(laps).figures
    rows = [laps.rows_of(vehicle) for vehicle in vehicles]
    places, figures = len(laps.places), len(FIGURES)
    enough = [
        np.where(counted(laps.times_ms[r]) >= settings.min_laps, spread_of(laps.times_ms[r]), np.nan) for r in rows
    ]
    varying = [_varying_spread(at_places[r], settings) for r in rows]
    return FieldUsage(
        vehicle_ids=vehicles,
        drivers=Drivers(
            medians_ms=np.array([column_medians(laps.times_ms[r]) for r in rows]).reshape(len(rows), places),
            corner_ms=np.array([column_medians(laps.corner_ms[r]) for r in rows]).reshape(len(rows), places),
            laps=np.array([counted(laps.times_ms[r]) for r in rows], dtype=np.int64).reshape(len(rows), places),
            figures=np.array([typical(at_places[r]) for r in rows]).reshape(len(rows), places, figures),
        ),
        spread_ms=column_medians(np.array(enough).reshape(len(rows), places)),
        even=_four_of_five(np.array(varying).reshape(len(rows), places, len(_VARYING)), settings),
    )


def all_laps(laps: PlaceLaps) -> OwnLaps:
    """All laps with the figures of each place's corner, NaN where the lap does not count."""
    rows = [place.row for place in laps.places]
    figures = np.where(np.isfinite(laps.times_ms)[:, :, None], laps.figures[:, rows, :], np.nan)
    return OwnLaps(times_ms=laps.times_ms, corner_ms=laps.corner_ms, figures=figures)


def advise(
    laps: OwnLaps,
    references: Iterable[Reference],
    *,
    places: tuple[Place, ...],
    spread_ms: Array,
    even: Array,
    limits: Limits,
) -> DriverAdvice:
    """Tests one driver's laps against `references` and chooses what is told."""
    settings = limits.opportunity
    spread = shrunk_spread(laps.times_ms, spread_ms, settings)
    usual, varying = typical(laps.figures), _varying_spread(laps.figures, settings)
    tested = []
    for reference in references:
        losses = measure_losses(laps, spread, reference, settings)
        patterns = {}
        is_traded = traded(losses, usual, reference, settings)
        for place in np.flatnonzero(losses.is_over_floor(settings) & ~is_traded):
            habit = Habit(
                own=_known(FIGURES, usual[place]),
                reference=_known(FIGURES, reference.figures[place]),
                reference_name=reference.name,
                spread=_known(_VARYING, varying[place]),
                field_spread=_known(_VARYING, even[place]),
                length_m=limits.length_m,
            )
            pattern = explain(places[place].phase, habit, settings, limits.corner)
            if pattern is not None:
                patterns[int(place)] = pattern
        tested.append(Tested(reference=reference, losses=losses, is_traded=is_traded, patterns=patterns))
    return DriverAdvice(tested=tuple(tested), told=_choose(tested, places, settings))


def traded(losses: Losses, usual: Array, reference: Reference, settings: OpportunitySettings) -> Flags:
    """Where a loss buys something (p,): the rest of the corner wins it back, or the car leaves it faster."""
    exit_speed = FIGURES.index("exit_speed_kmh")
    is_faster_out = usual[:, exit_speed] - reference.figures[:, exit_speed] >= settings.low_speed_kmh
    return np.asarray(is_faster_out | (losses.corner_loss_ms < settings.min_loss_s * 1000))


def references_of(
    laps: OwnLaps, others: Flags, usage: FieldUsage, settings: OpportunitySettings
) -> tuple[Reference, Reference]:
    """A driver's own best laps, and the class's best quartile of the drivers `others` (d,)."""
    drivers = Drivers(
        medians_ms=usage.drivers.medians_ms[others],
        corner_ms=usage.drivers.corner_ms[others],
        laps=usage.drivers.laps[others],
        figures=usage.drivers.figures[others],
    )
    spread = shrunk_spread(laps.times_ms, usage.spread_ms, settings)
    return (
        own_reference(laps, spread, settings),
        class_reference(drivers, usage.spread_ms, settings),
    )


def _choose(
    tested: Iterable[Tested], places: tuple[Place, ...], settings: OpportunitySettings
) -> tuple[tuple[int, str], ...]:
    """The heaviest patterns, one a corner: whoever changes how he brakes changes all that follows there."""
    candidates = [
        (-test.losses.weight[place], place, test.reference.name) for test in tested for place in test.patterns
    ]
    chosen: dict[int, tuple[int, str]] = {}
    for _, place, reference in sorted(candidates):
        if len(chosen) < settings.max_reported:
            chosen.setdefault(places[place].row, (place, reference))
    return tuple(chosen.values())


def _known(names: Iterable[str], values: Array) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _varying_spread(figures: Array, settings: OpportunitySettings) -> Array:
    """Lap-to-lap spread of the figures that should be even, (p, 2); NaN for too few laps."""
    chosen = figures[:, :, _VARYING_COLUMNS]
    return np.where(counted(chosen) >= settings.min_laps, spread_of(chosen), np.nan)


def _four_of_five(spreads: Array, settings: OpportunitySettings) -> Array:
    enough = counted(spreads) > settings.min_class_drivers
    return np.where(enough, quantile_of(spreads, settings.uneven_share), np.nan)


def advice_rows(
    vehicle_id: str, advice: DriverAdvice, laps: PlaceLaps, settings: OpportunitySettings
) -> list[dict[str, Any]]:
    """Rows of the table opportunities: one per place and reference that was tested; `laps` are of all drivers."""
    places, own = laps.places, laps.rows_of(vehicle_id)
    blocked = laps.is_blocked[own].sum(axis=0)
    hidden = (np.isnan(laps.times_ms[own]) & ~laps.is_blocked[own]).sum(axis=0)
    ranks = {key: rank for rank, key in enumerate(advice.told, start=1)}
    rows = []
    for test in advice.tested:
        losses, name = test.losses, test.reference.name
        for place in np.flatnonzero(np.isfinite(losses.loss_ms)).tolist():
            pattern, rank = test.patterns.get(place), ranks.get((place, name))
            rows.append(
                {
                    "vehicle_id": vehicle_id,
                    "corner_index": places[place].corner_index,
                    "phase": places[place].phase,
                    "reference": name,
                    "rank": rank,
                    "pattern": pattern.rule if pattern else None,
                    "loss_ms": float(losses.loss_ms[place]),
                    "floor_ms": float(losses.floor_ms[place]),
                    "laps": int(losses.laps[place]),
                    "laps_with_loss": int(losses.laps_with_loss[place]),
                    "laps_done": int(losses.laps_done[place]),
                    "laps_in_traffic": int(blocked[place]),
                    "laps_in_gap": int(hidden[place]),
                    "evidence": list(pattern.evidence) if pattern else [],
                    "advice": pattern.advice if pattern else None,
                    "reason": None if rank else _why_not(place, test, advice, places, settings),
                }
            )
    return rows


def _why_not(
    place: int, test: Tested, advice: DriverAdvice, places: tuple[Place, ...], settings: OpportunitySettings
) -> str:
    losses = test.losses
    same = [places[other].phase for other, _ in advice.told if places[other].row == places[place].row]
    reasons = (
        (losses.loss_ms[place] <= 0, "no loss"),
        (losses.loss_ms[place] < losses.floor_ms[place], "too small to be sure of on these laps"),
        (not losses.is_over_floor(settings)[place], "on too few laps for a habit"),
        (
            bool(test.is_traded[place]),
            "a trade: the rest of the corner wins it back, or the car leaves the corner faster",
        ),
        (place not in test.patterns, "the time is lost, but no figure of the corner explains it"),
        (places[place].phase in same, "told already, against the other reference"),
        (bool(same), "another phase of the corner is told: change one thing at a corner, then look again"),
    )
    return next((text for applies, text in reasons if applies), f"{settings.max_reported} others weigh more")


def driver_reason(
    advice: DriverAdvice,
    laps: PlaceLaps,
    rows: npt.NDArray[np.int64],
    rivals: npt.NDArray[np.int64],
    settings: OpportunitySettings,
) -> str | None:
    """Why a driver with traces is told nothing, in a sentence; None where something is told.

    `rivals` (p,) are the others of the class with a free lap at each place.
    """
    if advice.told:
        return None
    count, places = len(rows), laps.places
    if count < settings.min_laps:
        have = "has" if count == 1 else "have"
        return f"Only {_laps(count)} {have} a trusted trace; a habit takes {settings.min_laps} to show."
    blocked = int(laps.is_blocked[rows].any(axis=1).sum())
    close = f"a car was within {settings.traffic_gap_s:g} s ahead; the sectors where it was do not count."
    traffic = f" On {blocked} of these laps {close}" if blocked else ""
    free = counted(laps.times_ms[rows])
    has_laps = free >= settings.min_laps
    others = int(rivals[has_laps].max() if has_laps.any() else rivals.max(initial=0))
    found = [test for test in advice.tested if np.isfinite(test.losses.loss_ms).any()]
    if not found:
        start = f"Your {_laps(count)} with a trusted trace {'is' if count == 1 else 'are'}"
        if blocked:
            which = f"all {_laps(count)} of yours" if blocked == count > 1 else f"{blocked} of your {_laps(count)}"
            start = f"On {which} with a trusted trace {close} What is left is"
        return (
            f"{start} too little to judge a corner. Against your own best laps it takes {settings.min_own_laps} free "
            f"laps there, and you have {_at_most(int(free.max()))}; against the class it takes {settings.min_laps} of "
            f"yours and one each of {settings.min_class_drivers} other drivers, and {_others_have(others)}."
        )
    unexplained = [
        (test.losses.weight[place], place, test)
        for test in found
        for place in np.flatnonzero(test.losses.is_over_floor(settings) & ~test.is_traded).tolist()
    ]
    missing = _missing_reference(found, others, int(free.max()), settings)
    if unexplained:
        _, place, test = max(unexplained, key=lambda entry: entry[0])
        return (
            f"{places[place].name} costs you {test.losses.loss_ms[place] / 1000:.2f} s a lap against {_told(test)}, "
            f"but nothing measured there says why: compare the traces.{traffic}{missing}"
        )
    tested = int(np.isfinite([test.losses.loss_ms for test in found]).any(axis=0).sum())
    return (
        f"No corner surely costs you {settings.min_loss_s:g} s a lap or more over {_laps(count)}: "
        f"{tested} of {len(places)} brakings, entries and exits had enough laps to be tested.{traffic}{missing}"
    )


def _missing_reference(found: list[Tested], others: int, free: int, settings: OpportunitySettings) -> str:
    names = {test.reference.name for test in found}
    if CLASS not in names:
        return (
            " You are compared with your own best laps only: a comparison with the class needs "
            f"{settings.min_class_drivers} other drivers with a free lap at a corner (a trusted trace and no car "
            f"within {settings.traffic_gap_s:g} s ahead), and {_others_have(others)}."
        )
    if OWN not in names:
        return (
            f" You are compared with the class only: a comparison with your own best laps needs "
            f"{settings.min_own_laps} free laps at a corner, and you have {_at_most(free)}."
        )
    return ""


def _others_have(others: int) -> str:
    if not others:
        return "no other driver has one"
    return "1 other driver has one" if others == 1 else f"at most {others} other drivers have one"


def _at_most(laps: int) -> str:
    return f"{laps} at most" if laps else "none"


def _told(test: Tested) -> str:
    return "your own best three laps" if test.reference.name == OWN else "the class's quickest quarter"


def _laps(count: int) -> str:
    return formats.counted(count, "clean lap")
