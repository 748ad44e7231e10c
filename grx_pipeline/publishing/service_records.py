"""What the server adds to the files: problems, its health, the event of a new build, questions and answers.

These models check what comes in and are what openapi.json says of it.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from grx_pipeline.settings import ChatLimits

_LIMITS = ChatLimits()
_SESSION = r"^[a-z0-9]+(-[a-z0-9]+)*-(\d{4}|unknown)-r[1-9]\d?$"
_PAGE = r"^[A-Za-z0-9._/%~-]*$"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class InvalidField(_Model):
    """One part of a request that cannot be used."""

    location: str
    detail: str


class Problem(_Model):
    """An error, as RFC 9457 says it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[InvalidField] = []


class Health(_Model):
    """The server answers, and what it has to serve. `chat` is how questions are answered."""

    status: Literal["ok"]
    sessions: int
    latest: str | None
    chat: Literal["rules", "model"]


class BuildEvent(_Model):
    """The build of a session, or of the pages above the sessions (`session` is then "site")."""

    session: str
    build: str
    published_at: str


class Turn(_Model):
    """One earlier part of a conversation."""

    role: Literal["user", "assistant"]
    text: Annotated[str, StringConstraints(max_length=_LIMITS.turn_chars)]


class ChatRequest(_Model):
    """A question. `page` is the page's path in its session, such as drivers/GR86-002-2.html."""

    message: Annotated[
        str, StringConstraints(min_length=1, max_length=_LIMITS.message_chars, pattern=r"\S"), Field(examples=["Why?"])
    ]
    session: Annotated[str, StringConstraints(max_length=80, pattern=_SESSION)] | None = None
    page: Annotated[str, StringConstraints(max_length=_LIMITS.page_chars, pattern=_PAGE)] | None = None
    history: Annotated[list[Turn], Field(max_length=_LIMITS.history_turns)] = []


class Source(_Model):
    """A fact that an answer rests on, and the page or file where it stands."""

    fact_id: str
    text: str
    path: str


class ChatAnswer(_Model):
    """An answer from the facts of the session. `mode` says whether rules or a model put it in words."""

    answer: str
    suggestions: list[str]
    sources: list[Source]
    mode: Literal["rules", "model"]
