"""Typed, validated, atomic Parquet files: the source of truth between steps.

One writer for every table of schemas.py. A reader never sees half a file, and the same rows give the same bytes.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grx_pipeline.errors import ContractError
from grx_pipeline.schemas import Table
from grx_pipeline.schemas.contract import is_strictly_ascending
from grx_pipeline.storage.atomic import writing

ROW_GROUP_ROWS = 122_880


def write_table(rows: pa.Table | pd.DataFrame, path: Path, table: Table) -> int:
    """Check `rows` against their declaration, sort them by key and replace `path` atomically.

    Columns may come in any order; a missing or surplus column, a value that does not fit its type, a null in a
    column without nulls or a repeated key raises ContractError. A frame's NaN is null. Returns the row count.
    """
    arrow = conform(rows, table)
    with writing(path) as temporary:
        # Without dictionaries files are written in half the time, and a fifth smaller: zstd finds the repetitions.
        pq.write_table(arrow, temporary, compression="zstd", use_dictionary=False, row_group_size=ROW_GROUP_ROWS)
    return int(arrow.num_rows)


def read_table(path: Path, *, columns: Sequence[str] | None = None) -> pa.Table:
    """The file's rows. Raises ContractError where the file is missing or damaged."""
    # As pq.read_table, which looks at the path as at a folder of many files first.
    with _reading(path), pq.ParquetFile(path) as file:
        return file.read() if columns is None else file.read(columns=list(columns)).select(columns)


def read_metadata(path: Path) -> pq.FileMetaData:
    """What the file says about itself: rows, columns, statistics. Raises ContractError as read_table does."""
    with _reading(path):
        return pq.read_metadata(path)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ContractError(f"{path}: this table was never built, or was removed; run the session again") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise ContractError(f"{path}: damaged Parquet file ({error}); delete it and run the session again") from error


def read_frame(path: Path, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """As read_table, as a frame: integers with nulls become float64 with NaN, a missing text is NaN."""
    frame: pd.DataFrame = read_table(path, columns=columns).to_pandas()
    return frame


def remove_other_parts(folder: Path, keep: Iterable[Path]) -> None:
    """Delete the Parquet files of `folder` that a rebuild no longer writes."""
    kept = {path.name for path in keep}
    for path in sorted(folder.glob("*.parquet")):
        if path.name not in kept:
            path.unlink()


def conform(rows: pa.Table | pd.DataFrame, table: Table) -> pa.Table:
    """`rows` in the declared columns, types and order, or ContractError."""
    arrow = pa.Table.from_pandas(rows, preserve_index=False) if isinstance(rows, pd.DataFrame) else rows
    wanted, given = [c.name for c in table.columns], set(arrow.column_names)
    if given != set(wanted):
        missing, surplus = sorted(set(wanted) - given), sorted(given - set(wanted))
        raise ContractError(f"table {table.name}: missing columns {missing}, unknown columns {surplus}")
    try:
        arrow = arrow.select(wanted).cast(pa.schema([f.with_nullable(True) for f in table.arrow_schema()]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise ContractError(f"table {table.name}: {error}") from error
    if table.order and not is_strictly_ascending(arrow, table.order):
        arrow = arrow.sort_by([(name, "ascending") for name in table.order])
    problems = table.violations(arrow)
    if problems:
        raise ContractError(f"table {table.name}: " + "; ".join(problems))
    return arrow.cast(table.arrow_schema())
