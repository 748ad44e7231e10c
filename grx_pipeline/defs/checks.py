"""Asset checks: a step's tables against their declarations (blocking), and the checks on meaning of quality.py.

Reports what judging.py found; judges nothing itself. The checks stand in the op of their asset: an op of their own
costs more than most checks do.
"""

from collections.abc import Sequence

import dagster as dg

from grx_pipeline.defs.showing import table_metadata
from grx_pipeline.judging import CONTRACT_CHECK, meanings_of
from grx_pipeline.quality import CheckOutcome
from grx_pipeline.steps import Step


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


def check_results(step: Step, outcomes: Sequence[CheckOutcome], *, session: str) -> list[dg.AssetCheckResult]:
    """What the checks of `check_specs` found, for the UI. It shows the last session's, so each says which that is."""
    return [_result(step, outcome, session) for outcome in outcomes]


def blocking_failures(checks: Sequence[dg.AssetCheckResult]) -> list[str]:
    """What those found, in words, that stop the run."""
    failed = (check for check in checks if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR)
    return [str(check.description) for check in failed]


def _result(step: Step, outcome: CheckOutcome, session: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=outcome.name,
        asset_key=step.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity.ERROR if outcome.is_blocking else dg.AssetCheckSeverity.WARN,
        description=outcome.text,
        metadata={"session": session, **_offenders(outcome), **outcome.figures},
    )


def _offenders(outcome: CheckOutcome) -> dict[str, dg.MetadataValue]:
    """The rows that a check found, under what they are."""
    return {outcome.offenders_are: table_metadata(outcome.offenders)} if outcome.offenders else {}
