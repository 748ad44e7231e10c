"""What differed between two laps at a place, in sentences: only differences over the noise of the measurement.

The subject of every sentence is the best lap, the figure in second place is the lap that was faster in the sector.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grx_pipeline.settings import LedgerSettings

Values = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A figure of two laps: `noise` names the setting it has to exceed, `text` has {by} and {word}, one of `words`."""

    figure: str
    noise: str
    text: str
    words: tuple[str, str]
    unit: str
    digits: int = 0

    def sentences(self, best: float, donor: float, settings: LedgerSettings) -> list[str]:
        """One sentence where both are known and differ by more than the noise, else none.

        The difference told is that of the figures told, so that they subtract.
        """
        gap = best - donor
        if not np.isfinite(gap) or abs(gap) <= getattr(settings, self.noise):
            return []
        told = round(float(best), self.digits) - round(float(donor), self.digits)
        by = f"{abs(told):.{self.digits}f} {self.unit}"
        both = f"{best:.{self.digits}f} against {donor:.{self.digits}f} {self.unit}"
        return [f"{self.text.format(by=by, word=self.words[int(gap < 0)])} ({both})"]


_LATER, _HIGHER, _LONGER, _MORE = ("later", "earlier"), ("higher", "lower"), ("longer", "shorter"), ("more", "less")


def _place(figure: str, text: str) -> Difference:
    return Difference(figure=figure, noise="place_noise_m", text=text, words=_LATER, unit="m")


def _duration(figure: str, text: str) -> Difference:
    return Difference(figure=figure, noise="time_noise_s", text=text, words=_LONGER, unit="s", digits=2)


def _speed(figure: str, text: str) -> Difference:
    return Difference(figure=figure, noise="speed_noise_kmh", text=text, words=_HIGHER, unit="km/h", digits=1)


_DIFFERENCES = {
    "braking": (
        _speed("entry_speed_kmh", "entry speed {by} {word}"),
        _place("brake_onset_m", "brakes {by} {word}"),
        Difference(
            figure="brake_peak_bar",
            noise="brake_noise_bar",
            text="peak pressure {by} {word}",
            words=_HIGHER,
            unit="bar",
        ),
    ),
    "entry": (
        _place("brake_release_m", "releases the brake {by} {word}"),
        _duration("trail_braking_s", "trails the brake {by} {word}"),
        _duration("coasting_s", "coasts {by} {word}"),
        _speed("min_speed_kmh", "minimum speed {by} {word}"),
    ),
    "exit": (
        _place("throttle_on_m", "on the throttle {by} {word}"),
        _place("full_throttle_m", "at full throttle {by} {word}"),
        Difference(
            figure="exit_steering_deg",
            noise="angle_noise_deg",
            text="{by} {word} steering at throttle on",
            words=_MORE,
            unit="deg",
        ),
        _speed("exit_speed_kmh", "exit speed {by} {word}"),
    ),
}
# Figure, its name, and the least difference: one reversal more may be one degree more of the wheel.
_COUNTS = {
    "braking": (),
    "entry": (("brake_reapplications", "brake re-applications", 1),),
    "exit": (("throttle_lifts", "lifts of the throttle", 1), ("steering_reversals", "steering reversals", 2)),
}
_CARRIED = Difference(
    figure="speed_kmh",
    noise="speed_noise_kmh",
    text="{by} {word} onto the straight",
    words=("faster", "slower"),
    unit="km/h",
    digits=1,
)
_TOP = _speed("speed_kmh", "highest speed {by} {word}")


def corner_evidence(phases: Sequence[str], best: Values, donor: Values, settings: LedgerSettings) -> list[str]:
    """Sentences on the phases of a corner; `best` and `donor` are rows of corner_laps, NaN where unknown."""
    sentences = []
    for phase in phases:
        if phase == "braking":
            sentences += _one_brakes(best, donor)
        for rule in _DIFFERENCES[phase]:
            sentences += rule.sentences(best[rule.figure], donor[rule.figure], settings)
        for figure, name, least in _COUNTS[phase]:
            gap = best[figure] - donor[figure]
            if np.isfinite(gap) and abs(gap) >= least:
                sentences.append(f"{name}: {best[figure]:.0f} against {donor[figure]:.0f}")
    return sentences


def exit_evidence(best_kmh: float, donor_kmh: float, settings: LedgerSettings) -> list[str]:
    """A sentence on the speeds at the begin of a straight."""
    return _CARRIED.sentences(best_kmh, donor_kmh, settings)


def top_speed_evidence(best_kmh: float, donor_kmh: float, settings: LedgerSettings) -> list[str]:
    """A sentence on the highest speeds of a straight."""
    return _TOP.sentences(best_kmh, donor_kmh, settings)


def _one_brakes(best: Values, donor: Values) -> list[str]:
    """Whether only one of the laps brakes: it has an onset, the other's pressure is known and has none."""
    onsets = np.isfinite([best["brake_onset_m"], donor["brake_onset_m"]])
    if onsets.sum() != 1 or not np.isfinite([best["brake_peak_bar"], donor["brake_peak_bar"]]).all():
        return []
    if onsets[0]:
        return [f"brakes at {best['brake_onset_m']:.0f} m, where the other lap does not brake"]
    return [f"does not brake, the other lap does at {donor['brake_onset_m']:.0f} m"]
