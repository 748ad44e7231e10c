"""Which car a logger really is, and which official lap each of its crossings ends: by time, never by number."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy

from grx_pipeline.formats import counted
from grx_pipeline.robust import MAD_TO_SD
from grx_pipeline.settings import MatchSettings

# Decides between cars that fit a logger equally well; never outweighs one crossing.
_SAME_NUMBER_BONUS = 0.5
_MAX_DIGITS = 9
_NO_CROSSINGS = pd.DataFrame(
    {
        "car": pd.Series(dtype="int64"),
        "lap_number": pd.Series(dtype="int64"),
        "logger_lap": pd.Series(dtype="float64"),
        "residual_ms": pd.Series(dtype="float64"),
    }
)


_NO_LOGGED = pd.DataFrame({"vehicle_id": [], "logger_lap": [], "crossed_at_ms": []})


@dataclass(frozen=True, kw_only=True)
class LoggerMatch:
    """One logger against the timing; `car` is null where no car fits. Times in ms."""

    logger_id: str
    car: int | None
    crossings: int
    crossings_in_race: int
    crossings_matched: int
    second_best: int
    bias_ms: int | None
    residual_ms: float | None
    is_reliable: bool
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Matching:
    """All loggers, and per official lap with a crossing: car, lap_number, logger_lap, residual_ms."""

    loggers: tuple[LoggerMatch, ...]
    lap_crossings: pd.DataFrame


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """How well the chosen car fits a logger."""

    logger_id: str
    car: int
    matched: int
    second_best: int
    has_same_number: bool
    crossings: pd.DataFrame
    laps: pd.DataFrame


def match_loggers(
    crossings: pd.DataFrame,
    laps: pd.DataFrame,
    *,
    bias_ms: int | None,
    settings: MatchSettings,
    given: Mapping[str, int | None] | None = None,
) -> Matching:
    """Assign loggers to cars so that most crossings fall on official ones, one car a logger.

    `crossings`: debounced, vehicle_id, logger_lap, crossed_at_ms. `laps`: car (a number), car_number,
    lap_number, finished_at_ms (UTC, no nulls). `bias_ms` is the race's logger - official bias, null for none.
    `given` are loggers whose car the team says (None is nobody's): it stands whatever the crossings say.
    """
    given = given or {}
    by_logger = {str(name): rows for name, rows in crossings.groupby("vehicle_id", sort=True)}
    in_time = laps.sort_values("finished_at_ms")
    by_car = {int(car): in_time[in_time["car"] == car] for car in laps["car"].unique()}
    judged = [
        _judge_given(name, car, by_logger=by_logger, by_car=by_car, bias_ms=bias_ms, settings=settings)
        for name, car in given.items()
    ]
    free = {name: rows for name, rows in by_logger.items() if name not in given}
    if bias_ms is None:
        reason = "no official crossing near any of its crossings"
        judged += [(_no_match(name, len(rows), reason), _NO_CROSSINGS) for name, rows in free.items()]
    else:
        fits = _best_fits(free, by_car, bias_ms, settings, taken=given.values())
        judged += [_judge(fit, bias_ms, settings) for fit in fits]
        reason = "every car fits another logger better"
        spare = free.keys() - {fit.logger_id for fit in fits}
        judged += [(_no_match(name, len(free[name]), reason), _NO_CROSSINGS) for name in spare]
    loggers = sorted((match for match, _ in judged), key=lambda match: match.logger_id)
    pairs = pd.concat([_NO_CROSSINGS, *(pair for _, pair in judged)], ignore_index=True)
    return Matching(loggers=tuple(loggers), lap_crossings=pairs)


def _judge_given(
    logger_id: str,
    car: int | None,
    *,
    by_logger: Mapping[str, pd.DataFrame],
    by_car: Mapping[int, pd.DataFrame],
    bias_ms: int | None,
    settings: MatchSettings,
) -> tuple[LoggerMatch, pd.DataFrame]:
    """The car that the team says, with how well the crossings agree; they pair laps where any does."""
    crossings = by_logger.get(logger_id, _NO_LOGGED)
    if car is None:
        return _no_match(logger_id, len(crossings), "by the team's word"), _NO_CROSSINGS
    alone = replace(_no_match(logger_id, len(crossings), ""), car=car)
    if crossings.empty or car not in by_car or bias_ms is None:
        return replace(alone, reason="the car is the team's word: no crossing tells"), _NO_CROSSINGS
    counts = {other: _count_near(crossings, laps, bias_ms, settings) for other, laps in by_car.items()}
    matched = counts.pop(car)
    best = max(counts, key=lambda other: counts[other], default=None)
    fit = _Fit(
        logger_id=logger_id,
        car=car,
        matched=matched,
        second_best=0 if best is None else counts[best],
        has_same_number=True,
        crossings=crossings,
        laps=by_car[car],
    )
    match, pairs = _judge(fit, bias_ms, settings)
    is_short = match.car is None
    if not is_short and matched >= max(settings.min_crossings, fit.second_best):
        return match, pairs
    other = "" if best is None or not counts[best] else f", {counts[best]} car {by_car[best]['car_number'].iloc[0]}"
    in_race = _count_in_race(fit, bias_ms, settings)
    doubt = f"the car is the team's word: {matched} of {counted(in_race, 'crossing')} in the race fit it{other}"
    if is_short:
        match = replace(alone, crossings_in_race=in_race, crossings_matched=matched, second_best=fit.second_best)
    return replace(match, is_reliable=False, reason=doubt), pairs


def _best_fits(
    by_logger: dict[str, pd.DataFrame],
    by_car: dict[int, pd.DataFrame],
    bias_ms: int,
    settings: MatchSettings,
    *,
    taken: Collection[int | None],
) -> list[_Fit]:
    """The assignment of loggers to cars, but those `taken`, with the most matched crossings.

    One number decides between equal ones.
    """
    loggers, cars = list(by_logger), list(by_car)
    is_free = np.array([car not in taken for car in cars], dtype=bool)
    if not loggers or not is_free.any():
        return []
    counts = np.array([[_count_near(by_logger[a], by_car[b], bias_ms, settings) for b in cars] for a in loggers])
    same = np.array([[_suffix(a) == as_integer(str(by_car[b]["car_number"].iloc[0])) for b in cars] for a in loggers])
    rows, free = scipy.optimize.linear_sum_assignment(-(counts + _SAME_NUMBER_BONUS * same)[:, is_free])
    columns = np.flatnonzero(is_free)[free]
    return [
        _Fit(
            logger_id=loggers[i],
            car=cars[j],
            matched=int(counts[i, j]),
            second_best=int(np.delete(counts[i], j).max(initial=0)),
            has_same_number=bool(same[i, j]),
            crossings=by_logger[loggers[i]],
            laps=by_car[cars[j]],
        )
        for i, j in zip(rows, columns, strict=True)
    ]


def _judge(fit: _Fit, bias_ms: int, settings: MatchSettings) -> tuple[LoggerMatch, pd.DataFrame]:
    """Accept a fit with enough crossings; with few, only where the number agrees; say why else."""
    in_race = _count_in_race(fit, bias_ms, settings)
    share = fit.matched / max(in_race, 1)
    has_enough = fit.matched >= settings.min_crossings and share >= settings.min_share
    is_short = fit.has_same_number and fit.matched > 0 and share >= settings.min_share
    if not has_enough and not is_short:
        number = fit.laps["car_number"].iloc[0]
        reason = f"only {fit.matched} of {counted(in_race, 'crossing')} in the race fit the best car, {number}"
        if not in_race:
            reason = "none of its crossings lies within the race of a car without a logger"
        return _no_match(fit.logger_id, len(fit.crossings), reason), _NO_CROSSINGS
    doubt = None
    if not has_enough:
        crossings = "crossing" if fit.matched == 1 else "crossings"
        doubt = f"only {fit.matched} {crossings} to go by; accepted because the number is the same"
    elif fit.second_best > settings.max_second_share * fit.matched:
        doubt = f"{counted(fit.matched, 'crossing')} fit, but {fit.second_best} fit another car too"
    nearest, residuals = _nearest(fit.crossings, fit.laps, bias_ms)
    own_bias_ms = float(np.median(residuals[np.abs(residuals) <= settings.tolerance_s * 1000]))
    residuals = residuals - own_bias_ms
    is_near = np.abs(residuals) <= settings.lap_tolerance_s * 1000
    pairs = pd.DataFrame(
        {
            "car": fit.car,
            "lap_number": fit.laps["lap_number"].to_numpy()[nearest],
            "logger_lap": fit.crossings["logger_lap"].to_numpy(dtype=np.float64),
            "residual_ms": residuals,
        }
    )[is_near]
    closest = pairs.loc[pairs["residual_ms"].abs().sort_values(kind="stable").index].drop_duplicates("lap_number")
    match = LoggerMatch(
        logger_id=fit.logger_id,
        car=fit.car,
        crossings=len(fit.crossings),
        crossings_in_race=in_race,
        crossings_matched=fit.matched,
        second_best=fit.second_best,
        bias_ms=round(bias_ms + own_bias_ms),
        residual_ms=MAD_TO_SD * float(np.median(np.abs(closest["residual_ms"]))),
        is_reliable=doubt is None,
        reason=doubt,
    )
    return match, closest


def _count_near(crossings: pd.DataFrame, laps: pd.DataFrame, bias_ms: int, settings: MatchSettings) -> int:
    """Crossings within the tolerance of an official one."""
    return int((np.abs(_nearest(crossings, laps, bias_ms)[1]) <= settings.tolerance_s * 1000).sum())


def _nearest(
    crossings: pd.DataFrame, laps: pd.DataFrame, bias_ms: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """For each crossing the position of the nearest lap end, and crossing - bias - lap end in ms."""
    official = laps["finished_at_ms"].to_numpy(dtype=np.float64)
    logged = crossings["crossed_at_ms"].to_numpy(dtype=np.float64) - bias_ms
    after = np.searchsorted(official, logged).clip(0, len(official) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(logged - official[before]) <= np.abs(logged - official[after]), before, after)
    return nearest, logged - official[nearest]


def _count_in_race(fit: _Fit, bias_ms: int, settings: MatchSettings) -> int:
    """Crossings between the car's first and last official one, a tolerance added at both ends."""
    at_ms = fit.crossings["crossed_at_ms"] - bias_ms
    slack_ms = settings.lap_tolerance_s * 1000
    finished = fit.laps["finished_at_ms"]
    return int(at_ms.between(finished.iloc[0] - slack_ms, finished.iloc[-1] + slack_ms).sum())


def _no_match(logger_id: str, crossings: int, reason: str) -> LoggerMatch:
    return LoggerMatch(
        logger_id=logger_id,
        car=None,
        crossings=crossings,
        crossings_in_race=0,
        crossings_matched=0,
        second_best=0,
        bias_ms=None,
        residual_ms=None,
        is_reliable=False,
        reason=reason,
    )


def _suffix(logger_id: str) -> int | None:
    """The car number that a logger id ends in (GR86-022-013 -> 13)."""
    return as_integer(logger_id.rpartition("-")[2])


def as_integer(number: str) -> int | None:
    """NUMBER as an integer (03 -> 3), null where it is none."""
    return int(number) if number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS else None
