"""Temporary files and folders that a killed run left behind, by the lock under which they were made.

Whoever holds a session's lock may remove those of the session; the rest is made under the lock of its folder.
"""

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from grx_pipeline.paths import Paths
from grx_pipeline.storage.atomic import left_behind, remove


def sweep_session(paths: Paths, session: str) -> None:
    """Remove what earlier runs of the session left behind. The caller holds its lock."""
    for leftover in session_leftovers(paths, session):
        remove(leftover)


def session_leftovers(paths: Paths, session: str) -> Iterator[Path]:
    """What stands there of files in the making; while a run of the session goes on they are its own."""
    name = glob.escape(session)
    for folder in (paths.session_lake(session), *_folders_in(paths.session_lake(session)), paths.builds(session)):
        yield from left_behind(folder)
    yield from left_behind(paths.published(session).parent, name)
    yield from left_behind(paths.warehouse_file(session).parent, f"{name}.duckdb")
    if paths.temporary(session).is_dir():
        yield paths.temporary(session)


def shared_leftovers(paths: Paths) -> Iterator[Path]:
    """What stands there of files that belong to no session; a run that goes on may be making them."""
    yield from left_behind(paths.data)
    yield from season_leftovers(paths)


def season_leftovers(paths: Paths) -> Iterator[Path]:
    """As shared_leftovers, of what is made under the lock of the reports folder."""
    sessions = {path.name for path in _folders_in(paths.lake)}
    above = (paths.site(), paths.season_database(), paths.season_record())
    for folder in (*(path.parent for path in above), paths.site_builds()):
        yield from (path for path in left_behind(folder) if path.name[1:].partition(".")[0] not in sessions)


def _folders_in(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except FileNotFoundError:
        return []
