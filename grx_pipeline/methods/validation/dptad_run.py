"""Runs the study of DPTAD on sessions of the lake and keeps its tables."""

from collections.abc import Sequence
from pathlib import Path

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.formats import counted
from grx_pipeline.methods.dptad.detector import write_weights
from grx_pipeline.methods.validation.dptad_fit import TUNING, TUNING_SEED, fit_weights, judge_driver, tuning_groups
from grx_pipeline.methods.validation.dptad_laps import collect_drivers
from grx_pipeline.methods.validation.dptad_report import render_dptad
from grx_pipeline.methods.validation.dptad_study import run_dptad_study
from grx_pipeline.methods.validation.feature_rates import counts_by_rate
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes


def store_dptad(settings: Settings, sessions: Sequence[str] = ()) -> tuple[str, Path]:
    """The study's text, and the file it was written to; of `sessions`, or without any of all that were built.

    Raises DiscoveryError where no car has enough clean laps.
    """
    paths = Paths.of(settings)
    drivers = collect_drivers(settings, sessions, least=settings.dptad.min_own_laps)
    if not drivers:
        least = settings.dptad.min_own_laps
        raise DiscoveryError(
            f"{paths.lake}: no car has {counted(least, 'clean lap')} with a trace; run `grx run PATH` first"
        )
    study = run_dptad_study(drivers, settings, per_kind=settings.study.faults_per_kind, seed=settings.study.fault_seed)
    real = [driver for driver in drivers if not driver.is_simulated]
    text = render_dptad(study, counts_by_rate(real, settings.features), cost_s=settings.dptad.cost_s)
    write_bytes(paths.study("dptad"), text.encode())
    return text, paths.study("dptad")


def fit_tuning_cars(settings: Settings) -> str:
    """The CSV of weights (methods/dptad/weights.csv), fitted to the tuning cars in the lake.

    Raises DiscoveryError where a tuning car is missing: weights of fewer cars would not be those of the study.
    """
    drivers = collect_drivers(settings, [session for session, _ in TUNING], least=3)
    missing = set(TUNING) - {(driver.session, driver.vehicle_id) for driver in drivers}
    if missing:
        raise DiscoveryError(f"not in the lake: {', '.join(' '.join(key) for key in sorted(missing))}")
    groups = tuning_groups(drivers)
    judged = [judge_driver(part, per_kind=4, seed=TUNING_SEED, settings=settings) for part in groups]
    return write_weights(fit_weights(judged, settings.dptad))
