"""JSON Schemas of the static API, generated from the record classes that write its files."""

import dataclasses
import functools
import inspect
import json
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa

from grx_pipeline.publishing.manifest import SCHEMA_VERSION
from grx_pipeline.reports.driving_records import Comparison, Dptad, DriverCorners, Ledger, Opportunities, Track
from grx_pipeline.reports.encoding import Envelope
from grx_pipeline.reports.narrative_records import ChatContext, Coaching
from grx_pipeline.reports.records import Drivers, FleetSummary, Laps, Siwtl, Telemetry
from grx_pipeline.reports.reference_records import References

# Record of each kind of file under api/, by the first part of the path that tells it.
RECORDS: Mapping[str, type] = {
    "drivers": Drivers,
    "fleet/summary": FleetSummary,
    "track": Track,
    "laps": Laps,
    "telemetry": Telemetry,
    "references": References,
    "corners": DriverCorners,
    "ledger": Ledger,
    "opportunities": Opportunities,
    "coaching": Coaching,
    "context/index": ChatContext,
    "context/drivers": ChatContext,
    "context/compare": ChatContext,
    "compare": Comparison,
    "ml/siwtl/calculate": Siwtl,
    "ml/dptad/analyze": Dptad,
}
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_DRAFT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


@functools.cache
def schema_files() -> Mapping[str, bytes]:
    """The schemas by their path in the site."""
    return {
        f"api/schemas/{kind.replace('/', '-')}.json": json.dumps(file_schema(record), indent=1).encode() + b"\n"
        for kind, record in RECORDS.items()
    }


@functools.cache
def file_schema(record: type) -> Schema:
    """The schema of an enveloped file whose `data` is that record."""
    definitions: dict[str, Schema] = {}
    data = _schema(record, definitions)
    fields = {name: {"type": "string"} for name in Envelope.__annotations__ if name != "data_text"}
    fields["schema_version"] = {"const": SCHEMA_VERSION}
    return {
        "$schema": _DRAFT,
        "title": record.__name__,
        "description": inspect.cleandoc(record.__doc__ or ""),
        "type": "object",
        "properties": {**fields, "data": data},
        "required": [*fields, "data"],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def _schema(annotation: Any, definitions: dict[str, Schema]) -> Schema:
    if annotation in _PLAIN:
        return {"type": _PLAIN[annotation]}
    if annotation is pa.Array:
        return {"type": "array", "items": {"type": ["number", "null"]}}
    if dataclasses.is_dataclass(annotation):
        return _record_schema(annotation, definitions)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _union(arguments, definitions)
    if origin is tuple:
        return _tuple(arguments, definitions)
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}
    raise TypeError(f"a record cannot have a field of type {annotation}: JSON has no word for it")


def _tuple(arguments: tuple[Any, ...], definitions: dict[str, Schema]) -> Schema:
    if arguments[-1] is Ellipsis:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    items = [_schema(argument, definitions) for argument in arguments]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _union(arguments: tuple[Any, ...], definitions: dict[str, Schema]) -> Schema:
    if all(argument in _PLAIN for argument in arguments):
        return {"type": [_PLAIN[argument] for argument in arguments]}
    return {"anyOf": [_schema(argument, definitions) for argument in arguments]}


def _record_schema(record: Any, definitions: dict[str, Schema]) -> Schema:
    """A reference to the record's definition, which is made where it is not there yet."""
    name = record.__name__
    if name not in definitions:
        definitions[name] = {}
        hints = get_type_hints(record)
        definitions[name] = {
            "type": "object",
            "description": inspect.cleandoc(record.__doc__ or ""),
            "properties": {field: _schema(hint, definitions) for field, hint in hints.items()},
            "required": list(hints),
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}
