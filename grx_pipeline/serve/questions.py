"""How a question comes in: bounded in size, time and rate, its parts as the contract says."""

import asyncio
import math

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from grx_pipeline.publishing.service_records import ChatRequest, InvalidField
from grx_pipeline.serve.limits import Rate, household
from grx_pipeline.serve.problems import ProblemResponse
from grx_pipeline.settings import ServeSettings


async def read_question(request: Request, settings: ServeSettings, rate: Rate) -> ChatRequest | ProblemResponse:
    """The question, or what is wrong with it."""
    client = request.client.host if request.client else ""
    wait = rate.seconds_to_wait(household(client))
    if wait:
        seconds = math.ceil(wait)
        detail = f"Too many questions from this address; ask again in {seconds} s."
        return ProblemResponse(429, detail, headers={"retry-after": str(seconds), "connection": "close"})
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return ProblemResponse(415, "A question is sent as application/json.", headers={"connection": "close"})
    body = await _body(request, settings)
    return body if isinstance(body, ProblemResponse) else _parsed(body)


async def _body(request: Request, settings: ServeSettings) -> bytes | ProblemResponse:
    limit = 1024 * settings.max_body_kb
    too_large = f"A question has at most {settings.max_body_kb} kB."
    closing = {"connection": "close"}
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limit):
        return ProblemResponse(413, too_large, headers=closing)
    body = b""
    try:
        async with asyncio.timeout(settings.body_timeout_s):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    return ProblemResponse(413, too_large, headers=closing)
    except TimeoutError:
        return ProblemResponse(408, "The question did not arrive in time.", headers=closing)
    except ClientDisconnect:
        return ProblemResponse(400, "The question broke off.", headers=closing)
    return body


def _parsed(body: bytes) -> ChatRequest | ProblemResponse:
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
    if problems[0]["type"] == "json_invalid":
        return ProblemResponse(400, "The body is not JSON.")
    # The names of parts are repeated only where they are the contract's own.
    errors = [
        InvalidField(location=".".join(str(part) for part in problem["loc"][:1]), detail=problem["msg"])
        if problem["type"] != "extra_forbidden"
        else InvalidField(location="", detail="A part that is not known.")
        for problem in problems[:10]
    ]
    return ProblemResponse(422, "A part of the question cannot be used.", errors=errors)
