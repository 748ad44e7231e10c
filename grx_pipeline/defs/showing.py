"""How a glance, a place or the rows a check found stand in the UI: as tables, drawings and links."""

from collections.abc import Mapping, Sequence
from functools import partial

import dagster as dg
import pandas as pd

from grx_pipeline.glance import Glance, Plot, glance_at
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.steps import Step
from grx_pipeline.storage.lake import table_files
from grx_pipeline.storage.parquet import read_frame

Cells = Mapping[str, str | int | float]


def glance_metadata(step: Step, session: str, settings: Settings) -> dict[str, dg.MetadataValue]:
    """The glance at a step's tables of a session; nothing for a step without tables."""
    read = partial(_read, step, session, Paths.of(settings))
    shown: Glance = glance_at(step.name, read) if step.tables else {}
    metadata: dict[str, dg.MetadataValue] = {}
    for name, content in shown.items():
        if isinstance(content, Plot):
            metadata[name] = dg.MetadataValue.md(content.markdown)
        else:
            limit = settings.quality.shown_rows
            title = name if len(content.frame) <= limit else f"{name}, first {limit} of {len(content.frame)}"
            metadata[title] = table_metadata(content.records(limit))
    return metadata


def table_metadata(rows: Sequence[Cells]) -> dg.MetadataValue:
    """Rows as the UI's table; words where there are none."""
    if not rows:
        return dg.MetadataValue.text("none")
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows])


def place_metadata(settings: Settings, session: str) -> dict[str, dg.MetadataValue]:
    """Where a session's results are: its folder of the lake, and its page on disk and where the site is served."""
    paths = Paths.of(settings)
    return {
        "lake": dg.MetadataValue.path(paths.session_lake(session)),
        "page": dg.MetadataValue.path(paths.published(session) / "index.html"),
        "open": dg.MetadataValue.url(f"{settings.serve.address}/{session}/index.html"),
    }


def _read(step: Step, session: str, paths: Paths, table: str, columns: Sequence[str]) -> pd.DataFrame:
    own = step.name if table in step.tables else None
    files = table_files(paths, session, TABLES[table], step=own)
    return pd.concat([read_frame(file, columns=columns) for file in files], ignore_index=True)
