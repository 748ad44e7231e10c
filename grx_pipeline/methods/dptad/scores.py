"""How unusual a lap is among the field's: conformal p-values, scores from 0 to 100, and which laps stand out."""

import numpy as np
import numpy.typing as npt

from grx_pipeline.methods.dptad.own import Array

Flags = npt.NDArray[np.bool_]


def conformal_p(values: Array, field: Array, is_in_field: Flags) -> Array:
    """(1 + clean laps of the field at least as high) / (N + 1), for each of `values` (m,); 1 without a field.

    A lap that is one of the field's (m,) is compared with the others (Vovk, Gammerman and Shafer 2005).
    """
    ordered = np.sort(field)
    higher = ordered.size - np.searchsorted(ordered, values, side="left") - is_in_field
    return np.asarray(np.minimum((1 + higher) / (ordered.size + 1 - is_in_field), 1.0))


def least_p(field_laps: int, *, is_in_field: bool) -> float:
    """The least p-value that a lap can have against `field_laps` clean laps of the field, its own among them or not."""
    return 1 / (field_laps + 1 - is_in_field)


def score_of(p_values: Array, full: float) -> Array:
    """100 * min(1, -log10(p) / `full`): with 3, p .5 gives 10, .1 gives 33, .01 gives 67, .001 gives 100."""
    return np.asarray(100 * np.clip(-np.log10(p_values) / full, 0.0, 1.0))


def benjamini_hochberg(p_values: Array, false_share: float) -> Flags:
    """Which of many tests stand out so that at most `false_share` of them are expected to be chance (1995)."""
    order = np.argsort(p_values, kind="stable")
    passes = p_values[order] <= false_share * np.arange(1, p_values.size + 1) / max(p_values.size, 1)
    chosen = np.zeros(p_values.size, dtype=bool)
    if passes.any():
        chosen[order[: int(np.flatnonzero(passes)[-1]) + 1]] = True
    return chosen
