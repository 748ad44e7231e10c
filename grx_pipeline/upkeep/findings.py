"""What the doctor found: one line for each thing looked at."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "fault"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at. `remedy` says what to do where it is a fault, and where a note asks for it."""

    what: str
    where: str
    text: str
    state: State = "ok"
    remedy: str = ""


def ok(what: str, where: object, text: str) -> Finding:
    """All is well."""
    return Finding(what=what, where=str(where), text=text)


def note(what: str, where: object, text: str, remedy: str = "") -> Finding:
    """Worth knowing; no fault."""
    return Finding(what=what, where=str(where), text=text, state="note", remedy=remedy)


def fault(what: str, where: object, text: str, remedy: str) -> Finding:
    """Something that a person has to mend."""
    return Finding(what=what, where=str(where), text=text, state="fault", remedy=remedy)
