"""The JSON Schema of a file of the static API, by where it lies."""

from typing import Any

from grx_pipeline.reports.json_schema import RECORDS, file_schema


def schema_of(path: str) -> dict[str, Any]:
    """The schema of a file by its path in the site, as `api/laps/GR86-002-2.json`. Raises KeyError for no such kind."""
    name = path.removeprefix("api/").removesuffix(".json")
    kind = next((kind for kind in RECORDS if name == kind or name.startswith(f"{kind}/")), name)
    return file_schema(RECORDS[kind])
