"""How the last run of a session went: kept beside its tables, so that the front page can say it.

A run writes that it begins, each step that fails, and that it ends. A run that says nothing of its end while nobody
holds the session's lock was killed. What checks found stands in the steps' own records.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from grx_pipeline.paths import Paths
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.locks import lock_holder
from grx_pipeline.storage.sealed import sealed, unsealed

Outcome = Literal["built", "failed", "running", "died"]


@dataclass(frozen=True, kw_only=True)
class LastRun:
    """A session's last run. Times are ISO 8601 UTC; `ended_at` is None while it runs, or where it was killed.

    `failures` are the steps that failed and why.
    """

    began_at: str
    ended_at: str | None = None
    failures: Mapping[str, str] = field(default_factory=dict)


def begin_run(paths: Paths, session: str, *, is_whole: bool) -> None:
    """Say that a run begins; the caller holds the session's lock. A whole run forgets earlier failures."""
    before = read_last_run(paths, session) or LastRun(began_at="")
    failures = {} if is_whole else before.failures
    _write(paths, session, replace(before, began_at=_now(), ended_at=None, failures=failures))


def end_run(paths: Paths, session: str) -> None:
    """Say that the run has ended, well or not."""
    _change(paths, session, ended_at=_now())


def note_failure(paths: Paths, session: str, step: str, reason: str) -> None:
    """Say that a step failed, and why."""
    _change(paths, session, failures={**_last(paths, session).failures, step: reason})


def note_step(paths: Paths, session: str, step: str) -> None:
    """Say that a step stands."""
    failures = _last(paths, session).failures
    if step in failures:
        _change(paths, session, failures={name: reason for name, reason in failures.items() if name != step})


def read_last_run(paths: Paths, session: str) -> LastRun | None:
    """The last run; None where there was none, or its record is damaged."""
    try:
        return LastRun(**unsealed(paths.last_run(session).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def outcome_of(last: LastRun, paths: Paths, session: str) -> Outcome:
    """What became of the run, by its record and by whether somebody still holds the session."""
    if last.ended_at is None and lock_holder(paths.lock(session)) is not None:
        return "running"
    if last.failures:
        return "failed"
    return "died" if last.ended_at is None else "built"


def _last(paths: Paths, session: str) -> LastRun:
    return read_last_run(paths, session) or LastRun(began_at=_now())


def _change(paths: Paths, session: str, **changes: object) -> None:
    _write(paths, session, replace(_last(paths, session), **changes))  # type: ignore[arg-type]


def _write(paths: Paths, session: str, last: LastRun) -> None:
    write_bytes(paths.last_run(session), sealed(asdict(last)))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
