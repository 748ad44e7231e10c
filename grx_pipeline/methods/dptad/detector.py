"""From evidence to verdicts: how likely each place of a lap holds a fault of each kind, and where it stands out.

The log-odds of a kind are a constant and a weighted sum of the features (evidence.py). The weights stand in
weights.csv, fitted by validation/dptad_fit.py to labelled faults in laps of the tuning cars that it names. What an
event is called does not belong here (kinds.py).
"""

import csv
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
import scipy

from grx_pipeline.methods.dptad.evidence import FEATURES, Evidence
from grx_pipeline.methods.dptad.own import Array
from grx_pipeline.settings import DptadSettings

_CONSTANT = "constant"


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Per kind of fault a constant (kinds,) and the weights (f, kinds) of FEATURES."""

    kinds: tuple[str, ...]
    constant: Array
    weights: Array

    def log_odds(self, features: Array) -> Array:
        """(m, p, kinds) from (m, p, f)."""
        return np.asarray(features @ self.weights + self.constant)


@dataclass(frozen=True, kw_only=True)
class Peak:
    """A place of one lap where it stands out: `first` to `last` are the places around it that stand out too."""

    lap: int
    place: int
    first: int
    last: int
    log_odds: float
    kind: str


def read_weights(text: str) -> Weights:
    """From CSV: a row per feature, and `constant`; a column per kind. A feature without a row weighs nothing."""
    rows = list(csv.DictReader(text.splitlines()))
    kinds = tuple(name for name in rows[0] if name != "feature")
    table = {row["feature"]: [float(row[kind]) for kind in kinds] for row in rows}
    nothing = [0.0] * len(kinds)
    return Weights(
        kinds=kinds,
        constant=np.array(table[_CONSTANT]),
        weights=np.array([table.get(name, nothing) for name in FEATURES]),
    )


def write_weights(weights: Weights) -> str:
    """The CSV that read_weights reads."""
    rows = [(_CONSTANT, weights.constant), *zip(FEATURES, weights.weights, strict=True)]
    lines = [f"{name},{','.join(f'{value:.3f}' for value in values)}" for name, values in rows]
    return "\n".join([f"feature,{','.join(weights.kinds)}", *lines]) + "\n"


@functools.cache
def fitted_weights() -> Weights:
    """The weights that come with the package."""
    return read_weights(resources.files(__package__).joinpath("weights.csv").read_text(encoding="utf-8"))


def has_verdict(own_laps: int, settings: DptadSettings) -> bool:
    """Whether so many own clean laps say what is usual."""
    return own_laps >= settings.min_own_laps


def threshold_of(clean_peaks: Sequence[float], clean_laps: int, settings: DptadSettings) -> float:
    """Log-odds over which a peak is an event, so that a session's clean laps keep the budget.

    `clean_peaks` are the log-odds of every peak on the judged drivers' clean laps; at most `budget` times
    `clean_laps` of them lie over the threshold, and none that is not over `least_log_odds`.
    """
    allowed = int(settings.budget * clean_laps)
    ordered = sorted(clean_peaks, reverse=True)
    return max(ordered[allowed], settings.least_log_odds) if len(ordered) > allowed else settings.least_log_odds


def find_peaks(log_odds: Array, kinds: tuple[str, ...], settings: DptadSettings) -> Iterator[Peak]:
    """Places (of (m, p, kinds)) over `least_log_odds` that are the highest within `apart_m`, lap by lap."""
    best = log_odds.max(axis=2)
    reach = round(settings.apart_m / settings.place_m)
    is_highest = best == scipy.ndimage.maximum_filter1d(best, 2 * reach + 1, axis=1, mode="nearest")
    for lap, places in _by_lap(is_highest & (best > settings.least_log_odds)):
        taken = -1
        for place in places:
            if place <= taken:
                continue
            around = np.flatnonzero(best[lap] <= best[lap, place] - settings.edge_drop)
            before, after = around[around < place], around[around > place]
            taken = place + reach
            yield Peak(
                lap=lap,
                place=place,
                first=int(before[-1]) + 1 if before.size else 0,
                last=int(after[0]) - 1 if after.size else best.shape[1] - 1,
                log_odds=float(best[lap, place]),
                kind=kinds[int(log_odds[lap, place].argmax())],
            )


def _by_lap(chosen: np.ndarray) -> Iterator[tuple[int, list[int]]]:
    for lap in np.flatnonzero(chosen.any(axis=1)):
        yield int(lap), [int(place) for place in np.flatnonzero(chosen[lap])]


def judge(evidence: Evidence, weights: Weights) -> Array:
    """Log-odds (m, p, kinds) of every lap and place."""
    return weights.log_odds(evidence.features())
