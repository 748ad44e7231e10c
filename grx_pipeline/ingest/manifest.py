"""The manifest of a session: which raw files it is made of, where they lie and what their bytes hash to.

Raw files are never copied. The manifest is what lets a session be found and run again by its id, and its hashes
are the data version that everything downstream depends on. Finding the files is discovery's work.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.sealed import sealed, unsealed

# What a session's file can hold; discovery tells which by its header.
RAW_KINDS = {
    "telemetry": "telemetry, a row a value",
    "telemetry_json": "telemetry, a row a sample with a JSON list of values",
    "lap_start": "logger lap starts",
    "lap_end": "logger lap ends",
    "lap_time": "logger lap times",
    "analysis": "official laps (23_AnalysisEnduranceWithSections)",
    "results": "classification (03_*, 00_*)",
    "class_results": "classification by class (05_*)",
    "best_laps": "best ten laps by driver (99_*)",
    "weather": "weather (26_*)",
    "session": "what the team says about the session (session.toml)",
}
# Kinds that a complete session need not have.
_OPTIONAL = ("telemetry_json", "session")


@dataclass(frozen=True, kw_only=True)
class RawFile:
    """One raw file, or one member of a zip. `sha256` is of the bytes as stored (compressed, where they are)."""

    kind: str
    path: str
    member: str | None
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """File name for people: `a.csv`, or `races.zip!Race 1/a.csv`."""
        name = Path(self.path).name
        return name if self.member is None else f"{name}!{self.member}"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A session's raw files. `root` is the path under which they were found, to look there again.

    `is_simulated` is what session.toml says; its corrections are read from the file itself.
    """

    session: str
    circuit: str
    year: str
    race: int
    root: str
    files: tuple[RawFile, ...]
    is_simulated: bool = False

    def of_kind(self, *kinds: str) -> tuple[RawFile, ...]:
        return tuple(file for file in self.files if file.kind in kinds)

    @property
    def missing_kinds(self) -> tuple[str, ...]:
        """Kinds that a complete session has and this one has not."""
        have = {"telemetry" if file.kind == "telemetry_json" else file.kind for file in self.files}
        return tuple(kind for kind in RAW_KINDS if kind not in _OPTIONAL and kind not in have)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace the manifest at `path`, unless it says the same already."""
    content = sealed(asdict(manifest))
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)


def read_manifest(path: Path) -> Manifest:
    """The manifest at `path`. Raises DiscoveryError where there is none or it cannot be read."""
    try:
        document = unsealed(path.read_bytes(), is_required=False)
        files = tuple(RawFile(**file) for file in document.pop("files"))
        return Manifest(files=files, **document)
    except FileNotFoundError as error:
        raise DiscoveryError(f"{path.parent.name}: no such session; run `grx run PATH` on its files first") from error
    except (ValueError, TypeError, KeyError) as error:
        raise DiscoveryError(
            f"{path}: damaged manifest, or one of another version ({error}); run `grx run PATH` on the raw files again"
        ) from error


def raw_versions(path: Path, *, kinds: Iterable[str]) -> Mapping[str, str]:
    """Hash of each raw file of `kinds`, by kind and name."""
    manifest = read_manifest(path)
    return {f"{file.kind} file {file.name}": file.sha256 for file in manifest.of_kind(*kinds)}
