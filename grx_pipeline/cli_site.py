"""The grx program's commands for the site: publish, verify-site and serve. Reads arguments and prints; no more."""

import sys
from typing import Any

import click

from grx_pipeline.cli_options import folder_options
from grx_pipeline.formats import counted
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings

_LISTED_AT_MOST = 12


@click.command()
@click.option("--to", "target", required=True, metavar="DIR|URL", help="A folder, or a URL such as s3://bucket/site.")
@folder_options
def publish(settings: Settings, *, target: str) -> None:
    """Copy the site to where readers are: only what changed, pages last."""
    from grx_pipeline.publishing.place import Place
    from grx_pipeline.publishing.target import copy_site

    source = Place.at(str(Paths.of(settings).reports))
    copied = copy_site(source, Place.at(target), keep=settings.report.keep_builds, progress=print)
    print(
        f"{target}: {counted(copied.written, 'file')} written ({copied.size / 1e6:,.1f} MB), "
        f"{copied.unchanged:,} unchanged, {copied.removed:,} removed; {counted(copied.standing, 'file')} stand there, "
        f"{copied.latest:,} of them the newest session's API once more"
    )


@click.command()
@click.argument("place", required=False, metavar="[DIR|URL]")
@folder_options
def verify_site(settings: Settings, place: str | None) -> None:
    """Read every file of a published site: hashes, links, and what does not belong there."""
    from grx_pipeline.publishing.place import Place
    from grx_pipeline.publishing.verify import verify_site as verify

    found = verify(Place.at(place or str(Paths.of(settings).reports)), progress=print)
    for problem in found.problems[:_LISTED_AT_MOST]:
        print(f"error: {problem}", file=sys.stderr)
    if len(found.problems) > _LISTED_AT_MOST:
        print(f"error: {counted(len(found.problems) - _LISTED_AT_MOST, 'more problem')}", file=sys.stderr)
    print(
        f"{counted(found.sessions, 'session')}, {counted(found.files, 'file')} ({found.size / 1e6:,.1f} MB), "
        f"{counted(found.links, 'link')}: "
        + ("all as published" if not found.problems else counted(len(found.problems), "problem"))
    )
    sys.exit(1 if found.problems else 0)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 for everyone in the network.")
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--proxies", default="127.0.0.1", show_default=True, help="Proxies whose word on addresses counts.")
@click.option("--log-level", type=click.Choice(["critical", "error", "warning", "info", "debug"]), default="info")
@folder_options
def serve(settings: Settings, **options: Any) -> None:
    """Serve the site and its API: read-only; a new build is picked up at once."""
    from grx_pipeline.serve.run import serve as run_server

    run_server(settings, **options)
