"""Asset checks: a step's tables against their declarations (blocking), and the checks on meaning of quality.py.

Reads tables back from the lake and reports what the plain functions say; judges nothing itself. The checks run in
the op of their asset: an op of their own costs more than most checks do.
"""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pyarrow as pa

from grx_pipeline.defs.resources import Pipeline
from grx_pipeline.errors import ContractError
from grx_pipeline.paths import Paths
from grx_pipeline.quality import MEANING_CHECKS, CheckOutcome, MeaningCheck, file_problems
from grx_pipeline.schemas import TABLES, Table
from grx_pipeline.steps import Step
from grx_pipeline.storage.parquet import read_table

CONTRACT_CHECK = "tables_as_declared"


def check_specs(step: Step) -> list[dg.AssetCheckSpec]:
    """The checks of a step's asset; none where it writes no tables."""
    contract = dg.AssetCheckSpec(
        name=CONTRACT_CHECK,
        asset=step.name,
        description=f"Columns, types, nulls, minima and keys of {', '.join(step.tables)} are as declared.",
        blocking=True,
    )
    meanings = [
        dg.AssetCheckSpec(name=check.name, asset=step.name, description=check.text, blocking=check.is_blocking)
        for check in meanings_of(step)
    ]
    return [contract, *meanings] if step.tables else meanings


def check_results(step: Step, pipeline: Pipeline, *, session: str) -> list[dg.AssetCheckResult]:
    """What the checks of `check_specs` say about the session's tables as they stand in the lake."""
    if not step.tables:
        return []
    contract = check_contract(step, pipeline.paths, session)
    outcomes = [contract]
    if contract.passed:
        for check in meanings_of(step):
            tables = {
                name: read_whole(pipeline.paths, session, step, TABLES[name], is_counted=name in check.counted)
                for name in check.tables
            }
            outcomes.append(check.judge(tables, pipeline.settings.quality))
    else:
        outcomes += [_not_judged(check) for check in meanings_of(step)]
    return [_result(step, outcome) for outcome in outcomes]


def is_blocked(check: dg.AssetCheckResult) -> bool:
    """Whether this result stops the run."""
    return not check.passed and check.severity == dg.AssetCheckSeverity.ERROR


def meanings_of(step: Step) -> list[MeaningCheck]:
    """The checks on meaning that look at tables of this step."""
    return [check for check in MEANING_CHECKS if check.step == step.name and set(check.tables) <= set(step.tables)]


def check_contract(step: Step, paths: Paths, session: str) -> CheckOutcome:
    """Whether every file of the step's tables is as declared; read is only what their statistics leave open."""
    problems: list[str] = []
    rows = dict.fromkeys(step.tables, 0)
    for name in step.tables:
        for file in table_files(paths, session, step, TABLES[name]):
            try:
                count, found = file_problems(TABLES[name], file)
            except ContractError as error:
                problems.append(str(error))
            else:
                rows[name] += count
                problems += [f"{name} ({file.name}): {problem}" for problem in found]
    counts = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    text = "; ".join(problems) or f"All rows are as declared: {counts}."
    return CheckOutcome(name=CONTRACT_CHECK, passed=not problems, text=text, figures=rows, is_blocking=True)


def table_files(paths: Paths, session: str, step: Step, table: Table) -> list[Path]:
    """The files of `table` that `step` wrote; where it is a single one, whether it exists or not."""
    if not table.has_parts:
        return [paths.table(session, table.name)]
    if table.step != step.name:
        return [paths.table(session, table.name, part=step.name)]
    return sorted(paths.table_folder(session, table.name).glob("*.parquet"))


def read_whole(paths: Paths, session: str, step: Step, table: Table, *, is_counted: bool = False) -> pa.Table:
    """The step's rows of a table, from all its files; the first column alone where they are only counted.

    Raises ContractError where a file is missing or damaged.
    """
    files: Sequence[Path] = table_files(paths, session, step, table)
    columns = list(table.column_names[:1] if is_counted else table.column_names)
    empty = table.arrow_schema().empty_table().select(columns)
    return pa.concat_tables([empty, *(read_table(file, columns=columns) for file in files)])


def _not_judged(check: MeaningCheck) -> CheckOutcome:
    return CheckOutcome(name=check.name, passed=False, text="Not looked at: the tables are not as declared.")


def _result(step: Step, outcome: CheckOutcome) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=outcome.name,
        asset_key=step.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR if outcome.is_blocking else dg.AssetCheckSeverity.WARN,
        description=outcome.text,
        metadata=dict(outcome.figures),
    )
