"""From what a person names (paths, session ids) to sessions and their files, as they are now.

A session id means: look again where its files were found. What the files hold is discovery's work; when a manifest
is written is the run's to say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grx_pipeline.errors import DiscoveryError, InputError
from grx_pipeline.forks import beside
from grx_pipeline.garbage import rare_collections
from grx_pipeline.ingest.discovery import Discovery, Ignored, discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import Manifest, read_manifest, write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.sessions import is_session_id, known_sessions, parse_session
from grx_pipeline.storage.hashing import hashes_made, keep_hashes


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The sessions that were named, the files passed over, and what went wrong with which name.

    `refused` are the problems of each name that leads to files, none where all of them were taken in.
    """

    sessions: tuple[Manifest, ...]
    ignored: tuple[Ignored, ...]
    problems: tuple[str, ...]
    refused: Mapping[str, tuple[str, ...]]


def find_sessions(targets: Sequence[str], paths: Paths) -> Catalogue:
    """Look through each of `targets`.

    A target that cannot be used is a problem in words; the others are found all the same.
    """
    hashes = HashCache(paths.hash_cache())
    sessions: dict[str, Manifest] = {}
    ignored: dict[Ignored, None] = {}
    problems: dict[str, list[str]] = {}
    for target in targets:
        of_target = problems.setdefault(target, [])
        try:
            found = _find(target, paths, hashes)
        except InputError as error:
            of_target.append(str(error))
            continue
        ignored.update(dict.fromkeys(found.ignored))
        of_target += found.problems
        for manifest in found.sessions:
            if not manifest.of_kind("analysis"):
                of_target.append(_no_laps(manifest))
                continue
            known = sessions.setdefault(manifest.session, manifest)
            if contents(known) != contents(manifest):
                of_target.append(
                    f"{manifest.session}: different files under {known.root} and {manifest.root}; name one of them"
                )
    hashes.save()
    return Catalogue(
        sessions=tuple(sessions.values()),
        ignored=tuple(ignored),
        problems=tuple(problem for found in problems.values() for problem in found),
        refused={_full(target): tuple(found) for target, found in problems.items() if _leads_to_files(target, paths)},
    )


def _full(target: str) -> str:
    """A path that holds wherever it is named from; a session's id as it is."""
    return str(Path(target).resolve()) if Path(target).exists() else target


def _leads_to_files(target: str, paths: Paths) -> bool:
    return Path(target).exists() or (is_session_id(target) and paths.manifest(str(parse_session(target))).is_file())


def find_while(
    targets: Sequence[str], paths: Paths, load: Callable[[Callable[[], bool]], None], *, processors: int
) -> Catalogue:
    """As find_sessions, in a copy of this process while this one calls `load`, which can ask whether that goes on.

    A file of gigabytes is hashed in as much time as the program takes to load.
    """
    with beside(lambda: (find_sessions(targets, paths), hashes_made()), processors=processors) as finding:
        with rare_collections():
            load(finding.is_running)
        catalogue, hashes = finding()
    keep_hashes(hashes)
    return catalogue


def refresh_manifest(session: str, target: str, paths: Paths) -> tuple[str, ...]:
    """Look through `target` for the files of `session` as they are now and keep them as its manifest.

    Returns what stood in the way; the manifest of the last run then stays.
    """
    catalogue = find_sessions([target], paths)
    manifest = next((found for found in catalogue.sessions if found.session == session), None)
    if manifest is not None:
        write_manifest(paths.manifest(session), manifest)
        return ()
    return catalogue.problems or (f"{session}: no files of it under {target}",)


def known_manifests(paths: Paths) -> tuple[list[Manifest], list[str]]:
    """The manifests of all sessions that are known, and what is wrong with those that cannot be read."""
    manifests, problems = [], []
    for session in known_sessions(paths):
        try:
            manifests.append(read_manifest(paths.manifest(session)))
        except InputError as error:
            problems.append(str(error))
    return manifests, problems


def _no_laps(manifest: Manifest) -> str:
    """Every report rests on the official laps: without them a session is not begun, nor a known one replaced."""
    have = ", ".join(sorted({file.kind for file in manifest.files}))
    return (
        f"{manifest.session}: no official laps under {manifest.root} (there is {have}); add the file"
        " 23_AnalysisEnduranceWithSections of this race, or name the folder that has it"
    )


def contents(manifest: Manifest) -> list[tuple[str, str]]:
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
        raise DiscoveryError(
            f"{session}: no such session in {paths.data.absolute()}; run `grx run PATH` on the folder or zip of its"
            " files, or name another data folder with --data"
        )
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
