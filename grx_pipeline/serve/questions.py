"""How a question comes in: bounded in size, time and rate, its parts as the contract says."""

import asyncio
import math

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from grx_pipeline.publishing.service_records import ChatRequest, InvalidField
from grx_pipeline.serve.limits import Rate, household
from grx_pipeline.serve.problems import ProblemResponse
from grx_pipeline.settings import ChatLimits, ServeSettings

_LIMITS = ChatLimits()
_TOLD = 10
_WHOLE = "A question is a JSON object with a message, and with session, page and history where they are known."
_OTHER = "A part that is not known: a question has message, session, page and history."
_PARTS = {
    "message": f"The message is text of 1 to {_LIMITS.message_chars} characters, not blanks alone.",
    "session": "The session is named as its folder is, such as barber-2025-r1.",
    "page": (
        "The page is a path in the session, such as drivers/GR86-002-2.html: letters, digits and . _ / % ~ - only, at "
        f"most {_LIMITS.page_chars} of them."
    ),
    "history": (
        f"The history has at most {_LIMITS.history_turns} turns, each a role (user or assistant) and a text of at most "
        f"{_LIMITS.turn_chars} characters."
    ),
}


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
    errors = list(dict.fromkeys(_invalid(problem["type"], problem["loc"]) for problem in problems))
    return ProblemResponse(422, "A part of the question cannot be used.", errors=errors[:_TOLD])


def _invalid(kind: str, location: tuple[int | str, ...]) -> InvalidField:
    """What is wrong with one part, in words for whoever asked."""
    part = str(location[0]) if location and kind != "extra_forbidden" else ""
    if kind == "missing" and part != "history":
        return InvalidField(location=part, detail=f"This part is missing. {_PARTS[part]}")
    return InvalidField(location=part, detail=_PARTS.get(part, _OTHER if location else _WHOLE))
