"""Runs the hold-out study of SIWTL on sessions of the lake and keeps its table."""

from collections.abc import Sequence
from pathlib import Path

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.methods.validation.clean_laps import collect_clean_laps
from grx_pipeline.methods.validation.siwtl_holdout import run_study
from grx_pipeline.methods.validation.siwtl_report import render_study
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes


def store_study(settings: Settings, sessions: Sequence[str] = ()) -> tuple[str, Path]:
    """The study's text, and the file it was written to; of `sessions`, or without any of all that were built.

    Raises DiscoveryError where none of them was built.
    """
    paths = Paths.of(settings)
    laps = collect_clean_laps(paths, sessions)
    if laps.empty:
        raise DiscoveryError(f"{paths.lake}: no real session was built yet; run `grx run PATH` first")
    text = render_study(run_study(laps, settings))
    write_bytes(paths.study("siwtl"), text.encode())
    return text, paths.study("siwtl")
