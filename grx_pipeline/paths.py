"""Every path the pipeline reads or writes under its data and reports folders, in one class.

A file name is put together here and nowhere else. Raw files keep their own paths (the manifest names them).
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from grx_pipeline.settings import Settings

PLAIN_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
MAX_ID_LENGTH = 64
_HASH_LENGTH = 8


def path_id(identifier: str) -> str:
    """The identifier as a file name.

    `[A-Za-z0-9._-]{1,64}` that does not start with a dot stays as it is. Anything else is percent-encoded, cut
    where it is too long and given a short hash of the original, so that two identifiers never share a file.
    """
    if PLAIN_ID.fullmatch(identifier):
        return identifier
    return _hashed(quote(identifier, safe="").replace("~", "%7E"), identifier)


def path_ids(identifiers: Iterable[str]) -> dict[str, str]:
    """File names of a set of identifiers, unique also on file systems that ignore case.

    Where plain names differ only in case, each of them gets the hash.
    """
    wanted = sorted(set(identifiers))
    names = {identifier: path_id(identifier) for identifier in wanted}
    folded: dict[str, list[str]] = {}
    for identifier, name in names.items():
        folded.setdefault(name.casefold(), []).append(identifier)
    for sharing in folded.values():
        if len(sharing) > 1:
            names.update({identifier: _hashed(names[identifier], identifier) for identifier in sharing})
    return names


def _hashed(name: str, identifier: str) -> str:
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_LENGTH]
    kept = name.lstrip(".")[: MAX_ID_LENGTH - _HASH_LENGTH - 1]
    return f"{re.sub(r'%[0-9A-F]?$', '', kept)}-{digest}"


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where things are. Both folders are absolute."""

    data: Path
    reports: Path

    @classmethod
    def of(cls, settings: Settings) -> "Paths":
        return cls(data=settings.data_dir.absolute(), reports=settings.reports_dir.absolute())

    @property
    def raw(self) -> Path:
        return self.data / "raw"

    def demo(self, size: str) -> Path:
        """Simulated sessions of one size. Not under raw/, where a team's own files land."""
        return self.data / "demo" / size

    @property
    def lake(self) -> Path:
        return self.data / "lake"

    def temporary(self, session: str) -> Path:
        """A session's spill files of DuckDB, and zip members while they are read."""
        return self.data / "tmp" / session

    @property
    def dagster_home(self) -> Path:
        return self.data / "dagster"

    def session_lake(self, session: str) -> Path:
        return self.lake / session

    def manifest(self, session: str) -> Path:
        return self.session_lake(session) / "manifest.json"

    def hash_cache(self) -> Path:
        """Content hashes of raw files by path, size and times, so that an unchanged 3 GB file is not read again."""
        return self.data / "hashes.cache"

    def step_record(self, session: str, step: str) -> Path:
        return self.session_lake(session) / "steps" / f"{step}.json"

    def narrative_cache(self, session: str) -> Path:
        """What a language model was asked and answered, by the hash of the question."""
        return self.session_lake(session) / "narratives_cache"

    def lock(self, session: str) -> Path:
        return self.session_lake(session) / "lock"

    def last_run(self, session: str) -> Path:
        """How the last run of the session went, for the front page."""
        return self.session_lake(session) / "last_run.json"

    def table(self, session: str, table: str, *, part: str | None = None) -> Path:
        """A table's Parquet file; with `part` (a name that path_id or path_ids gave), that part's file."""
        if part is None:
            return self.session_lake(session) / f"{table}.parquet"
        return self.table_folder(session, table) / f"{part}.parquet"

    def table_folder(self, session: str, table: str) -> Path:
        return self.session_lake(session) / table

    def warehouse_file(self, session: str) -> Path:
        return self.data / "warehouse" / f"{session}.duckdb"

    def season_database(self) -> Path:
        """Views over the lake of every session."""
        return self.data / "warehouse" / "grx.duckdb"

    def season_views(self) -> Path:
        """The statements that the season's database was made by."""
        return self.data / "season" / "views.sql"

    def season_table(self, table: str) -> Path:
        """The Parquet file of a table over all sessions."""
        return self.data / "season" / f"{table}.parquet"

    def refusals(self) -> Path:
        """What was named for a run and not taken in, for the front page."""
        return self.data / "season" / "refused.json"

    def season_record(self) -> Path:
        """What the season page and tables were made from."""
        return self.data / "season" / "out_season.json"

    def study(self, name: str) -> Path:
        """The table of a validation study."""
        return self.data / "studies" / f"{name}.md"

    def builds(self, session: str) -> Path:
        return self.reports / ".builds" / session

    def published(self, session: str) -> Path:
        """The link to the session's current build."""
        return self.reports / session

    def site_builds(self) -> Path:
        """Builds of what stands above the sessions: the season page, the list of sessions, the API's description."""
        return self.reports / ".builds" / "_site"

    def site(self) -> Path:
        """The link to the current one of these builds; every name of it in the reports folder leads through it."""
        return self.reports / ".site"

    def season_page(self) -> Path:
        return self.reports / "index.html"
