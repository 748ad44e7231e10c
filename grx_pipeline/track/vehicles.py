"""The vehicles of a session that have complete laps, one in memory at a time: what traces and features start from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.channels import SpeedCurve, VehicleChannels, fit_speed, read_channels, read_speed


@dataclass(frozen=True, kw_only=True)
class VehicleLaps:
    """One vehicle's complete laps (rows of `telemetry_laps`), and where its telemetry and its corrections are."""

    vehicle_id: str
    laps: pd.DataFrame
    telemetry: Path
    corrections: Mapping[str, object]

    def speed(self) -> SpeedCurve | None:
        """Its speed over time, if any."""
        return fit_speed(read_speed(self.telemetry, self.corrections))

    def channels(self) -> VehicleChannels:
        """All its corrected channels."""
        return read_channels(self.telemetry, self.corrections)


def complete_laps(context: StepContext) -> Iterator[VehicleLaps]:
    """Every vehicle with a complete lap, in the order of vehicle_id."""
    paths, session = context.paths, context.session
    windows = read_frame(paths.table(session, "telemetry_laps"))
    vehicles = read_frame(paths.table(session, "telemetry_vehicles"), columns=["vehicle_id", "part"])
    parts = dict(zip(vehicles["vehicle_id"], vehicles["part"], strict=True))
    sensors = read_frame(paths.table(session, "sensors")).set_index("vehicle_id").to_dict("index")
    for vehicle_id, laps in windows[windows["is_complete"]].groupby("vehicle_id", sort=True):
        name = str(vehicle_id)
        yield VehicleLaps(
            vehicle_id=name,
            laps=laps,
            telemetry=paths.table(session, "telemetry", part=parts[name]),
            corrections={str(column): value for column, value in sensors[name].items()},
        )
