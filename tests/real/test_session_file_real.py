"""The example of session.toml in the docs, on a real race."""

import shutil
from pathlib import Path

from support.real_data import NEEDS_REAL_DATA, REAL_DATA

from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache

pytestmark = NEEDS_REAL_DATA

DOCS = Path(__file__).parents[2] / "docs" / "pages.md"


def test_the_example_of_the_docs_works_as_written(tmp_path: Path) -> None:
    example = DOCS.read_text(encoding="utf-8").split("```toml\n[drivers]")[1].split("```")[0]
    (timing,) = (REAL_DATA / "barber").rglob("23_*ace 1*")
    folder = tmp_path / "barber" / "race1"
    folder.mkdir(parents=True)
    shutil.copy(timing, folder)
    (folder / "session.toml").write_text(f"[drivers]{example}", encoding="utf-8")
    (session,) = discover(folder, hashes=HashCache(tmp_path / "hashes")).sessions
    assert session.drivers == {"13": "Ada Byron", "7": "Zoë Park"}
