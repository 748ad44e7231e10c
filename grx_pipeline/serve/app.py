"""The server's application: `uvicorn grx_pipeline.serve.app:app`. Files in, files out; it holds nothing of its own.

Any number of workers and machines can serve one reports folder. What is at which address stands in addresses.py.
"""

import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from grx_pipeline.paths import Paths
from grx_pipeline.publishing.service_records import Health
from grx_pipeline.serve.addresses import LATEST, SITE
from grx_pipeline.serve.answers import Answers, Speaks
from grx_pipeline.serve.cache import HotFiles
from grx_pipeline.serve.events import SITE_NAME, BuildEvents, closed_on_signal
from grx_pipeline.serve.files import SiteFiles
from grx_pipeline.serve.index import SiteIndex
from grx_pipeline.serve.limits import Rate
from grx_pipeline.serve.problems import ProblemResponse
from grx_pipeline.serve.questions import read_question
from grx_pipeline.settings import Settings, load_settings

_HEALTH, _EVENTS, _CHAT = _ROUTES = ("/healthz", "/api/events", "/api/ai/chat")
_NOT_KEPT = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_READABLE_ANYWHERE = {"access-control-allow-origin": "*"}


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over the reports folder of the settings; without any, of grx.toml and the environment."""
    settings = settings or load_settings()
    limits = settings.serve
    cache = HotFiles(max_bytes=limits.cache_mb * 1_000_000, ttl_s=limits.cache_ttl_s)
    index = SiteIndex(Paths.of(settings).reports, on_change=cache.drop)
    events = BuildEvents(index, limits)
    answers = Answers(index, settings.narrative, _speaker(settings))
    rate = Rate(per_minute=limits.chat_per_minute, burst=limits.chat_burst, clients=limits.chat_clients)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Mapping[str, object]]:
        _read_manifests(index)
        with closed_on_signal(events):
            yield {"limits": limits}

    # The description is a published file like any other, and so are the pages that show it.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan, redirect_slashes=False)

    @app.api_route(_HEALTH, methods=["GET", "HEAD"])
    async def healthz() -> Response:
        latest = index.build(LATEST)
        health = Health(
            status="ok", sessions=len(index.sessions()), latest=latest.name if latest else None, chat=answers.mode
        )
        return JSONResponse(health.model_dump(), headers=_NOT_KEPT)

    @app.get(_EVENTS)
    async def listen(session: str | None = None) -> Response:
        if session not in (None, SITE_NAME) and (session == SITE or index.build(session) is None):
            return ProblemResponse(HTTPStatus.NOT_FOUND, "There is no such session.", headers=_READABLE_ANYWHERE)
        if events.is_full:
            detail = "Too many pages listen already."
            headers = {**_READABLE_ANYWHERE, "retry-after": "60"}
            return ProblemResponse(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)
        headers = {**_NOT_KEPT, **_READABLE_ANYWHERE, "x-accel-buffering": "no"}
        return StreamingResponse(events.stream(session), media_type="text/event-stream", headers=headers)

    @app.post(_CHAT)
    async def chat(request: Request) -> Response:
        question = await read_question(request, limits, rate)
        if isinstance(question, ProblemResponse):
            return question
        answer = await answers.answer(question)
        if answer is None:
            return ProblemResponse(HTTPStatus.NOT_FOUND, "There is no such session.")
        return JSONResponse(answer.model_dump(), headers=_NOT_KEPT)

    _tell_problems(app)
    app.add_middleware(_FilesFirst, files=SiteFiles(index, cache))
    return app


def _tell_problems(app: FastAPI) -> None:
    """Answer what goes wrong with problem details."""

    @app.exception_handler(HTTPException)
    async def problem(_: Request, error: HTTPException) -> Response:
        return ProblemResponse(error.status_code, HTTPStatus(error.status_code).description, headers=error.headers)

    @app.exception_handler(Exception)
    async def fault(_: Request, __: Exception) -> Response:
        detail = "The server made a mistake; it is in its log."
        return ProblemResponse(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def _read_manifests(index: SiteIndex) -> None:
    """Manifests are many small objects that stay: looking through them for garbage would hold answers up for 10 ms."""
    for name in (SITE, *index.sessions()):
        index.build(name)
    gc.freeze()


class _FilesFirst:
    """Answers files before the routes are looked at: they are nearly every request."""

    def __init__(self, app: ASGIApp, files: ASGIApp) -> None:
        self._app, self._files = app, files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_file = scope["type"] == "http" and scope["path"] not in _ROUTES
        await (self._files if is_file else self._app)(scope, receive, send)


def _speaker(settings: Settings) -> Speaks | None:
    """The language model where there is a key for it; its modules are loaded only then."""
    if not settings.llm.is_asked:
        return None
    from grx_pipeline.serve.speaker import ModelSpeaker  # noqa: PLC0415

    return ModelSpeaker.of(settings)


app = create_app()
