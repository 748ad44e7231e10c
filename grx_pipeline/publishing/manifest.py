"""What a build's manifest.json says. How a build comes about stands in reports/publish.py."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from grx_pipeline.storage.sealed import sealed, unsealed

MANIFEST = "manifest.json"
# Of the records under api/; it moves with every change of what they hold.
SCHEMA_VERSION = "1.4"
GZIP_ENDING = ".gz"
_HASH_IN_NAME = re.compile(r"\.([0-9a-f]{8,64})\.[a-z0-9]+$")


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """A file of a build. `gzip` is its compressed twin, which lies beside it; `builds_ago` of an own file is 0."""

    sha256: str
    size: int
    gzip: "FileEntry | None" = None
    builds_ago: int = 0

    @classmethod
    def of(cls, content: bytes, *, gzip: bytes | None = None) -> "FileEntry":
        """The entry of a file with that content."""
        twin = None if gzip is None else cls.of(gzip)
        return cls(sha256=hashlib.sha256(content).hexdigest(), size=len(content), gzip=twin)


@dataclass(frozen=True, kw_only=True)
class BuildManifest:
    """A build: its own files, and the hashed files of earlier builds that pages still open may load.

    `links` lead out of the build to another place of the same site; `page_inputs` are hashes by page.
    """

    session: str
    build: str
    published_at: str
    schema_version: str
    files: Mapping[str, FileEntry]
    carried: Mapping[str, FileEntry] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    page_inputs: Mapping[str, str] = field(default_factory=dict)

    def every_file(self) -> Iterator[tuple[str, FileEntry]]:
        """Own and carried files, by name."""
        yield from self.files.items()
        yield from self.carried.items()

    def on_disk(self) -> dict[str, FileEntry]:
        """Every file with a name of its own, compressed twins too, but for the manifest."""
        named = dict(self.every_file())
        return named | {name + GZIP_ENDING: entry.gzip for name, entry in named.items() if entry.gzip}

    def to_bytes(self) -> bytes:
        """manifest.json, in the order of names."""
        document = {
            **{name: getattr(self, name) for name in ("schema_version", "session", "build", "published_at")},
            "files": {name: _plain(self.files[name]) for name in sorted(self.files)},
            "carried": {name: _plain(self.carried[name]) for name in sorted(self.carried)},
            "links": dict(sorted(self.links.items())),
            "page_inputs": dict(sorted(self.page_inputs.items())),
        }
        return sealed(document)


def is_immutable(name: str, entry: FileEntry) -> bool:
    """Whether the name holds the content's hash, so that it never stands for other bytes."""
    match = _HASH_IN_NAME.search(name)
    return match is not None and entry.sha256.startswith(match.group(1))


def parse_manifest(content: bytes) -> BuildManifest:
    """A manifest from its file. Raises ValueError where it is not one, or was altered."""
    try:
        document = unsealed(content, is_required=False)
        return BuildManifest(
            **{name: str(document[name]) for name in ("schema_version", "session", "build", "published_at")},
            files=_entries(document["files"]),
            carried=_entries(document.get("carried", {})),
            links=dict(document.get("links", {})),
            page_inputs=dict(document.get("page_inputs", {})),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a manifest: {error!r}") from error


def _plain(entry: FileEntry) -> dict[str, Any]:
    document: dict[str, Any] = {"sha256": entry.sha256, "bytes": entry.size}
    if entry.builds_ago:
        document["builds_ago"] = entry.builds_ago
    if entry.gzip:
        document["gzip"] = _plain(entry.gzip)
    return document


def _entries(documents: Mapping[str, Any]) -> dict[str, FileEntry]:
    return {_safe(name): _entry(document) for name, document in documents.items()}


def _entry(document: Mapping[str, Any]) -> FileEntry:
    gzip = document.get("gzip")
    return FileEntry(
        sha256=str(document["sha256"]),
        size=int(document["bytes"]),
        gzip=_entry(gzip) if gzip else None,
        builds_ago=int(document.get("builds_ago", 0)),
    )


def _safe(name: str) -> str:
    """The name, where it is a path inside the build. A manifest is data too: it must not lead out of its folder."""
    if any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name or "\0" in name:
        raise ValueError(f"{name!r} is no path inside a build")
    return name
