"""Errors as problem details (RFC 9457). Nothing of a request is repeated in them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.responses import Response

from grx_pipeline.publishing.service_records import InvalidField, Problem

PROBLEM_TYPE = "application/problem+json"


class ProblemResponse(Response):
    """A problem as an answer; never kept by a cache."""

    media_type = PROBLEM_TYPE

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[InvalidField] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        problem = Problem(
            type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors)
        )
        content = problem.model_dump_json(exclude=None if errors else {"errors"})
        more = {"cache-control": "no-store", "x-content-type-options": "nosniff", **(headers or {})}
        super().__init__(content, status, headers=more)
