"""The code location that Dagster loads: assembly only."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from grx_pipeline.defs.assets import ingest, laps, methods, narratives, reports, track
from grx_pipeline.defs.assets.factory import step_asset
from grx_pipeline.defs.jobs import quiet_console, session_job
from grx_pipeline.defs.resources import pipeline_resource
from grx_pipeline.paths import Paths
from grx_pipeline.reports.steps import build_season
from grx_pipeline.settings import Settings
from grx_pipeline.steps import STEPS, Step

CARDS = {**ingest.CARDS, **laps.CARDS, **track.CARDS, **methods.CARDS, **narratives.CARDS, **reports.CARDS}


def build_defs(
    *,
    chain: Mapping[str, Step] = STEPS,
    season: Callable[[Paths, Settings], int] = build_season,
    pipeline: Any = pipeline_resource,
) -> dg.Definitions:
    """All definitions, with the chain of steps, the maker of the season page or the resource replaced for a caller."""
    return dg.Definitions(
        assets=[*(step_asset(step, CARDS[step.name]) for step in chain.values()), reports.season_asset(season)],
        jobs=[session_job],
        resources={"pipeline": pipeline},
        executor=dg.in_process_executor,
        loggers={"console": quiet_console},
    )


defs = build_defs()
