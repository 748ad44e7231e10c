"""Small JSON files that notice damage: each carries the hash of what it says."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

_SEAL = "seal"


def sealed(document: Mapping[str, Any], *, is_ascii: bool = False) -> bytes:
    """The document as a file, with its seal as the last entry. `is_ascii` where texts may be no valid UTF-8."""
    closed = {**document, _SEAL: _seal(document)}
    return json.dumps(closed, indent=1, ensure_ascii=is_ascii).encode() + b"\n"


def unsealed(content: bytes, *, is_required: bool = True) -> dict[str, Any]:
    """What `sealed` was given. Raises ValueError where the file is no JSON object or its seal does not fit.

    Files of versions before seals have none: they are read where it is not `is_required`.
    """
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    if _SEAL not in document and not is_required:
        return document
    if document.pop(_SEAL, None) != _seal(document):
        raise ValueError("what it says was altered")
    return document


def _seal(document: Mapping[str, Any]) -> str:
    # In an order of its own, so that a document read back has the seal it was written with.
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
