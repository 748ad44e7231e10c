"""What a raw file holds, by its first lines, else by its name. Opens nothing but the start of the file."""

import csv
import re
from dataclasses import dataclass
from datetime import UTC, datetime

SESSION_FILE = "session.toml"

# Columns that tell a kind; the first set that the header holds decides.
_BY_HEADER: tuple[tuple[str, frozenset[str]], ...] = (
    ("telemetry", frozenset({"telemetry_name", "telemetry_value", "timestamp", "vehicle_id"})),
    ("analysis", frozenset({"NUMBER", "LAP_NUMBER", "LAP_TIME", "ELAPSED", "HOUR"})),
    ("class_results", frozenset({"CLASS_TYPE", "PIC", "NUMBER", "BEST_LAP_TIME"})),
    ("results", frozenset({"POSITION", "NUMBER", "STATUS", "TOTAL_TIME"})),
    ("best_laps", frozenset({"NUMBER", "TOTAL_DRIVER_LAPS", "BESTLAP_1"})),
    ("weather", frozenset({"TIME_UTC_SECONDS", "AIR_TEMP", "TRACK_TEMP"})),
)
_LOGGER = frozenset({"vehicle_id", "timestamp", "lap", "meta_time"})
_BY_NAME: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("telemetry", re.compile(r"telemetry", re.I)),
    ("analysis", re.compile(r"^23_|AnalysisEndurance", re.I)),
    ("class_results", re.compile(r"^05_", re.I)),
    ("results", re.compile(r"^0[03]_", re.I)),
    ("weather", re.compile(r"^26_", re.I)),
    ("best_laps", re.compile(r"^99_", re.I)),
)
_LAP_NAME = re.compile(r"lap[_ ](start|end|time)", re.I)
_RACE_NAME = re.compile(r"(?:^|[^a-z0-9])r(?:ace)?[ _-]*([1-9])(?![0-9])", re.I)
_EVENT_YEAR = re.compile(r"_(\d{4})-\d{2}-\d{2}$")


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """A file's kind (null: unknown, with the reason) and what its first rows say about the session."""

    kind: str | None
    reason: str = ""
    race: int | None = None
    year_by_event: str | None = None
    year_by_clock: str | None = None


def recognise(name: str, head: bytes) -> Recognised:
    """What the file of that name holds, judged by `head`, its first bytes, uncompressed.

    A file whose name promises a kind but whose header is another one's keeps the promised kind: reading it then
    fails with what is missing, instead of the file being passed over.
    """
    if name.casefold() == SESSION_FILE:
        return Recognised(kind="session")
    header, row = _first_rows(head)
    values = dict(zip(header, row, strict=False))
    kind = _kind_by_header(name, header, values) or _kind_by_name(name)
    if kind is None:
        return Recognised(kind=None, reason=_why_unknown(header))
    return Recognised(
        kind=kind,
        race=_race_of(values.get("meta_session", "")),
        year_by_event=_match_year(values.get("meta_event", "")),
        year_by_clock=_clock_year(kind, values),
    )


def _why_unknown(header: list[str]) -> str:
    if set(header) >= _LOGGER:
        return "a logger's lap file, but its name says neither start nor end nor time"
    return "no known header" if header else "empty"


def race_in(text: str) -> int | None:
    """The race number that a file or folder name speaks of (`R1_`, `_R1`, `Race 1`, `race1`), or None."""
    found = _RACE_NAME.search(text)
    return int(found[1]) if found else None


def _first_rows(head: bytes) -> tuple[list[str], list[str]]:
    lines = head.decode("utf-8-sig", "replace").splitlines()[:2]
    if not lines:
        return [], []
    delimiter = ";" if lines[0].count(";") > lines[0].count(",") else ","
    rows = list(csv.reader(lines, delimiter=delimiter))
    header = [name.strip() for name in rows[0]] if rows else []
    return header, rows[1] if len(rows) > 1 else []


def _kind_by_header(name: str, header: list[str], values: dict[str, str]) -> str | None:
    columns = set(header)
    for kind, needed in _BY_HEADER:
        if needed <= columns:
            return kind
    if not columns >= _LOGGER:
        return None
    value = values.get("value", "")
    if value.lstrip().startswith("["):
        return "telemetry_json"
    by_name = _LAP_NAME.search(name)
    if value.strip().isdigit():
        return "lap_time"
    return f"lap_{by_name[1].casefold()}" if by_name else None


def _kind_by_name(name: str) -> str | None:
    lap = _LAP_NAME.search(name)
    if lap:
        return f"lap_{lap[1].casefold()}"
    return next((kind for kind, pattern in _BY_NAME if pattern.search(name)), None)


def _race_of(session: str) -> int | None:
    found = re.fullmatch(r"R([1-9])", session.strip())
    return int(found[1]) if found else None


def _match_year(event: str) -> str | None:
    found = _EVENT_YEAR.search(event.strip())
    return found[1] if found else None


def _clock_year(kind: str, values: dict[str, str]) -> str | None:
    """Year of a weather reading or of a logger crossing; a telemetry time stamp is not to be trusted."""
    if kind == "weather":
        seconds = values.get("TIME_UTC_SECONDS", "").strip()
        return str(datetime.fromtimestamp(int(seconds), UTC).year) if seconds.isdigit() else None
    stamp = values.get("timestamp" if kind.startswith("lap_") else "meta_time", "")
    return stamp[:4] if re.match(r"\d{4}-\d{2}-\d{2}T", stamp) else None
