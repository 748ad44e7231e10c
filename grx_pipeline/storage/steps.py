"""What a step is given, what it says it did, and the record of it that decides whether it has to run again.

A record names everything a step depended on (code, settings, raw files, earlier steps) by hash and everything it
wrote. The chain of steps itself stands in grx_pipeline/chain.py.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from grx_pipeline.errors import ContractError
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.hashing import file_hash
from grx_pipeline.storage.sealed import sealed, unsealed

Figure = int | float | str
Progress = Callable[[str], None]
# What checks say of what a step just wrote: warnings, or None where nothing may read it.
Verdict = Callable[[], Sequence[str] | None]


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """One session's step: where to read and write, with which settings, and whom to tell.

    `is_checked` where the bytes of what it will read were looked at before, or are written by the same run.
    """

    session: str
    paths: Paths
    settings: Settings
    progress: Progress
    is_checked: bool = False


@dataclass(frozen=True, kw_only=True)
class StepOutcome:
    """What a step wrote: its files, its main row count and the figures worth showing to a person.

    `hashes` are of the files whose hash was made when they were written; `nameless` of the content of those files in
    which drivers' names stand, without them.
    """

    outputs: tuple[Path, ...]
    rows: int
    hashes: Mapping[Path, str] = field(default_factory=dict)
    nameless: Mapping[Path, str] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """A finished step. `inputs` and `outputs` map names to hashes; `stamps` are the outputs' size and time.

    `nameless` is the version without drivers' names, where there are any. `warnings` are what its checks found.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    stamps: Mapping[str, tuple[int, int]]
    version: str
    rows: int
    figures: Mapping[str, Figure]
    nameless: str | None = None
    warnings: Sequence[str] = ()


def unjudged() -> Sequence[str]:
    """The verdict where nobody looks."""
    return ()


def combined_hash(parts: Mapping[str, str]) -> str:
    """One hash of named hashes, in the order of their names."""
    text = json.dumps(sorted(parts.items()), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def make_record(inputs: Mapping[str, str], outcome: StepOutcome, *, paths: Paths, is_byte_stable: bool) -> StepRecord:
    """The record of a step that just ran.

    Where the same inputs need not give the same bytes (a .duckdb file), the version is that of the inputs.
    """
    outputs = {_label(path, paths): outcome.hashes.get(path) or file_hash(path) for path in outcome.outputs}
    stamps = {_label(path, paths): _stamp(path) for path in outcome.outputs}
    without_names = {_label(path, paths): digest for path, digest in outcome.nameless.items()}
    return StepRecord(
        inputs=dict(inputs),
        outputs=outputs,
        stamps=stamps,
        version=combined_hash(outputs if is_byte_stable else inputs),
        rows=outcome.rows,
        figures=outcome.figures,
        nameless=combined_hash({**outputs, **without_names}) if without_names else None,
    )


def read_record(path: Path) -> StepRecord | None:
    """The record at `path`, or None where there is none, or it is damaged."""
    try:
        document = unsealed(path.read_bytes())
        stamps = {name: (int(size), int(time)) for name, (size, time) in document.pop("stamps").items()}
        return StepRecord(stamps=stamps, **document)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_record(path: Path, record: StepRecord) -> None:
    """Replace the record at `path`."""
    write_bytes(path, sealed({name: getattr(record, name) for name in sorted(StepRecord.__dataclass_fields__)}))


def changed_outputs(record: StepRecord, paths: Paths) -> list[str]:
    """Outputs that are missing or no longer hold what the step wrote.

    A file whose size and time are as recorded is taken as unchanged; otherwise its bytes are hashed.
    """
    return [label for label in record.outputs if not _is_as_written(label, record, paths)]


def damaged_outputs(record: StepRecord, paths: Paths) -> list[str]:
    """As changed_outputs, by the bytes of every file: damage that leaves size and time is found too."""
    return [label for label, digest in record.outputs.items() if _hash_at(output_path(label, paths)) != digest]


def distrust_damage(path: Path, paths: Paths) -> list[Path]:
    """Read every file that the record at `path` names; its step runs again where one is not as written.

    Returns the damaged files. Reads no file a second time in a process.
    """
    record = read_record(path)
    damaged = damaged_outputs(record, paths) if record else []
    if record and damaged:
        # Without its stamp a file is judged by its bytes.
        kept = {label: stamp for label, stamp in record.stamps.items() if label not in damaged}
        write_record(path, replace(record, stamps=kept))
    return [output_path(label, paths) for label in damaged]


def require_whole(path: Path, paths: Paths) -> None:
    """Raises ContractError where a file of the record at `path` is damaged; its step then runs again next time."""
    for file in distrust_damage(path, paths):
        raise ContractError(f"{file}: damaged; run the session again, and {path.stem} makes it anew")


def changed_inputs(record: StepRecord, inputs: Mapping[str, str]) -> list[str]:
    """Names of inputs that are new, gone or different since the record was made."""
    names: Iterable[str] = sorted(set(record.inputs) | set(inputs))
    return [name for name in names if record.inputs.get(name) != inputs.get(name)]


def _label(path: Path, paths: Paths) -> str:
    for name, root in (("data", paths.data), ("reports", paths.reports)):
        if path.is_relative_to(root):
            return f"{name}:{path.relative_to(root).as_posix()}"
    raise ValueError(f"{path} is outside the data and reports folders")


def output_path(label: str, paths: Paths) -> Path:
    """Where an output of a record lies."""
    root, _, relative = label.partition(":")
    return (paths.data if root == "data" else paths.reports) / relative


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _is_as_written(label: str, record: StepRecord, paths: Paths) -> bool:
    path = output_path(label, paths)
    try:
        return _stamp(path) == record.stamps.get(label) or file_hash(path) == record.outputs[label]
    except OSError:
        return False


def _hash_at(path: Path) -> str | None:
    try:
        return file_hash(path)
    except OSError:
        return None
