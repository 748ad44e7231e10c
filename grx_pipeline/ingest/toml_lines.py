"""Where in a TOML file something stands: tomllib tells the line of a slip of syntax, but not that of a value."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]


def line_numbers(text: str) -> Mapping[Path, int]:
    """The line (1 is the first) in which each key, table and item of a valid document begins, by its path.

    What is new when the lines up to some end are a document of their own begins after the last such end.
    """
    lines = text.split("\n")
    found: dict[Path, int] = {}
    begin = 1
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join([*lines[:end], ""]))
        except tomllib.TOMLDecodeError:
            continue
        for path in _paths(document):
            found.setdefault(path, begin)
        begin = end + 1
    return found


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))
