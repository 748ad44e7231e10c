"""How telemetry_features counts when the same real laps are logged less often: at 20 and at 10 Hz."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grx_pipeline.methods.features import (
    LapSamples,
    count_brake_spikes,
    count_steering_corrections,
    count_steering_reversals,
    count_throttle_drops,
)
from grx_pipeline.methods.validation.dptad_laps import DriverLaps
from grx_pipeline.settings import FeatureSettings

RATES_HZ = (20.0, 10.0)
COUNTS = {
    "brake_spike_count": count_brake_spikes,
    "throttle_drop_count": count_throttle_drops,
    "steering_corrections": count_steering_corrections,
    "steering_reversals": count_steering_reversals,
}
_NATIVE_HZ = 23.25


def counts_by_rate(drivers: Sequence[DriverLaps], settings: FeatureSettings) -> pd.DataFrame:
    """Sums over the laps of `drivers` of each count: columns figure, native, and one a rate of RATES_HZ.

    A lap is sampled at the rate, then taken to the features' own grid as the pipeline does with logged laps.
    """
    rows = []
    for name, count in COUNTS.items():
        sums: dict[str | float, int] = {"native": 0} | dict.fromkeys(RATES_HZ, 0)
        for driver in drivers:
            for row in range(driver.count):
                lap = {channel: values[row] for channel, values in driver.channels.items()}
                for key in sums:
                    rate = _NATIVE_HZ if key == "native" else float(key)
                    sums[key] += count(_sampled(lap, rate, settings), settings) or 0
        rows.append({"figure": name, **{str(key): value for key, value in sums.items()}})
    return pd.DataFrame(rows)


def _sampled(lap: dict[str, np.ndarray], rate_hz: float, settings: FeatureSettings) -> LapSamples:
    known = np.isfinite(lap["time_ms"])
    time = lap["time_ms"][known]
    stamps = np.arange(time[0], time[-1], 1000 / rate_hz)
    grid = np.arange(time[0], time[-1], 1000 / settings.rate_hz)

    def at_grid(channel: str) -> np.ndarray:
        logged = np.interp(stamps, time, np.nan_to_num(lap[channel][known]))
        return np.asarray(np.interp(grid, stamps, logged))

    return LapSamples(
        rate_hz=settings.rate_hz,
        speed_kmh=at_grid("speed_kmh"),
        throttle_pct=at_grid("throttle_pct"),
        brake_bar=at_grid("brake_bar"),
        steering_deg=at_grid("steering_deg"),
        accel_y_g=at_grid("accel_y_g"),
    )
