"""How a record becomes the text of a JSON file, and what stands around it there.

Field order is key order. Missing values are null, columns of a trace Arrow arrays. What the records are stands in
records.py and driving_records.py.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from grx_pipeline.publishing.manifest import SCHEMA_VERSION

_BUILD_LENGTH = 16

RecordType = TypeVar("RecordType")


class _ColumnFoundError(Exception):
    """A record holds a column, which the fast encoder does not know."""


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return vars(value)
    raise _ColumnFoundError


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What stands around a record in its file. `generated_at` is when the content last changed, ISO 8601 UTC."""

    schema_version: str
    session: str
    build: str
    generated_at: str
    data_text: str

    def to_bytes(self) -> bytes:
        """The file: one line of JSON and a newline, UTF-8."""
        head = {name: getattr(self, name) for name in ("schema_version", "session", "build", "generated_at")}
        return f'{to_json(head)[:-1]},"data":{self.data_text}}}\n'.encode()


def from_row(record: type[RecordType], row: Mapping[str, Any]) -> RecordType:
    """A record whose fields are columns of the same names; other columns of the row are left out."""
    return record(**{name: row[name] for name in record.__annotations__})


def content_build(data_text: str) -> str:
    """The `build` of a file: a hash of its data and of the contract's version."""
    return hashlib.sha256(f"{SCHEMA_VERSION}\n{data_text}".encode()).hexdigest()[:_BUILD_LENGTH]


def enveloped(content: Any, *, session: str, earlier: bytes | None, now: str) -> bytes:
    """The file of a record. `earlier` is the head of the file that stands; of the same content, its time is kept."""
    data_text = to_json(content)
    build = content_build(data_text)
    envelope = Envelope(
        schema_version=SCHEMA_VERSION,
        session=session,
        build=build,
        generated_at=_generated_at(earlier, build) or now,
        data_text=data_text,
    )
    return envelope.to_bytes()


def build_of(file: bytes) -> str:
    """The `build` of a file that `enveloped` made."""
    return str(json.loads(file.partition(b',"data":')[0] + b"}")["build"])


def _generated_at(earlier: bytes | None, build: str) -> str | None:
    """`generated_at` of an earlier file of that build, from its head; None of another one or of none."""
    head, found, _ = (earlier or b"").partition(b',"data":')
    try:
        fields = json.loads(head + b"}") if found else {}
    except ValueError:
        return None
    return str(fields["generated_at"]) if fields.get("build") == build else None


def to_json(value: Any) -> str:
    """A record as compact JSON. Fields keep their order; a NaN outside an array raises ValueError."""
    if isinstance(value, pa.Array):
        return _array_json(value)
    try:
        return _ENCODER.encode(value)
    except _ColumnFoundError:
        pass
    if isinstance(value, tuple):
        return "[" + ",".join(to_json(item) for item in value) + "]"
    items = value if isinstance(value, Mapping) else vars(value)
    return "{" + ",".join(f"{_ENCODER.encode(name)}:{to_json(item)}" for name, item in items.items()) + "}"


def _array_json(values: pa.Array) -> str:
    texts = pc.fill_null(values.cast(pa.string()), "null")
    whole = pa.ListArray.from_arrays(pa.array([0, len(texts)], pa.int32()), texts)
    return f"[{pc.binary_join(whole, ',')[0].as_py()}]"
