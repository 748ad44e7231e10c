"""Do opportunities hold? One driver's clean laps are split into two random halves, many times.

* Placebo: one half is compared with the other as if that were the class. It is the same driver with the same habits:
  every opportunity between the halves is false.
* Again: what is told from one half, against the class or its own best laps, is measured on the other half's laps
  against the same reference. Counted are other halves that lose less than the least loss that is told, less than half
  of it, and nothing at all.

Beside them stands the bare floor: places where the halves differ by the least loss, without regard to spread, to the
rest of the corner or to a pattern.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.methods.advice.losses import (
    CLASS,
    MEDIAN_VARIANCE,
    OwnLaps,
    Reference,
    counted,
    shrunk_spread,
    typical,
)
from grx_pipeline.methods.advice.opportunities import (
    DriverAdvice,
    FieldUsage,
    Limits,
    advise,
    all_laps,
    references_of,
    usage_of,
)
from grx_pipeline.methods.advice.places import Array, Place, PlaceLaps
from grx_pipeline.robust import column_medians

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class StudySession:
    """One session's laps at its places, with those in traffic or without.

    `vehicle_classes` are by vehicle_id; the cars `badly_placed` by few crossings are nobody's reference.
    """

    session: str
    is_simulated: bool
    has_traffic: bool
    laps: PlaceLaps
    vehicle_classes: dict[str, str]
    badly_placed: frozenset[str]
    length_m: float


@dataclass(frozen=True, kw_only=True)
class Halves:
    """One driver's laps and figures at the places, and what the field makes of them."""

    own: OwnLaps
    usage: FieldUsage
    others: npt.NDArray[np.bool_]
    places: tuple[Place, ...]
    limits: Limits


def split_study(sessions: Sequence[StudySession], limits: Limits, *, draws: int, seed: int) -> pd.DataFrame:
    """One row per half that was judged: counts of places tested, told and false, for replication and placebo."""
    rows = []
    for session in sessions:
        rng = np.random.default_rng(seed)
        local = Limits(opportunity=limits.opportunity, corner=limits.corner, length_m=session.length_m)
        for vehicle, driver in _drivers(session, local):
            for draw in range(draws):
                order = rng.permutation(len(driver.own.times_ms))
                half = len(order) // 2
                for first, second in ((order[:half], order[half:]), (order[half:], order[:half])):
                    counts = _judge(driver, first, second)
                    if counts is not None:
                        rows.append({**_label(session), "vehicle_id": vehicle, "draw": draw, **counts})
    return pd.DataFrame(rows)


def _label(session: StudySession) -> dict[str, str | bool]:
    return {
        "session": session.session,
        "is_simulated": session.is_simulated,
        "has_traffic": session.has_traffic,
    }


def _drivers(session: StudySession, limits: Limits) -> Iterator[tuple[str, Halves]]:
    """The drivers with enough laps for two halves at some place."""
    settings = limits.opportunity
    usage, every = usage_of(session.laps, settings), all_laps(session.laps)
    names = np.array(usage.vehicle_ids, dtype=object)
    classes = np.array([session.vehicle_classes.get(name, "") for name in names], dtype=object)
    is_placed = np.array([name not in session.badly_placed for name in usage.vehicle_ids], dtype=bool)
    for number, vehicle in enumerate(usage.vehicle_ids):
        rows = session.laps.rows_of(vehicle)
        if not (counted(session.laps.times_ms[rows]) >= 2 * settings.min_laps).any():
            continue
        yield (
            vehicle,
            Halves(
                own=every.of(rows),
                usage=usage,
                others=(classes == classes[number]) & (names != vehicle) & is_placed,
                places=session.laps.places,
                limits=limits,
            ),
        )


def _judge(driver: Halves, first: Rows, second: Rows) -> dict[str, int] | None:
    """Counts for the half `first` met with `second`; None where no place has enough laps in both."""
    settings = driver.limits.opportunity
    own, other = driver.own.of(first), driver.own.of(second)
    both = (counted(own.times_ms) >= settings.min_laps) & (counted(other.times_ms) >= settings.min_laps)
    if not both.any():
        return None
    references = references_of(own, driver.others, driver.usage, settings)
    times = {reference.name: reference.times_ms for reference in references}
    told = [pair for pair in _advise(driver, own, references).told if both[pair[0]]]
    again_ms = column_medians(other.times_ms)
    again = np.array([again_ms[place] - times[name][place] for place, name in told])
    other_spread = shrunk_spread(other.times_ms, driver.usage.spread_ms, settings)
    placebo = _advise(driver, own, (half_reference(other, other_spread, both),))
    (test,) = placebo.tested
    least = settings.min_loss_s * 1000
    return {
        "told": len(told),
        "again_under_least": int((again < least).sum()),
        "again_under_half": int((again < least / 2).sum()),
        "again_none": int((again <= 0).sum()),
        "places": int(both.sum()),
        "placebo_bare": int((test.losses.loss_ms >= least).sum()),
        "placebo_over_floor": int(test.losses.is_over_floor(settings).sum()),
        "placebo_told": len(placebo.told),
    }


def half_reference(other: OwnLaps, spread_ms: Array, is_tested: npt.NDArray[np.bool_]) -> Reference:
    """The laps of one half as a reference for the other, at the places where `is_tested` (p,)."""
    return Reference(
        name=CLASS,
        times_ms=np.where(is_tested, column_medians(other.times_ms), np.nan),
        corner_ms=column_medians(other.corner_ms),
        errors_ms=spread_ms * np.sqrt(MEDIAN_VARIANCE / np.maximum(counted(other.times_ms), 1)),
        figures=typical(other.figures),
    )


def _advise(driver: Halves, own: OwnLaps, references: Sequence[Reference]) -> DriverAdvice:
    return advise(
        own,
        references,
        places=driver.places,
        spread_ms=driver.usage.spread_ms,
        even=driver.usage.even,
        limits=driver.limits,
    )
