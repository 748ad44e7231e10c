"""A session in a scratch folder, ready for its steps to be called one by one."""

from pathlib import Path

from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.steps import StepContext


def context_of(raw: Path, scratch: Path, *, session: str | None = None) -> StepContext:
    """The context of the one session under `raw` (or of `session`), with its manifest written under `scratch`."""
    settings = Settings(data_dir=scratch / "data", reports_dir=scratch / "reports")
    paths = Paths.of(settings)
    manifests = discover(raw, hashes=HashCache(scratch / "hashes.json")).sessions
    (manifest,) = [m for m in manifests if session in (None, m.session)]
    write_manifest(paths.manifest(manifest.session), manifest)
    return StepContext(session=manifest.session, paths=paths, settings=settings, progress=lambda _: None)
