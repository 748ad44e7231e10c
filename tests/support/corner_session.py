"""A session's tables as the steps of advice read them: two corners, three sectors, drivers with habits."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from grx_pipeline.methods.advice.places import FIGURES

LENGTH_M = 3000.0
# Name, phase, corner, sector, length (m) and the usual time (ms).
TILES = (
    ("line to T1", "straight", 2, 1, 700.0, 14_000.0),
    ("T1 braking", "braking", 1, 1, 100.0, 3_000.0),
    ("T1 entry", "entry", 1, 1, 50.0, 2_000.0),
    ("T1 exit", "exit", 1, 1, 150.0, 4_000.0),
    ("T1 to S1", "straight", 1, 1, 300.0, 6_000.0),
    ("S1 to T2", "straight", 1, 2, 700.0, 14_000.0),
    ("T2 entry", "entry", 2, 2, 150.0, 5_000.0),
    ("T2 exit", "exit", 2, 3, 250.0, 7_000.0),
    ("T2 to line", "straight", 2, 3, 600.0, 12_000.0),
)
FIGURE_VALUES: Mapping[str, float] = {
    **dict.fromkeys(FIGURES, 0.0),
    "entry_speed_kmh": 150.0,
    "min_speed_kmh": 80.0,
    "exit_speed_kmh": 110.0,
    "brake_onset_m": 705.0,
    "brake_peak_bar": 60.0,
    "throttle_on_m": 860.0,
    "full_throttle_m": 900.0,
}


def corner_session(
    slower_ms: Mapping[str, Mapping[str, float]],
    *,
    figures: Mapping[str, Mapping[str, float]] | None = None,
    laps: int = 8,
    noise_ms: float = 8.0,
    gap_s: float = 5.0,
) -> dict[str, pd.DataFrame]:
    """Tables by name. `slower_ms` gives each driver's extra time by tile, `figures` what they do differently in T1.

    The drivers follow each other with `gap_s` between them, each with `laps` clean laps and a trace of all.
    """
    rng = np.random.default_rng(11)
    lap_rows: list[dict[str, Any]] = []
    segment_rows: list[dict[str, Any]] = []
    corner_rows: list[dict[str, Any]] = []
    for place, (vehicle, slower) in enumerate(slower_ms.items()):
        usual = np.array([tile[5] + slower.get(tile[0], 0.0) for tile in TILES])
        elapsed = place * gap_s * 1000
        for lap in range(1, laps + 1):
            times = _whole_sectors(usual + noise_ms * rng.standard_normal(len(TILES)))
            sectors = [sum(times[n] for n, tile in enumerate(TILES) if tile[3] == k) for k in (1, 2, 3)]
            elapsed += sum(sectors)
            lap_rows.append(_lap(vehicle, lap, sectors, elapsed))
            segment_rows += [
                {"vehicle_id": vehicle, "lap_number": lap, "segment": n, "time_ms": time}
                for n, time in enumerate(times, start=1)
            ]
            for corner, changes in ((1, (figures or {}).get(vehicle, {})), (2, {})):
                values = {name: value + changes.get(name, 0.0) for name, value in FIGURE_VALUES.items()}
                corner_rows.append({"vehicle_id": vehicle, "lap_number": lap, "corner_index": corner} | values)
    return {
        "corners": pd.DataFrame({"corner_index": [1, 2], "corner": ["T1", "T2"], "apex_m": [850.0, 2150.0]}),
        "segments": _segments(),
        "segment_laps": pd.DataFrame(segment_rows, columns=["vehicle_id", "lap_number", "segment", "time_ms"]),
        "corner_laps": pd.DataFrame(corner_rows, columns=["vehicle_id", "lap_number", "corner_index", *FIGURE_VALUES]),
        "laps": pd.DataFrame(lap_rows),
        "drivers": _drivers(list(slower_ms)),
        "sensors": pd.DataFrame({"vehicle_id": list(slower_ms), "crossings": laps + 1, "note": None}),
    }


def _whole_sectors(times: np.ndarray) -> list[float]:
    """The tiles' times with the last of each sector so that sectors are whole milliseconds."""
    told = times.tolist()
    for sector in (1, 2, 3):
        rows = [n for n, tile in enumerate(TILES) if tile[3] == sector]
        told[rows[-1]] += round(sum(told[n] for n in rows)) - sum(told[n] for n in rows)
    return told


def _lap(vehicle: str, lap: int, sectors: Sequence[float], elapsed: float) -> dict[str, Any]:
    return {
        "vehicle_id": vehicle,
        "lap_number": lap,
        "is_clean": True,
        "is_pit_in": False,
        "lap_time_ms": round(sum(sectors)),
        "elapsed_ms": round(elapsed),
        **{f"sector_{n}_ms": round(sector) for n, sector in enumerate(sectors, start=1)},
    }


def _segments() -> pd.DataFrame:
    ends = np.cumsum([tile[4] for tile in TILES])
    return pd.DataFrame(
        {
            "segment": np.arange(1, len(TILES) + 1),
            "name": [tile[0] for tile in TILES],
            "phase": [tile[1] for tile in TILES],
            "corner_index": [tile[2] for tile in TILES],
            "sector": [tile[3] for tile in TILES],
            "start_m": ends - [tile[4] for tile in TILES],
            "end_m": ends,
        }
    )


def _drivers(vehicles: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "vehicle_id": vehicles,
            "car_number": [str(n) for n in range(1, len(vehicles) + 1)],
            "vehicle_class": "Am",
            "position": [float(n) for n in range(1, len(vehicles) + 1)],
            "has_telemetry": True,
        }
    )
