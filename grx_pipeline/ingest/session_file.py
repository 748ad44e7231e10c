"""`session.toml` beside the raw files: what the team says about a session that its files do not.

It is read strictly: what is not known, of another type or said twice is an error with file and line. Whether cars,
laps, loggers and corners are there is for those to judge who know them (session_check.py, laps/corrections.py,
track/corner_fixes.py).
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.manifest import RawFile
from grx_pipeline.ingest.rawfiles import read_raw
from grx_pipeline.ingest.toml_lines import Path, line_numbers
from grx_pipeline.track.circuits import Corner, CornerTable, known_circuits
from grx_pipeline.track.corner_fixes import PLACES, CornerFix

# `demo` is the stamp of the program that made a simulated session; nothing reads it but that program.
_KNOWN = ("simulated", "drivers", "exclude", "loggers", "corner_table", "corners", "demo")
_EXCLUDE_KEYS = ("car", "laps", "reason")
_TABLE_KEYS = ("circuit", "version", "verified", "corners")
_ROW_KEYS = ("number", "name", *PLACES)
_FIX_KEYS = (*_ROW_KEYS, "renumber", "merge", "remove")
_DIRECTIONS = ("left", "right")
# What a logger is said to be in that was in no car.
NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class DriverName:
    """Who drives `car`, a car number or a driver id."""

    line: int
    car: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """Laps of `car` (a car number or a driver id) that count nowhere; without `laps` the whole car."""

    line: int
    car: str
    laps: tuple[int, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class LoggerCar:
    """The car that a logger is in; None is nobody's."""

    line: int
    logger_id: str
    car: str | None


@dataclass(frozen=True, kw_only=True)
class TeamTable:
    """Corners that stand in place of the circuit's: the team's own, or those of `circuit`."""

    line: int
    table: CornerTable
    circuit: str | None = None


@dataclass(frozen=True, kw_only=True)
class SessionFile:
    """`is_simulated` says that no car ever drove this race; its reports say so too. The rest are corrections."""

    is_simulated: bool = False
    drivers: tuple[DriverName, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    loggers: tuple[LoggerCar, ...] = ()
    corner_table: TeamTable | None = None
    corner_fixes: tuple[CornerFix, ...] = ()


def read_session_file(file: RawFile) -> SessionFile:
    """What the file says. Raises InputError where it is no TOML, or says something that has no meaning."""
    try:
        text = read_raw(file).decode("utf-8-sig").replace("\r\n", "\n")
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file.path}: not valid TOML: {error}") from error
    return _Reader(file=file.path, document=document, lines=line_numbers(text)).read()


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """A document on its way to a SessionFile. `lines` tell where things stand."""

    file: str
    document: Mapping[str, Any]
    lines: Mapping[Path, int] = field(repr=False)

    def read(self) -> SessionFile:
        self._check_keys((), self.document, _KNOWN, "setting")
        simulated = self.document.get("simulated", False)
        if not isinstance(simulated, bool):
            self._fail(("simulated",), f"simulated is {simulated!r}, but has to be true or false")
        return SessionFile(
            is_simulated=simulated,
            drivers=tuple(
                DriverName(line=self._line(("drivers", car)), car=car, name=name)
                for car, name in self._texts("drivers", 'lines as "13" = "Name"').items()
            ),
            exclusions=tuple(self._exclusion(path, row) for path, row in self._rows("exclude")),
            loggers=tuple(
                LoggerCar(line=self._line(("loggers", logger)), logger_id=logger, car=None if car == NOBODY else car)
                for logger, car in self._texts(
                    "loggers", f'lines as "GR86-060-2" = "111" or "GR86-013-80" = "{NOBODY}"'
                ).items()
            ),
            corner_table=self._corner_table(),
            corner_fixes=tuple(self._corner_change(path, row) for path, row in self._rows("corners")),
        )

    def _exclusion(self, path: Path, row: Mapping[str, Any]) -> Exclusion:
        self._check_keys(path, row, _EXCLUDE_KEYS, "key of [[exclude]]")
        laps = row.get("laps", [])
        is_list = isinstance(laps, list) and all(type(lap) is int for lap in laps)
        if "laps" in row and not (is_list and laps):
            self._fail((*path, "laps"), f"laps is {laps!r}, but has to be lap numbers as [7, 12]; leave it out for all")
        twice = sorted({lap for lap in laps if laps.count(lap) > 1})
        if twice:
            self._fail((*path, "laps"), f"lap {twice[0]} is there twice")
        reason = self._text(path, row, "reason", "words that the pages can show")
        return Exclusion(
            line=self._line(path),
            car=self._text(path, row, "car", "a car number or driver id in quotes"),
            laps=tuple(laps),
            # The pages put it inside sentences of their own.
            reason=reason.removesuffix(".") or reason,
        )

    def _corner_table(self) -> TeamTable | None:
        path: Path = ("corner_table",)
        table = self.document.get("corner_table")
        if table is None:
            return None
        if not isinstance(table, dict):
            self._fail(path, "[corner_table] has to hold corners, or the circuit whose corners are meant")
        self._check_keys(path, table, _TABLE_KEYS, "key of [corner_table]")
        line = self._line(path)
        if "circuit" in table:
            if len(table) > 1:
                self._fail(path, "[corner_table] names a circuit and has corners of its own; leave one of them")
            return TeamTable(line=line, table=self._table_of(table["circuit"]), circuit=table["circuit"])
        version, is_verified, rows = (table.get(name) for name in ("version", "verified", "corners"))
        if type(version) is not int or not isinstance(is_verified, bool) or not rows or not isinstance(rows, list):
            self._fail(path, "[corner_table] has to have a version (1), verified (true or false) and corners")
        corners = [self._corner((*path, "corners", place), row) for place, row in enumerate(rows)]
        return TeamTable(line=line, table=CornerTable(version=version, is_verified=is_verified, corners=tuple(corners)))

    def _table_of(self, circuit: object) -> CornerTable:
        tables = {slug: known.corner_table for slug, known in known_circuits().items()}
        table = tables.get(circuit) if isinstance(circuit, str) else None
        if table is None:
            listed = ", ".join(slug for slug, known in tables.items() if known)
            self._fail(("corner_table", "circuit"), f"no corner table of {circuit!r}; there are those of {listed}")
        return table

    def _corner(self, path: Path, row: object) -> Corner:
        """A row of a corner table, which has to be whole."""
        if not isinstance(row, dict):
            self._fail(
                path, f"a corner is {row!r}, but has to be {{ {', '.join(f'{key} = ...' for key in _ROW_KEYS)} }}"
            )
        self._check_keys(path, row, _ROW_KEYS, "key of a corner")
        fix = self._corner_fix(path, row)
        if not fix.is_whole:
            missing = ", ".join(key for key in PLACES if key not in row)
            self._fail(path, f"corner {fix.corner} lacks {missing}")
        return Corner(corner=fix.corner, **{name: getattr(fix, name) for name in ("name", *PLACES)})

    def _corner_change(self, path: Path, row: Mapping[str, Any]) -> CornerFix:
        """A `[[corners]]`, which has to ask for something, and for one thing."""
        self._check_keys(path, row, _FIX_KEYS, "key of [[corners]]")
        fix = self._corner_fix(path, row)
        is_alone = len(row) == 2
        if len(row) == 1 or (fix.is_removed and not is_alone) or (fix.merge and fix.renumber):
            self._fail(path, f"corner {fix.corner} takes what to change, or merge without renumber, or remove alone")
        return fix

    def _corner_fix(self, path: Path, row: Mapping[str, Any]) -> CornerFix:
        merge, remove = row.get("merge", []), row.get("remove", False)
        is_list = isinstance(merge, list) and all(isinstance(number, str) for number in merge)
        if "merge" in row and not (is_list and len(set(merge)) == len(merge) > 1):
            self._fail((*path, "merge"), f'merge is {merge!r}, but has to be two corners or more as ["T7", "T8"]')
        if "remove" in row and remove is not True:
            self._fail((*path, "remove"), f"remove is {remove!r}, but has to be true; leave it out to keep the corner")
        number = self._text(path, row, "number", 'the corner as "T5"')
        direction = row.get("direction")
        if direction not in (None, *_DIRECTIONS):
            self._fail((*path, "direction"), f"direction is {direction!r}, but has to be left or right")
        return CornerFix(
            line=self._line(path),
            corner=number,
            renumber=self._text(path, row, "renumber", "a number as T5A") if "renumber" in row else None,
            name=self._text(path, row, "name", "words") if "name" in row else None,
            direction=direction,
            **{key: self._metres(path, row, key) for key in ("start_m", "apex_m", "end_m")},
            merge=tuple(merge),
            is_removed=remove,
        )

    def _metres(self, path: Path, row: Mapping[str, Any], key: str) -> float | None:
        value = row.get(key)
        if key in row and (isinstance(value, bool) or not isinstance(value, int | float)):
            self._fail((*path, key), f"{key} is {value!r}, but has to be metres from start/finish")
        return None if value is None else float(value)

    def _text(self, path: Path, row: Mapping[str, Any], key: str, what: str) -> str:
        value = row.get(key)
        if not isinstance(value, str) or not value.strip():
            self._fail((*path, key), f"{key} has to be {what}")
        return value.strip()

    def _texts(self, key: str, what: str) -> dict[str, str]:
        values = self.document.get(key, {})
        if not isinstance(values, dict):
            self._fail((key,), f"[{key}] has to hold {what}")
        for name, value in values.items():
            if not isinstance(value, str) or not value.strip():
                self._fail((key, name), f"[{key}] has to hold {what}")
        return {str(name): value.strip() for name, value in values.items()}

    def _rows(self, key: str) -> Iterable[tuple[Path, Mapping[str, Any]]]:
        rows = self.document.get(key, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self._fail((key,), f"{key} has to be written as [[{key}]], once for each")
        return [((key, place), row) for place, row in enumerate(rows)]

    def _check_keys(self, path: Path, row: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
        unknown = [key for key in row if key not in known]
        if unknown:
            self._fail((*path, unknown[0]), f"unknown {what} {unknown[0]!r}; known are {', '.join(known)}")

    def _line(self, path: Path) -> int:
        """The line of what stands at `path`, or of the nearest thing around it."""
        while path not in self.lines and len(path) > 1:
            path = path[:-1]
        return self.lines.get(path, 1)

    def _fail(self, path: Path, text: str) -> NoReturn:
        raise InputError(f"{self.file} line {self._line(path)}: {text}")
