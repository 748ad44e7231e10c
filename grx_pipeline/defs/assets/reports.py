"""What people open: the session's database and report, and the season page that lists them all."""

from collections.abc import Callable

import dagster as dg

from grx_pipeline.defs.assets.factory import Card, code_version
from grx_pipeline.defs.jobs import SEASON_ASSET
from grx_pipeline.defs.resources import Pipeline
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.steps import file_hash

_OWNER = "team:reports"

CARDS: dict[str, Card] = {
    "out_warehouse": Card(
        group="reports",
        kinds=("duckdb",),
        owner=_OWNER,
        text="Open it with any DuckDB client, also while a run goes on: a new file takes its place at once.",
    ),
    "out_reports": Card(
        group="reports",
        kinds=("html", "json"),
        owner=_OWNER,
        text="The driver sheets for debrief. The last good report stays up until the new one is whole.",
    ),
}


def season_asset(build_season: Callable[[Paths, Settings], int]) -> dg.AssetsDefinition:
    """The season page, made from every session's report."""

    @dg.asset(
        name=SEASON_ASSET,
        deps=[dg.AssetDep("out_reports", partition_mapping=dg.AllPartitionMapping())],
        group_name="reports",
        kinds={"html"},
        owners=[_OWNER],
        description="The front page: every session with its winner, its best lap and the way to its report.",
        code_version=code_version(("reports",)),
    )
    def out_season(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        sessions = pipeline.run_season(build_season)
        page = pipeline.paths.season_page()
        metadata = {"sessions": dg.MetadataValue.int(sessions), "page": dg.MetadataValue.path(page)}
        return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(file_hash(page)))

    return out_season
