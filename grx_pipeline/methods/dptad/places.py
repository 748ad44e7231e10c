"""Where an event belongs on the circuit: a corner and its phase, and the words for it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from grx_pipeline.settings import DptadSettings


@dataclass(frozen=True, kw_only=True)
class Where:
    """A place of the circuit. `words` are as 'T5 entry', `around` as 'T5'; both are metres where no corner is known."""

    corner_index: int | None
    phase: str | None
    sector: int | None
    words: str
    around: str


class Segments:
    """Where a place lies, from the tables segments and corners; metres where the session has no segments."""

    def __init__(self, segments: pd.DataFrame, corners: pd.DataFrame, settings: DptadSettings) -> None:
        self._rows = segments.sort_values("segment")
        self._starts = self._rows["start_m"].to_numpy(float)
        self._length_m = float(segments["end_m"].max()) if len(segments) else 0.0
        self._names = dict(zip(corners["corner_index"], corners["corner"], strict=True))
        self._index = corners["corner_index"].to_numpy()
        self._apex_m = corners["apex_m"].to_numpy(float)
        self._onset_m = corners["brake_onset_m"].to_numpy(float, na_value=np.nan)
        # A braking's evidence begins `zone_reach_m` before it, and is widened by `zone_m`.
        self._approach_m = settings.zone_reach_m + settings.zone_m

    def at(self, place_m: float, category: str) -> Where:
        """The tile of the place; of an event in the brakes the braking that it is."""
        if not len(self._rows):
            return Where(
                corner_index=None, phase=None, sector=None, words=f"{place_m:.0f} m", around=f"{place_m:.0f} m"
            )
        row = self._rows.iloc[max(int(np.searchsorted(self._starts, place_m, side="right")) - 1, 0)]
        corner, phase = None if pd.isna(row["corner_index"]) else int(row["corner_index"]), str(row["phase"])
        braked = self._braked_for(place_m) if category == "brake" else None
        if braked is not None and (corner != braked or phase not in ("braking", "entry")):
            corner, phase = braked, "braking"
        words, around = self._words(corner, phase) or (f"{place_m:.0f} m",) * 2
        return Where(corner_index=corner, phase=phase, sector=int(row["sector"]), words=words, around=around)

    def _words(self, corner: int | None, phase: str) -> tuple[str, str] | None:
        if corner is None or corner not in self._names:
            return None
        name = self._names[corner]
        return (f"After {name}", f"After {name}") if phase == "straight" else (f"{name} {phase}", name)

    def _braked_for(self, place_m: float) -> int | None:
        """The corner of the next apex, where the field brakes for it and the place is on the way to that."""
        if not len(self._index):
            return None
        ahead = (self._apex_m - place_m) % self._length_m
        following = int(np.argmin(ahead))
        braking = (self._apex_m[following] - self._onset_m[following]) % self._length_m  # NaN without a braking
        return int(self._index[following]) if ahead[following] <= braking + self._approach_m else None
