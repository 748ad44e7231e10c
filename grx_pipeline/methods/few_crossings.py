"""Cars whose laps few of their own line crossings place: what they lose within a lap is uncertain."""

import pandas as pd

from grx_pipeline.settings import ClockSettings


def few_crossings(sensors: pd.DataFrame, settings: ClockSettings) -> frozenset[str]:
    """The vehicle_id of rows of `sensors` with under `min_crossings` crossings; no small loss is claimed of them."""
    return frozenset(sensors.loc[sensors["crossings"] < settings.min_crossings, "vehicle_id"])
