"""Options that many commands of the grx program share."""

import functools
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from grx_pipeline.settings import load_settings

DemoSize = Literal["small", "race"]
DEMO_SEED = 2025
_COMMAND = re.compile(r"`(grx [^`]+)`")


def folder_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--data and --reports, and the settings that follow from them as the command's first argument."""

    @click.option("--data", type=click.Path(path_type=Path), help="Data folder. [default: $GRX_DATA_DIR or data]")
    @click.option("--reports", type=click.Path(path_type=Path), help="Site. [default: $GRX_REPORTS_DIR or reports]")
    @functools.wraps(command)
    def with_settings(*args: Any, data: Path | None, reports: Path | None, **kwargs: Any) -> Any:
        return command(load_settings(data_dir=data, reports_dir=reports), *args, **kwargs)

    return with_settings


def to_paste(text: str) -> str:
    """The text, with the folders that this command was given behind each `grx ...` in it."""
    given = click.get_current_context().params
    folders = [f" --{name} {shlex.quote(str(given[name]))}" for name in ("data", "reports") if given.get(name)]
    return _COMMAND.sub(lambda found: f"`{found[1]}{''.join(folders)}`", text)
