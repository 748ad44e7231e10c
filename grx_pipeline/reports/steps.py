"""The last steps of a session, the DuckDB file and the report site, and the season page over all sessions."""

from datetime import UTC, datetime

from grx_pipeline.ingest.manifest import read_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.reports.api import json_files, session_records
from grx_pipeline.reports.earlier import read_earlier
from grx_pipeline.reports.encoding import SCHEMA_VERSION
from grx_pipeline.reports.json_schema import schema_files
from grx_pipeline.reports.pages import session_pages
from grx_pipeline.reports.publish import head_of, publish
from grx_pipeline.reports.season import published_sessions
from grx_pipeline.reports.site_files import publish_site
from grx_pipeline.reports.tables import load_tables, table_files
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.duck import publish_database
from grx_pipeline.storage.steps import StepContext, StepOutcome


def build_warehouse(context: StepContext) -> StepOutcome:
    """Write data/warehouse/<session>.duckdb with every table that belongs there; one without files is empty."""
    tables = [table for table in TABLES.values() if table.in_warehouse]
    files = [(table, table_files(context.paths, context.session, table.name)) for table in tables]
    path = context.paths.warehouse_file(context.session)
    rows = publish_database(path, files)
    return StepOutcome(outputs=(path,), rows=rows, figures={"tables": len(tables), "bytes": path.stat().st_size})


def build_reports(context: StepContext) -> StepOutcome:
    """Publish the session's site: JSON, pages and manifest. Unchanged content publishes nothing new."""
    paths, session = context.paths, context.session
    tables = load_tables(paths, session)
    records = session_records(tables, read_manifest(paths.manifest(session)).missing_kinds, context.settings)
    now = clock_now()
    site = paths.published(session)
    files = json_files(records, session=session, earlier=lambda name: head_of(site / name), now=now)
    pages = session_pages(records, files, settings=context.settings.report, earlier=read_earlier(site))
    context.progress(f"{len(pages.rendered)} of {len(pages.inputs)} pages to render, {len(files)} JSON files")
    publication = publish(
        {**files, **pages.files, **schema_files()},
        page_inputs=pages.inputs,
        site=site,
        builds=paths.builds(session),
        session=session,
        schema_version=SCHEMA_VERSION,
        now=now,
        keep=context.settings.report.keep_builds,
    )
    figures = {
        "pages": len(pages.inputs),
        "pages_rendered": len(pages.rendered),
        "json_files": len(files),
        "files_written": publication.written,
        "published": "new build" if publication.was_published else "unchanged",
        "page": str(site / "index.html"),
    }
    return StepOutcome(outputs=publication.files, rows=len(publication.files), figures=figures)


def build_season(paths: Paths, settings: Settings) -> int:
    """Publish the season page and the list of sessions, only where they changed; returns how many it lists."""
    sessions = published_sessions(paths)
    publish_site(sessions, paths, settings.report, now=clock_now())
    return len(sessions)


def clock_now() -> str:
    """The time as the site gives it: ISO 8601 in UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
