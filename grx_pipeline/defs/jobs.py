"""The one job: a session from raw files to its report and the season page."""

import logging

import dagster as dg

SESSION_JOB = "race_session"
SEASON_ASSET = "out_season"

# Without a logger named in its config a run gets Dagster's own, which prints every failure with its traceback.
RUN_CONFIG: dict[str, dict[str, dict[str, object]]] = {"loggers": {"console": {}}}

session_job = dg.define_asset_job(
    name=SESSION_JOB,
    selection=dg.AssetSelection.all(),
    config=RUN_CONFIG,
    description="A session from raw files to its report and the season page; steps that nothing changed are skipped.",
)


@dg.logger
def quiet_console(_: dg.InitLoggerContext) -> logging.Logger:
    """Prints nothing: events are recorded in the instance, the console stays free for progress."""
    logger = logging.Logger("grx", level=logging.CRITICAL)
    logger.addHandler(logging.NullHandler())
    return logger
