"""The account of every raw row: read = kept + exact duplicates + merged + set aside, or the step fails.

Rows that are set aside are written to the quarantine with their reason and place. Nothing is dropped uncounted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from grx_pipeline.errors import ContractError
from grx_pipeline.schemas import TABLES
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.storage.steps import StepContext

QUARANTINE_COLUMNS = TABLES["quarantine"].column_names


@dataclass(frozen=True, kw_only=True)
class FileAccount:
    """Row counts of one raw file, or of one vehicle's rows in it."""

    file: str
    kind: str
    rows_read: int
    rows_kept: int
    vehicle_id: str = ""
    exact_duplicates: int = 0
    rows_merged: int = 0
    rows_set_aside: int = 0
    conflict_rows: int = 0

    @property
    def unaccounted(self) -> int:
        """Rows that nothing accounts for; 0 or the pipeline is wrong."""
        return self.rows_read - (self.rows_kept + self.exact_duplicates + self.rows_merged + self.rows_set_aside)


def write_accounts(
    context: StepContext, step: str, accounts: Sequence[FileAccount], quarantine: Sequence[pa.Table]
) -> tuple[Path, Path]:
    """Write a step's part of row_accounting and quarantine; returns both paths.

    `quarantine` are tables of schemas.TABLES["quarantine"]'s columns. Raises ContractError where a file's rows do
    not add up or the quarantine holds another number of rows than the accounts say.
    """
    for account in accounts:
        if account.unaccounted:
            raise ContractError(
                f"{account.file}: {account.unaccounted} rows of {account.rows_read} are unaccounted for"
            )
    schema = TABLES["quarantine"].arrow_schema()
    rows = pa.concat_tables(
        [schema.empty_table(), *(table.select(list(schema.names)).cast(schema) for table in quarantine)]
    )
    set_aside = sum(account.rows_set_aside for account in accounts)
    if rows.num_rows != set_aside:
        raise ContractError(f"{step}: {set_aside} rows set aside, but {rows.num_rows} in the quarantine")
    accounting_path = context.paths.table(context.session, "row_accounting", part=step)
    quarantine_path = context.paths.table(context.session, "quarantine", part=step)
    names = TABLES["row_accounting"].column_names
    frame = pd.DataFrame([asdict(account) for account in accounts], columns=list(names))
    write_table(frame.astype(_count_types(frame)), accounting_path, TABLES["row_accounting"])
    write_table(rows, quarantine_path, TABLES["quarantine"])
    return accounting_path, quarantine_path


def _count_types(frame: pd.DataFrame) -> Mapping[str, str]:
    texts = {"file", "kind", "vehicle_id"}
    return {name: "object" if name in texts else "int64" for name in frame.columns}
