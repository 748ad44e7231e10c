"""Answers of the language model by the hash of their question, one file each: what was asked, what came back, what
the checks said. A question that stands here is not asked again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from grx_pipeline.narratives.prompting import Message
from grx_pipeline.narratives.writer import Reply
from grx_pipeline.storage.atomic import write_bytes
from grx_pipeline.storage.sealed import sealed, unsealed


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A question, its answer, and the answer to the repair where there was one."""

    asked: Sequence[Message]
    answer: Reply
    repair_asked: Sequence[Message] | None = None
    repair: Reply | None = None


@dataclass(frozen=True, kw_only=True)
class AnswerCache:
    """The files of one session."""

    folder: Path

    def read(self, request: str) -> Exchange | None:
        """What was exchanged for a request; None where nothing was, or its file is damaged."""
        try:
            document = unsealed(self._file(request).read_bytes())
            repair = document["repair"]
            return Exchange(
                asked=document["asked"],
                answer=Reply(**document["answer"]),
                repair_asked=document["repair_asked"],
                repair=Reply(**repair) if repair else None,
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, request: str, exchange: Exchange, *, model: str, checks: Mapping[str, Sequence[str]]) -> None:
        """Keep an exchange with what the checks said of it; a file that would not change is left alone."""
        document = {"model": model, **asdict(exchange), "checks": {part: list(found) for part, found in checks.items()}}
        content = sealed(document)
        file = self._file(request)
        if not file.is_file() or file.read_bytes() != content:
            write_bytes(file, content)

    def _file(self, request: str) -> Path:
        return self.folder / f"{request}.json"
