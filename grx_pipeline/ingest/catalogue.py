"""From what a person names (paths, session ids) to sessions and their files, as they are now.

A session id means: look again where its files were found. What the files hold is discovery's work; the manifests
are written by the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.errors import DiscoveryError, InputError
from grx_pipeline.ingest.discovery import Discovery, Ignored, discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import Manifest, read_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.sessions import is_session_id, parse_session


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The sessions that were named, the files passed over, and what went wrong with which name."""

    sessions: tuple[Manifest, ...]
    ignored: tuple[Ignored, ...]
    problems: tuple[str, ...]


def find_sessions(targets: Sequence[str], paths: Paths) -> Catalogue:
    """Look through each of `targets`.

    A target that cannot be used is a problem in words; the others are found all the same.
    """
    hashes = HashCache(paths.hash_cache())
    sessions: dict[str, Manifest] = {}
    ignored: dict[Ignored, None] = {}
    problems = []
    for target in targets:
        try:
            found = _find(target, paths, hashes)
        except InputError as error:
            problems.append(str(error))
            continue
        ignored.update(dict.fromkeys(found.ignored))
        problems += found.problems
        for manifest in found.sessions:
            if not manifest.of_kind("analysis"):
                problems.append(_no_laps(manifest))
                continue
            known = sessions.setdefault(manifest.session, manifest)
            if _contents(known) != _contents(manifest):
                problems.append(
                    f"{manifest.session}: different files under {known.root} and {manifest.root}; name one of them"
                )
    hashes.save()
    return Catalogue(sessions=tuple(sessions.values()), ignored=tuple(ignored), problems=tuple(problems))


def _no_laps(manifest: Manifest) -> str:
    """Every report rests on the official laps: without them a session is not begun, nor a known one replaced."""
    have = ", ".join(sorted({file.kind for file in manifest.files}))
    return (
        f"{manifest.session}: no official laps under {manifest.root} (there is {have}); add the file"
        " 23_AnalysisEnduranceWithSections of this race, or name the folder that has it"
    )


def _contents(manifest: Manifest) -> list[tuple[str, str]]:
    """What the session's files hold, wherever they lie."""
    return sorted((file.kind, file.sha256) for file in manifest.files)


def _find(target: str, paths: Paths, hashes: HashCache) -> Discovery:
    path = Path(target)
    if path.exists():
        return discover(path, hashes=hashes)
    if not is_session_id(target):
        raise DiscoveryError(f"{target}: no such file or folder, and not a session id such as barber-2025-r1")
    session = str(parse_session(target))
    known = paths.manifest(session)
    root = Path(read_manifest(known).root) if known.is_file() else paths.raw
    if not known.is_file() and not root.exists():
        raise DiscoveryError(f"{session}: no such session yet; run `grx run PATH` on the folder or zip of its files")
    if not root.exists():
        raise DiscoveryError(
            f"{session}: its files were under {root}, which is gone; run `grx run PATH` on their new place"
        )
    found = discover(root, hashes=hashes)
    own = tuple(manifest for manifest in found.sessions if manifest.session == session)
    if not own and found.problems:
        raise InputError("; ".join(found.problems))
    if not own:
        raise DiscoveryError(f"{session}: no files of it under {root}; run `grx run PATH` on the place where they are")
    return Discovery(sessions=own, ignored=())
