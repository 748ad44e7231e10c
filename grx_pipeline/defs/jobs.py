"""What can be launched: a whole session, or only its texts or its pages. In each, what nothing changed is skipped."""

import logging
from collections.abc import Collection
from typing import Any

import dagster as dg

SESSION_JOB = "whole_session"
NARRATIVES_JOB = "narratives_only"
REPORTS_JOB = "reports_only"
SEASON_ASSET = "out_season"

# Without a logger named in its config a run gets Dagster's own, which prints every failure with its traceback.
RUN_CONFIG: dict[str, dict[str, dict[str, object]]] = {"loggers": {"console": {}}}

_PARTS = (
    (NARRATIVES_JOB, "out_narratives", "The coaching texts, and the pages and the database that they stand in."),
    (REPORTS_JOB, "out_reports", "The session's pages and JSON from the tables as they are, and the season page."),
)
_AGAIN = "What nothing changed is skipped, unless the run's config says `resources: pipeline: config: again: true`."


def session_jobs(steps: Collection[str]) -> list[Any]:
    """The jobs over a chain of `steps`, each of one session. `grx run` records its runs under the whole session."""
    whole = "A session from its raw files to its pages and the season page."
    jobs = [_job(SESSION_JOB, dg.AssetSelection.all(), whole)]
    for name, first, text in _PARTS:
        if first in steps:
            jobs.append(_job(name, dg.AssetSelection.assets(first).downstream(), text))
    return jobs


def _job(name: str, selection: dg.AssetSelection, text: str) -> Any:
    return dg.define_asset_job(name=name, selection=selection, config=RUN_CONFIG, description=f"{text} {_AGAIN}")


@dg.logger
def quiet_console(_: dg.InitLoggerContext) -> logging.Logger:
    """Prints nothing: events are recorded in the instance, the console stays free for progress."""
    logger = logging.Logger("grx", level=logging.CRITICAL)
    logger.addHandler(logging.NullHandler())
    return logger
