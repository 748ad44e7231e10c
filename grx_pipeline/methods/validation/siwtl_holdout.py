"""The hold-out study of SIWTL: are targets from some clean laps beaten in other clean laps as often as they promise?

Three protocols, over 3 sectors and over 6 sections. `odd`: every other clean lap of a driver -> the laps between,
and back. `half`: the first half of his clean laps -> the second. `cross`: race 1 -> race 2 of one circuit and year,
joined by car number; a number that two cars of a race share is left out. Targets and the field's spread come from
the training laps alone. The ideal lap and the best lap of the same training laps are the rivals.

A target is beaten where the best held-out lap is faster. Pinball loss at level 1/3, with y the best held-out lap and
q the target: (y - q)/3 where y >= q, else 2(q - y)/3; least on average for the lap that is beaten with a chance of
1/3. Intervals are 95 % percentiles of a bootstrap that draws drivers and tracks, each with replacement, and counts
an outcome as often as its driver times its track was drawn (Owen 2007, 10.1214/07-AOAS122).
Where the clean laps come from stands in clean_laps.py.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from grx_pipeline.methods.siwtl import CleanLaps, IntArray, compute_target, driver_laps, field_spread
from grx_pipeline.settings import Settings, StudySettings

SECTOR_COUNTS = (3, 6)
TARGETS = ("ideal", "siwtl", "best")
SPLIT_TEXTS = {
    "odd": "every other clean lap of a driver, met with the laps between, and back",
    "half": "the first half of a driver's clean laps, met with the second",
    "cross": "race 1, met with race 2 of the same circuit and year by the same car number",
}

_OUTCOME_COLUMNS = (
    *("protocol", "sector_count", "session_id", "circuit", "vehicle_id", "car_number", "train_laps", "held_out_laps"),
    *("ideal_ms", "siwtl_ms", "best_ms", "held_out_ms"),
)
_SCORE_COLUMNS = (
    *("protocol", "sector_count", "target", "outcomes", "beat_share", "beat_low", "beat_high", "pinball_pct"),
    *("change_pct", "change_low", "change_high"),
)

_RealArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """What the study found.

    `outcomes` has a row per driver and split: protocol, sector_count, session_id, circuit, vehicle_id,
    car_number, train_laps, held_out_laps, ideal_ms, siwtl_ms, best_ms, held_out_ms (the best held-out lap).
    `scores` has a row per protocol, sector_count and target: outcomes, beat_share with its interval, pinball_pct
    (mean loss in % of the best held-out lap), and change_pct with its interval: SIWTL's loss against this target's,
    negative where SIWTL is better, NaN for SIWTL itself and against a target without any loss. A split without an
    outcome has no row.
    """

    sessions: tuple[str, ...]
    clean_laps: int
    level: float
    outcomes: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Session:
    """One session's drivers by vehicle_id."""

    session_id: str
    weekend: tuple[str, str]
    race: int
    car_numbers: Mapping[str, str]
    laps: Mapping[str, CleanLaps]


@dataclass(frozen=True, kw_only=True)
class _Split:
    """The laps of one session to train on, and held-out laps of the same drivers where there are any: (n, K)."""

    session: _Session
    train: Mapping[str, IntArray]
    held_out: Mapping[str, IntArray]


def run_study(laps: pd.DataFrame, settings: Settings) -> StudyResult:
    """All protocols over clean laps of many sessions.

    `laps` has a row per clean lap: session_id, circuit, year, race, vehicle_id, car_number, lap_number, and the
    sector and section times in ms, as collect_clean_laps gives them; missing sections are NaN.
    """
    rows: list[dict[str, Any]] = []
    for count in SECTOR_COUNTS:
        sessions = _sessions(laps, count)
        for protocol, split in _SPLITS.items():
            shared = {"protocol": protocol, "sector_count": count}
            rows += [shared | row for part in split(sessions) for row in _outcomes(part, settings)]
    outcomes = pd.DataFrame(rows, columns=list(_OUTCOME_COLUMNS))
    groups = outcomes.groupby(["protocol", "sector_count"], sort=False)
    scores = [
        {"protocol": protocol, "sector_count": count} | score
        for (protocol, count), group in groups
        for score in _scores(group, settings.study)
    ]
    return StudyResult(
        sessions=tuple(sorted(laps["session_id"].unique())),
        clean_laps=len(laps),
        level=settings.study.level,
        outcomes=outcomes,
        scores=pd.DataFrame(scores, columns=list(_SCORE_COLUMNS)),
    )


def _sessions(laps: pd.DataFrame, count: int) -> list[_Session]:
    sessions = []
    for session_id, rows in laps.groupby("session_id"):
        first = rows.iloc[0]
        cars = rows.drop_duplicates("vehicle_id").set_index("vehicle_id")["car_number"]
        sessions.append(
            _Session(
                session_id=str(session_id),
                weekend=(str(first["circuit"]), str(first["year"])),
                race=int(first["race"]),
                car_numbers={str(vehicle): str(number) for vehicle, number in cars.items()},
                laps=driver_laps(rows, count),
            )
        )
    return sessions


def _odd_splits(sessions: Sequence[_Session]) -> Iterator[_Split]:
    for session in sessions:
        odd = {vehicle: laps.times_ms[0::2] for vehicle, laps in session.laps.items()}
        even = {vehicle: laps.times_ms[1::2] for vehicle, laps in session.laps.items()}
        yield _Split(session=session, train=odd, held_out=even)
        yield _Split(session=session, train=even, held_out=odd)


def _half_splits(sessions: Sequence[_Session]) -> Iterator[_Split]:
    for session in sessions:
        middles = {vehicle: len(laps.times_ms) // 2 for vehicle, laps in session.laps.items()}
        first = {vehicle: laps.times_ms[: middles[vehicle]] for vehicle, laps in session.laps.items()}
        second = {vehicle: laps.times_ms[middles[vehicle] :] for vehicle, laps in session.laps.items()}
        yield _Split(session=session, train=first, held_out=second)


def _cross_splits(sessions: Sequence[_Session]) -> Iterator[_Split]:
    second_races = {session.weekend: session for session in sessions if session.race == 2}
    for session in sessions:
        if session.race == 1 and session.weekend in second_races:
            later = second_races[session.weekend]
            cars, later_cars = _cars_by_number(session), _cars_by_number(later)
            joined = {car: later_cars[number] for number, car in cars.items() if number in later_cars}
            yield _Split(
                session=session,
                train={vehicle: laps.times_ms for vehicle, laps in session.laps.items()},
                held_out={car: later.laps[other].times_ms for car, other in joined.items()},
            )


_SPLITS: Mapping[str, Callable[[Sequence[_Session]], Iterator[_Split]]] = {
    "odd": _odd_splits,
    "half": _half_splits,
    "cross": _cross_splits,
}


def _cars_by_number(session: _Session) -> dict[str, str]:
    """vehicle_id by car number, for numbers that one car alone carries and cars with laps over these sectors."""
    uses = Counter(session.car_numbers.values())
    return {session.car_numbers[car]: car for car in session.laps if uses[session.car_numbers[car]] == 1}


def _outcomes(split: _Split, settings: Settings) -> Iterator[dict[str, Any]]:
    """What became of each driver's targets; drivers with too few laps on either side are left out."""
    field = field_spread(split.train.values(), settings.siwtl)
    least = settings.study.min_laps
    for vehicle, held_out in split.held_out.items():
        train = split.train[vehicle]
        if min(len(train), len(held_out)) >= least:
            target = compute_target(train, field, settings.siwtl)
            yield {
                "session_id": split.session.session_id,
                "circuit": split.session.weekend[0],
                "vehicle_id": vehicle,
                "car_number": split.session.car_numbers[vehicle],
                "train_laps": len(train),
                "held_out_laps": len(held_out),
                "ideal_ms": target.ideal_lap_ms,
                "siwtl_ms": target.siwtl_lap_ms,
                "best_ms": target.best_lap_ms,
                "held_out_ms": int(held_out.sum(axis=1).min()),
            }


def pinball_loss(outcome_ms: pd.Series, target_ms: pd.Series, level: float) -> pd.Series:
    """Pinball (quantile) loss in ms of a target as the `level` quantile of the outcome (Koenker and Bassett 1978)."""
    above = outcome_ms - target_ms
    return (level * above).where(above >= 0, (level - 1) * above)


def _scores(outcomes: pd.DataFrame, settings: StudySettings) -> Iterator[dict[str, Any]]:
    """One score per target of the outcomes of one protocol and sector count."""
    held_out = outcomes["held_out_ms"]
    targets = {name: outcomes[f"{name}_ms"] for name in TARGETS}
    beaten = {name: np.asarray(held_out < target, dtype=np.float64) for name, target in targets.items()}
    losses = {
        name: np.asarray(100 * pinball_loss(held_out, target, settings.level) / held_out, dtype=np.float64)
        for name, target in targets.items()
    }
    weights = _bootstrap_weights(outcomes, settings)
    for name in TARGETS:
        beat_low, beat_high = _interval(_means(weights, beaten[name]))
        score = {
            "target": name,
            "outcomes": len(outcomes),
            "beat_share": beaten[name].mean(),
            "beat_low": beat_low,
            "beat_high": beat_high,
            "pinball_pct": losses[name].mean(),
        }
        if name != "siwtl":
            change = _changes_pct(losses["siwtl"].mean(keepdims=True), losses[name].mean(keepdims=True))
            low, high = _interval(_changes_pct(_means(weights, losses["siwtl"]), _means(weights, losses[name])))
            score |= {"change_pct": float(change[0]), "change_low": low, "change_high": high}
        yield score


def _bootstrap_weights(outcomes: pd.DataFrame, settings: StudySettings) -> _RealArray:
    """How often each draw counts each outcome: (draws, outcomes). Draws that hold no outcome are left out."""
    generator = np.random.default_rng(settings.seed)
    weights = np.ones((settings.draws, len(outcomes)))
    for column in ("car_number", "circuit"):
        codes, clusters = pd.factorize(outcomes[column], sort=True)
        drawn = generator.multinomial(len(clusters), np.full(len(clusters), 1 / len(clusters)), size=settings.draws)
        weights *= drawn[:, codes]
    return weights[weights.any(axis=1)]


def _means(weights: _RealArray, values: _RealArray) -> _RealArray:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _changes_pct(losses: _RealArray, rivals: _RealArray) -> _RealArray:
    """Loss against the rival's in %; NaN where the rival lost nothing."""
    ratios = np.full(len(losses), np.nan)
    np.divide(losses, rivals, out=ratios, where=rivals > 0)
    return 100 * (ratios - 1)


def _interval(draws: _RealArray) -> tuple[float, float]:
    """Limits over the draws that have a value; NaN where none has."""
    known = draws[np.isfinite(draws)]
    low, high = np.percentile(known, (2.5, 97.5)) if len(known) else (np.nan, np.nan)
    return float(low), float(high)
