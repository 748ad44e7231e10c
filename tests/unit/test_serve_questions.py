"""What is wrong with a question is told in words that its writer can act on."""

import json
import re
from typing import Any

import pytest

from grx_pipeline.publishing.service_records import ChatRequest
from grx_pipeline.serve.problems import ProblemResponse
from grx_pipeline.serve.questions import _parsed


def problems(**parts: Any) -> list[dict[str, str]]:
    response = _parsed(json.dumps(parts).encode())
    assert isinstance(response, ProblemResponse)
    document = json.loads(bytes(response.body))
    assert document["status"] == 422
    errors: list[dict[str, str]] = document["errors"]
    return errors


@pytest.mark.parametrize(
    ("parts", "location", "told"),
    [
        ({}, "message", "missing"),
        ({"message": " "}, "message", "1 to 1000 characters"),
        ({"message": "x" * 1001}, "message", "1 to 1000 characters"),
        ({"message": "x", "session": "../../etc"}, "session", "barber-2025-r1"),
        ({"message": "x", "page": "a b"}, "page", "drivers/"),
        ({"message": "x", "history": [{"role": "system", "text": "x"}]}, "history", "user or assistant"),
        ({"message": "x", "history": [{"role": "user", "text": "x"}] * 13}, "history", "12 turns"),
        ({"message": "x", "more": 1}, "", "message, session, page and history"),
    ],
)
def test_each_part_that_cannot_be_used_is_told_in_plain_words(parts: dict[str, Any], location: str, told: str) -> None:
    (error,) = problems(**parts)
    assert error["location"] == location
    assert told in error["detail"]
    assert not re.search(r"[\\^$]|\[A-Z|pattern|should match", error["detail"])


def test_what_is_no_question_at_all_is_told_what_one_is() -> None:
    response = _parsed(b"[]")
    assert isinstance(response, ProblemResponse)
    assert "JSON object" in json.loads(bytes(response.body))["errors"][0]["detail"]
    assert isinstance(_parsed(b'{"message": "Why?"}'), ChatRequest)
