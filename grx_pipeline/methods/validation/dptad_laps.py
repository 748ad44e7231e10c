"""The laps that the study of DPTAD runs on: cars with enough clean laps, and copies of their laps with a fault each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from grx_pipeline.methods.dptad.evidence import LapMatrix
from grx_pipeline.methods.dptad.own import Array, Index
from grx_pipeline.methods.validation.car_model import CarModel, fit_car
from grx_pipeline.methods.validation.faults import FAULT_KINDS, InjectedFault, inject
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings, StudySettings
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.field import FieldTraces, read_field

CHANNELS = ("time_ms", "speed_kmh", "throttle_pct", "brake_bar", "steering_deg", "accel_x_g", "accel_y_g")
_TABLES = ("laps", "lap_distances", "timing_lines", "sessions")


@dataclass(frozen=True, kw_only=True)
class DriverLaps:
    """The clean laps of one car with a trusted distance; `channels` (n, k) by CHANNELS, NaN in gaps."""

    name: str
    session: str
    vehicle_id: str
    is_simulated: bool
    lap_numbers: npt.NDArray[np.int64]
    step_m: float
    channels: Mapping[str, Array]

    @property
    def count(self) -> int:
        return int(self.lap_numbers.size)

    def matrix(self) -> LapMatrix:
        """As the detector takes them."""
        return LapMatrix.of(self.channels, self.step_m)

    def model(self) -> CarModel:
        """The car as its laps show it."""
        names = ("speed_kmh", "throttle_pct", "brake_bar", "accel_y_g")
        return fit_car(*(self.channels[name] for name in names), step_m=self.step_m)

    def some(self, rows: Sequence[int], name: str) -> "DriverLaps":
        """These laps alone, as if there were no others."""
        chosen = {channel: values[list(rows)] for channel, values in self.channels.items()}
        return DriverLaps(
            name=name,
            session=self.session,
            vehicle_id=self.vehicle_id,
            is_simulated=self.is_simulated,
            lap_numbers=self.lap_numbers[list(rows)],
            step_m=self.step_m,
            channels=chosen,
        )


@dataclass(frozen=True, kw_only=True)
class FaultyLaps:
    """m copies of a driver's laps with one fault each; `hosts` (m,) is the row of the lap a copy is made from."""

    channels: Mapping[str, Array]
    hosts: Index
    faults: tuple[InjectedFault, ...]
    step_m: float

    def matrix(self) -> LapMatrix:
        """As the detector takes them."""
        return LapMatrix.of(self.channels, self.step_m)


def built_sessions(paths: Paths, sessions: Sequence[str] = ()) -> list[str]:
    """The sessions of the lake (of `sessions` alone, where any are given) whose traces were built."""
    folders = sorted(folder.name for folder in paths.lake.glob("*") if not sessions or folder.name in sessions)
    return [name for name in folders if all(paths.table(name, table).is_file() for table in _TABLES)]


def collect_drivers(settings: Settings, sessions: Sequence[str] = (), *, least: int) -> list[DriverLaps]:
    """Every car with at least `least` clean laps, ordered by session and vehicle."""
    paths = Paths.of(settings)
    drivers = []
    for session in built_sessions(paths, sessions):
        context = StepContext(session=session, paths=paths, settings=settings, progress=lambda _: None)
        field = read_field(context, CHANNELS)
        simulated = bool(read_frame(paths.table(session, "sessions"), columns=["is_simulated"])["is_simulated"].all())
        cars = read_frame(paths.table(session, "drivers"), columns=["vehicle_id", "car_number"])
        numbers = dict(zip(cars["vehicle_id"], cars["car_number"], strict=True))
        for vehicle in np.unique(field.vehicle_ids.astype(str)):
            laps = field.of(field.is_clean & (field.vehicle_ids == vehicle))
            if laps.lap_numbers.size >= least:
                name = f"{session.replace('-2025', '')} #{numbers[vehicle]}"
                drivers.append(_driver(laps, name, session, vehicle, simulated))
    return drivers


def _driver(laps: FieldTraces, name: str, session: str, vehicle: str, is_simulated: bool) -> DriverLaps:
    return DriverLaps(
        name=name,
        session=session,
        vehicle_id=vehicle,
        is_simulated=is_simulated,
        lap_numbers=laps.lap_numbers,
        step_m=float(laps.distance_m[1] - laps.distance_m[0]),
        channels={channel: laps.channels[channel] for channel in CHANNELS},
    )


def put_faults(driver: DriverLaps, *, per_kind: int, seed: int, limits: StudySettings) -> FaultyLaps:
    """Up to `per_kind` copies of every lap with a fault of every kind."""
    rng = np.random.default_rng(seed)
    model = driver.model()
    copies: list[Mapping[str, Array]] = []
    hosts: list[int] = []
    faults: list[InjectedFault] = []
    for row in range(driver.count):
        lap = {name: values[row] for name, values in driver.channels.items()}
        for kind in FAULT_KINDS:
            tries = range(per_kind * limits.fault_tries)
            made = (inject(lap, kind, model=model, step_m=driver.step_m, rng=rng, limits=limits) for _ in tries)
            for changed, fault in islice((found for found in made if found is not None), per_kind):
                copies.append(changed)
                hosts.append(row)
                faults.append(fault)
    channels = {name: np.array([copy[name] for copy in copies]) for name in CHANNELS}
    return FaultyLaps(channels=channels, hosts=np.array(hosts), faults=tuple(faults), step_m=driver.step_m)
