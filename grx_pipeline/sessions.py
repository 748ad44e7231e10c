"""Session ids such as barber-2025-r1: how they are made, read and found. Which files a session has is discovery's."""

import re
from dataclasses import dataclass

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.paths import Paths

UNKNOWN_YEAR = "unknown"
_PATTERN = re.compile(r"(?P<circuit>[a-z0-9]+(?:-[a-z0-9]+)*)-(?P<year>\d{4}|unknown)-r(?P<race>[1-9]\d?)")


@dataclass(frozen=True, order=True, kw_only=True)
class SessionId:
    """A race of a weekend: circuit slug, season and number of the race."""

    year: str
    circuit: str
    race: int

    def __str__(self) -> str:
        return f"{self.circuit}-{self.year}-r{self.race}"


def parse_session(text: str) -> SessionId:
    """The id that `text` is. Raises DiscoveryError for any other text."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise DiscoveryError(f"{text!r}: no such path, and not a session id such as barber-2025-r1")
    return SessionId(year=match["year"], circuit=match["circuit"], race=int(match["race"]))


def is_session_id(text: str) -> bool:
    """Whether `text` has the form of a session id."""
    return _PATTERN.fullmatch(text) is not None


def circuit_slug(name: str) -> str:
    """A folder's name as the slug of an unknown circuit: lower case, words joined by dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "circuit"


def known_sessions(paths: Paths) -> list[str]:
    """Ids of the sessions that have a manifest, in the order of season, circuit and race."""
    names = [path.parent.name for path in paths.lake.glob("*/manifest.json")]
    return [str(session) for session in sorted(parse_session(name) for name in names if is_session_id(name))]
