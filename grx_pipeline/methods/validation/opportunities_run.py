"""Runs the study of opportunities on sessions of the lake and keeps its table."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.methods.advice.opportunities import Limits
from grx_pipeline.methods.advice.steps import places_of, read_tables
from grx_pipeline.methods.few_crossings import few_crossings
from grx_pipeline.methods.validation.opportunities_report import render_study
from grx_pipeline.methods.validation.opportunities_split import StudySession, split_study
from grx_pipeline.paths import Paths
from grx_pipeline.sessions import known_sessions
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext

_TABLES = ("corners", "segments", "segment_laps", "corner_laps", "laps", "drivers", "sensors", "sessions")
_NO_GAP_S = -1.0


def store_study(settings: Settings, sessions: Sequence[str] = ()) -> tuple[str, Path]:
    """The study's text, and the file it was written to; of `sessions`, or without any of all that were built.

    Raises DiscoveryError where none of them was built as far as corners.
    """
    paths = Paths.of(settings)
    names = [name for name in known_sessions(paths) if not sessions or name in sessions]
    built = [name for name in names if all(paths.table(name, table).is_file() for table in _TABLES)]
    if not built:
        raise DiscoveryError(f"{paths.lake}: no session was built as far as its corners; run `grx run PATH` first")
    limits = Limits(opportunity=settings.opportunities, corner=settings.corners, length_m=0.0)
    judged = split_study(
        [entry for name in built for entry in _entries(name, paths, settings)],
        limits,
        draws=settings.study.half_draws,
        seed=settings.study.seed,
    )
    text = render_study(judged, built, settings)
    write_bytes(paths.study("opportunities"), text.encode())
    return text, paths.study("opportunities")


def _entries(session: str, paths: Paths, settings: Settings) -> Iterator[StudySession]:
    """The session as its drivers are told, and with the laps in traffic too."""
    context = StepContext(session=session, paths=paths, settings=settings, progress=print)
    tables, gap_s = read_tables(context), settings.opportunities.traffic_gap_s
    drivers = tables["drivers"]
    about = read_frame(paths.table(session, "sessions"), columns=["is_simulated"])
    for has_traffic in (False, True):
        laps, length_m = places_of(tables, gap_s=_NO_GAP_S if has_traffic else gap_s)
        yield StudySession(
            session=session,
            is_simulated=bool(about["is_simulated"].all()),
            has_traffic=has_traffic,
            laps=laps,
            vehicle_classes=dict(zip(drivers["vehicle_id"], drivers["vehicle_class"].fillna(""), strict=True)),
            badly_placed=few_crossings(tables["sensors"], settings.clock),
            length_m=length_m,
        )
