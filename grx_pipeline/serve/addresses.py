"""Which file an address means. Only this module reads addresses; whether the file exists is the index's part."""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from grx_pipeline.sessions import is_session_id

LATEST = "latest"
SITE = ""
_LAP = re.compile(r"[1-9][0-9]{0,3}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True, kw_only=True)
class Address:
    """A place in the site: the session's name, SITE for above the sessions or LATEST; and the parts of the path in it.

    `is_folder` where the address ends with a slash.
    """

    session: str
    parts: tuple[str, ...]
    is_folder: bool

    @property
    def is_api(self) -> bool:
        return self.parts[:1] == ("api",)

    @property
    def has_invalid_lap(self) -> bool:
        """Whether this is the telemetry of a lap whose number is none."""
        is_lap = len(self.parts) == 4 and self.parts[:2] == ("api", "telemetry")
        return is_lap and not _LAP.fullmatch(self.parts[3].removesuffix(".json"))

    def names(self) -> tuple[str, ...]:
        """The files that the address can mean, the likeliest first; none where a part holds a slash."""
        if any("/" in part for part in self.parts):
            return ()
        name = "/".join(self.parts)
        if self.is_folder:
            return (f"{name}/index.html".lstrip("/"),)
        if name.endswith((".json", ".html")):
            return (name,)
        return (name, f"{name}.json", f"{name}.html") if name else ()


def parse_address(raw_path: bytes) -> Address | None:
    """The place that a path as it came over the wire means; None where it is no path of this site."""
    parts = [_decoded(part) for part in raw_path.split(b"/")[1:]]
    is_folder = bool(parts) and parts[-1] == ""
    inner = parts[:-1] if is_folder else parts
    if not raw_path.startswith(b"/") or any(part is None or part in ("", ".", "..") for part in inner):
        return None
    known = tuple(part for part in inner if part is not None)
    session, rest = _session_and_rest(known)
    return Address(session=session, parts=rest, is_folder=is_folder and (not rest or rest[0] != "api"))


def _decoded(part: bytes) -> str | None:
    """A part of a path without its escapes; None where it holds what no name of a file or car holds."""
    try:
        text = unquote_to_bytes(part).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def _session_and_rest(parts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Which build, and the path in it."""
    match parts:
        case ("api", "sessions" | "sessions.json" | "season" | "season.json" as name):
            return SITE, ("api", f"{name.removesuffix('.json')}.json")
        case ("api", "sessions", session, *rest) if session == LATEST or is_session_id(session):
            return session, ("api", *rest)
        case ("api", *rest):
            return LATEST, ("api", *rest)
        case (session, *rest) if session == LATEST or is_session_id(session):
            return session, tuple(rest)
    return SITE, parts
