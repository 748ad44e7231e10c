"""Which sessions have fully landed in the folder of raw files, seen from one look to the next.

A copy of gigabytes takes minutes: files count as landed once none under the folder changed between two looks. What
a session then is, is the catalogue's work; running it is the caller's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.ingest.catalogue import contents, find_sessions
from grx_pipeline.ingest.discovery import files_under
from grx_pipeline.ingest.manifest import RAW_KINDS, Manifest, read_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.storage.locks import lock_holder
from grx_pipeline.storage.steps import combined_hash

# Without its telemetry a session is a result sheet; it is waited for, and `grx run` makes do without.
_AWAITED = "telemetry"
_NAMED = 3

Stamps = Mapping[str, list[int]]


@dataclass(frozen=True, kw_only=True)
class Landed:
    """A session to run. `key` is another one for every landing, also where an earlier content comes back."""

    manifest: Manifest
    key: str


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look found: sessions to run, what else there is to say, and what the next look has to know."""

    landed: tuple[Landed, ...]
    sentences: tuple[str, ...]
    memory: str


def look(paths: Paths, memory: str) -> Look:
    """Look at the raw files; `memory` is that of the look before, or empty."""
    before = json.loads(memory or '{"stamps": {}, "sentences": null}')
    stamps = _stamps(paths.raw)
    if not stamps:
        text = f"Nothing under {paths.raw}: put the folder or zip of a race there."
        return _remember((), (text,), stamps, is_judged=False)
    moving = [name for name, stamp in stamps.items() if before["stamps"].get(name) != stamp]
    if moving:
        return _remember((), (_still_landing(moving, stamps),), stamps, is_judged=False)
    if before["sentences"] is not None:
        return _remember((), tuple(before["sentences"]), stamps, is_judged=True)
    return _judge(paths, stamps)


def _judge(paths: Paths, stamps: Stamps) -> Look:
    catalogue = find_sessions([str(paths.raw)], paths)
    landed, sentences = [], list(catalogue.problems)
    is_judged = True
    for manifest in catalogue.sessions:
        holder = lock_holder(paths.lock(manifest.session))
        if _AWAITED in manifest.missing_kinds:
            sentences.append(_incomplete(manifest))
        elif contents(manifest) == _known_contents(paths, manifest.session):
            sentences.append(f"{manifest.session} is as its last run found it.")
        elif holder is not None:
            is_judged = False
            sentences.append(f"{manifest.session} has changed; process {holder} is running it, its turn comes after.")
        else:
            landed.append(Landed(manifest=manifest, key=_landing_key(manifest, stamps, paths.raw)))
    return _remember(tuple(landed), tuple(sentences), stamps, is_judged=is_judged)


def _remember(landed: tuple[Landed, ...], sentences: tuple[str, ...], stamps: Stamps, *, is_judged: bool) -> Look:
    said = [*sentences, *(f"{one.manifest.session} has landed and was handed over to a run." for one in landed)]
    memory = json.dumps({"stamps": stamps, "sentences": said if is_judged else None})
    return Look(landed=landed, sentences=sentences, memory=memory)


def _stamps(root: Path) -> dict[str, list[int]]:
    """Size and times of every file under `root`; one that goes away meanwhile is left out."""
    stamps = {}
    for path in files_under(root) if root.is_dir() else []:
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        stamps[path.relative_to(root).as_posix()] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    return stamps


def _still_landing(moving: list[str], stamps: Stamps) -> str:
    named = ", ".join(f"{name} ({stamps[name][0] / 1e6:,.1f} MB)" for name in moving[:_NAMED])
    others = f" and {len(moving) - _NAMED} more" if len(moving) > _NAMED else ""
    return f"New or still growing: {named}{others}. A run starts once nothing has changed between two looks."


def _incomplete(manifest: Manifest) -> str:
    have = ", ".join(sorted({RAW_KINDS[file.kind] for file in manifest.files}))
    return (
        f"{manifest.session} waits for its telemetry; it has {have}. `grx run {manifest.root}` makes its pages without."
    )


def _known_contents(paths: Paths, session: str) -> list[tuple[str, str]] | None:
    """What the files held that the session's last run was given."""
    try:
        return contents(read_manifest(paths.manifest(session)))
    except DiscoveryError:
        return None


def _landing_key(manifest: Manifest, stamps: Stamps, root: Path) -> str:
    """The session and a hash of what its files hold and when they came."""
    parts = {}
    for file in manifest.files:
        stamp = stamps.get(Path(file.path).relative_to(root).as_posix())
        parts[f"{file.kind} {file.name}"] = f"{file.sha256} {stamp}"
    return f"{manifest.session} {combined_hash(parts)[:16]}"
