"""The grx program: reads arguments, calls one function, prints what it says. Decides nothing itself."""

import functools
import os
import sys
import webbrowser
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from grx_pipeline.cli_backfill import backfill
from grx_pipeline.cli_bench import bench
from grx_pipeline.cli_options import DEMO_SEED, DemoSize, folder_options
from grx_pipeline.cli_site import publish, serve, verify_site
from grx_pipeline.cli_tables import print_table
from grx_pipeline.cli_upkeep import clean, doctor
from grx_pipeline.errors import GrxError, InputError, SessionBusyError
from grx_pipeline.formats import counted
from grx_pipeline.ingest.catalogue import Catalogue, contents, find_sessions, find_while, known_manifests
from grx_pipeline.ingest.manifest import Manifest, read_manifest
from grx_pipeline.loading import load_program
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes

_INTERRUPTED = 130
_LISTED_AT_MOST = 12


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="grx-pipeline", prog_name="grx")
def grx() -> None:
    """Post-race analysis for GR Cup teams: raw telemetry and timing files in, target laps and driver reports out."""


@grx.command()
@click.argument("targets", nargs=-1, required=True, metavar="PATH|SESSION...")
@click.option("--no-llm", is_flag=True, help="Ask no language model; the rules write all texts.")
@click.option("--llm-budget", type=click.IntRange(0), help="Requests to the language model, at most, for each session.")
@click.option("--force", is_flag=True, help="Build every step again, changed or not.")
@click.option("--no-wait", is_flag=True, help="Fail, instead of waiting, where another process runs a session.")
@folder_options
def run(
    settings: Settings,
    targets: tuple[str, ...],
    *,
    no_llm: bool,
    llm_budget: int | None,
    force: bool,
    no_wait: bool,
) -> None:
    """Make the reports of every session in a folder or zip, or of a session by its id."""
    settings = settings.with_llm(is_off=no_llm, budget=llm_budget)
    sys.exit(_run_sessions(_found_to_run(targets, settings), settings, force=force, is_patient=not no_wait))


def _found_to_run(targets: Sequence[str], settings: Settings) -> Catalogue:
    """The sessions to run; while they are looked for, all that runs them is loaded."""
    processors = settings.engine.processors
    return find_while(targets, Paths.of(settings), load_program, processors=processors)


def _run_sessions(catalogue: Catalogue, settings: Settings, *, force: bool, is_patient: bool = True) -> int:
    """Run every session of `catalogue`, print how it went, and return the exit status."""
    from grx_pipeline.season import note_refused

    _print_findings(catalogue)
    note_refused(catalogue, Paths.of(settings), settings)
    failed = list(catalogue.problems)
    rows = []
    for manifest in catalogue.sessions:
        status, seconds, error = _run_one(manifest, settings, force=force, is_patient=is_patient)
        if error is not None:
            failed.append(error if manifest.session in error else f"{manifest.session}: {error}")
        rows.append(_closing_row(manifest.session, status, seconds, settings))
    if rows:
        print()
        print_table(_CLOSING_COLUMNS, rows)
    for problem in failed:
        print(f"error: {problem}", file=sys.stderr)
    return 1 if failed else 0


@grx.command()
@click.option("--size", type=click.Choice(["small", "race"]), default="small", show_default=True)
@click.option(
    "--sessions", "count", type=click.IntRange(1, 9), default=1, show_default=True, help="More than one make a season."
)
@click.option("--seed", default=DEMO_SEED, show_default=True)
@folder_options
def demo(settings: Settings, *, size: DemoSize, count: int, seed: int) -> None:
    """Make a simulated race in the raw formats and its reports: the whole product without real data."""
    from grx_pipeline.demo.build import make_demo

    folder = Paths.of(settings).demo(size)
    made = make_demo(folder, size=size, sessions=count, seed=seed, progress=print)
    catalogue = _found_to_run([str(path) for path in made], settings)
    status = _run_sessions(catalogue, settings, force=False)
    if status == 0:
        page = Paths.of(settings).published(catalogue.sessions[0].session) / "index.html"
        print(f"\nopen {page}")
        if sys.stdout.isatty() and (sys.platform in ("darwin", "win32") or os.environ.get("DISPLAY")):
            webbrowser.open(page.as_uri())
    sys.exit(status)


@grx.command()
@click.argument("targets", nargs=-1, metavar="[PATH|SESSION...]")
@folder_options
def sessions(settings: Settings, targets: tuple[str, ...]) -> None:
    """List the sessions that are there, what each lacks, and what was built of it."""
    paths = Paths.of(settings)
    wanted = list(targets) or [str(path) for path in [paths.raw] if path.is_dir() and any(path.iterdir())]
    catalogue = find_sessions(wanted, paths)
    known, damaged = ([], []) if targets else known_manifests(paths)
    found = {manifest.session: manifest for manifest in (*known, *catalogue.sessions)}
    print_table(_SESSION_COLUMNS, [_session_row(manifest, settings) for manifest in found.values()])
    if not found:
        print(f"no session yet; run `grx run PATH`, or put its files under {paths.raw}")
    _print_ignored(catalogue)
    for problem in (*damaged, *catalogue.problems):
        print(f"error: {problem}", file=sys.stderr)
    sys.exit(1 if damaged or (catalogue.problems and targets) else 0)


@grx.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=3000, show_default=True)
@folder_options
def ui(settings: Settings, *, host: str, port: int) -> None:
    """Open the Dagster UI on this data folder, and run sessions that land in its raw files."""
    from grx_pipeline.cockpit import launch_ui

    sys.exit(launch_ui(settings, host=host, port=port, tell=print))


for _command in (backfill, bench, clean, doctor, publish, verify_site, serve):
    grx.add_command(_command)


@grx.group()
def track() -> None:
    """Circuits: the line, the corners and their numbers."""


@track.command()
@click.argument("target", metavar="CIRCUIT|SESSION")
@click.option("--svg", type=click.Path(path_type=Path), help="Draw it into this file.")
@click.option("--toml", is_flag=True, help="Print the detected corners instead, to paste into the circuit's table.")
@folder_options
def show(settings: Settings, target: str, *, svg: Path | None, toml: bool) -> None:
    """Print a circuit's corners and timing lines, and draw them, so that a person can check and correct them."""
    from grx_pipeline.track import show as circuit

    view = circuit.view_circuit(target, settings)
    if toml:
        print(circuit.detected_table(view, settings), end="")
    else:
        print("\n".join(circuit.summary(view)))
        for columns, rows in (
            (circuit.CORNER_COLUMNS, circuit.corner_rows(view)),
            (circuit.LINE_COLUMNS, circuit.line_rows(view, settings)),
        ):
            print(end="\n" if rows else "")
            print_table(columns, rows)
    if svg is not None:
        write_bytes(svg, circuit.drawing(view).encode())
        print(f"drawn in {svg}", file=sys.stderr)


@grx.group()
def validate() -> None:
    """Studies that test what the methods claim, on the sessions at hand."""


def _study(command: Callable[..., Any]) -> Callable[..., Any]:
    """A study: its sessions, and where to write what it found. The command gives its text and where it is stored."""

    @click.argument("targets", nargs=-1, metavar="[PATH|SESSION...]")
    @click.option("--write", "page", type=click.Path(path_type=Path), help="Replace the study's section on this page.")
    @folder_options
    @functools.wraps(command)
    def with_page(settings: Settings, targets: tuple[str, ...], *, page: Path | None) -> None:
        catalogue = find_sessions(targets, Paths.of(settings))
        if catalogue.problems:
            raise InputError(catalogue.problems[0])
        text, stored = command(settings, [manifest.session for manifest in catalogue.sessions])
        print(text)
        print(f"stored in {stored}")
        if page is not None:
            from grx_pipeline.methods.validation.page import STUDIES

            STUDIES.write(page, command.__name__, text, date=f"{datetime.now(UTC):%Y-%m-%d}")

    return with_page


@validate.command()
@_study
def dptad(settings: Settings, sessions: list[str]) -> tuple[str, Path]:
    """Labelled faults put into clean laps: how many DPTAD finds; without a path, over every session that was built."""
    from grx_pipeline.methods.validation.dptad_run import store_dptad

    return store_dptad(settings, sessions)


@validate.command("dptad-weights")
@click.option("--write", "file", type=click.Path(path_type=Path), required=True, help="Write the weights to this file.")
@folder_options
def dptad_weights(settings: Settings, *, file: Path) -> None:
    """Fit DPTAD's weights again, to labelled faults in laps of its tuning cars."""
    from grx_pipeline.methods.validation.dptad_run import fit_tuning_cars

    write_bytes(file, fit_tuning_cars(settings).encode())
    print(f"stored in {file}")


@validate.command()
@_study
def siwtl(settings: Settings, sessions: list[str]) -> tuple[str, Path]:
    """Hold-out study of SIWTL; without a path, over every session that was built."""
    from grx_pipeline.methods.validation.siwtl_run import store_study

    return store_study(settings, sessions)


@validate.command()
@_study
def opportunities(settings: Settings, sessions: list[str]) -> tuple[str, Path]:
    """What is told of one half of a driver's laps, checked on the other half; without a path, over every session."""
    from grx_pipeline.methods.validation.opportunities_run import store_study

    return store_study(settings, sessions)


@validate.command()
@_study
def narratives(settings: Settings, sessions: list[str]) -> tuple[str, Path]:
    """Texts made wrong in one place, and whether the checks find it; without a path, over every session."""
    from grx_pipeline.narratives.validation.study import store_study

    return store_study(settings, sessions)


_CLOSING_COLUMNS = ("session", "cars", "laps", "clean laps", "telemetry rows", "set aside", "seconds", "page")
_OUTCOMES = {"failed": "its last run failed", "died": "its last run was killed", "running": "a run is going on"}
_SESSION_COLUMNS = ("session", "files", "missing", "built", "page")


def _run_one(manifest: Manifest, settings: Settings, *, force: bool, is_patient: bool) -> tuple[str, float, str | None]:
    """Run a session and say how it went: its status, seconds, and the error where it failed."""
    from grx_pipeline.runner import run_session

    session = manifest.session
    try:
        outcome = run_session(
            session, settings=settings, progress=print, force=force, manifest=manifest, is_patient=is_patient
        )
    except SessionBusyError as error:
        print(f"{session}  busy: {error}")
        return "failed", 0.0, str(error)
    print(f"{session}  {outcome.status}{': ' if outcome.reason else ''}{outcome.reason}  {outcome.seconds:.1f} s")
    return outcome.status, outcome.seconds, outcome.error


def _closing_row(session: str, status: str, seconds: float, settings: Settings) -> tuple[str, ...]:
    from grx_pipeline.steps import step_figures

    paths = Paths.of(settings)
    laps, telemetry = (step_figures(paths, session, step) for step in ("core_laps", "raw_telemetry"))
    raw = [step_figures(paths, session, f"raw_{name}") for name in ("telemetry", "logger_laps", "timing", "weather")]
    page = paths.published(session) / "index.html"
    return (
        session,
        _number(laps.get("cars")),
        _number(laps.get("laps")),
        _number(laps.get("clean_laps")),
        _number(telemetry.get("rows_read")),
        _number(sum(int(figures.get("set_aside", 0)) for figures in raw)),
        f"{seconds:.1f}",
        status if status == "failed" else str(page),
    )


def _session_row(manifest: Manifest, settings: Settings) -> tuple[str, ...]:
    page = Paths.of(settings).published(manifest.session) / "index.html"
    return (
        manifest.session,
        str(len(manifest.files)),
        ", ".join(manifest.missing_kinds) or "nothing",
        _standing(manifest, settings, is_published=page.is_file()),
        str(page) if page.is_file() else "",
    )


def _standing(manifest: Manifest, settings: Settings, *, is_published: bool) -> str:
    """Whether the session's report is there and current, and whether its last run came to a good end."""
    from grx_pipeline.steps import stale_steps
    from grx_pipeline.storage.last_run import outcome_of, read_last_run
    from grx_pipeline.storage.steps import StepContext

    paths, session = Paths.of(settings), manifest.session
    if not all(Path(file.path).exists() for file in manifest.files):
        return "its raw files are gone"
    said = "no"
    if is_published:
        now = [contents(found) for found in find_sessions([session], paths).sessions]
        is_same = now == [contents(read_manifest(paths.manifest(session)))]
        context = StepContext(session=session, paths=paths, settings=settings, progress=print)
        said = "up to date" if is_same and not stale_steps(context) else "older than its inputs"
    last = read_last_run(paths, session)
    outcome = outcome_of(last, paths, session) if last else "built"
    return said if outcome == "built" else f"{said}; {_OUTCOMES[outcome]}"


def _number(value: float | str | None) -> str:
    return "" if value is None else f"{int(value):,}"


def _print_findings(catalogue: Catalogue) -> None:
    for manifest in catalogue.sessions:
        missing = f"; missing: {', '.join(manifest.missing_kinds)}" if manifest.missing_kinds else ""
        print(f"{manifest.session}  files found: {len(manifest.files)}{missing}")
    _print_ignored(catalogue)


def _print_ignored(catalogue: Catalogue) -> None:
    for file in catalogue.ignored[:_LISTED_AT_MOST]:
        print(f"ignored {file.name}: {file.reason}")
    if len(catalogue.ignored) > _LISTED_AT_MOST:
        print(f"ignored {counted(len(catalogue.ignored) - _LISTED_AT_MOST, 'more file')}")


def main() -> None:
    """The program; an error that a person can mend is one line on stderr and exit status 1."""
    # Progress is to be seen as it happens also in a pipe or a log file.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        grx(standalone_mode=False)
    except click.exceptions.Abort:
        print("stopped; reports that were published before still stand", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except GrxError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
