"""Which sessions a folder, a file or a zip holds: every file is recognised, placed, or listed as ignored.

A file's own content decides what it is and, where it says so, of which race and season; names of file, member,
zip and folders (the innermost first) fill in, then the files that lie beside it. Reading the data is not done here.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from grx_pipeline.errors import DiscoveryError, InputError
from grx_pipeline.formats import counted
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import Manifest, RawFile
from grx_pipeline.ingest.rawfiles import ARCHIVE_DAMAGE
from grx_pipeline.ingest.recognition import SESSION_FILE, Recognised, race_in, recognise
from grx_pipeline.ingest.session_file import SessionFile, read_session_file
from grx_pipeline.sessions import UNKNOWN_YEAR, SessionId, circuit_slug
from grx_pipeline.track.circuits import circuit_in

_HEAD_BYTES = 64 << 10
_GZIP = 31  # zlib's window bits for a gzip stream
_SINGLE_KINDS = (
    "telemetry",
    "telemetry_json",
    "lap_start",
    "lap_end",
    "lap_time",
    "analysis",
    "best_laps",
    "weather",
    "session",
)
_LAP_KINDS = ("lap_start", "lap_end", "lap_time")
_SESSION_KINDS = {"analysis", "telemetry", "telemetry_json", *_LAP_KINDS}


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A file that belongs to no session, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """The sessions of a path, the files that were passed over, and what is wrong with the rest."""

    sessions: tuple[Manifest, ...]
    ignored: tuple[Ignored, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A file, or a member of a zip. `folders` are the names around it, the outermost first."""

    path: Path
    member: zipfile.ZipInfo | None
    folders: tuple[str, ...]

    @property
    def base(self) -> str:
        return self.path.name if self.member is None else PurePosixPath(self.member.filename).name

    @property
    def name(self) -> str:
        return self.path.name if self.member is None else f"{self.path.name}!{self.member.filename}"


@dataclass(frozen=True, kw_only=True)
class _Found:
    """A recognised file and what is known of its session so far."""

    source: _Source
    kind: str
    year_by_clock: str | None
    circuit: str | None
    race: int | None
    year: str | None


def discover(root: Path, *, hashes: HashCache) -> Discovery:
    """Every session under `root`.

    A zip that is damaged, encrypted or has unsafe member names, and a session with two different files where it has
    one, are problems that do not stop the others. Raises DiscoveryError where the path does not exist or holds no
    session, and InputError where it holds nothing but problems.
    """
    root = Path(os.path.normpath(root.absolute()))
    if not root.exists():
        raise DiscoveryError(f"{root}: no such file or folder")
    found, ignored, problems = _look_through(root)
    placed, raceless = _place(found)
    ignored += raceless
    groups: dict[SessionId, list[_Found]] = {}
    for file in placed:
        session = SessionId(year=str(file.year), circuit=str(file.circuit), race=int(file.race or 1))
        groups.setdefault(session, []).append(file)
    sessions = []
    for session, files in sorted(groups.items()):
        if _SESSION_KINDS.isdisjoint(file.kind for file in files):
            ignored += [
                Ignored(name=file.source.name, reason="no laps or telemetry of its session beside it") for file in files
            ]
            continue
        try:
            manifest, copies = _manifest(session, files, root=root, hashes=hashes)
        except InputError as error:
            problems.append(str(error))
            continue
        sessions.append(manifest)
        ignored += copies
    if not sessions and problems:
        raise InputError("; ".join(problems))
    if not sessions:
        seen = (
            f"; {counted(len(ignored), 'file')} seen, and none holds laps or telemetry" if ignored else "; it is empty"
        )
        raise DiscoveryError(f"{root}: no session here{seen}. Name a folder or zip with the files of a race")
    in_order = tuple(sorted(ignored, key=lambda file: file.name))
    return Discovery(sessions=tuple(sessions), ignored=in_order, problems=tuple(problems))


def _look_through(root: Path) -> tuple[list[_Found], list[Ignored], list[str]]:
    """What every file under `root` is: recognised, ignored, or a problem."""
    found: list[_Found] = []
    ignored: list[Ignored] = []
    problems: list[str] = []
    for path in files_under(root):
        try:
            judged = [_judge(source) for source in _sources(path)]
        except InputError as error:
            problems.append(str(error))
            continue
        found += [file for file in judged if isinstance(file, _Found)]
        ignored += [file for file in judged if isinstance(file, Ignored)]
    return found, ignored, problems


def _judge(source: _Source) -> _Found | Ignored:
    reason = _reason_to_skip(source)
    what = Recognised(kind=None, reason=reason) if reason else recognise(source.base, _head(source))
    if what.kind is None:
        return Ignored(name=_printable(source.name), reason=what.reason)
    _require_utf8(source.path)
    return _describe(source, what.kind, what)


def _require_utf8(path: Path) -> None:
    """Manifests and tables name the file: raises InputError where they could not."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{_printable(str(path))}: its name is not valid UTF-8; rename the file or folder") from error


def _printable(name: str) -> str:
    return name.encode(errors="replace").decode()


def files_under(root: Path) -> list[Path]:
    """Every file under `root`, links to folders followed, each folder once."""
    if root.is_file():
        return [root]
    files, seen = [], set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        status = Path(folder).stat()
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        files += [Path(folder) / name for name in names]
    return sorted(path for path in files if path.is_file())


def _sources(path: Path) -> Iterator[_Source]:
    """The file itself, or each member of a zip."""
    folders = path.parts[1:-1]
    if path.suffix.casefold() != ".zip" or path.name.startswith("._"):
        yield _Source(path=path, member=None, folders=folders)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (*ARCHIVE_DAMAGE, OSError) as error:
        raise InputError(f"{path}: damaged or cut short zip ({error}); copy it again from its source") from error
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/")).parts
        if ".." in parts or member.filename.startswith(("/", "\\")) or ":" in parts[0]:
            raise InputError(f"{path}: member {member.filename!r} points outside the zip; do not trust this file")
        if member.flag_bits & 1:
            raise InputError(f"{path}: member {member.filename!r} is encrypted; unpack the zip first")
        yield _Source(path=path, member=member, folders=(*folders, path.stem, *parts[:-1]))


def _reason_to_skip(source: _Source) -> str:
    """Why a file is not even opened, or nothing."""
    name = source.base.casefold()
    if name.startswith("._") or name == ".ds_store" or "__MACOSX" in source.folders:
        return "left behind by macOS"
    if name.endswith(".zip"):
        return "a zip inside a zip"
    return "" if name.endswith((".csv", ".csv.gz", SESSION_FILE)) else "not a .csv or .csv.gz file"


def _head(source: _Source) -> bytes:
    """The first bytes of the file, uncompressed; what a damaged one gives before it fails is judged as it is."""
    try:
        if source.member is None:
            with source.path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
        else:
            with zipfile.ZipFile(source.path) as archive, archive.open(source.member) as file:
                head = file.read(_HEAD_BYTES)
    except ARCHIVE_DAMAGE as error:
        raise InputError(f"{source.path}: {source.base} cannot be unpacked ({error}); copy the zip again") from error
    if not source.base.casefold().endswith(".gz"):
        return head
    try:
        return zlib.decompressobj(_GZIP).decompress(head, _HEAD_BYTES)
    except zlib.error:
        return b""


def _describe(source: _Source, kind: str, what: Recognised) -> _Found:
    names = (source.base, *reversed(source.folders))
    return _Found(
        source=source,
        kind=kind,
        year_by_clock=what.year_by_clock,
        circuit=next((slug for name in names if (slug := circuit_in(name))), None),
        race=what.race or next((race for name in names if (race := race_in(name))), None),
        year=what.year_by_event,
    )


def _place(found: list[_Found]) -> tuple[list[_Found], list[Ignored]]:
    """Give every file its circuit, race and season: its own, else that of the files nearest to it.

    A file that could be of two races is ignored. The season is the events', else the weather's, else the crossings'.
    """
    found = _inherit(found, "circuit")
    found = [file if file.circuit else replace(file, circuit=_unknown_circuit(file.source)) for file in found]
    found = _inherit(found, "race")
    races = {
        circuit: {f.race for f in found if f.circuit == circuit} - {None} for circuit in {f.circuit for f in found}
    }
    unclear = [file for file in found if file.race is None and races[file.circuit]]
    reason = "its name says no race, and files of two races lie beside it"
    found = _inherit([file for file in found if file not in unclear], "year")
    for kinds in (("weather",), _LAP_KINDS, ("telemetry", "telemetry_json")):
        found = [replace(f, year=f.year_by_clock) if f.year is None and f.kind in kinds else f for f in found]
        found = _inherit(found, "year")
    found = [file if file.year else replace(file, year=UNKNOWN_YEAR) for file in found]
    return found, [Ignored(name=file.source.name, reason=reason) for file in unclear]


def _inherit(found: list[_Found], attribute: str) -> list[_Found]:
    """Fill `attribute` where it is missing from the nearest folder whose files agree on it.

    Race and season are taken from files of the same circuit (and race) only.
    """
    known: dict[tuple[object, ...], set[object]] = {}
    for file in found:
        value = getattr(file, attribute)
        if value is not None:
            for folder in _folders_outward(file.source):
                known.setdefault((_kin(file, attribute), folder), set()).add(value)
    return [_filled(file, attribute, known) for file in found]


def _filled(file: _Found, attribute: str, known: dict[tuple[object, ...], set[object]]) -> _Found:
    if getattr(file, attribute) is not None:
        return file
    for folder in _folders_outward(file.source):
        values = known.get((_kin(file, attribute), folder), set())
        if values:
            agreed = next(iter(values)) if len(values) == 1 else None
            return replace(file, **{attribute: agreed})  # type: ignore[arg-type]
    return file


def _folders_outward(source: _Source) -> list[tuple[str, ...]]:
    return [source.folders[:depth] for depth in range(len(source.folders), -1, -1)]


def _kin(file: _Found, attribute: str) -> tuple[object, ...]:
    """What a file has to share with another to take this attribute from it."""
    return {"circuit": (), "race": (file.circuit,), "year": (file.circuit, file.race)}[attribute]


def _unknown_circuit(source: _Source) -> str:
    """The nearest folder name that is more than a race token, as a slug."""
    names = [name for name in reversed(source.folders) if race_in(name) is None]
    return circuit_slug(names[0]) if names else "circuit"


def _manifest(
    session: SessionId, files: list[_Found], *, root: Path, hashes: HashCache
) -> tuple[Manifest, list[Ignored]]:
    raw = [_raw_file(file, hashes) for file in files]
    kept: dict[tuple[str, ...], RawFile] = {}
    copies = []
    for file in raw:
        told_apart = () if file.kind in _SINGLE_KINDS else (PurePosixPath(file.member or file.path).name,)
        first = kept.setdefault((file.kind, file.sha256, *told_apart), file)
        if first is not file:
            copies.append(Ignored(name=file.name, reason=f"the same bytes as {first.name}"))
    for kind in _SINGLE_KINDS:
        same = [file for file in kept.values() if file.kind == kind]
        if len(same) > 1:
            places = " and ".join(f"{file.path}{'!' + file.member if file.member else ''}" for file in same)
            raise DiscoveryError(f"{session}: two different {kind} files: {places}; keep the one that counts")
    says = _team_word(tuple(kept.values()), session)
    manifest = Manifest(
        session=str(session),
        circuit=session.circuit,
        year=session.year,
        race=session.race,
        is_simulated=says.is_simulated,
        root=str(root),
        files=tuple(sorted(kept.values(), key=lambda file: (file.kind, file.name))),
    )
    return manifest, copies


def _team_word(files: Sequence[RawFile], session: SessionId) -> SessionFile:
    """What session.toml says, held against the session's other files; nothing where there is none."""
    file = next((file for file in files if file.kind == "session"), None)
    if file is None:
        return SessionFile()
    from grx_pipeline.ingest.session_check import check_session_file

    says = read_session_file(file)
    check_session_file(says, files, session=str(session))
    return says


def _raw_file(file: _Found, hashes: HashCache) -> RawFile:
    path, member = file.source.path, file.source.member
    return RawFile(
        kind=file.kind,
        path=str(path),
        member=member.filename if member else None,
        size=member.file_size if member else path.stat().st_size,
        sha256=hashes.member_hash(path, member) if member else hashes.file_hash(path),
    )
