"""One measurement in a process of its own: `python -m grx_pipeline.benchmarks.worker KIND PATH FOLDER`.

Prints one JSON object. The parent knows the process's peak memory; what is compared with what is its business.
"""

import json
import sys
import time
from pathlib import Path

Figures = dict[str, object]


def scan(path: Path, folder: Path) -> Figures:
    """A bare typed DuckDB scan of the telemetry file."""
    import duckdb

    started = time.perf_counter()
    duckdb.connect().execute(f"SELECT count(*), sum(telemetry_value), max(meta_time) FROM {_READ}", [str(path)])
    return {"seconds": time.perf_counter() - started}


def pivot(path: Path, folder: Path) -> Figures:
    """A bare DuckDB pivot of the telemetry file to Parquet, with DuckDB's defaults."""
    import duckdb

    connection = duckdb.connect()
    names = [row[0] for row in connection.execute(_NAMES, [str(path)]).fetchall()]
    started = time.perf_counter()
    columns = ", ".join(
        f"any_value(telemetry_value) FILTER (telemetry_name = '{name}') AS \"{name}\"" for name in names
    )
    connection.execute(_PIVOT.format(columns=columns, target=folder / "pivot.parquet"), [str(path)])
    return {"seconds": time.perf_counter() - started}


def pandas_pivot(path: Path, folder: Path) -> Figures:
    """read_csv and pivot_table, as most public analyses of this data begin."""
    import pandas as pd

    started = time.perf_counter()
    rows = pd.read_csv(path, on_bad_lines="skip", encoding_errors="replace", low_memory=False)
    rows["telemetry_value"] = pd.to_numeric(rows["telemetry_value"], errors="coerce")
    rows.pivot_table(index=["vehicle_id", "lap", "timestamp"], columns="telemetry_name", values="telemetry_value")
    return {"seconds": time.perf_counter() - started}


def pipeline(path: Path, folder: Path) -> Figures:
    """The whole pipeline on the sessions of `path`, recorded run and all; start-up is until the files are found."""
    from grx_pipeline.ingest.catalogue import find_while
    from grx_pipeline.loading import load_program
    from grx_pipeline.paths import Paths
    from grx_pipeline.settings import load_settings

    config = folder / "grx.toml"
    settings = load_settings(config=config, environment={}, data_dir=folder / "data", reports_dir=folder / "reports")
    catalogue = find_while([str(path)], Paths.of(settings), load_program, processors=settings.engine.processors)
    from grx_pipeline.runner import run_session

    found_at = time.time()
    steps: dict[str, float] = {}
    for manifest in catalogue.sessions:
        outcome = run_session(manifest.session, settings=settings, progress=lambda _: None, manifest=manifest)
        if outcome.error is not None:
            raise SystemExit(outcome.error)
        for result in outcome.results:
            steps[result.step] = steps.get(result.step, 0.0) + result.seconds
    return {"seconds": time.time() - found_at, "found_at": found_at, "steps": steps}


# Without ignore_errors one broken line of the file would end a bare tool's run.
_READ = "read_csv(?, ignore_errors = true)"
_NAMES = f"SELECT DISTINCT telemetry_name FROM (SELECT telemetry_name FROM {_READ} LIMIT 100000) ORDER BY 1"
_PIVOT = f"""
COPY (
    SELECT vehicle_id, lap, "timestamp", {{columns}}
    FROM {_READ} GROUP BY vehicle_id, lap, "timestamp"
) TO '{{target}}' (FORMAT parquet)
"""
_KINDS = {"scan": scan, "pivot": pivot, "pandas": pandas_pivot, "pipeline": pipeline}


def _peak_mib() -> float:
    """This process's own peak memory. Its rusage would also count the parent's, from before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    kind, path, folder = sys.argv[1:]
    figures = _KINDS[kind](Path(path), Path(folder))
    print(json.dumps(figures | {"peak_mib": _peak_mib()}))
