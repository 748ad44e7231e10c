"""What a step is given, what it says it did, and the record of it that decides whether it has to run again.

A record names everything a step depended on (code, settings, raw files, earlier steps) by hash and everything it
wrote. The chain of steps itself stands in grx_pipeline/steps.py.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes

Figure = int | float | str
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """One session's step: where to read and write, with which settings, and whom to tell."""

    session: str
    paths: Paths
    settings: Settings
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """What a step wrote: its files, its main row count and the figures worth showing to a person."""

    outputs: tuple[Path, ...]
    rows: int
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """A finished step. `inputs` and `outputs` map names to hashes; `stamps` are the outputs' size and time."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    stamps: Mapping[str, tuple[int, int]]
    version: str
    rows: int
    figures: Mapping[str, Figure]


def file_hash(path: Path) -> str:
    """SHA-256 of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def combined_hash(parts: Mapping[str, str]) -> str:
    """One hash of named hashes, in the order of their names."""
    text = json.dumps(sorted(parts.items()), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def make_record(inputs: Mapping[str, str], outcome: StepOutcome, *, paths: Paths, is_byte_stable: bool) -> StepRecord:
    """The record of a step that just ran.

    Where the same inputs need not give the same bytes (a .duckdb file), the version is that of the inputs.
    """
    outputs = {_label(path, paths): file_hash(path) for path in outcome.outputs}
    stamps = {_label(path, paths): _stamp(path) for path in outcome.outputs}
    version = combined_hash(outputs if is_byte_stable else inputs)
    return StepRecord(
        inputs=dict(inputs), outputs=outputs, stamps=stamps, version=version, rows=outcome.rows, figures=outcome.figures
    )


def read_record(path: Path) -> StepRecord | None:
    """The record at `path`, or None where there is none that can be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        stamps = {name: (int(size), int(time)) for name, (size, time) in document.pop("stamps").items()}
        return StepRecord(stamps=stamps, **document)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_record(path: Path, record: StepRecord) -> None:
    """Replace the record at `path`."""
    document = {name: getattr(record, name) for name in StepRecord.__dataclass_fields__}
    write_bytes(path, json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def changed_outputs(record: StepRecord, paths: Paths) -> list[str]:
    """Outputs that are missing or no longer hold what the step wrote.

    A file whose size and time are as recorded is taken as unchanged; otherwise its bytes are hashed.
    """
    changed = []
    for label, digest in record.outputs.items():
        path = _path(label, paths)
        try:
            if _stamp(path) != record.stamps[label] and file_hash(path) != digest:
                changed.append(label)
        except OSError:
            changed.append(label)
    return changed


def changed_inputs(record: StepRecord, inputs: Mapping[str, str]) -> list[str]:
    """Names of inputs that are new, gone or different since the record was made."""
    names: Iterable[str] = sorted(set(record.inputs) | set(inputs))
    return [name for name in names if record.inputs.get(name) != inputs.get(name)]


def _label(path: Path, paths: Paths) -> str:
    for name, root in (("data", paths.data), ("reports", paths.reports)):
        if path.is_relative_to(root):
            return f"{name}:{path.relative_to(root).as_posix()}"
    raise ValueError(f"{path} is outside the data and reports folders")


def _path(label: str, paths: Paths) -> Path:
    root, _, relative = label.partition(":")
    return (paths.data if root == "data" else paths.reports) / relative


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
