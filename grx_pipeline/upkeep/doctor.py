"""Looks at everything the pipeline needs and has written, and says for each what, where, and what to do.

It changes nothing, unless it is asked to repair: then dead runs are marked, and steps whose files are damaged will run
again. Making them anew is the run's work.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence

from grx_pipeline.defs.history import damaged_records
from grx_pipeline.errors import GrxError, InputError
from grx_pipeline.formats import counted
from grx_pipeline.ingest.catalogue import known_manifests
from grx_pipeline.instance import dead_runs, look_into_instance, open_instance, storage_errors
from grx_pipeline.paths import Paths
from grx_pipeline.publishing.place import Place
from grx_pipeline.publishing.verify import verify_site
from grx_pipeline.sessions import known_sessions
from grx_pipeline.settings import Settings
from grx_pipeline.space import megabytes_of_a_run
from grx_pipeline.storage.leftovers import shared_leftovers
from grx_pipeline.storage.steps import damaged_outputs, distrust_damage, output_path, read_record
from grx_pipeline.upkeep.findings import Finding, fault, note, ok
from grx_pipeline.upkeep.machine import look_at_machine
from grx_pipeline.upkeep.session_files import look_at_session

_NAMED_AT_MOST = 5


def examine(settings: Settings, *, is_repairing: bool, progress: Callable[[str], None]) -> Iterator[Finding]:
    """Every finding, as it is made: machine, records of runs, sessions, site."""
    paths = Paths.of(settings)
    sessions = known_sessions(paths)
    yield from look_at_machine(settings, disk_mb=_largest_run_mb(settings))
    yield from _records(paths, is_repairing=is_repairing)
    for session in sessions:
        yield from look_at_session(session, settings, is_repairing=is_repairing, progress=progress)
    if not sessions:
        yield note("sessions", paths.lake, "none yet", "`grx run PATH`, or `grx demo`")
    yield from _season(paths, sessions, is_repairing=is_repairing)
    yield from _site(paths, sessions)
    for path in shared_leftovers(paths):
        yield note("files", path, "left behind by a killed run, or being written now", "`grx clean --yes` removes it")


def _largest_run_mb(settings: Settings) -> int:
    """Room that the largest known session takes; a damaged manifest is told of elsewhere."""
    manifests, _ = known_manifests(Paths.of(settings))
    return max(megabytes_of_a_run(files, settings.run) for files in ((), *(m.files for m in manifests)))


def _records(paths: Paths, *, is_repairing: bool) -> Iterator[Finding]:
    """The Dagster instance: whether its files are whole, and runs whose process is gone."""
    home = paths.dagster_home
    if not home.is_dir():
        yield ok("records of runs", home, "no run yet")
        return
    away = f"`mv {shlex.quote(str(home))} {shlex.quote(f'{home}.damaged')}`; reports do not depend on it"
    damaged = damaged_records(paths)
    for file, said in damaged.items():
        yield fault("records of runs", file, f"damaged ({said})", away)
    if damaged:
        return
    try:
        with storage_errors(paths), open_instance(paths) if is_repairing else look_into_instance(paths) as instance:
            dead = [run.run_id for run in dead_runs(instance)]
    except GrxError as error:
        yield fault("records of runs", home, str(error), away)
        return
    for run_id in dead:
        remedy = "`grx doctor --repair` marks it as failed, and so does the next run of any session"
        yield note("records of runs", run_id, "still recorded as running, but its process is gone", remedy)
    if not dead:
        yield ok("records of runs", home, "whole, and none is left of a process that is gone")


def _season(paths: Paths, sessions: Sequence[str], *, is_repairing: bool) -> Iterator[Finding]:
    """The front page, the season's tables and its database."""
    place = paths.season_record()
    if not place.is_file():
        return
    record = read_record(place)
    remedy = f"{_run(sessions[:1])} mends it, and so does a run of any other session"
    if record is None:
        yield fault("season", place, "the record of the season is damaged", remedy)
        return
    remedy = remedy if is_repairing else f"`grx doctor --repair`, then {_run(sessions[:1])} or any other session"
    damaged = distrust_damage(place, paths) if is_repairing else None
    if damaged is None:
        damaged = [output_path(label, paths) for label in damaged_outputs(record, paths)]
    for path in damaged:
        yield fault("season", path, "its bytes are not those that were written", remedy)
    if not damaged:
        yield ok("season", place, f"{counted(len(record.outputs), 'file')}, as written")


def _run(sessions: Sequence[str]) -> str:
    return f"`{' '.join(('grx run', *(sessions or ['PATH'])))}`"


def _site(paths: Paths, sessions: Sequence[str]) -> Iterator[Finding]:
    if not paths.season_page().is_file():
        yield note("site", paths.reports, "nothing is published yet")
        return
    remedy = f"`grx doctor --repair`, then {_run(sessions)}"
    try:
        found = verify_site(Place.at(str(paths.reports)), progress=lambda _: None)
    except InputError as error:
        yield fault("site", paths.reports, str(error), remedy)
        return
    named = [session for session in sessions if any(session in problem for problem in found.problems)]
    remedy = f"`grx doctor --repair`, then {_run(named or sessions)}"
    for problem in found.problems[:_NAMED_AT_MOST]:
        yield fault("site", paths.reports, problem, remedy)
    if len(found.problems) > _NAMED_AT_MOST:
        yield fault("site", paths.reports, f"{counted(len(found.problems) - _NAMED_AT_MOST, 'more problem')}", remedy)
    if not found.problems:
        counts = [(found.sessions, "session"), (found.files, "file"), (found.links, "link")]
        text = f"{', '.join(counted(*one) for one in counts)}: all as published"
        yield ok("site", paths.reports, text)
