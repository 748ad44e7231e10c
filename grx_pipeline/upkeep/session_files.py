"""A session's files against what was recorded of them: raw files, manifest, records, tables, database, site."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shlex import quote

from grx_pipeline.errors import InputError
from grx_pipeline.formats import counted
from grx_pipeline.ingest.catalogue import known_manifests
from grx_pipeline.ingest.manifest import Manifest, read_manifest
from grx_pipeline.ingest.raw_check import is_altered
from grx_pipeline.ingest.recognition import SESSION_FILE
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.steps import STEPS, stale_steps
from grx_pipeline.storage.leftovers import session_leftovers
from grx_pipeline.storage.locks import lock_holder
from grx_pipeline.storage.steps import (
    StepContext,
    damaged_outputs,
    distrust_damage,
    output_path,
    read_record,
)
from grx_pipeline.upkeep.findings import Finding, fault, note, ok

_NAMED_AT_MOST = 5
_TEAM_WORD = "session"


def look_at_session(
    session: str, settings: Settings, *, is_repairing: bool, progress: Callable[[str], None]
) -> Iterator[Finding]:
    """Read every file of the session. With `is_repairing` steps whose files are damaged are made to run again."""
    paths = Paths.of(settings)
    holder = lock_holder(paths.lock(session))
    if holder is not None:
        yield note(session, paths.lock(session), f"process {holder} is running it; not looked at", "ask again later")
        return
    try:
        manifest = read_manifest(paths.manifest(session))
    except InputError as error:
        place = paths.manifest(session)
        said = str(error).removeprefix(f"{place}: ").partition(";")[0]
        yield fault(session, place, said, "`grx run PATH` on its raw files writes it anew")
        return
    progress(f"{session}: reading its files")
    raw = [*_raw_files(session, manifest), *_team_word(session, manifest, paths)]
    yield from raw
    yield from _steps(session, paths, is_repairing=is_repairing)
    yield from _strays(session, paths)
    yield from _leftovers(session, paths)
    if all(finding.state == "ok" for finding in raw):
        yield _freshness(session, settings)


def _raw_files(session: str, manifest: Manifest) -> Iterator[Finding]:
    files = [file for file in manifest.files if file.kind != _TEAM_WORD]
    gone = [file for file in files if not Path(file.path).exists()]
    altered = [file for file in files if file not in gone and is_altered(file)]
    for file in gone:
        yield note(
            session,
            file.path,
            "this raw file is gone: what was made of it stands, but cannot be made again",
            f"put it back, or `grx run PATH` on its new place; `grx clean --yes {session}` lets go of the session",
        )
    for file in altered:
        yield fault(
            session,
            file.path,
            "its bytes are not those that the report was made from",
            f"where it was corrected `grx run {session}`; else copy it again from its source first",
        )
    if not gone and not altered:
        size = sum(file.size for file in files)
        yield ok(session, manifest.root, f"{counted(len(files), 'raw file')}, {size / 1e6:,.1f} MB, as read")


def _team_word(session: str, manifest: Manifest, paths: Paths) -> Iterator[Finding]:
    """session.toml: a team changes it on purpose, and the next run heeds it.

    No run does in a folder with files of two sessions: it would not be known which of them is meant.
    """
    known = {Path(file.path): file for file in manifest.of_kind(_TEAM_WORD)}
    others = (_folders(other) for other in known_manifests(paths)[0] if other.session != session)
    beside = {folder / SESSION_FILE for folder in _folders(manifest).difference(*others)}
    for path in sorted(known.keys() | {path for path in beside if path.is_file()}):
        what = "is new" if path not in known else "was taken away" if not path.exists() else "was changed"
        if path not in known or not path.exists() or is_altered(known[path]):
            yield note(session, path, f"{what} since the last run: it waits for the next", f"`grx run {session}`")
        else:
            yield ok(session, path, "as it was read")


def _folders(manifest: Manifest) -> set[Path]:
    return {Path(file.path).parent for file in manifest.files if file.member is None}


def _steps(session: str, paths: Paths, *, is_repairing: bool) -> Iterator[Finding]:
    read, size, is_whole = 0, 0, True
    for step in STEPS:
        path = paths.step_record(session, step)
        record = read_record(path)
        if record is None:
            if path.is_file():
                is_whole = False
                remedy = f"`grx run {session}` makes {step} anew"
                yield fault(session, path, "the record of this step is damaged", remedy)
            continue
        damaged = [output_path(label, paths) for label in damaged_outputs(record, paths)]
        if damaged and is_repairing:
            distrust_damage(path, paths)
        is_whole &= not damaged
        yield from _damage(session, step, damaged, is_repairing=is_repairing)
        read += len(record.outputs)
        size += sum(bytes_of for bytes_of, _ in record.stamps.values())
    if is_whole:
        place = paths.session_lake(session)
        yield ok(
            session, place, f"{counted(read, 'file')} of tables, database and site, {size / 1e6:,.1f} MB, as written"
        )


def _damage(session: str, step: str, damaged: list[Path], *, is_repairing: bool) -> Iterator[Finding]:
    remedy = f"`grx run {session}` makes it anew"
    if not is_repairing:
        remedy = f"`grx doctor --repair` has {step} run again, then `grx run {session}`"
    for path in damaged[:_NAMED_AT_MOST]:
        what = "its bytes are not those that" if path.is_file() else "it is gone, which"
        yield fault(session, path, f"{what} {step} wrote", remedy)
    if len(damaged) > _NAMED_AT_MOST:
        yield fault(session, step, f"{len(damaged) - _NAMED_AT_MOST:,} more of its files are damaged", remedy)


def _strays(session: str, paths: Paths) -> Iterator[Finding]:
    """Tables in the lake that no step wrote: whoever reads a folder of parts would read them too.

    Nothing is said where the record of a step is damaged: whose its tables are is not known then.
    """
    places = [paths.step_record(session, step) for step in STEPS]
    records = [read_record(place) for place in places if place.is_file()]
    if any(record is None for record in records):
        return
    known = {output_path(label, paths) for record in records if record for label in record.outputs}
    lake = paths.session_lake(session)
    for path in sorted(path for path in lake.rglob("*.parquet") if path not in known):
        yield fault(
            session, path, "no step wrote this table, but the next ones may read it", f"`rm {quote(str(path))}`"
        )


def _leftovers(session: str, paths: Paths) -> Iterator[Finding]:
    for path in session_leftovers(paths, session):
        yield note(session, path, "left behind by a killed run", f"`grx run {session}` or `grx clean --yes` removes it")


def _freshness(session: str, settings: Settings) -> Finding:
    context = StepContext(session=session, paths=Paths.of(settings), settings=settings, progress=lambda _: None)
    stale: Mapping[str, str] = stale_steps(context)
    place = context.paths.published(session)
    if stale:
        step, reason = next(iter(stale.items()))
        return note(session, place, f"older than what it is made from: {step}, {reason}", f"`grx run {session}`")
    return ok(session, place, "up to date")
