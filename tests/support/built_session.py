"""A session of one raw file that the chain of three small steps has built, put back as it was for every test."""

import shutil
from pathlib import Path

import pytest

from grx_pipeline import steps
from grx_pipeline.ingest.manifest import Manifest, RawFile, write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.runner import SessionRun, run_session
from grx_pipeline.settings import Settings
from grx_pipeline.storage.hashing import file_hash
from support.fake_chain import SESSION, fake_chain, fake_settings


class BuiltSession:
    """The session under `folder`; what it looked like is kept beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._kept = folder / "now", folder / "kept"
        self.settings = fake_settings(self.folder)
        self.paths = Paths.of(self.settings)
        self.raw = self.folder / "races" / "26_Weather.CSV"
        self.raw.parent.mkdir(parents=True)
        self.raw.write_text("TIME;AIR\n1;20\n")
        file = RawFile(kind="weather", path=str(self.raw), member=None, size=14, sha256=file_hash(self.raw))
        manifest = Manifest(
            session=SESSION, circuit="barber", year="2025", race=1, root=str(self.raw.parent), files=(file,)
        )
        write_manifest(self.paths.manifest(SESSION), manifest)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(steps, "STEPS", fake_chain())
            assert run(self.settings).status == "built"
        shutil.copytree(self.folder, self._kept, symlinks=True)

    def reset(self) -> None:
        """Put everything back."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder, symlinks=True)


def run(settings: Settings, *, force: bool = False) -> SessionRun:
    """Run the session."""
    return run_session(SESSION, settings=settings, progress=lambda _: None, force=force)
