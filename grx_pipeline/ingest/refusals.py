"""What was named for a run and not taken in: kept beside the season's tables, so that the front page can say it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from grx_pipeline.paths import Paths
from grx_pipeline.sessions import is_session_id
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.locks import folder_lock
from grx_pipeline.storage.sealed import sealed, unsealed


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why something under `target` was not taken in; `session` where it is known which it was. `at` is ISO 8601 UTC."""

    target: str
    session: str | None
    reason: str
    at: str


def note_refusals(paths: Paths, refused: Mapping[str, Sequence[str]], taken: Collection[str]) -> bool:
    """Keep why targets were `refused`, and forget it of all that were named again, of sessions that were `taken` and
    of paths that are gone.

    `refused` has every target that was named, with its reasons or none. Whether there is something new to be said.
    Raises StorageError where it cannot be kept.
    """
    before = read_refusals(paths)
    if _noted(before, refused, taken) == before:
        return False
    with folder_lock(paths.refusals().parent):
        after = _noted(read_refusals(paths), refused, taken)
        write_bytes(paths.refusals(), sealed({"refusals": [asdict(refusal) for refusal in after]}))
    return True


def read_refusals(paths: Paths) -> tuple[Refusal, ...]:
    """All that stand; none where there is no record, or it is damaged."""
    try:
        return tuple(Refusal(**entry) for entry in unsealed(paths.refusals().read_bytes())["refusals"])
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _noted(
    before: Sequence[Refusal], refused: Mapping[str, Sequence[str]], taken: Collection[str]
) -> tuple[Refusal, ...]:
    known = {(old.target, old.reason): old for old in before}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    others = [old for old in before if old.target not in refused and old.session not in taken]
    kept = [old for old in others if is_session_id(old.target) or Path(old.target).exists()]
    for target, reasons in refused.items():
        kept += [known.get((target, reason)) or _refusal(target, reason, now) for reason in reasons]
    return tuple(sorted(kept, key=lambda refusal: (refusal.target, refusal.reason)))


def _refusal(target: str, reason: str, now: str) -> Refusal:
    session = reason.partition(": ")[0]
    return Refusal(target=target, session=session if is_session_id(session) else None, reason=reason, at=now)
