"""The build that stands when a new one is made: its pages, where they can be kept, and its records, to be compared."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grx_pipeline.publishing.manifest import MANIFEST, parse_manifest
from grx_pipeline.reports.encoding import SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True)
class EarlierBuild:
    """The published build, read before the next one takes its place. `page_inputs` are hashes by page.

    `files` are the names of its own files; what it carries along of builds before is not among them.
    """

    folder: Path
    published_at: str
    page_inputs: Mapping[str, str]
    files: frozenset[str] = frozenset()

    def page(self, name: str, inputs: str) -> bytes | None:
        """The page as it stands, where it was made from the same inputs."""
        return _content(self.folder / name) if self.page_inputs.get(name) == inputs else None

    def files_in(self, folder: str) -> dict[str, bytes]:
        """What a page that stays loads from a folder of its own, by path in the site."""
        found = sorted(name for name in self.files if name.startswith(f"{folder}/"))
        return {name: (self.folder / name).read_bytes() for name in found}

    def record(self, path: str) -> Mapping[str, Any] | None:
        """The `data` of a JSON file; None where there is none of this version of the contract."""
        try:
            document = json.loads(_content(self.folder / path) or b"")
            return dict(document["data"]) if document["schema_version"] == SCHEMA_VERSION else None
        except (ValueError, KeyError, TypeError):
            return None


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
        files=frozenset(manifest.files),
    )


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
