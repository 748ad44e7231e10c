"""Putting a site in place: an immutable build folder, one swap of a link, a manifest, and the last builds kept.

A reader sees the old site or the new one, never a mix. Files that did not change are hard links to those of the
build before; files with their hash in the name are carried along for some builds, so that a page that was opened
before the swap still finds what it loads. How the files are written stands in draft.py.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from grx_pipeline.publishing.manifest import GZIP_ENDING, MANIFEST, BuildManifest
from grx_pipeline.reports.draft import Draft, drafting, storage_errors
from grx_pipeline.storage.atomic import remove_tree, replace_by_link
from grx_pipeline.storage.steps import combined_hash

_BUILD_NAME = re.compile(r"(\d{4,})-[0-9a-f]{12}")
_BUILD_HASH_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What publishing did. `written` are files that are new or changed; `folder` is the build that stands.

    `files` are its own files, `hashes` what those of them hash to that the manifest lists.
    """

    folder: Path
    was_published: bool
    written: int
    files: tuple[Path, ...]
    hashes: Mapping[Path, str]


def publish(
    files: Mapping[str, bytes],
    *,
    site: Path,
    builds: Path,
    session: str,
    schema_version: str,
    now: str,
    keep: int,
    links: Mapping[str, str] | None = None,
) -> Publication:
    """Make `site` a link to a build with exactly `files` (contents by relative path), `links` and a manifest of them.

    As publish_draft does with files that were put into a draft before.
    """
    with drafting(site, builds) as draft:
        manifest = BuildManifest(
            session=session,
            build="",
            published_at=now,
            schema_version=schema_version,
            files=draft.put(files),
            links=links or {},
        )
        return publish_draft(draft, manifest, keep=keep)


def publish_draft(draft: Draft, manifest: BuildManifest, *, keep: int) -> Publication:
    """Make the draft's site a link to a build of what the manifest says, its files put into the draft before.

    The manifest's `build` and `carried` are found here. Where the current build holds the same bytes nothing is
    touched. Otherwise the draft becomes a folder under `builds` and the link is swapped; the newest `keep` builds
    stay. Raises StorageError where the disk is full or a folder cannot be written; the earlier site then still stands.
    """
    site, builds, standing = draft.site, draft.builds, draft.standing
    hashes = {site / name: entry.sha256 for name, entry in manifest.on_disk().items()}
    files = (*hashes, site / MANIFEST)
    carried = standing.to_carry(manifest.files, keep=keep)
    manifest = replace(manifest, build=_build_hash(manifest), carried=carried)
    written = draft.written()
    if not written and standing.is_build(manifest):
        return Publication(folder=standing.folder, was_published=False, written=0, files=files, hashes=hashes)
    with storage_errors(site):
        draft.complete(manifest, written=written)
        folder = builds / f"{_next_number(builds):04d}-{manifest.build}"
        draft.folder.rename(folder)
        _swap(site, folder)
        _remove_old(site, builds, keep=keep, current=folder)
    own = sum(not name.endswith(GZIP_ENDING) for name in written)
    return Publication(folder=folder, was_published=True, written=own, files=files, hashes=hashes)


def _build_hash(manifest: BuildManifest) -> str:
    hashes = {name: entry.sha256 for name, entry in manifest.files.items()}
    return combined_hash({**hashes, **manifest.links})[:_BUILD_HASH_LENGTH]


def _next_number(builds: Path) -> int:
    return max((number for number, _ in _numbered(builds)), default=0) + 1


def _numbered(builds: Path) -> list[tuple[int, Path]]:
    """Builds by their number, oldest first."""
    found = builds.iterdir() if builds.is_dir() else ()
    matches = ((_BUILD_NAME.fullmatch(folder.name), folder) for folder in found)
    return sorted((int(match.group(1)), folder) for match, folder in matches if match)


def _swap(site: Path, folder: Path) -> None:
    """Point `site` to the new build, or remove the build where that fails."""
    try:
        # Relative, so that the reports folder can be moved.
        replace_by_link(site, Path(os.path.relpath(folder, site.parent)))
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _remove_old(site: Path, builds: Path, *, keep: int, current: Path) -> None:
    """Delete all but the newest builds, and what a killed run left half made."""
    for folder in [folder for _, folder in _numbered(builds)[: -max(keep, 1)] if folder != current]:
        # A name that is no build's: where deleting is cut short, what is left is not taken for one.
        with contextlib.suppress(OSError):
            remove_tree(folder)
    for folder in builds.glob(".*.tmp"):
        shutil.rmtree(folder, ignore_errors=True)
    for link in site.parent.glob(f".{site.name}.*.tmp"):
        link.unlink(missing_ok=True)
