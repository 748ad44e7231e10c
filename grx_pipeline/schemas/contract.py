"""What a table declaration is, and how rows are checked against it.

The declarations stand in raw.py, core.py and out.py.
"""

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

ARROW_TYPES: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column. `unit` is empty for names, flags and counts."""

    name: str
    type: str
    text: str
    unit: str = ""
    nullable: bool = False
    minimum: float | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table: what it holds, who writes it, its columns and its key.

    `order` is the sort order of its rows (the key, where there is one); `in_warehouse` tables are copied to the
    session's DuckDB file. `parts` tables are folders with one Parquet file a part (a vehicle, or a step).
    """

    name: str
    text: str
    step: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    order: tuple[str, ...] = field(default=())
    is_primary: bool = False
    in_warehouse: bool = True
    has_parts: bool = False

    def __post_init__(self) -> None:
        if not self.order:
            object.__setattr__(self, "order", self.key)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    def arrow_schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, ARROW_TYPES[c.type], nullable=c.nullable) for c in self.columns])

    def create_statement(self) -> str:
        """The DuckDB CREATE TABLE of this declaration; a primary key where the table has one."""
        lines = [f'"{c.name}" {c.type}{"" if c.nullable else " NOT NULL"}' for c in self.columns]
        if self.is_primary:
            lines.append(f"PRIMARY KEY ({', '.join(self.key)})")
        return f"CREATE TABLE {self.name} ({', '.join(lines)})"

    def violations(self, rows: pa.Table) -> list[str]:
        """In words, each broken rule: nulls where none may be, values under the minimum, repeated keys."""
        problems = []
        for column in self.columns:
            values = rows.column(column.name)
            if not column.nullable and values.null_count:
                problems.append(f"{column.name} is null in {values.null_count} of {rows.num_rows} rows")
            if column.minimum is not None:
                low = pc.sum(pc.less(values, column.minimum)).as_py() or 0
                if low:
                    problems.append(f"{column.name} is under {column.minimum:g} {column.unit} in {low} rows")
        if self.key and not is_strictly_ascending(rows, self.key):
            repeated = rows.num_rows - rows.select(list(self.key)).group_by(list(self.key)).aggregate([]).num_rows
            if repeated:
                problems.append(f"key ({', '.join(self.key)}) repeats in {repeated} rows")
        return problems


def is_strictly_ascending(rows: pa.Table, names: tuple[str, ...]) -> bool:
    """Whether each row's values come after those of the row before, column by column: then none repeats.

    Nulls have no order: a null next to anything makes it False. Much cheaper than sorting or grouping.
    """
    is_after: pa.ChunkedArray | None = None
    for name in reversed(names):
        values = rows.column(name)
        before, here = values[:-1], values[1:]
        is_greater = pc.greater(here, before)
        is_after = is_greater if is_after is None else pc.or_(is_greater, pc.and_(pc.equal(here, before), is_after))
    return is_after is not None and is_after.null_count == 0 and pc.all(is_after, min_count=0).as_py() is True
