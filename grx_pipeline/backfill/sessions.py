"""Bring many sessions up to date at once, here or on a cluster."""

from collections.abc import Sequence

from grx_pipeline.backfill.cluster import run_cluster
from grx_pipeline.backfill.job import Outcome, Tell, jobs_of
from grx_pipeline.backfill.pool import run_pool
from grx_pipeline.forks import interrupt_on_sigterm
from grx_pipeline.ingest.manifest import Manifest
from grx_pipeline.paths import Paths
from grx_pipeline.reports.steps import build_season
from grx_pipeline.season import refresh_season
from grx_pipeline.settings import Settings
from grx_pipeline.storage.steps import Progress


def backfill(
    manifests: Sequence[Manifest],
    *,
    settings: Settings,
    workers: int,
    cluster: str | None = None,
    force: bool = False,
    tell: Tell,
    progress: Progress,
    warn: Progress,
) -> list[Outcome]:
    """Run every session, `workers` at once on this machine or over the dask `cluster`; one that fails stops no other.

    `tell` takes each outcome as it comes, `progress` what the runs say in between (not from a cluster), `warn` what
    the season's database could not be made of. Returns the outcomes in the order of the manifests. Raises InputError
    where there is no such cluster, and KeyboardInterrupt on SIGINT and SIGTERM after the workers here were stopped.
    """
    paths = Paths.of(settings)
    # The largest first, so that no worker is left alone with it at the end.
    ordered = sorted(manifests, key=lambda manifest: (-sum(file.size for file in manifest.files), manifest.session))
    stop_wait_s = settings.run.worker_stop_wait_s
    with interrupt_on_sigterm():
        if cluster is None:
            workers = min(workers, len(ordered))
            jobs = jobs_of(ordered, settings, sharing=workers, force=force)
            outcomes = run_pool(jobs, workers=workers, stop_wait_s=stop_wait_s, tell=tell, progress=progress)
        else:
            outcomes = run_cluster(
                lambda sharing: jobs_of(ordered, settings, sharing=sharing, force=force),
                address=cluster,
                stop_wait_s=stop_wait_s,
                connect_wait_s=settings.run.connect_wait_s,
                tell=tell,
            )
    # A worker that died could not say so on the front page.
    season = refresh_season(paths, settings, build_season)
    if season.problem is not None:
        warn(f"season database  {season.problem}")
    by_session = {outcome.session: outcome for outcome in outcomes}
    return [by_session[manifest.session] for manifest in manifests]
