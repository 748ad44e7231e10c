"""The table reference docs/tables.md, made from the declarations: `python -m grx_pipeline.schemas.reference`."""

import sys
from collections.abc import Iterator

from grx_pipeline.schemas import SEASON_TABLES, TABLES, Column, Table

_INTRODUCTION = """# Tables

Every table of a session, as declared in `grx_pipeline/schemas/` (this page is made from there: `make docs`).
All of them are Parquet files under `data/lake/<session>/`; those marked *warehouse* also stand in
`data/warehouse/<session>.duckdb`, which any DuckDB 1.5 or newer opens, also while a run goes on. Over all sessions,
`data/warehouse/grx.duckdb` has a view of every table, with the session as its first column, and the tables of the
season, which are under `data/season/`.

Times of day are integer milliseconds since 1970 UTC (`_at_ms`), lap and sector times integer milliseconds (`_ms`).
"""

_EVERY = (*TABLES.values(), *SEASON_TABLES.values())


def render_reference() -> str:
    """The page as Markdown."""
    return "\n".join([_INTRODUCTION, *(line for table in _EVERY for line in _section(table))])


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.name}\n"
    yield f"{table.text}\n"
    files = "one file a part" if table.has_parts else "one file"
    key = f"key ({', '.join(table.key)})" if table.key else "no key"
    yield f"Written by {table.step}; {files}; {'warehouse; ' if table.in_warehouse else ''}{key}.\n"
    yield "| column | type | unit | what it is |"
    yield "|---|---|---|---|"
    yield from (_row(column) for column in table.columns)
    yield ""


def _row(column: Column) -> str:
    type_name = f"{column.type}{'' if column.nullable else ' not null'}"
    return f"| `{column.name}` | {type_name} | {column.unit} | {column.text.replace('|', '/')} |"


if __name__ == "__main__":
    sys.stdout.write(render_reference())
