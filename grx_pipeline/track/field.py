"""All laps of a session on its one grid, as matrices: what line, corners and the methods compute from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from grx_pipeline.robust import column_medians
from grx_pipeline.storage.parquet import read_frame, read_table
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.distance import CHANNEL_NAMES
from grx_pipeline.track.timing_lines import ANCHORS, IS_ANCHOR, line_times

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class FieldTraces:
    """n laps with a trusted distance on a grid of k points, ordered by vehicle_id and lap number. n may be 0.

    `channels` holds (n, k) arrays by CHANNEL_NAMES, NaN in gaps and for channels a car does not have. `distance_m`
    (k,) starts at 0 and ends before `length_m`, where a lap's time is its official `lap_time_ms` (n,). `anchors_m`
    (a,) are the sector lines and `anchors_ms` (n, a) the official times there, NaN where a lap is not pinned.
    """

    vehicle_ids: npt.NDArray[np.object_]
    lap_numbers: npt.NDArray[np.int64]
    lap_time_ms: Array
    is_clean: Flags
    anchors_ms: Array
    anchors_m: Array
    length_m: float
    distance_m: Array
    channels: Mapping[str, Array]

    def of(self, chosen: Flags) -> "FieldTraces":
        """The laps where `chosen` (n,) is set."""
        return replace(
            self,
            vehicle_ids=self.vehicle_ids[chosen],
            lap_numbers=self.lap_numbers[chosen],
            lap_time_ms=self.lap_time_ms[chosen],
            is_clean=self.is_clean[chosen],
            anchors_ms=self.anchors_ms[chosen],
            channels={name: values[chosen] for name, values in self.channels.items()},
        )

    def of_vehicle(self, vehicle_id: str) -> "FieldTraces":
        """The laps of one vehicle."""
        return self.of(np.asarray(self.vehicle_ids == vehicle_id))

    def times_at(self, places_m: Array) -> Array:
        """Time (ms) of every lap at `places_m` (m,) in [0, length_m], (n, m).

        0 at the start, the official times at the sector lines and at the end; linear between these and the grid
        points. NaN next to a gap.
        """
        if not self.lap_numbers.size:
            return np.empty((0, places_m.size))
        times = np.column_stack([self.channels["time_ms"], self.lap_time_ms])
        grid = np.append(self.distance_m, self.length_m)
        outcome = interpolate_times(grid, times, places_m)
        at_anchors = interpolate_times(grid, times, self.anchors_m)
        for number, anchor in enumerate(self.anchors_m):
            missing = np.nan_to_num(self.anchors_ms[:, number] - at_anchors[:, number])
            outcome += missing[:, np.newaxis] * _tent(grid, anchor, places_m)
        return outcome


def interpolate_times(grid_m: Array, times: Array, places_m: Array) -> Array:
    """Rows `times` (n, k) at `places_m` (m,), (n, m): linear between grid points (k,), NaN next to a NaN."""
    after = np.clip(np.searchsorted(grid_m, places_m, side="left"), 1, grid_m.size - 1)
    share = (places_m - grid_m[after - 1]) / (grid_m[after] - grid_m[after - 1])
    before, behind = times[:, after - 1], times[:, after]
    between: Array = np.where(share == 0, before, np.where(share == 1, behind, (1 - share) * before + share * behind))
    return between


def known_median(rows: Array) -> Array:
    """Median of what is known in each column of (n, k); unknown columns are linear between others, 0 without any."""
    middle, column = column_medians(rows), np.arange(rows.shape[1])
    is_known = np.isfinite(middle)
    if not is_known.any():
        return np.zeros(rows.shape[1])
    outcome: Array = np.interp(column, column[is_known], middle[is_known])
    return outcome


def read_field(context: StepContext, channels: Sequence[str] = CHANNEL_NAMES) -> FieldTraces:
    """Every valid lap of the session with a trusted distance: one that the team excludes is no part of the field.

    `channels` chooses what to read (`time_ms` always is).
    """
    paths, session = context.paths, context.session
    distances = read_frame(paths.table(session, "lap_distances"))
    laps = read_frame(paths.table(session, "laps"))
    drivers = read_frame(paths.table(session, "drivers"), columns=["vehicle_id", "path"])
    places = read_frame(paths.table(session, "timing_lines")).set_index("line")["distance_m"]
    length = read_frame(paths.table(session, "sessions"))["length_m"].iloc[0]
    trusted = distances[distances["is_trusted"]].merge(laps, on=["vehicle_id", "lap_number"], how="left")
    trusted = trusted[trusted["is_valid"]].sort_values(["vehicle_id", "lap_number"], ignore_index=True)
    is_anchor = np.isin(ANCHORS, places.index)
    official = np.where(trusted[["is_anchored"]].to_numpy(bool), line_times(trusted)[:, IS_ANCHOR], np.nan)
    grid, values = np.empty(0), {name: np.empty((len(trusted), 0)) for name in CHANNEL_NAMES}
    wanted = [name for name in CHANNEL_NAMES if name in channels or name == "time_ms"]
    files = dict(zip(drivers["vehicle_id"], drivers["path"], strict=True))
    for vehicle_id, rows in trusted.groupby("vehicle_id").indices.items():
        part = paths.table(session, "lap_traces", part=files[str(vehicle_id)])
        traces = read_table(part, columns=["lap_number", "distance_m", *wanted])
        numbers = _column(traces, "lap_number")
        size = int(np.searchsorted(numbers, numbers[0], side="right"))
        if not grid.size:
            grid = _column(traces, "distance_m")[:size]
            values = {name: np.full((len(trusted), size), np.nan) for name in wanted}
        lap_of = np.searchsorted(numbers[::size], trusted["lap_number"].to_numpy()[rows])
        for name in wanted:
            values[name][rows] = _column(traces, name).reshape(-1, size)[lap_of]
    return FieldTraces(
        vehicle_ids=trusted["vehicle_id"].to_numpy(object),
        lap_numbers=trusted["lap_number"].to_numpy(np.int64),
        lap_time_ms=trusted["lap_time_ms"].to_numpy(float),
        is_clean=trusted["is_clean"].to_numpy(bool),
        anchors_ms=official[:, is_anchor],
        anchors_m=places.reindex([name for name in ANCHORS if name in places.index]).to_numpy(float),
        length_m=float(length) if pd.notna(length) else measured_length(distances),
        distance_m=grid,
        channels=values,
    )


def _tent(grid_m: Array, anchor_m: float, places_m: Array) -> Array:
    """1 at the anchor, 0 from the grid points around it outwards, linear between (m,); 0 where it is a grid point."""
    after = int(np.clip(np.searchsorted(grid_m, anchor_m, side="left"), 1, grid_m.size - 1))
    before_m, behind_m = grid_m[after - 1], grid_m[after]
    return np.interp(places_m, [before_m, anchor_m, behind_m], [0.0, float(before_m < anchor_m < behind_m), 0.0])


def _column(rows: pa.Table, name: str) -> Array:
    values: Array = rows.column(name).to_numpy().astype(float)
    return values


def measured_length(distances: pd.DataFrame) -> float:
    """The session's length where no map gives one: scale x integral is the same for every lap."""
    return float((distances["integral_m"] * distances["scale"]).median()) if len(distances) else 0.0
