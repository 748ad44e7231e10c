"""The code location that Dagster loads: assembly only."""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from grx_pipeline.defs.assets import ingest, laps, methods, narratives, reports, track
from grx_pipeline.defs.assets.factory import step_asset
from grx_pipeline.defs.inputs import input_assets
from grx_pipeline.defs.jobs import quiet_console, session_jobs
from grx_pipeline.defs.resources import pipeline_resource
from grx_pipeline.defs.sensors import landing_sensor
from grx_pipeline.paths import Paths
from grx_pipeline.reports.steps import build_season
from grx_pipeline.settings import RunSettings, Settings, load_settings
from grx_pipeline.steps import STEPS, Step

CARDS = {**ingest.CARDS, **laps.CARDS, **track.CARDS, **methods.CARDS, **narratives.CARDS, **reports.CARDS}


def build_defs(
    *,
    chain: Mapping[str, Step] = STEPS,
    season: Callable[[Paths, Settings], int] = build_season,
    pipeline: Any = pipeline_resource,
    landing_gap_s: float = RunSettings.landing_gap_s,
) -> dg.Definitions:
    """All definitions, with the chain of steps, the maker of the season page or the resource replaced for a caller."""
    return dg.Definitions(
        assets=[
            *input_assets(list(chain.values())),
            *(step_asset(step, CARDS[step.name]) for step in chain.values()),
            reports.season_asset(season),
        ],
        jobs=session_jobs(chain),
        sensors=[landing_sensor(landing_gap_s)],
        resources={"pipeline": pipeline},
        executor=dg.in_process_executor,
        loggers={"console": quiet_console},
    )


defs = build_defs(landing_gap_s=load_settings().run.landing_gap_s)
