"""The build that stands when a new one is made: its pages, where they can be kept, and its records, to be compared."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grx_pipeline.publishing.manifest import MANIFEST, SCHEMA_VERSION, FileEntry, parse_manifest


@dataclass(frozen=True, kw_only=True)
class EarlierBuild:
    """The published build, read before the next one takes its place. `page_inputs` are hashes by page.

    `files` are its own files; what it carries along of builds before is not among them. A file that does not hold
    what its entry says is as good as none.
    """

    folder: Path
    published_at: str
    page_inputs: Mapping[str, str]
    files: Mapping[str, FileEntry] = field(default_factory=dict)

    def page(self, name: str, inputs: str) -> bytes | None:
        """The page as it stands, where it was made from the same inputs."""
        return self._content(name) if self.page_inputs.get(name) == inputs else None

    def files_in(self, folder: str) -> dict[str, bytes] | None:
        """What a page that stays loads from a folder of its own, by path in the site; None where it is not whole."""
        found = {name: self._content(name) for name in sorted(self.files) if name.startswith(f"{folder}/")}
        whole = {name: content for name, content in found.items() if content is not None}
        return whole if len(whole) == len(found) else None

    def record(self, path: str) -> Mapping[str, Any] | None:
        """The `data` of a JSON file; None where there is none of this version of the contract."""
        try:
            document = json.loads(self._content(path) or b"")
            return dict(document["data"]) if document["schema_version"] == SCHEMA_VERSION else None
        except (ValueError, KeyError, TypeError):
            return None

    def _content(self, name: str) -> bytes | None:
        try:
            content = (self.folder / name).read_bytes()
        except OSError:
            return None
        entry = self.files.get(name)
        return content if entry is not None and FileEntry.of(content).sha256 == entry.sha256 else None


def read_earlier(site: Path) -> EarlierBuild | None:
    """The build that `site` shows; None where nothing is published or its manifest cannot be read."""
    try:
        manifest = parse_manifest((site / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    return EarlierBuild(
        folder=site,
        published_at=manifest.published_at,
        page_inputs=manifest.page_inputs,
        files=manifest.files,
    )
