"""The last step of a session, its report site, and the season page over all sessions."""

from datetime import UTC, datetime

from grx_pipeline.formats import counted
from grx_pipeline.ingest.manifest import read_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.publishing.manifest import SCHEMA_VERSION, BuildManifest
from grx_pipeline.reports.api import session_records
from grx_pipeline.reports.draft import drafting
from grx_pipeline.reports.json_schema import schema_files
from grx_pipeline.reports.publish import publish_draft
from grx_pipeline.reports.renderer import asset_files
from grx_pipeline.reports.season import published_sessions
from grx_pipeline.reports.season_runs import refused_files
from grx_pipeline.reports.season_trends import TRENDS_TABLE, season_record, trends_frame
from grx_pipeline.reports.site_files import publish_site
from grx_pipeline.reports.site_halves import put_json, put_pages
from grx_pipeline.reports.tables import load_tables
from grx_pipeline.settings import Settings
from grx_pipeline.storage.locks import folder_lock
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome


def build_reports(context: StepContext) -> StepOutcome:
    """Publish the session's site: JSON, pages and manifest. Unchanged content publishes nothing new."""
    paths, session = context.paths, context.session
    tables = load_tables(paths, session)
    records = session_records(tables, read_manifest(paths.manifest(session)).missing_kinds, context.settings)
    site, settings, now = paths.published(session), context.settings.report, clock_now()
    processors = context.settings.engine.processors
    if not paths.season_page().is_file():
        # The session's pages lead there: on the very first run it has to stand before them.
        with folder_lock(paths.reports):
            build_season(paths, context.settings)
    with drafting(site, paths.builds(session)) as draft:
        json = put_json(draft, records, session=session, now=now, processors=processors)
        pages = put_pages(draft, records, json.builds, settings=settings, processors=processors)
        context.progress(
            f"{len(pages.rendered)} of {counted(len(pages.inputs), 'page')} rendered, "
            f"{counted(len(json.entries), 'JSON file')}"
        )
        manifest = BuildManifest(
            session=session,
            build="",
            published_at=now,
            schema_version=SCHEMA_VERSION,
            files={**json.entries, **pages.entries, **draft.put({**asset_files(), **schema_files()})},
            page_inputs=pages.inputs,
        )
        publication = publish_draft(draft, manifest, keep=settings.keep_builds)
    figures = {
        "pages": len(pages.inputs),
        "pages_rendered": len(pages.rendered),
        "json_files": len(json.entries),
        "files_written": publication.written,
        "published": "new build" if publication.was_published else "unchanged",
        "page": str(site / "index.html"),
    }
    return StepOutcome(
        outputs=publication.files, hashes=publication.hashes, rows=len(publication.files), figures=figures
    )


def build_season(paths: Paths, settings: Settings) -> int:
    """Publish the season page, its drivers and the list of sessions, where they changed; write the season's tables.

    Returns how many sessions it lists.
    """
    sessions = published_sessions(paths)
    write_table(trends_frame(season_record(sessions)), paths.season_table(TRENDS_TABLE.name), TRENDS_TABLE)
    publish_site(sessions, paths, settings.report, refused=refused_files(paths), now=clock_now())
    return len(sessions)


def clock_now() -> str:
    """The time as the site gives it: ISO 8601 in UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
