"""Where in a TOML file something stands: tomllib tells the line of a slip of syntax, but not that of a value."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]


def line_numbers(text: str) -> Mapping[Path, int]:
    """The line (1 is the first) in which each key, table and item of a valid document begins, by its path.

    A statement goes to the first line that makes a document of it: each is parsed by itself, under the last table.
    """
    lines = text.split("\n")
    found: dict[Path, int] = {}
    tables = _Tables()
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            statement = tomllib.loads("\n".join([*lines[begin:end], ""]))
        except tomllib.TOMLDecodeError:
            continue
        is_header = lines[begin].lstrip().startswith("[")
        for path in tables.opened(statement) if is_header else tables.within(statement):
            found.setdefault(path, begin + 1)
        begin = end
    return found


class _Tables:
    """The table that statements stand in, and how many tables the arrays of tables have so far."""

    def __init__(self) -> None:
        self._here: Path = ()
        self._counts: dict[Path, int] = {}

    def opened(self, header: Mapping[str, Any]) -> Iterator[Path]:
        """The paths of a `[table]` or `[[table]]`, which from now on is the one that statements stand in."""
        self._here = ()
        inner: Any = header
        while inner:
            (name,) = inner
            self._here, inner = (*self._here, name), inner[name]
            yield self._here
            if isinstance(inner, list):
                self._counts[self._here] = self._counts.get(self._here, 0) + 1
                (inner,) = inner
            if self._here in self._counts:
                self._here = (*self._here, self._counts[self._here] - 1)
                yield self._here

    def within(self, statement: Mapping[str, Any]) -> Iterator[Path]:
        """The paths of a statement in this table."""
        yield from (path for path in _paths(statement, self._here) if path != self._here)


def _paths(value: Any, path: Path) -> Iterator[Path]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))
