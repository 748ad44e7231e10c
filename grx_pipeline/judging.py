"""A step with what the checks say about it: its tables against their declarations, and the checks of quality.py.

Nothing reads what a step wrote before it is judged. How the UI shows a check is the work of defs/checks.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from grx_pipeline.errors import ContractError
from grx_pipeline.paths import Paths
from grx_pipeline.quality import MEANING_CHECKS, CheckOutcome, MeaningCheck, file_problems
from grx_pipeline.schemas import TABLES, Table
from grx_pipeline.settings import QualitySettings
from grx_pipeline.steps import Step, StepResult, forget_step, run_step
from grx_pipeline.storage.lake import table_files
from grx_pipeline.storage.parquet import read_table
from grx_pipeline.storage.steps import StepContext

CONTRACT_CHECK = "tables_as_declared"


@dataclass(frozen=True, kw_only=True)
class JudgedStep:
    """What became of a step, and what each of its checks found."""

    result: StepResult
    outcomes: tuple[CheckOutcome, ...]

    @property
    def is_blocked(self) -> bool:
        """Whether nothing may read what the step wrote."""
        return any(outcome.is_blocking and not outcome.passed for outcome in self.outcomes)


def run_judged(step: Step, context: StepContext) -> JudgedStep:
    """Run the step unless nothing changed, and judge its tables as they stand in the lake.

    It runs again next time where nothing may read them. Raises as run_step does.
    """
    found: list[CheckOutcome] = []

    def look() -> Sequence[CheckOutcome]:
        found[:] = judge(step, context.paths, context.settings.quality, context.session)
        return found

    result = run_step(step, context, lambda: warnings_of(look()))
    judged = JudgedStep(result=result, outcomes=tuple(found if result.was_built else look()))
    if judged.is_blocked and not result.was_built:
        forget_step(step, context)
    return judged


def warnings_of(outcomes: Sequence[CheckOutcome]) -> list[str] | None:
    """What failed checks found, in words; None where one of them is blocking."""
    failed = [outcome for outcome in outcomes if not outcome.passed]
    return None if any(outcome.is_blocking for outcome in failed) else [outcome.text for outcome in failed]


def judge(step: Step, paths: Paths, settings: QualitySettings, session: str) -> tuple[CheckOutcome, ...]:
    """What the checks say about the session's tables of a step; nothing where it writes none."""
    if not step.tables:
        return ()
    contract = check_contract(step, paths, session)
    if not contract.passed:
        return (contract, *(_not_judged(check) for check in meanings_of(step)))
    outcomes = [contract]
    for check in meanings_of(step):
        tables = {
            name: read_whole(paths, session, step, TABLES[name], is_counted=name in check.counted)
            for name in check.tables
        }
        outcomes.append(check.judge(tables, settings))
    return tuple(outcomes)


def meanings_of(step: Step) -> list[MeaningCheck]:
    """The checks on meaning that look at tables of this step."""
    return [check for check in MEANING_CHECKS if check.step == step.name and set(check.tables) <= set(step.tables)]


def check_contract(step: Step, paths: Paths, session: str) -> CheckOutcome:
    """Whether every file of the step's tables is as declared; read is only what their statistics leave open."""
    problems: list[str] = []
    rows = dict.fromkeys(step.tables, 0)
    for name in step.tables:
        for file in table_files(paths, session, TABLES[name], step=step.name):
            try:
                count, found = file_problems(TABLES[name], file)
            except ContractError as error:
                problems.append(str(error))
            else:
                rows[name] += count
                problems += [f"{name} ({file.name}): {problem}" for problem in found]
    counts = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    text = "; ".join(problems) or f"All rows are as declared: {counts}."
    return CheckOutcome(
        name=CONTRACT_CHECK,
        passed=not problems,
        text=text,
        figures=rows,
        is_blocking=True,
        offenders=tuple({"problem": problem} for problem in problems),
        offenders_are="problems",
    )


def read_whole(paths: Paths, session: str, step: Step, table: Table, *, is_counted: bool = False) -> pa.Table:
    """The step's rows of a table, from all its files; the first column alone where they are only counted.

    Raises ContractError where a file is missing or damaged.
    """
    files = table_files(paths, session, table, step=step.name)
    columns = list(table.column_names[:1] if is_counted else table.column_names)
    empty = table.arrow_schema().empty_table().select(columns)
    return pa.concat_tables([empty, *(read_table(file, columns=columns) for file in files)])


def _not_judged(check: MeaningCheck) -> CheckOutcome:
    return CheckOutcome(name=check.name, passed=False, text="Not looked at: the tables are not as declared.")
