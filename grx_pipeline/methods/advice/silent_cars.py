"""Cars without telemetry, and why: a logger whose clock stood still is not the same as none."""

import pandas as pd

NO_TELEMETRY = "There is no telemetry of this car."


def why_silent(drivers: pd.DataFrame, sensors: pd.DataFrame) -> dict[str, str]:
    """A sentence for each car without telemetry, by vehicle_id, from the tables of those names."""
    notes = sensors.set_index("vehicle_id")["note"].dropna().to_dict()
    silent = drivers.loc[~drivers["has_telemetry"].astype(bool), "vehicle_id"]
    return {vehicle: notes.get(vehicle, NO_TELEMETRY) for vehicle in silent}
