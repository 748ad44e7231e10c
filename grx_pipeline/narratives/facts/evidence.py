"""The sentences of result tables, back as figures: evidence of opportunities.

The tables tell them in one wording (methods/advice/patterns.py); another wording gives no figure.
"""

import re
from dataclasses import dataclass

_FIGURES = {
    "entry speed": "entry_speed_kmh",
    "minimum speed": "min_speed_kmh",
    "exit speed": "exit_speed_kmh",
    "braking begins at": "brake_onset_m",
    "braking begins": "brake_onset_m",
    "braking": "brake_onset_m",
    "peak brake pressure": "brake_peak_bar",
    "throttle comes on at": "throttle_on_m",
    "full throttle at": "full_throttle_m",
    "coasting": "coasting_s",
    "steering at throttle on": "exit_steering_deg",
    "brake re-applications": "brake_reapplications",
    "lifts": "throttle_lifts",
    "steering reversals": "steering_reversals",
}
_LESS = frozenset(("lower", "earlier", "fewer", "shorter", "less"))
_VALUE = r"(-?\d+(?:\.\d+)?)"
_UNIT = r"(?:km/h|m|bar|s|deg|a lap)"
_COMPARED = re.compile(
    rf"(?P<label>[a-z][a-z -]*?) {_VALUE} {_UNIT}, {_VALUE} {_UNIT} (?P<word>[a-z]+) than .+ \({_VALUE} {_UNIT}\)"
)
_VARIED = re.compile(
    rf"(?P<label>[a-z][a-z -]*?) varies by {_VALUE} {_UNIT} from lap to lap; "
    rf"four of five drivers stay under {_VALUE} {_UNIT}"
)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A figure of corner_laps: own - reference, and the reference."""

    figure: str
    apart: float
    reference: float


@dataclass(frozen=True, kw_only=True)
class Varied:
    """How much a figure varies from lap to lap, and what four of five drivers stay under."""

    figure: str
    own: float
    field: float


def read_evidence(sentence: str) -> Compared | Varied | None:
    """The figures of a sentence; None where it is no comparison, or the two are the same."""
    compared = _COMPARED.fullmatch(sentence)
    if compared and compared["label"] in _FIGURES:
        apart = float(compared[3])
        sign = -1 if compared["word"] in _LESS else 1
        return Compared(figure=_FIGURES[compared["label"]], apart=sign * apart, reference=float(compared[5]))
    varied = _VARIED.fullmatch(sentence)
    if varied and varied["label"] in _FIGURES:
        return Varied(figure=_FIGURES[varied["label"]], own=float(varied[2]), field=float(varied[3]))
    return None
