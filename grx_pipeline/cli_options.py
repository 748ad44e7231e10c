"""Options that many commands of the grx program share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from grx_pipeline.settings import load_settings

DemoSize = Literal["small", "race"]
DEMO_SEED = 2025


def folder_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--data and --reports, and the settings that follow from them as the command's first argument."""

    @click.option("--data", type=click.Path(path_type=Path), help="Data folder. [default: $GRX_DATA_DIR or data]")
    @click.option("--reports", type=click.Path(path_type=Path), help="Site. [default: $GRX_REPORTS_DIR or reports]")
    @functools.wraps(command)
    def with_settings(*args: Any, data: Path | None, reports: Path | None, **kwargs: Any) -> Any:
        return command(load_settings(data_dir=data, reports_dir=reports), *args, **kwargs)

    return with_settings
