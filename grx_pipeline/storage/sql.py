"""SQL statements that are longer than ten lines, kept as files in sql/."""

import functools
from importlib import resources


def statement(name: str, **parts: str) -> str:
    """The statement of sql/<name>.sql with its {parts} filled in."""
    return _text(name).format(**parts)


@functools.cache
def _text(name: str) -> str:
    return (resources.files("grx_pipeline.sql") / f"{name}.sql").read_text(encoding="utf-8")
