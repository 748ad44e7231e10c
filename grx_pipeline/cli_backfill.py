"""The grx program's backfill. Reads arguments and prints; no more."""

import sys
import time
from typing import TYPE_CHECKING

import click

from grx_pipeline.cli_options import folder_options
from grx_pipeline.cli_tables import print_table
from grx_pipeline.formats import counted
from grx_pipeline.ingest.catalogue import find_sessions
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings, usable_cores

if TYPE_CHECKING:
    from grx_pipeline.backfill.job import Outcome

_COLUMNS = ("session", "status", "seconds", "memory MiB", "warnings", "worker", "page")


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="PATH|SESSION...")
@click.option("--jobs", type=click.IntRange(1), help="Sessions at once on this machine. [default: its cores]")
@click.option("--dask", "cluster", metavar="tcp://HOST:8786", help="Run on the workers of this dask scheduler instead.")
@click.option("--no-llm", is_flag=True, help="Ask no language model; the rules write all texts.")
@click.option("--llm-budget", type=click.IntRange(0), help="Requests to the language model, at most, for each session.")
@click.option("--force", is_flag=True, help="Build every step again, changed or not.")
@click.option("--verbose", is_flag=True, help="Print what each run says, not only how it ended.")
@folder_options
def backfill(
    settings: Settings,
    targets: tuple[str, ...],
    *,
    jobs: int | None,
    cluster: str | None,
    no_llm: bool,
    llm_budget: int | None,
    force: bool,
    verbose: bool,
) -> None:
    """Make the reports of many sessions, several at once: what `grx run` does, a worker process each."""
    from grx_pipeline.backfill.sessions import backfill as run_all
    from grx_pipeline.season import note_refused

    if jobs is not None and cluster is not None:
        raise click.UsageError("--jobs counts worker processes here; a dask cluster has its own number of workers")
    settings = settings.with_llm(is_off=no_llm, budget=llm_budget)
    catalogue = find_sessions(targets, Paths.of(settings))
    note_refused(catalogue, Paths.of(settings), settings)
    started, count, ended = time.perf_counter(), len(catalogue.sessions), 0

    def tell(outcome: "Outcome") -> None:
        nonlocal ended
        ended += 1
        what = outcome.error if outcome.error is not None else outcome.reason
        print(f"[{ended}/{count}] {outcome.session}  {outcome.status}: {what}  {outcome.seconds:.1f} s")

    outcomes = run_all(
        catalogue.sessions,
        settings=settings,
        workers=jobs or usable_cores(),
        cluster=cluster,
        force=force,
        tell=tell,
        progress=print if verbose else lambda _: None,
        warn=lambda text: print(f"warning: {text}", file=sys.stderr),
    )
    if outcomes:
        print()
        print_table(_COLUMNS, [_row(outcome, Paths.of(settings)) for outcome in outcomes])
        print(f"\n{counted(count, 'session')} in {time.perf_counter() - started:.1f} s")
    failed = [*catalogue.problems, *(f"{o.session}: {o.error}" for o in outcomes if o.error is not None)]
    for problem in failed:
        print(f"error: {problem}", file=sys.stderr)
    sys.exit(1 if failed else 0)


def _row(outcome: "Outcome", paths: Paths) -> tuple[str, ...]:
    page = paths.published(outcome.session) / "index.html"
    return (
        outcome.session,
        outcome.status,
        f"{outcome.seconds:.1f}",
        "" if outcome.peak_mib is None else f"{outcome.peak_mib:,.0f}",
        str(len(outcome.warnings)),
        outcome.worker,
        str(page) if page.is_file() else "",
    )
