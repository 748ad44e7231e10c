"""The best rolling lap: from any place of one lap to the same place of the next."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grx_pipeline.track.field import FieldTraces

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RollingLap:
    """A lap of `time_ms` that starts at `start_m` (NaN at a line of unknown place) of lap `lap_number`."""

    time_ms: float
    start_m: float
    lap_number: int


def best_rolling_lap(field: FieldTraces, line_places_m: Array, line_times_ms: Array) -> RollingLap | None:
    """The fastest of one driver's laps over two clean laps running; None without two.

    From the traces at every grid place, and from the official times (n, p), NaN where unknown, at the timing lines
    `line_places_m` (p,): between lines a trace is good to some hundredths only, at a line the timing is exact.
    """
    follows = np.diff(field.lap_numbers) == 1
    first = np.flatnonzero(follows & field.is_clean[:-1] & field.is_clean[1:])
    if not first.size:
        return None
    times = np.column_stack([field.channels["time_ms"], field.lap_time_ms, line_times_ms])
    places = np.concatenate([field.distance_m, [field.length_m], line_places_m])
    rolling = field.lap_time_ms[first, np.newaxis] - times[first] + times[first + 1]
    row, column = np.unravel_index(int(np.nanargmin(rolling)), rolling.shape)
    is_next = bool(places[column] >= field.length_m)
    return RollingLap(
        time_ms=float(rolling[row, column]),
        start_m=0.0 if is_next else float(places[column]),
        lap_number=int(field.lap_numbers[first[row]]) + is_next,
    )
