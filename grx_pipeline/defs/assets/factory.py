"""Makes the asset of a step. What each floor says about its own assets stands in its own module."""

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from grx_pipeline.defs.checks import blocking_failures, check_results, check_specs
from grx_pipeline.defs.inputs import inputs_of
from grx_pipeline.defs.partitions import SESSIONS
from grx_pipeline.defs.resources import Pipeline
from grx_pipeline.defs.showing import glance_metadata, place_metadata
from grx_pipeline.schemas import TABLES, Table
from grx_pipeline.steps import Step, StepResult
from grx_pipeline.storage.code import code_hash
from grx_pipeline.storage.steps import combined_hash


@dataclass(frozen=True, kw_only=True)
class Card:
    """How the UI presents an asset: its floor, what it is made of, who answers for it, and when to look at it.

    `retries` is how often Dagster tries again where the step failed for a reason that may pass.
    """

    group: str
    kinds: tuple[str, ...]
    owner: str
    text: str
    retries: int = 0


def step_asset(step: Step, card: Card) -> dg.AssetsDefinition:
    """The asset of `step`, one partition a session."""

    @dg.asset(
        name=step.name,
        partitions_def=SESSIONS,
        deps=[*step.reads, *inputs_of(step)],
        group_name=card.group,
        kinds=set(card.kinds),
        owners=[card.owner],
        description=_description(step, card),
        code_version=code_version(step.packages),
        metadata=_schema_metadata(step),
        check_specs=check_specs(step),
        retry_policy=dg.RetryPolicy(max_retries=card.retries, delay=1) if card.retries else None,
    )
    def built(context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]) -> dg.MaterializeResult:
        session = context.partition_key
        judged = pipeline.run(step, session=session)
        result, checks = judged.result, check_results(step, judged.outcomes, session=session)
        blocked = blocking_failures(checks)
        pipeline.judged(step, session=session, blocked=blocked)
        shown = {} if blocked else glance_metadata(step, session, pipeline.settings)
        places = place_metadata(pipeline.settings, session)
        return dg.MaterializeResult(
            metadata={**shown, **_schema_metadata(step), **_result_metadata(result), **places},
            check_results=checks,
            data_version=dg.DataVersion(result.version),
        )

    return built


def code_version(packages: tuple[str, ...]) -> str:
    """Moves when any file of the packages does."""
    return combined_hash({package: code_hash(package) for package in packages})[:12]


def _description(step: Step, card: Card) -> str:
    tables = "\n".join(f"* `{name}`: {TABLES[name].text}" for name in step.tables)
    return "\n\n".join(part for part in (step.text, card.text, tables) if part)


def _schema_metadata(step: Step) -> dict[str, dg.TableSchema]:
    return {"dagster/column_schema": table_schema(TABLES[step.tables[0]])} if step.tables else {}


def table_schema(table: Table) -> dg.TableSchema:
    """The declaration as Dagster shows it: the unit stands with the description."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=column.type,
                description=f"{column.text} [{column.unit}]" if column.unit else column.text,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=table.key == (column.name,)),
            )
            for column in table.columns
        ]
    )


def _result_metadata(result: StepResult) -> Mapping[str, dg.MetadataValue | int | float | str | bool]:
    return {
        "dagster/row_count": result.rows,
        "built": result.was_built,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        **dict(result.figures),
    }
