"""What a driver loses at each place against a reference, and how much of it is no chance.

Arrays are (n laps, p places) of one driver, (d drivers, p places) of a class, (..., f figures). NaN is a lap that
does not count, a place without laps or a figure that was not measured.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy

from grx_pipeline.methods.advice.places import COUNTS, FIGURES, Array
from grx_pipeline.robust import MAD_TO_SD, column_medians
from grx_pipeline.settings import OpportunitySettings

OWN, CLASS = "own best three", "class best quartile"

_IS_COUNT = np.array([name in COUNTS for name in FIGURES])
MEDIAN_VARIANCE = np.pi / 2  # of a median over that of a mean, normal laps


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What a driver is compared with: time and its standard error in ms (p,), and how it was driven (p, f).

    `corner_ms` (p,) is how long those who made the time took for the whole corner.
    """

    name: str
    times_ms: Array
    corner_ms: Array
    errors_ms: Array
    figures: Array


@dataclass(frozen=True, kw_only=True)
class OwnLaps:
    """One driver's laps at each place: times and those of the whole corner (n, p) in ms, figures (n, p, f)."""

    times_ms: Array
    corner_ms: Array
    figures: Array

    def of(self, rows: npt.NDArray[np.int64]) -> "OwnLaps":
        return OwnLaps(times_ms=self.times_ms[rows], corner_ms=self.corner_ms[rows], figures=self.figures[rows])


@dataclass(frozen=True, kw_only=True)
class Losses:
    """One driver against one reference, arrays (p,). Loss and floor are NaN where the place was not tested.

    `corner_loss_ms` is what the whole corner costs against those who made the reference's time at the place.
    """

    loss_ms: Array
    floor_ms: Array
    corner_loss_ms: Array
    laps: npt.NDArray[np.int64]
    laps_with_loss: npt.NDArray[np.int64]
    laps_done: npt.NDArray[np.int64]

    def is_over_floor(self, settings: OpportunitySettings) -> npt.NDArray[np.bool_]:
        """Where the loss is no chance and repeats."""
        repeats = (self.laps_with_loss >= settings.min_laps) | (
            self.laps_with_loss >= settings.min_share * np.maximum(self.laps, 1)
        )
        return np.asarray((self.loss_ms >= self.floor_ms) & repeats)

    @property
    def weight(self) -> Array:
        """Loss x recurrence, ms."""
        return np.asarray(self.loss_ms * self.laps_with_loss / np.maximum(self.laps, 1))


@dataclass(frozen=True, kw_only=True)
class Drivers:
    """The drivers of a session at each place: medians (d, p) in ms, laps (d, p), how they drive (d, p, f).

    `corner_ms` (d, p) are the medians of the place's whole corner.
    """

    medians_ms: Array
    corner_ms: Array
    laps: npt.NDArray[np.int64]
    figures: Array


def measure_losses(laps: OwnLaps, spread_ms: Array, reference: Reference, settings: OpportunitySettings) -> Losses:
    """Median of the laps minus the reference, beside the floor: the least loss told and its uncertainty on top.

    `spread_ms` (p,) is the lap-to-lap sd there. Fewer than `min_laps` laps are not tested.
    """
    counts = counted(laps.times_ms)
    is_tested = counts >= settings.min_laps
    above = laps.times_ms - reference.times_ms
    standard_error = np.sqrt(MEDIAN_VARIANCE * spread_ms**2 / np.maximum(counts, 1) + reference.errors_ms**2)
    floor = settings.min_loss_s * 1000 + settings.sure_errors * standard_error
    loss = np.where(is_tested, column_medians(above), np.nan)
    return Losses(
        loss_ms=loss,
        floor_ms=np.where(np.isfinite(loss), floor, np.nan),
        corner_loss_ms=column_medians(laps.corner_ms) - reference.corner_ms,
        laps=counts,
        laps_with_loss=(above >= settings.min_loss_s * 1000).sum(axis=0),
        laps_done=(above <= 0).sum(axis=0),
    )


def own_reference(laps: OwnLaps, spread_ms: Array, settings: OpportunitySettings) -> Reference:
    """The mean of a driver's best laps at each place, plus what chance alone puts between them and the median.

    Any three best of n laps are quicker than the median, the more so the more laps there are: of normal laps by
    spread x the mean of the expected lowest order statistics (Blom 1958). Without that the loss is mostly selection.
    """
    best = settings.best_laps
    counts = counted(laps.times_ms)
    rows = np.argsort(laps.times_ms, axis=0)[:best]
    is_known = counts >= settings.min_own_laps
    mean = np.take_along_axis(laps.times_ms, rows, axis=0).mean(axis=0)
    return Reference(
        name=OWN,
        times_ms=np.where(is_known, mean + chance_gap(counts, best) * spread_ms, np.nan),
        corner_ms=mean_of(np.take_along_axis(laps.corner_ms, rows, axis=0)),
        errors_ms=spread_ms / np.sqrt(best),
        figures=typical(np.take_along_axis(laps.figures, rows[:, :, None], axis=0)),
    )


def class_reference(others: Drivers, spread_ms: Array, settings: OpportunitySettings) -> Reference:
    """The best quartile of the other drivers' medians, and how those under it drive.

    Medians of few laps scatter by chance, and their quartile is quick by chance. The medians' own spread has to be
    more than laps explain: the quartile is drawn towards the centre by the share that they do explain.
    """
    known = counted(others.medians_ms)
    centre, quartile = column_medians(others.medians_ms), quantile_of(others.medians_ms, 0.25)
    error = spread_ms**2 * MEDIAN_VARIANCE / np.where(others.laps > 0, others.laps, np.nan)
    explained = mean_of(error) / np.maximum(spread_of(others.medians_ms) ** 2, 1e-9)
    kept = np.sqrt(np.clip(1 - explained, 0, 1))
    is_quick = others.medians_ms <= quartile
    group = np.maximum(is_quick.sum(axis=0), 1)
    enough = known >= settings.min_class_drivers
    return Reference(
        name=CLASS,
        times_ms=np.where(enough, centre - kept * (centre - quartile), np.nan),
        corner_ms=column_medians(np.where(is_quick, others.corner_ms, np.nan)),
        errors_ms=np.sqrt(mean_of(np.where(is_quick, error, np.nan)) / group),
        figures=typical(np.where(is_quick[:, :, None], others.figures, np.nan)),
    )


def shrunk_spread(times_ms: Array, field_ms: Array, settings: OpportunitySettings) -> Array:
    """Lap-to-lap sd (p,) of laps (n, p), drawn towards the field's as if `prior_laps` of its laps had been driven."""
    counts, own = counted(times_ms), spread_of(times_ms)
    own, field = np.where(np.isfinite(own), own, field_ms), np.where(np.isfinite(field_ms), field_ms, own)
    prior = settings.prior_laps
    return np.asarray(np.sqrt((counts * own**2 + prior * field**2) / (counts + prior)))


def chance_gap(laps: npt.NDArray[np.int64], best: int) -> Array:
    """How far the mean of the `best` lowest of `laps` normal values lies under their median, in sd."""
    ranks = np.arange(1, best + 1)[:, None]
    return np.asarray(-scipy.special.ndtri((ranks - 0.375) / (np.maximum(laps, best) + 0.25)).mean(axis=0))


def typical(figures: Array) -> Array:
    """Medians over the first axis of (m, p, f); means of the counts."""
    return np.where(_IS_COUNT, mean_of(figures), column_medians(figures))


def counted(values: Array) -> npt.NDArray[np.int64]:
    """Values that are not NaN, along the first axis."""
    return np.asarray(np.isfinite(values).sum(axis=0))


def mean_of(values: Array) -> Array:
    """Mean over the first axis without NaN; NaN where there is nothing."""
    counts = counted(values)
    return np.where(counts > 0, np.nansum(values, axis=0) / np.maximum(counts, 1), np.nan)


def quantile_of(values: Array, share: float) -> Array:
    """Quantile over the first axis without NaN, linear between values; NaN where there is nothing."""
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    ordered = np.sort(values, axis=0)
    place = share * np.maximum(counted(values) - 1, 0)
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(counted(values) - 1, 0))
    below, above = (np.take_along_axis(ordered, rows[None], axis=0)[0] for rows in (low, high))
    return np.asarray(below + (place - low) * (above - below))


def spread_of(values: Array) -> Array:
    """Robust sd over the first axis; NaN under two values."""
    spread = MAD_TO_SD * column_medians(np.abs(values - column_medians(values)))
    return np.where(counted(values) > 1, spread, np.nan)
