"""How a setting carries its unit and the reason for its value."""

from dataclasses import field
from typing import Any


def threshold(default: Any, *, unit: str, why: str) -> Any:
    """A dataclass field that carries its unit and the reason for its value."""
    return field(default=default, metadata={"unit": unit, "why": why})
