"""Tables that the grx program prints."""

from collections.abc import Sequence

import click


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns of one width each, numbers to the right; nothing without rows."""
    if not rows:
        return
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    is_number = [
        all(row[i].replace(",", "").replace(".", "").isdigit() for row in rows if row[i]) for i in range(len(columns))
    ]
    for row in (columns, *rows):
        cells = [
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, is_number, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
