"""Copying the site to where readers are: a folder, a bucket, any fsspec URL.

Files with their hash in the name go first, then data, then pages, manifests last: a page never stands there before
what it loads. What a page opened earlier may still load stays for some copies more.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from grx_pipeline.errors import InputError
from grx_pipeline.formats import counted
from grx_pipeline.publishing.headers import cache_control, media_type
from grx_pipeline.publishing.manifest import GZIP_ENDING, MANIFEST, FileEntry, is_immutable
from grx_pipeline.publishing.place import Place, StandingBuild

PUBLICATION = "publication.json"
LATEST = "latest"
_AT_ONCE = 16
_HASHED, _DATA, _PAGE, _MANIFEST = range(4)


@dataclass(frozen=True, kw_only=True)
class Copied:
    """What copying did, in files.

    `standing` are all that the target has now, also those of earlier copies that open pages may still load; `latest` of
    them the newest session's API once more.
    """

    written: int
    unchanged: int
    removed: int
    size: int
    standing: int
    latest: int


@dataclass(frozen=True, kw_only=True)
class _Item:
    """One file of the copy: where it comes from and its place in the order."""

    rank: int
    build: StandingBuild
    file: str
    entry: FileEntry


@dataclass(frozen=True, kw_only=True)
class _Held:
    """A file that lies at the target; `unused` counts the copies since it was last part of the site."""

    sha256: str
    unused: int


def copy_site(source: Place, target: Place, *, keep: int, progress: Callable[[str], None]) -> Copied:
    """Make the target hold the site of `source`, writing only what it does not hold already.

    Files that are no longer part of the site go after `keep` copies. Raises InputError where there is no site, and
    StorageError where the target cannot be written; pages that stand there then still find what they load.
    """
    builds = source.builds()
    if not builds:
        raise InputError(f"{source.root}: no site to publish yet; run `grx run PATH` first")
    items = _items(builds, latest=_latest(source))
    held, is_complete = _held(target)
    # After a copy that was cut short nothing is taken for granted.
    wanted = {
        name: item
        for name, item in items.items()
        if not is_complete or name not in held or held[name].sha256 != item.entry.sha256
    }
    unused = {name: file.unused + 1 for name, file in held.items() if name not in items}
    latest = sum(name.startswith(f"{LATEST}/") for name in items)
    if not wanted and is_complete and not unused:
        return Copied(written=0, unchanged=len(items), removed=0, size=0, standing=len(items), latest=latest)
    _write_record(target, held, is_complete=False)
    size = _write_in_order(wanted, target, progress=progress)
    leaving = [name for name, count in unused.items() if count >= keep]
    with _writers(target) as pool:
        list(pool.map(target.remove, leaving))
    staying = {name: _Held(sha256=held[name].sha256, unused=unused[name]) for name in set(unused) - set(leaving)}
    here = {name: _Held(sha256=item.entry.sha256, unused=0) for name, item in items.items()}
    _write_record(target, {**staying, **here}, is_complete=True)
    return Copied(
        written=len(wanted),
        unchanged=len(items) - len(wanted),
        removed=len(leaving),
        size=size,
        standing=len(items) + len(staying),
        latest=latest,
    )


def _write_in_order(wanted: Mapping[str, _Item], target: Place, *, progress: Callable[[str], None]) -> int:
    """Write the files, those of a rank at once but after all of the ranks before; returns their size."""

    def write(name: str) -> int:
        content = _content(wanted[name])
        target.write(name, content, _options(target, name, wanted[name].entry))
        return len(content)

    done, size = 0, 0
    with _writers(target) as pool:
        for rank in sorted({item.rank for item in wanted.values()}):
            for written in pool.map(write, sorted(name for name in wanted if wanted[name].rank == rank)):
                done, size = done + 1, size + written
                if done % 500 == 0:
                    progress(f"{done:,} of {counted(len(wanted), 'file')}")
    return size


def _writers(target: Place) -> ThreadPoolExecutor:
    """A bucket answers many at once, and each takes its time; elsewhere files are written one by one."""
    return ThreadPoolExecutor(_AT_ONCE if target.is_bucket else 1)


def recorded_files(place: Place) -> tuple[Mapping[str, str], bool] | None:
    """Hashes of the files of a copied site, and whether the last copy came to its end; None where it is no copy."""
    if not place.files.exists(place.path(PUBLICATION)):
        return None
    held, is_complete = _held(place)
    return {name: file.sha256 for name, file in held.items()}, is_complete


def _items(builds: list[StandingBuild], *, latest: str | None) -> dict[str, _Item]:
    """Every file of the copy by its path: the builds', and once more the latest session's API under latest/."""
    items = {}
    for build in builds:
        files = {**build.manifest.on_disk(), MANIFEST: FileEntry.of(build.place.read(MANIFEST))}
        hashed = {name for name, entry in build.manifest.every_file() if is_immutable(name, entry)}
        for file, entry in files.items():
            item = _Item(rank=_rank(file, hashed), build=build, file=file, entry=entry)
            items[build.address(file)] = item
            if build.name and build.name == latest and file.startswith("api/"):
                items[f"{LATEST}/{file}"] = item
    return items


def _rank(file: str, hashed: set[str]) -> int:
    """Where a file stands in the order; a compressed twin goes with its file."""
    plain = file.removesuffix(GZIP_ENDING)
    if file == MANIFEST:
        return _MANIFEST
    if plain in hashed:
        return _HASHED
    return _PAGE if plain.endswith(".html") else _DATA


def _latest(source: Place) -> str | None:
    try:
        latest: str | None = json.loads(source.read("api/sessions.json"))["data"]["latest"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return latest


def _content(item: _Item) -> bytes:
    try:
        content = item.build.place.read(item.file)
    except OSError as error:
        raise InputError(
            f"{item.build.address(item.file)}: gone while it was copied ({error}); publish again"
        ) from error
    if FileEntry.of(content).sha256 != item.entry.sha256:
        raise InputError(f"{item.build.address(item.file)}: not as its manifest says; run the session again")
    return content


def _options(target: Place, name: str, entry: FileEntry) -> Mapping[str, Any]:
    """What a bucket has to be told: without its type a page would be downloaded, not shown."""
    kind, caching = media_type(name), cache_control(name, entry)
    if "s3" in target.protocols:
        return {"ContentType": kind, "CacheControl": caching}
    if "gs" in target.protocols:
        return {"content_type": kind, "fixed_key_metadata": {"cache_control": caching}}
    return {}


def _held(target: Place) -> tuple[dict[str, _Held], bool]:
    """What lies at the target by its own record, and whether that record is of a copy that came to its end."""
    try:
        document = json.loads(target.read(PUBLICATION))
        held = {name: _Held(sha256=file["sha256"], unused=file["unused"]) for name, file in document["files"].items()}
        return held, bool(document["is_complete"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}, False


def _write_record(target: Place, held: Mapping[str, _Held], *, is_complete: bool) -> None:
    document = {"is_complete": is_complete, "files": {name: vars(held[name]) for name in sorted(held)}}
    content = json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"
    target.write(PUBLICATION, content, _options(target, PUBLICATION, FileEntry.of(content)))
