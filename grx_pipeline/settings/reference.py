"""The list of settings docs/settings.md, made from their declarations: `python -m grx_pipeline.settings.reference`."""

import sys
from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass
from typing import Any

from grx_pipeline.settings.load import Settings
from grx_pipeline.settings.threshold import allowed_text, unit_of

_INTRODUCTION = """# Settings

Every threshold and limit that can be changed, as declared in `grx_pipeline/settings/` (this page is made from there:
`make docs`). A `grx.toml` in the working directory changes them, a table a group:

```toml
[laps]
pace_factor = 1.05
```

`may be` is what is accepted. Anything else is refused before anything runs, with the file, the name, the value and
what it may be. A share may be 0 to 1, a percentage 0 to 100; a count that has no range of its own may be 1 to ten times
its default, any other number a tenth of its default to ten times it: what lies beyond was meant in another unit.
"""


def render_settings() -> str:
    """The page as Markdown."""
    groups = {group.name: getattr(Settings(), group.name) for group in fields(Settings)}
    lines = [line for name, group in groups.items() if is_dataclass(group) for line in _section(name, group)]
    return "\n".join([_INTRODUCTION, *lines])


def _section(name: str, group: Any) -> Iterator[str]:
    yield f"## [{name}]\n"
    yield f"{(type(group).__doc__ or '').splitlines()[0]}\n"
    yield "| setting | default | unit | may be | why |"
    yield "|---|---:|---|---|---|"
    yield from (_row(setting) for setting in fields(group))
    yield ""


def _row(setting: Field[Any]) -> str:
    default, why = _default(setting.default), setting.metadata["why"]
    cells = (f"`{setting.name}`", default, unit_of(setting), allowed_text(setting), why)
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def _default(value: Any) -> str:
    return f"`{value}`" if isinstance(value, str) else f"{value:.6g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.stdout.write(render_settings())
