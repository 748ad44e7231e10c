"""A chain of three small steps under real names, and a program that runs it in a process of its own."""

import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import duckdb
import pandas as pd
import pytest

from grx_pipeline import steps
from grx_pipeline.errors import InputError
from grx_pipeline.ingest.accounting import FileAccount, write_accounts
from grx_pipeline.ingest.manifest import Manifest, write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.steps import Step
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import StepContext, StepOutcome

SESSION = "barber-2025-r1"
Build = Callable[[StepContext], StepOutcome]


def weather_rows(**changes: list[object]) -> pd.DataFrame:
    columns = {name: [20.0, 21.0] for name in TABLES["weather"].column_names}
    columns |= {"row_number": [1, 2], "observed_at_ms": [1000, 64000], "is_rain": [False, False]}
    return pd.DataFrame(columns | changes)


def build_weather(context: StepContext) -> StepOutcome:
    path = context.paths.table(context.session, "weather")
    rows = write_table(weather_rows(), path, TABLES["weather"])
    account = FileAccount(file="26_Weather.CSV", kind="weather", rows_read=2, rows_kept=2)
    parts = write_accounts(context, "raw_weather", [account], [])
    return StepOutcome(outputs=(path, *parts), rows=rows, figures={"readings": rows, "set_aside": 0})


def build_laps(context: StepContext) -> StepOutcome:
    path = context.paths.session_lake(context.session) / "laps.txt"
    write_bytes(path, b"laps")
    return StepOutcome(outputs=(path,), rows=2, figures={"cars": 2, "laps": 12, "best_lap_ms": 97428})


def build_report(context: StepContext) -> StepOutcome:
    page = context.paths.reports / f"{context.session}.html"
    write_bytes(page, b"report")
    return StepOutcome(outputs=(page,), rows=1)


def fail_for_people(context: StepContext) -> StepOutcome:
    raise InputError("23_Analysis.CSV line 7: LAP_TIME is missing; export the file again")


def fail_as_bug(context: StepContext) -> StepOutcome:
    return StepOutcome(outputs=(), rows=1 // len(context.session[:0]))


def sleep(context: StepContext) -> StepOutcome:
    context.progress("waiting")
    time.sleep(60)
    return build_laps(context)


def query(context: StepContext) -> StepOutcome:
    context.progress("waiting")
    with duckdb.connect() as connection:
        connection.execute("SELECT sum(sqrt(i * j)) FROM range(100000) a(i), range(1000000) b(j)")
    return build_laps(context)


LAPS_BUILDS: dict[str, Build] = {
    "laps": build_laps,
    "people": fail_for_people,
    "bug": fail_as_bug,
    "sleep": sleep,
    "query": query,
}


def fake_chain(laps: Build = build_laps, weather: Build = build_weather) -> dict[str, Step]:
    """raw_weather -> core_laps -> out_reports, with the middle or the first step replaced."""
    chain = (
        Step(
            name="raw_weather",
            text="Weather.",
            build=weather,
            packages=("schemas",),
            tables=("weather", "row_accounting", "quarantine"),
        ),
        Step(name="core_laps", text="Laps.", build=laps, packages=(), reads=("raw_weather",)),
        Step(name="out_reports", text="Report.", build=build_report, packages=(), reads=("core_laps",)),
    )
    return {step.name: step for step in chain}


def fake_settings(folder: Path) -> Settings:
    """Settings in `folder` that let every progress line through, and that ask for no room on the disk."""
    settings = Settings(data_dir=folder / "data", reports_dir=folder / "reports")
    run = dataclasses.replace(settings.run, progress_gap_s=0.0, disk_warehouse_mb=0, disk_site_mb=0)
    return dataclasses.replace(settings, run=run)


def write_fake_manifest(settings: Settings) -> None:
    manifest = Manifest(session=SESSION, circuit="barber", year="2025", race=1, root="races", files=())
    write_manifest(Paths.of(settings).manifest(SESSION), manifest)


def main(folder: str, laps: str) -> None:
    """Run the chain in `folder` with the named middle step, telling progress on stdout."""
    from grx_pipeline.runner import run_session

    settings = fake_settings(Path(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "STEPS", fake_chain(LAPS_BUILDS[laps]))
        run = run_session(SESSION, settings=settings, progress=click.echo)
    click.echo(run.status)


if __name__ == "__main__":
    main(*sys.argv[1:])
