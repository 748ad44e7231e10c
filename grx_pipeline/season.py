"""What stands above the sessions as one step: the season page, its table, and the views over the lake.

Like a session's step it is made where something it depends on changed: a session's report or last run, the code, a
setting, or a file that it wrote. What it says is made in reports/ and storage/season_views.py.
"""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.errors import GrxError, StorageError
from grx_pipeline.ingest.catalogue import Catalogue
from grx_pipeline.ingest.refusals import note_refusals, read_refusals
from grx_pipeline.paths import Paths
from grx_pipeline.reports.season import begun_sessions, published_names
from grx_pipeline.reports.season_runs import run_remark
from grx_pipeline.reports.steps import build_season
from grx_pipeline.schemas import SEASON_TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import remove
from grx_pipeline.storage.code import code_hash
from grx_pipeline.storage.duck import QUERY_INTERRUPTED
from grx_pipeline.storage.last_run import begin_run, end_run, note_failure, outcome_of, read_last_run
from grx_pipeline.storage.leftovers import season_leftovers
from grx_pipeline.storage.locks import folder_lock
from grx_pipeline.storage.season_views import build_views
from grx_pipeline.storage.steps import (
    StepOutcome,
    changed_inputs,
    changed_outputs,
    combined_hash,
    damaged_outputs,
    make_record,
    read_record,
    write_record,
)

SeasonBuild = Callable[[Paths, Settings], int]

# Where a run fails beside its steps.
THE_RUN = "the run"
SEASON_PACKAGES = ("formats", "ingest", "publishing", "reports", "schemas", "sessions", "storage")


@dataclass(frozen=True, kw_only=True)
class SeasonResult:
    """What became of the season: how many sessions it lists, and what its database could not be made of."""

    sessions: int
    was_built: bool
    reason: str
    version: str
    problem: str | None = None


def refresh_season(paths: Paths, settings: Settings, build: SeasonBuild) -> SeasonResult:
    """Bring the season up to date, one process at a time. A damaged file of the lake is told and stops nothing."""
    with folder_lock(paths.reports):
        inputs = season_inputs(paths, settings)
        reason = _why_stale(inputs, paths)
        record = read_record(paths.season_record())
        problem = None
        if record is None or reason is not None:
            for leftover in season_leftovers(paths):
                remove(leftover)
            sessions = build(paths, settings)
            if record is None or damaged_outputs(record, paths):
                paths.season_database().unlink(missing_ok=True)
            problem = _views_problem(paths)
            outcome = StepOutcome(outputs=_outputs(paths), rows=sessions)
            record = make_record(inputs, outcome, paths=paths, is_byte_stable=False)
            if problem is None:
                write_record(paths.season_record(), record)
    return SeasonResult(
        sessions=record.rows,
        was_built=reason is not None,
        reason=reason or "nothing it depends on changed",
        version=record.version,
        problem=problem,
    )


def why_season_is_stale(paths: Paths, settings: Settings) -> str | None:
    """Why the season has to be made again, or None."""
    return _why_stale(season_inputs(paths, settings), paths)


def season_inputs(paths: Paths, settings: Settings) -> dict[str, str]:
    """What the season is made from, by name: code, settings, and each session's published build and last run."""
    inputs = {f"code {package}": code_hash(package) for package in SEASON_PACKAGES}
    inputs |= {f"setting report.{name}": repr(value) for name, value in dataclasses.asdict(settings.report).items()}
    inputs["data folder"] = str(paths.data)
    inputs["sessions not taken in"] = json.dumps([dataclasses.asdict(one) for one in read_refusals(paths)])
    published = published_names(paths)
    for session in sorted({*published, *begun_sessions(paths)}):
        remark = run_remark(paths, session, is_published=session in published)
        said = json.dumps(dataclasses.asdict(remark)) if remark else ""
        build = _build_of(paths.published(session)) if session in published else "not published"
        inputs[f"session {session}"] = combined_hash({"build": build, "last run": said})
    return inputs


@contextlib.contextmanager
def noted_run(paths: Paths, settings: Settings, session: str, *, is_whole: bool) -> Iterator[Callable[[str], None]]:
    """Write when a run begins and ends; of one that failed the front page says so at once.

    The block is given a function that takes why the run failed, for where no step said it. The caller holds the
    session's lock. A whole run forgets the failures of the runs before.
    """
    reasons: list[str] = []
    begin_run(paths, session, is_whole=is_whole)
    try:
        yield reasons.append
    except BaseException as error:
        reasons.append(failure_text(error))
        raise
    finally:
        _note_end(paths, settings, session, reasons)


def _note_end(paths: Paths, settings: Settings, session: str, reasons: Sequence[str]) -> None:
    """Write the end, with the first of `reasons` where no step said one.

    Neither a full disk nor a front page that cannot be made hides why a run failed.
    """
    with contextlib.suppress(GrxError):
        last = read_last_run(paths, session)
        if reasons and last is not None and not last.failures:
            note_failure(paths, session, THE_RUN, reasons[0])
        end_run(paths, session)
        if not is_last_run_settled(paths, session):
            refresh_season(paths, settings, build_season)


def note_refused(catalogue: Catalogue, paths: Paths, settings: Settings) -> None:
    """Keep what was named and not taken in; the front page says it at once, as far as the disk takes it.

    Nothing is begun where there is no data folder yet: whoever stands in the wrong folder does not want one.
    """
    if not paths.data.is_dir():
        return
    taken = {manifest.session for manifest in catalogue.sessions}
    with contextlib.suppress(GrxError):
        # Where what is refused was known already, a full disk may have kept it from the page.
        if note_refusals(paths, catalogue.refused, taken) or any(catalogue.refused.values()):
            refresh_season(paths, settings, build_season)


@contextlib.contextmanager
def failures_noted(paths: Paths, session: str, step: str) -> Iterator[None]:
    """Where the block fails, note why it did, as far as the disk takes it."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(StorageError):
            note_failure(paths, session, step, failure_text(error))
        raise


def failure_text(error: BaseException) -> str:
    """Why a step failed: the message of an error for people, the kind of any other; or that it was stopped."""
    if not isinstance(error, Exception) or str(error) == QUERY_INTERRUPTED:
        return "it was stopped before its end"
    if isinstance(error, GrxError):
        return str(error)
    return f"an error in the program ({type(error).__name__}: {error})"


def is_last_run_settled(paths: Paths, session: str) -> bool:
    """Whether the session's last run came to its end without a failure, or there was none."""
    last = read_last_run(paths, session)
    return last is None or outcome_of(last, paths, session) == "built"


def _build_of(site: Path) -> str:
    """The build that the session's link shows, named by its number and hash."""
    return site.readlink().name if site.is_symlink() else site.name


def _why_stale(inputs: dict[str, str], paths: Paths) -> str | None:
    record = read_record(paths.season_record())
    if record is None:
        return "first run"
    changed = changed_inputs(record, inputs)
    if changed:
        return f"changed: {', '.join(changed)}"
    altered = changed_outputs(record, paths)
    return f"missing or altered: {', '.join(altered)}" if altered else None


def _views_problem(paths: Paths) -> str | None:
    try:
        build_views(paths)
    except StorageError as error:
        return str(error)
    return None


def _outputs(paths: Paths) -> tuple[Path, ...]:
    wanted = [
        paths.season_page(),
        paths.reports / "api" / "sessions.json",
        paths.reports / "api" / "season.json",
        *(paths.season_table(name) for name in SEASON_TABLES),
        paths.season_database(),
        paths.season_views(),
    ]
    return tuple(path for path in wanted if path.is_file())
