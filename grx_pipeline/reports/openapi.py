"""openapi.json: the API's paths and, from the record classes that write its files, what each answers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from grx_pipeline.publishing.manifest import SCHEMA_VERSION
from grx_pipeline.publishing.service_records import BuildEvent, ChatAnswer, ChatRequest, Health, Problem
from grx_pipeline.reports.json_schema import RECORDS, Schema, file_schema
from grx_pipeline.reports.site_records import Season, Sessions

_CAR = ("vehicle_id",)
# What names the file of each kind; a kind that is not here has a file per car.
_PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "drivers": (),
    "fleet/summary": (),
    "track": (),
    "telemetry": ("vehicle_id", "lap_number"),
    "compare": ("a", "b"),
    "context/index": (),
    "context/compare": ("a", "b"),
}
_SUMMARIES = {
    "drivers": "Every car of the timing, in finishing order",
    "fleet/summary": "The session as a whole",
    "track": "The circuit: its line, corners and segments",
    "laps": "The official laps of a car",
    "telemetry": "One lap of a car over distance",
    "references": "The laps that a car is measured against",
    "corners": "A car in every corner",
    "ledger": "Where the time to the target lies",
    "opportunities": "What to work on first",
    "coaching": "The coach's notes for a car",
    "context/index": "What a chat about the session starts from",
    "context/drivers": "What a chat about a car starts from",
    "context/compare": "What a chat about two cars starts from",
    "compare": "Two cars side by side",
    "ml/siwtl/calculate": "The target lap of a car",
    "ml/dptad/analyze": "Driving style: scores and events",
}
_TEXTS = {
    "session": "A session's id, such as barber-2025-r1.",
    "vehicle_id": "A car, by `vehicle_id` or `path` of /api/drivers.",
    "a": "A car, by `vehicle_id` or `path` of /api/drivers.",
    "b": "Another car of the same session.",
    "lap_number": "An official lap with telemetry, measured or estimated.",
}
_ABOUT = (
    "Post-race analysis of GR Cup races. Every answer is a file of the published site: nothing is computed on request, "
    "nothing can be changed. Without a session, the latest race answers: by its date and number, not by when it was "
    "built. Times are integer milliseconds, a missing value is null."
)


def openapi_file() -> bytes:
    """The description as the site publishes it."""
    return json.dumps(openapi(), indent=1, ensure_ascii=False).encode() + b"\n"


def openapi() -> dict[str, Any]:
    """The description of the whole API, OpenAPI 3.1."""
    schemas: dict[str, Schema] = {}
    for model in (Problem, Health, BuildEvent, ChatRequest, ChatAnswer):
        _add_model(model, schemas)
    paths = {
        "/api/sessions": {"get": _get("Every published session", "sessions", _add_file(Sessions, schemas), ())},
        "/api/season": {"get": _get("Every driver in every session", "season", _add_file(Season, schemas), ())},
        **_file_paths(schemas),
        "/api/events": {"get": _events()},
        "/api/ai/chat": {"post": _chat()},
        "/healthz": {"get": _health()},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "GR Cup race reports", "version": SCHEMA_VERSION, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": dict(sorted(schemas.items()))},
    }


def _file_paths(schemas: dict[str, Schema]) -> dict[str, Any]:
    """Each kind of file twice: of the latest session, and of a named one."""
    paths = {}
    for prefix, given in (("/api", ()), ("/api/sessions/{session}", ("session",))):
        for kind, record in RECORDS.items():
            names = _PARAMETERS.get(kind, _CAR)
            path = "/".join((prefix, kind, *(f"{{{name}}}" for name in names)))
            tag = "latest session" if not given else "a session"
            operation = _get(_SUMMARIES.get(kind, kind), kind, _add_file(record, schemas), (*given, *names))
            paths[path] = {"get": operation | {"tags": [tag], "operationId": _operation_id(kind, given)}}
    return paths


def _operation_id(kind: str, given: Iterable[str]) -> str:
    return "_".join((*kind.split("/"), *(f"of_{name}" for name in given)))


def _get(summary: str, kind: str, schema: Schema, parameters: tuple[str, ...]) -> dict[str, Any]:
    found = {"description": "The file.", "headers": {"ETag": _header("The content's hash.")}, **_json(schema)}
    responses: dict[str, Any] = {"200": found, "304": {"description": "It is still the one of If-None-Match."}}
    responses["404"] = _problem("There is no such file in this build.")
    if "lap_number" in parameters:
        responses["422"] = _problem("The lap is no number.")
    return {
        "summary": summary,
        "operationId": kind.replace("/", "_"),
        "tags": ["all sessions"],
        "parameters": [_parameter(name) for name in parameters],
        "responses": responses,
    }


def _parameter(name: str) -> dict[str, Any]:
    schema: Schema = {"type": "string", "minLength": 1, "maxLength": 200}
    if name == "lap_number":
        schema = {"type": "integer", "minimum": 1, "maximum": 1000}
    return {"name": name, "in": "path", "required": True, "description": _TEXTS[name], "schema": schema}


def _events() -> dict[str, Any]:
    text = (
        "Server-sent events: the builds as they stand at once, then each new one. The data of an event is a BuildEvent."
    )
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    responses = {
        "200": {"description": text, "content": content},
        "404": _problem("There is no such session."),
        "503": _problem("Too many listen already."),
    }
    session = {
        "name": "session",
        "in": "query",
        "required": False,
        "description": "Only of this session, of the `latest`, or of what stands above the sessions (`site`).",
        "schema": {"type": "string", "maxLength": 80},
    }
    return {
        "summary": "New builds, live",
        "operationId": "events",
        "tags": ["server"],
        "parameters": [session],
        "responses": responses,
    }


def _chat() -> dict[str, Any]:
    return {
        "summary": "Ask about a session or a page",
        "operationId": "chat",
        "tags": ["server"],
        "requestBody": {"required": True, **_json(_reference(ChatRequest))},
        "responses": {
            "200": {"description": "An answer from the session's facts.", **_json(_reference(ChatAnswer))},
            "400": _problem("The body is not JSON."),
            "404": _problem("There is no such session."),
            "413": _problem("The body is too large."),
            "415": _problem("The body is not application/json."),
            "422": _problem("A part of the question cannot be used."),
            "429": {
                **_problem("Too many questions at once."),
                "headers": {"Retry-After": _header("Seconds to wait.", "integer")},
            },
        },
    }


def _health() -> dict[str, Any]:
    responses = {"200": {"description": "The server answers.", **_json(_reference(Health))}}
    return {"summary": "Whether the server works", "operationId": "healthz", "tags": ["server"], "responses": responses}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _reference(Problem)}}}


def _json(schema: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


def _reference(model: type[BaseModel]) -> Schema:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _add_model(model: type[BaseModel], schemas: dict[str, Schema]) -> None:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, definition in (*schema.pop("$defs", {}).items(), (model.__name__, schema)):
        _add(name, definition, schemas)


def _add_file(record: type, schemas: dict[str, Schema]) -> Schema:
    """A reference to the schema of an enveloped record; it and all it names are added."""
    schema = {name: value for name, value in file_schema(record).items() if name != "$schema"}
    definitions = schema.pop("$defs")
    for name, definition in (*definitions.items(), (f"{record.__name__}File", schema)):
        _add(name, _moved(definition), schemas)
    return {"$ref": f"#/components/schemas/{record.__name__}File"}


def _add(name: str, schema: Schema, schemas: dict[str, Schema]) -> None:
    if schemas.setdefault(name, schema) != schema:
        raise ValueError(f"two different records are called {name}")


def _moved(schema: Any) -> Any:
    """The schema with its references led to the components."""
    if isinstance(schema, dict):
        return {key: _moved(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_moved(value) for value in schema]
    return schema.replace("#/$defs/", "#/components/schemas/") if isinstance(schema, str) else schema
