"""What can go: leftovers, old builds, answers and records nobody asks for, and sessions that a person names.

Never a raw file, never a published build.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.defs.history import old_runs, remove_runs
from grx_pipeline.errors import ContractError, DiscoveryError, InputError, SessionBusyError
from grx_pipeline.formats import counted
from grx_pipeline.ingest.manifest import read_manifest
from grx_pipeline.instance import look_into_instance, open_instance
from grx_pipeline.paths import Paths
from grx_pipeline.reports.steps import build_season
from grx_pipeline.season import refresh_season
from grx_pipeline.sessions import known_sessions
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import remove
from grx_pipeline.storage.leftovers import session_leftovers, shared_leftovers
from grx_pipeline.storage.locks import folder_lock, lock_holder, session_lock
from grx_pipeline.storage.parquet import read_table

_REQUESTS = "narrative_requests"


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Something that can go, and why. `paths` are files and folders, or none where it is `runs`, ids of old runs."""

    what: str
    why: str
    paths: tuple[Path, ...] = ()
    runs: tuple[str, ...] = ()
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would go, in groups by the lock under which they go, and what stays although it could go."""

    sessions: dict[str, tuple[Removal, ...]]
    shared: tuple[Removal, ...]
    kept: tuple[str, ...]

    @property
    def removals(self) -> tuple[Removal, ...]:
        return (*(removal for found in self.sessions.values() for removal in found), *self.shared)


def plan_cleaning(settings: Settings, *, named: Sequence[str]) -> Plan:
    """What can go now; of the sessions in `named` their tables and database too.

    A session that is running is left alone. Raises DiscoveryError for a name that is no session here.
    """
    paths = Paths.of(settings)
    known = known_sessions(paths)
    for session in named:
        if session not in known:
            raise DiscoveryError(f"{session}: no such session here; known are {', '.join(known) or 'none'}")
    found: dict[str, tuple[Removal, ...]] = {}
    kept = []
    for session in known:
        holder = lock_holder(paths.lock(session))
        if holder is not None:
            kept.append(f"{session}: process {holder} is running it")
            continue
        found[session] = tuple(_of_session(session, paths, is_named=session in named))
        if session not in named and _is_raw_gone(session, paths):
            kept.append(
                f"{session}: its raw files are gone; `grx clean --yes {session}` lets its tables go, its page stays"
            )
    return Plan(sessions=found, shared=tuple(_shared(paths, settings)), kept=tuple(kept))


def carry_out(plan: Plan, settings: Settings) -> None:
    """Remove what the plan says, each group under its lock; a session that began to run meanwhile is left alone."""
    paths = Paths.of(settings)
    for session, removals in plan.sessions.items():
        with contextlib.suppress(SessionBusyError):
            if removals:
                with session_lock(paths.lock(session)):
                    _remove(removals)
    with contextlib.ExitStack() as locks:
        for folder in sorted({paths.data, paths.reports}):
            locks.enter_context(folder_lock(folder))
        _remove(plan.shared)
    runs = [run for removal in plan.shared for run in removal.runs]
    if runs:
        with open_instance(paths) as instance:
            remove_runs(instance, runs)
    if any(path == paths.session_lake(session) for session in plan.sessions for path in _paths(plan.sessions[session])):
        refresh_season(paths, settings, build_season)


def _of_session(session: str, paths: Paths, *, is_named: bool) -> Iterator[Removal]:
    yield from _files(f"{session} leftovers", "of a killed run", session_leftovers(paths, session))
    builds, current = paths.builds(session), paths.published(session).resolve()
    if builds.is_dir():
        old = sorted(folder for folder in builds.iterdir() if folder != current and not folder.name.startswith("."))
        yield from _files(f"{session} old builds", "kept for pages that are still open", old)
    if is_named:
        gone = (
            "its raw files are gone: this cannot be made again" if _is_raw_gone(session, paths) else "can be made again"
        )
        lake = (paths.session_lake(session), paths.warehouse_file(session))
        yield from _files(f"{session} tables and database", gone, lake)
    else:
        yield from _files(
            f"{session} answers", "of questions that are no longer asked", _unused_answers(session, paths)
        )


def _shared(paths: Paths, settings: Settings) -> Iterator[Removal]:
    yield from _files("leftovers", "of a killed run", shared_leftovers(paths))
    builds = paths.site_builds()
    if builds.is_dir():
        current = paths.site().resolve()
        old = sorted(folder for folder in builds.iterdir() if folder != current and not folder.name.startswith("."))
        yield from _files("old builds of the front page", "kept for pages that are still open", old)
    if paths.dagster_home.is_dir():
        days = settings.run.kept_runs_days
        with look_into_instance(paths) as instance:
            runs = tuple(old_runs(instance, days=days))
        logs = [paths.dagster_home / "history" / "runs" / f"{run}.db" for run in runs]
        size = sum(_size(log) for log in logs)
        if runs:
            yield Removal(
                what=f"records of {counted(len(runs), 'run')}", why=f"older than {days} days", runs=runs, size=size
            )


def _unused_answers(session: str, paths: Paths) -> list[Path]:
    """Answers of the language model to questions that the last run did not ask; none where it asked nobody."""
    try:
        asked = set(read_table(paths.table(session, _REQUESTS), columns=["request"]).column("request").to_pylist())
    except ContractError:
        return []
    answers = paths.narrative_cache(session).glob("*.json") if asked else ()
    return sorted(file for file in answers if file.stem not in asked)


def _is_raw_gone(session: str, paths: Paths) -> bool:
    try:
        files = read_manifest(paths.manifest(session)).files
    except InputError:
        return False
    return any(not Path(file.path).exists() for file in files)


def _files(what: str, why: str, paths: Iterable[Path]) -> Iterator[Removal]:
    found = tuple(path for path in paths if path.exists() or path.is_symlink())
    if found:
        yield Removal(what=what, why=why, paths=found, size=sum(_size(path) for path in found))


def _size(path: Path) -> int:
    """Bytes that removing it frees: a file that another build has too is none."""
    if path.is_symlink() or not path.exists():
        return 0
    if path.is_file():
        return path.stat().st_size
    files = (Path(folder) / name for folder, _, names in os.walk(path) for name in names)
    states = (file.lstat() for file in files)
    return sum(state.st_size for state in states if state.st_nlink == 1)


def _paths(removals: Iterable[Removal]) -> Iterator[Path]:
    return (path for removal in removals for path in removal.paths)


def _remove(removals: Iterable[Removal]) -> None:
    for path in _paths(removals):
        remove(path)
