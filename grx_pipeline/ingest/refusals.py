"""What was named for a run and not taken in: kept beside the season's tables, so that the front page can say it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from grx_pipeline.paths import Paths
from grx_pipeline.sessions import is_session_id
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.sealed import sealed, unsealed


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why something under `target` was not taken in; `session` where it is known which it was. `at` is ISO 8601 UTC."""

    target: str
    session: str | None
    reason: str
    at: str


def note_refusals(paths: Paths, refused: Mapping[str, Sequence[str]], taken: Collection[str]) -> bool:
    """Keep why targets were `refused`, and forget it of all that were named again and of sessions that were `taken`.

    `refused` has every target that was named, with its reasons or none. Whether there is something new to be said.
    """
    before = read_refusals(paths)
    known = {(old.target, old.reason): old for old in before}
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    kept = [old for old in before if old.target not in refused and old.session not in taken]
    for target, reasons in refused.items():
        kept += [known.get((target, reason)) or _refusal(target, reason, now) for reason in reasons]
    after = tuple(sorted(kept, key=lambda refusal: (refusal.target, refusal.reason)))
    if after == before:
        return False
    write_bytes(paths.refusals(), sealed({"refusals": [asdict(refusal) for refusal in after]}))
    return True


def read_refusals(paths: Paths) -> tuple[Refusal, ...]:
    """All that stand; none where there is no record, or it is damaged."""
    try:
        return tuple(Refusal(**entry) for entry in unsealed(paths.refusals().read_bytes())["refusals"])
    except (OSError, ValueError, TypeError, KeyError):
        return ()


def _refusal(target: str, reason: str, now: str) -> Refusal:
    session = reason.partition(": ")[0]
    return Refusal(target=target, session=session if is_session_id(session) else None, reason=reason, at=now)
