"""What people open: the session's database and report, and the season page that lists them all."""

import dagster as dg

from grx_pipeline.defs.assets.factory import Card, code_version, table_schema
from grx_pipeline.defs.jobs import SEASON_ASSET
from grx_pipeline.defs.resources import Pipeline
from grx_pipeline.schemas import SEASON_TABLES
from grx_pipeline.season import SEASON_PACKAGES, SeasonBuild

_OWNER = "team:reports"

CARDS: dict[str, Card] = {
    "out_warehouse": Card(
        group="9_debrief",
        kinds=("duckdb",),
        owner=_OWNER,
        text="Open it with any DuckDB client, also while a run goes on: a new file takes its place at once.",
    ),
    "out_reports": Card(
        group="9_debrief",
        kinds=("html", "json"),
        owner=_OWNER,
        text="The driver sheets for debrief. The last good report stays up until the new one is whole.",
    ),
}


def season_asset(build_season: SeasonBuild) -> dg.AssetsDefinition:
    """The season page, made from every session's report."""

    @dg.asset(
        name=SEASON_ASSET,
        deps=[dg.AssetDep("out_reports", partition_mapping=dg.AllPartitionMapping())],
        group_name="9_debrief",
        kinds={"html", "duckdb"},
        owners=[_OWNER],
        description="The front page: every session with its winner, its best lap, the way to its report and what its "
        "last run has to say; every driver over the sessions; and the lake of all of them for SQL, grx.duckdb.",
        code_version=code_version(SEASON_PACKAGES),
        metadata={"dagster/column_schema": table_schema(SEASON_TABLES["driver_trends"])},
    )
    def out_season(pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        result, paths = pipeline.run_season(build_season), pipeline.paths
        metadata = {
            "sessions": dg.MetadataValue.int(result.sessions),
            "built": dg.MetadataValue.bool(result.was_built),
            "reason": dg.MetadataValue.text(result.problem or result.reason),
            "page": dg.MetadataValue.path(paths.season_page()),
            "database": dg.MetadataValue.path(paths.season_database()),
        }
        return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(result.version))

    return out_season
