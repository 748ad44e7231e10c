"""What stands above the sessions, published as a build of its own: season page, list of sessions, the API's pages."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from grx_pipeline.errors import StorageError
from grx_pipeline.paths import Paths
from grx_pipeline.publishing.manifest import MANIFEST, SCHEMA_VERSION
from grx_pipeline.reports.draft import Standing
from grx_pipeline.reports.encoding import enveloped
from grx_pipeline.reports.openapi import openapi_file
from grx_pipeline.reports.pages import season_page
from grx_pipeline.reports.publish import publish
from grx_pipeline.reports.season import SeasonSession
from grx_pipeline.reports.season_trends import season_record
from grx_pipeline.reports.site_records import PublishedSession, RefusedFiles, Season, Sessions, UnfinishedSession
from grx_pipeline.settings import ReportSettings
from grx_pipeline.storage.atomic import remove_tree, replace_by_link

SITE = "site"
SESSIONS_FILE, SEASON_FILE = "api/sessions.json", "api/season.json"
LATEST = "latest"
_HASH_LENGTH = 10
# ReDoc's own logo, which the pages would not be allowed to load from there.
_OTHER_HOST = (b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:,")


def publish_site(
    sessions: Sequence[SeasonSession],
    paths: Paths,
    settings: ReportSettings,
    *,
    refused: tuple[RefusedFiles, ...] = (),
    now: str,
) -> None:
    """Publish the files above the sessions, where they changed, and make sure that the reports folder shows them."""
    site = paths.site()
    listed = published(sessions, refused)
    files = {
        **season_page(sessions, settings, refused=refused),
        SESSIONS_FILE: _enveloped(listed, SESSIONS_FILE, listed, site, now),
        SEASON_FILE: _enveloped(season_record(sessions), SEASON_FILE, listed, site, now),
        "openapi.json": openapi_file(),
        **api_pages(),
    }
    links = {LATEST: f"../../../{listed.latest}"} if listed.latest else {}
    try:
        # A name that is new leads nowhere until the build stands; an old one is never without its file.
        _show([*files, *links, MANIFEST], paths, only_new=True)
        publication = publish(
            files,
            site=site,
            builds=paths.site_builds(),
            session=SITE,
            schema_version=SCHEMA_VERSION,
            now=now,
            keep=settings.keep_builds,
            links=links,
        )
        placed = [file.relative_to(site).as_posix() for file in publication.files]
        _show([*placed, *links], paths, only_new=False)
    except OSError as error:
        raise StorageError(f"{paths.reports}: cannot be written ({error.strerror}); see GRX_REPORTS_DIR") from error


def _enveloped(record: Season | Sessions, name: str, listed: Sessions, site: Path, now: str) -> bytes:
    return enveloped(record, session=listed.latest or "", earlier=Standing.at(site).head(name), now=now)


def published(sessions: Sequence[SeasonSession], refused: tuple[RefusedFiles, ...] = ()) -> Sessions:
    """The sessions, oldest first, those without a site apart. The latest has the latest race date, then race number.

    A simulated race is the latest only where there is no other.
    """
    there = [session for session in sessions if session.is_published]
    known = [session for session in there if session.facts is not None]
    real = [session for session in known if session.facts and not session.facts.is_simulated]
    latest = (real or known)[-1].session if known else None
    return Sessions(
        latest=latest,
        sessions=tuple(_entry(session) for session in there),
        unfinished=tuple(_unfinished(session) for session in sessions if not session.is_published),
        refused=refused,
    )


def _entry(entry: SeasonSession) -> PublishedSession:
    names = ("circuit_name", "race", "race_date", "is_simulated", "cars", "laps")
    return PublishedSession(
        session=entry.session,
        **{name: getattr(entry.facts, name) if entry.facts else None for name in names},
        page=f"{entry.session}/index.html",
        api=f"api/sessions/{entry.session}",
        problems=entry.problems,
        last_run=entry.last_run,
    )


def _unfinished(entry: SeasonSession) -> UnfinishedSession:
    return UnfinishedSession(session=entry.session, problems=entry.problems, last_run=entry.last_run)


@functools.cache
def api_pages() -> Mapping[str, bytes]:
    """Swagger UI and ReDoc over openapi.json, and what they load, by path in the site."""
    folder = Path(str(resources.files("grx_pipeline.reports"))) / "apidocs"
    kept = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix not in (".json", ".html"))
    contents = {file.name: file.read_bytes().replace(*_OTHER_HOST) for file in kept}
    assets = {name: _hashed_name(name, content) for name, content in contents.items()}
    pages = Environment(autoescape=True, undefined=StrictUndefined)
    files = {f"assets/{assets[name]}": content for name, content in contents.items()}
    for page in ("docs.html", "redoc.html"):
        text = (folder / page).read_text(encoding="utf-8")
        files[page] = pages.from_string(text).render(assets=assets).encode() + b"\n"
    return files


def _hashed_name(name: str, content: bytes) -> str:
    stem, _, ending = name.rpartition(".")
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]}.{ending}"


def _show(names: Sequence[str], paths: Paths, *, only_new: bool) -> None:
    """Links in the reports folder that lead through the site's link, so that one swap changes them all."""
    for name in sorted({name.partition("/")[0] for name in names}):
        place, target = paths.reports / name, Path(paths.site().name) / name
        if place.is_symlink() and place.readlink() == target:
            continue
        if only_new:
            if not place.is_symlink() and not place.exists():
                replace_by_link(place, target)
            continue
        if place.is_dir() and not place.is_symlink():
            remove_tree(place)
        replace_by_link(place, target)
