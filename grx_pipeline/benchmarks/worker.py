"""One measurement in a process of its own: `python -m grx_pipeline.benchmarks.worker KIND PATH FOLDER`.

Prints one JSON object. The parent knows the process's peak memory; what is compared with what is its business.
"""

import json
import sys
import time
from pathlib import Path


def pivot(path: Path, folder: Path) -> dict[str, object]:
    """A bare DuckDB pivot of the telemetry file to Parquet, with DuckDB's defaults."""
    import duckdb

    started = time.perf_counter()
    connection = duckdb.connect()
    names = [row[0] for row in connection.execute(_NAMES, [str(path)]).fetchall()]
    named = time.perf_counter()
    columns = ", ".join(
        f"any_value(telemetry_value) FILTER (telemetry_name = '{name}') AS \"{name}\"" for name in names
    )
    connection.execute(_PIVOT.format(columns=columns, target=folder / "pivot.parquet"), [str(path)])
    return {"seconds": time.perf_counter() - named, "names_seconds": named - started}


def pipeline(path: Path, folder: Path) -> dict[str, object]:
    """The whole pipeline on the sessions of `path`, recorded run and all; start-up is until the first step."""
    from grx_pipeline.ingest.catalogue import find_sessions
    from grx_pipeline.paths import Paths
    from grx_pipeline.settings import Settings

    settings = Settings(data_dir=folder / "data", reports_dir=folder / "reports")
    catalogue = find_sessions([str(path)], Paths.of(settings))
    from grx_pipeline.runner import run_session

    first_step: list[float] = []
    steps: dict[str, float] = {}
    started = time.time()
    for manifest in catalogue.sessions:
        outcome = run_session(manifest.session, settings=settings, progress=lambda _: first_step.append(time.time()))
        if outcome.error is not None:
            raise SystemExit(outcome.error)
        for result in outcome.results:
            steps[result.step] = steps.get(result.step, 0.0) + result.seconds
    return {"seconds": time.time() - first_step[0], "first_step_at": first_step[0], "started": started, "steps": steps}


_NAMES = "SELECT DISTINCT telemetry_name FROM (SELECT telemetry_name FROM read_csv(?) LIMIT 100000) ORDER BY 1"
_PIVOT = """
COPY (
    SELECT vehicle_id, lap, "timestamp", {columns}
    FROM read_csv(?) GROUP BY vehicle_id, lap, "timestamp"
) TO '{target}' (FORMAT parquet)
"""

if __name__ == "__main__":
    kind, path, folder = sys.argv[1:]
    print(json.dumps({"pivot": pivot, "pipeline": pipeline}[kind](Path(path), Path(folder))))
