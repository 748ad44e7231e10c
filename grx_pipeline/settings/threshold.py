"""How a setting carries its unit, the reason for its value, and what it may be.

Where nothing else is said a share lies between 0 and 1, a percentage between 0 and 100, a count between 1 and ten
times its default, and any other number between a tenth of its default and ten times it: beyond that somebody took it
for another unit.
"""

import math
from collections.abc import Callable
from dataclasses import Field, dataclass, field
from typing import Any, cast

_SCALE = 10
_OF_UNIT = {"share": (0.0, 1.0), "quantile": (0.0, 1.0), "%": (0.0, 100.0)}


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What a setting may be: `text` says it after "has to be"."""

    text: str
    holds: Callable[[Any], bool]


def threshold(
    default: Any,
    *,
    unit: str,
    why: str,
    least: float | None = None,
    most: float | None = None,
    below: str | None = None,
    allowed: Allowed | None = None,
) -> Any:
    """A dataclass field that carries its unit, the reason for its value and what it may be.

    `below` names a setting of the same group that it must not exceed. `allowed` is for what is no number.
    """
    may_be = allowed or _between(default, unit, least, most)
    return field(default=default, metadata={"unit": unit, "why": why, "allowed": may_be, "below": below})


def allowed_of(setting: Field[Any]) -> Allowed:
    """What the setting may be."""
    return cast(Allowed, setting.metadata["allowed"])


def allowed_text(setting: Field[Any]) -> str:
    """What the setting may be, in words."""
    below = setting.metadata["below"]
    return f"{allowed_of(setting).text}, at most {below}" if below else allowed_of(setting).text


def unit_of(setting: Field[Any]) -> str:
    """The unit of a number; empty where it has none, and for a text."""
    is_plain = isinstance(setting.default, str) or setting.metadata["unit"] == "1"
    return "" if is_plain else str(setting.metadata["unit"])


def words(*known: str) -> Allowed:
    """One of these words."""
    return Allowed(text=f"{', '.join(known[:-1])} or {known[-1]}", holds=lambda value: value in known)


def address() -> Allowed:
    """The address of a server."""
    return Allowed(
        text="an address that starts with https:// or http://",
        holds=lambda value: value.removeprefix("https://").removeprefix("http://") not in ("", value),
    )


def _between(default: Any, unit: str, least: float | None, most: float | None) -> Allowed:
    if isinstance(default, str):
        raise TypeError(f"a text ({default!r}) has no range: say what it is allowed to be")
    low, high = _OF_UNIT.get(unit.partition(" ")[0], _around(default))
    low, high = low if least is None else least, high if most is None else most
    if not low <= default <= high:
        raise ValueError(f"the default {default} is not between {low} and {high}")
    return Allowed(text=f"from {_number(low)} to {_number(high)}", holds=lambda value: low <= value <= high)


def _around(default: float) -> tuple[float, float]:
    if isinstance(default, int):
        return (1, default * _SCALE)
    return (default / _SCALE, default * _SCALE)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == math.floor(value) else f"{value:.3g}"
