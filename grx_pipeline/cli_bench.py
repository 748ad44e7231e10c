"""The grx program's benchmarks. Each prints its tables and, with --store, replaces its own section of a page."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from grx_pipeline.cli_options import DEMO_SEED, DemoSize, folder_options
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings


def _benchmark(name: str) -> Callable[[Callable[..., str]], Callable[..., None]]:
    """A benchmark whose section of the page is `name`; the command gives its text."""

    def with_page(command: Callable[..., str]) -> Callable[..., None]:
        @click.option("--store", type=click.Path(path_type=Path), help="Replace the benchmark's section on this page.")
        @functools.wraps(command)
        def stored(*args: Any, store: Path | None, **kwargs: Any) -> None:
            text = command(*args, **kwargs)
            print(text)
            if store is not None:
                from grx_pipeline.benchmarks.page import BENCHMARKS

                BENCHMARKS.write(store, name, text, date=f"{datetime.now(UTC):%Y-%m-%d}")

        return stored

    return with_page


class _RaceByDefault(click.Group):
    """Options alone, or nothing, mean the command `race`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        is_race = not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names)
        return super().parse_args(ctx, ["race", *args] if is_race else args)


@click.group(cls=_RaceByDefault)
def bench() -> None:
    """What the pipeline costs, beside bare tools and as it grows; without a command, `race`."""


@bench.command()
@click.option("--size", type=click.Choice(["small", "race"]), default="race", show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Runs of each; medians are printed.")
@_benchmark("race")
@folder_options
def race(settings: Settings, *, size: DemoSize, rounds: int) -> str:
    """The pipeline on a simulated race of full size against bare tools: cold, unchanged, and parts of it again."""
    from grx_pipeline.benchmarks.full_race import measure_race, render_race
    from grx_pipeline.demo.build import make_demo

    folder = Paths.of(settings).demo(size)
    (made,) = make_demo(folder, size=size, sessions=1, seed=DEMO_SEED, progress=print)
    return render_race(measure_race(made, rounds=rounds, progress=print))


@bench.command()
@click.option("--pages", "count", default=5, show_default=True, help="How many, the heaviest first.")
@click.option("--rounds", default=5, show_default=True, help="Loads of each; medians are printed.")
@_benchmark("pages")
@folder_options
def pages(settings: Settings, *, count: int, rounds: int) -> str:
    """What the heaviest driver pages weigh, and how soon a slow phone shows their traces (needs Chromium)."""
    from grx_pipeline.benchmarks.pages import chromium, measure_pages, render_pages

    reports = Paths.of(settings).reports
    with chromium() as browser:
        return render_pages(measure_pages(reports, browser, pages=count, rounds=rounds, progress=print))


@bench.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=3, show_default=True, help="Runs of each; medians are printed.")
def ingest(path: Path, *, rounds: int) -> None:
    """The pipeline on one session against a bare DuckDB pivot of its telemetry file."""
    from grx_pipeline.benchmarks.ingest import measure, render

    print(render(measure(path, rounds=rounds)))


@bench.command()
@click.option("--cars", default=100, show_default=True)
@click.option("--laps", multiple=True, default=(100, 1000, 10000), show_default=True, help="Laps of each car.")
@_benchmark("laps")
def laps(*, cars: int, laps: tuple[int, ...]) -> str:
    """How time and memory grow with official laps, to a million of them."""
    from grx_pipeline.benchmarks.laps import measure_laps, render_laps

    return render_laps(measure_laps(cars=cars, laps_each=laps, progress=print))


@bench.command()
@click.argument("targets", nargs=-1, required=True, metavar="PATH...")
@click.option("--copies", type=click.IntRange(1, 9), default=1, show_default=True, help="Each session so many times.")
@_benchmark("backfill")
def backfill(targets: tuple[str, ...], *, copies: int) -> str:
    """Many sessions from nothing: one worker process, two, and two dask workers, and whether the outputs are equal."""
    from grx_pipeline.benchmarks.backfill import measure_backfill, render_backfill

    return render_backfill(measure_backfill(targets, copies=copies, progress=print))
